"""Integer tensors for the factors of an expression, and the plain sum over their indices."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np

from natural_tensors import Expression
from natural_tensors.expressions.classes import DELTA, EPSILON, TensorClass
from natural_tensors.expressions.polynomials import Polynomials

Array = np.ndarray[Any, np.dtype[Any]]

EPS = np.zeros((3, 3, 3), dtype=object)
for digits in permutations(range(3)):
    EPS[digits] = round(np.linalg.det(np.eye(3)[list(digits)]))
SYMBOLS = {DELTA: np.eye(3, dtype=int).astype(object), EPSILON: EPS}


def random_components(what: TensorClass, rng: np.random.Generator) -> list[int]:
    """Return an integer for each independent component."""
    return [int(n) for n in rng.integers(-9, 10, what.dimension)]


def full(what: TensorClass, components: list[Any]) -> Array:
    """Return all components, by the definition of the table of the class."""
    table = what.table
    values = np.zeros(3**what.rank, dtype=object)
    for place in range(3**what.rank):
        for entry in range(table.starts[place], table.starts[place + 1]):
            values[place] += int(table.values[entry]) * components[table.monomials[entry, 0]]
    return values.reshape((3,) * what.rank)


def plain_sum(expression: Expression, arrays: Mapping[str, Array]) -> Array:
    """Return the expression of full arrays by numpy.einsum over objects, exact."""
    total: Any = 0
    for term in expression.terms:
        operands = [SYMBOLS.get(f.name, arrays.get(f.name)) for f in term.factors]
        number = {x: n for n, x in enumerate(term.letters)}
        arguments: list[Any] = []
        for factor, operand in zip(term.factors, operands, strict=True):
            arguments += [operand, [number[x] for x in factor.indices]]
        arguments.append([number[x] for x in expression.free])
        value = np.einsum(*arguments) if term.factors else np.array(1, dtype=object)
        total = total + term.coefficient * np.asarray(value, dtype=object)
    return np.broadcast_to(np.asarray(total, dtype=object), (3,) * expression.rank)


def evaluated(polynomials: Polynomials, components: Mapping[str, list[Any]]) -> Array:
    """Return the components of a tensor of polynomials at given independent components."""
    point = [value for values in components.values() for value in values]
    total = np.zeros(3**polynomials.rank, dtype=object)
    for place, row, number in zip(
        polynomials.places, polynomials.monomials, polynomials.numerators, strict=True
    ):
        product = Fraction(int(number), polynomials.denominator)
        for n in row:
            if n >= 0:
                product *= point[n]
        total[place] += product
    return total.reshape((3,) * polynomials.rank)


def point_for(expression: Expression, seed: int) -> tuple[dict[str, list[int]], dict[str, Array]]:
    """Return random integer components of every tensor, and the full arrays."""
    rng = np.random.default_rng(seed)
    components = {name: random_components(what, rng) for name, what in expression.tensors.items()}
    return components, {
        name: full(expression.tensors[name], values) for name, values in components.items()
    }
