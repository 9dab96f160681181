"""The order of contraction, against every order there is."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from natural_tensors import Expression, expression
from natural_tensors.expressions.contraction import contraction_order
from natural_tensors.expressions.terms import Factor, Term
from tests.helpers.physical_expressions import PHYSICAL, Physical

Parts = frozenset[frozenset[int]]


def letters(term: Term, part: frozenset[int], free: str) -> set[str]:
    inside = {x for i in part for x in term.factors[i].indices}
    rest = [f for i, f in enumerate(term.factors) if i not in part]
    return {x for x in inside if x in free or any(x in f.indices for f in rest)}


def cheapest(term: Term, free: str, parts: Parts) -> int:
    """Try every sequence of pairs."""
    if len(parts) == 1:
        return 0
    costs: list[int] = [
        3 ** len(letters(term, a, free) | letters(term, b, free))
        + cheapest(term, free, parts - {a, b} | {a | b})
        for a, b in combinations(sorted(parts, key=sorted), 2)
    ]
    return min(costs)


@pytest.mark.parametrize("case", PHYSICAL, ids=lambda case: case.name)
def test_no_order_is_cheaper(case: Physical) -> None:
    read = case.read()
    for order in read.orders:
        if len(order.term.factors) > 6:
            continue
        singles = frozenset(frozenset([i]) for i in range(len(order.term.factors)))
        assert order.multiplications == cheapest(order.term, read.free, singles)


def follow(read: Expression, number: int, arrays: list[Any]) -> Any:
    """Contract full arrays in the order."""
    order = read.orders[number]
    code = {x: n for n, x in enumerate(order.term.letters)}
    factors = order.term.factors
    held: dict[tuple[int, ...], tuple[Any, str]] = {
        (i,): (arrays[i], factor.indices) for i, factor in enumerate(factors)
    }
    for step in order.steps:
        (a, x), (b, y) = held.pop(step.left), held.pop(step.right)
        value = np.einsum(a, [code[q] for q in x], b, [code[q] for q in y],
                          [code[q] for q in step.indices])  # fmt: skip
        held[tuple(sorted(step.left + step.right))] = (value, step.indices)
    ((value, indices),) = held.values()
    return np.einsum(value, [code[q] for q in indices], [code[q] for q in read.free])


def test_the_steps_give_the_product() -> None:
    read = expression("R_ia R_jb R_kc R_ld C_abcd", R="ij", C="elastic")
    rng = np.random.default_rng(0)
    turn, stiffness = rng.integers(-5, 5, (3, 3)), rng.integers(-5, 5, (3, 3, 3, 3))
    found = follow(read, 0, [turn] * 4 + [stiffness])
    assert np.array_equal(found, np.einsum("ia,jb,kc,ld,abcd", *[turn] * 4, stiffness))
    assert read.orders[0].multiplications == 972
    assert read.orders[0].dense == 4 * 3**8
    assert "972 multiplications" in repr(read)


def test_many_factors_take_the_cheapest_next_pair() -> None:
    text = "abcdefghijklmnop"
    chain = Term(read_one(), tuple(Factor("M", x + y) for x, y in pairwise(text)))
    order = contraction_order(chain, "ap")
    assert len(order.steps) == len(chain.factors) - 1
    assert order.multiplications == 27 * len(order.steps)


def read_one() -> Any:
    return expression("a", a="scalar").terms[0].coefficient


def test_one_factor_needs_no_order() -> None:
    (order,) = expression("C_iijj", C="elastic").orders
    assert str(order) == "nothing to multiply"
    assert order.multiplications == 0
