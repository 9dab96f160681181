"""Exact values: what is recognized, what is refused, and one form for equal expressions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from natural_tensors import form, reduction
from natural_tensors.exact import symbols
from natural_tensors.exact.surds import Surd

A, B = sympy.symbols("a b", real=True)
T = sympy.Symbol("t", real=True)
N = sympy.Symbol("n", commutative=False)


@pytest.mark.parametrize(
    "values",
    [
        A, sympy.Integer(3), sympy.eye(3), sympy.Array([1, 2]), Fraction(1, 2), Surd.root(2),
        [1, [A]], np.array([1, A]), {(0, 0): Fraction(1, 2)},
    ],
)  # fmt: skip
def test_exact_values_are_recognized(values: Any) -> None:
    assert symbols.is_exact(values)


@pytest.mark.parametrize(
    "values", [1, 2.5, [1, 2], np.eye(3), np.array([1, 2], dtype=object), "a", None, {"a": 1.0}]
)
def test_other_values_are_not(values: Any) -> None:
    assert not symbols.is_exact(values)


def test_every_exact_kind_becomes_an_expression() -> None:
    given = [[Fraction(1, 3), Surd.root(8)], [np.int64(2), A * (B + 1)]]
    array = symbols.expressions(given)
    assert array.shape == (2, 2)
    expected = [sympy.Rational(1, 3), 2 * sympy.sqrt(2), sympy.Integer(2), A * B + A]
    assert list(array.reshape(-1)) == expected
    assert symbols.expressions(sympy.Array(A)).shape == ()


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([A, 0.5], TypeError, r"entry \[1\]: 0\.5 of type float .* sympy\.Rational"),
        ([[1, A], [N * A, 2]], TypeError, r"entry \[1, 0\]: the expression a\*n does not commute"),
        ([A, True], TypeError, "True of type bool"),
        ([A, "b"], TypeError, "'b' of type str"),
        (A + sympy.Float(0.25), TypeError, "holds the float 0.25"),
        (sympy.Symbol("x", commutative=False), TypeError, "does not commute"),
        (sympy.oo * A, ValueError, "infinite or undefined"),
        ([[A], [1, 2]], ValueError, "rows have different lengths"),
        ([A, B + sympy.Symbol("a")], ValueError, "two symbols a with different assumptions"),
    ],
)
def test_what_is_not_exact_is_refused(values: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        symbols.expressions(values)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A * (A + B) - A**2, A * B),
        ((A**2 - B**2) / (A - B), A + B),
        (1 / A + 1 / B, (A + B) / (A * B)),
        (sympy.sin(T) ** 2, 1 - sympy.cos(T) ** 2),
        (sympy.sin(2 * T), 2 * sympy.sin(T) * sympy.cos(T)),
        (1 / (1 + sympy.sqrt(2)), sympy.sqrt(2) - 1),
        (sympy.sin(T) ** 3 / A, sympy.sin(T) * (1 - sympy.cos(T) ** 2) / A),
        ((sympy.sqrt(2) * A) ** 2, 2 * A**2),
    ],
)
def test_equal_expressions_have_one_form(one: sympy.Expr, other: sympy.Expr) -> None:
    assert symbols.canonical(one) == symbols.canonical(other)
    assert symbols.canonical(one - other) == 0


@given(st.lists(st.integers(-9, 9), min_size=6, max_size=6), st.integers(1, 12))
def test_combinations_are_sums(numbers: list[int], denominator: int) -> None:
    entries = [A, A * B + sympy.Rational(1, 2), sympy.S.Zero]
    rows = [numbers[:3], numbers[3:]]
    results = symbols.combined(rows, denominator, entries)
    for row, result in zip(rows, results, strict=True):
        direct = sum(q * e for q, e in zip(row, entries, strict=True)) / sympy.Integer(denominator)
        assert sympy.expand(result - direct) == 0
        assert result == symbols.canonical(direct)


def test_quotients_cancel_in_combinations() -> None:
    entries = [1 / (A + B), A / (A + B), B / (A + B)]
    assert symbols.combined([[0, 1, 1], [1, -1, 0]], 1, entries) == [1, (1 - A) / (A + B)]


def test_a_rotation_is_proved() -> None:
    c, s = sympy.cos(T), sympy.sin(T)
    about_z = sympy.Matrix([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    assert symbols.determinant(symbols.rotation_matrix(about_z)) == 1
    norm = 1 + A**2
    cayley = sympy.Matrix([[1 - A**2, -2 * A, 0], [2 * A, 1 - A**2, 0], [0, 0, norm]]) / norm
    cayley[2, 2] = 1
    assert symbols.determinant(symbols.rotation_matrix(cayley)) == 1
    with pytest.raises(ValueError, match=r"rows 0 and 0 .* not provably 1"):
        symbols.rotation_matrix(sympy.diag(A, 1, 1))
    with pytest.raises(ValueError, match="rows 0 and 1 of the rotation have the product"):
        symbols.rotation_matrix(sympy.Matrix([[1, 0, 0], [1, 0, 0], [0, 0, 1]]))
    with pytest.raises(ValueError, match=r"shape \(3, 3\), got \(2, 2\)"):
        symbols.rotation_matrix(sympy.eye(2))


def test_rotations_by_cayley_parameters_are_in_lowest_terms() -> None:
    """Every entry at once over one denominator; equal to the canonical form, entry by entry."""
    p, q, r = sympy.symbols("p q r", real=True)
    skew = sympy.Matrix([[0, -r, q], [r, 0, -p], [-q, p, 0]])
    turn = ((sympy.eye(3) - skew).inv() * (sympy.eye(3) + skew)).applyfunc(sympy.cancel)
    matrix = symbols.rotation_matrix(turn)
    tensor = symbols.expressions([[A, B / 2, 0], [B / 2, A, 0], [0, 0, 1]])
    rotated = symbols.rotated(tensor, matrix)
    plain = turn * sympy.Matrix(tensor.tolist()) * turn.T
    for found, wanted in zip(rotated.flat, plain, strict=True):
        assert found == symbols.canonical(wanted)
    # in the xy plane the factor of the unit entry cancels
    flat = symbols.rotated(tensor, symbols.expressions(turn.subs({p: 0, q: 0})))
    assert flat[2, 2] == 1
    assert flat[0, 0] == symbols.canonical((turn * sympy.Matrix(tensor.tolist()) * turn.T)[0, 0]
                                           .subs({p: 0, q: 0}))  # fmt: skip
    with pytest.raises(ValueError, match="two symbols p"):
        symbols.rotated(symbols.expressions([[sympy.Symbol("p"), 0, 0], [0] * 3, [0] * 3]), matrix)


def test_a_stiffness_by_cayley_parameters_in_time() -> None:
    """81 quotients of degree 8 took a minute one by one; some two seconds on one core."""
    p, q, r = sympy.symbols("p q r", real=True)
    skew = sympy.Matrix([[0, -r, q], [r, 0, -p], [-q, p, 0]])
    turn = ((sympy.eye(3) - skew).inv() * (sympy.eye(3) + skew)).applyfunc(sympy.cancel)
    elastic, cubic = reduction("elastic"), form("elastic", "m-3m").to_sympy()
    full = elastic.convert(cubic, source="voigt", target="full")
    rotated = elastic.rotate(full, turn)
    at = {p: sympy.Rational(1, 2), q: sympy.Rational(2, 3), r: -2}
    wanted = elastic.rotate(full, turn.subs(at))
    assert [entry.subs(at).expand() for entry in rotated.reshape(81)] == list(wanted.reshape(81))
