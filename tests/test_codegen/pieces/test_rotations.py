"""Rotation matrices and frames proved: for every rotation, and for every direction of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from math import factorial
from typing import Any

import flint
import pytest
import sympy

from codegen import (
    HarmonicsRecipe,
    RotationRecipe,
)
from natural_tensors import Surd, rotation
from natural_tensors.so3.bases import multinomials, natural_basis
from tests.helpers.formal import (
    DIRECTIONS,
    WEIGHT,
    Formal,
    Ring,
    blocks_of,
    degrees,
    function,
    total,
    values_at,
)


def of_quaternion(a: Any, b: Any, c: Any, d: Any) -> list[list[Any]]:
    """Return the rotation of a quaternion, times its squared length: quadratic in it."""
    return [
        [a * a + b * b - c * c - d * d, (b * c - a * d) * 2, (b * d + a * c) * 2],
        [(b * c + a * d) * 2, a * a - b * b + c * c - d * d, (c * d - a * b) * 2],
        [(b * d - a * c) * 2, (c * d + a * b) * 2, a * a - b * b - c * c + d * d],
    ]


def turned_polynomials(ell: int, ring: Ring, matrix: Sequence[Sequence[Formal]]) -> Any:
    """Return the packed matrix of a 3x3 matrix from how it turns harmonic polynomials.

    The tensor X' = R..R X has the polynomial p(R^T x); the inner product of two symmetric tensors
    is the sum over monomials of both coefficients over the multinomial. The last three
    indeterminates of the ring are x.
    """
    basis = natural_basis(ell)
    counts = dict(
        zip(
            [tuple(p) for p in product(range(ell, -1, -1), repeat=3) if sum(p) == ell],
            range(len(multinomials(ell))),
            strict=True,
        )
    )
    legs = [
        sum((matrix[i][j].parts.get(1, ring.zero) * ring.gens[-3 + i].parts[1] for i in range(3)),
            ring.zero)
        for j in range(3)
    ]  # fmt: skip
    small = flint.fmpq_mpoly_ctx.get(["x", "y", "z"], flint.Ordering.lex)
    result: list[list[Any]] = [[None] * (2 * ell + 1) for _ in range(2 * ell + 1)]
    for k in range(2 * ell + 1):
        turned = small.from_dict(basis.polynomial(k)).compose(*legs, ctx=ring.context)
        split: dict[Any, dict[Any, Any]] = {}
        for exponents, coefficient in turned.to_dict().items():
            key = (*exponents[:-3], 0, 0, 0)
            split.setdefault(exponents[-3:], {})[key] = coefficient
        polynomials = {key: ring.context.from_dict(value) for key, value in split.items()}
        assert set(polynomials) <= set(counts)
        for m in range(2 * ell + 1):
            value = ring.zero
            for powers, left in basis.polynomial(m).items():
                a, b, c = (factorial(power) for power in powers)
                share = flint.fmpq(left * a * b * c, factorial(ell))
                value = value + polynomials.get(powers, ring.zero) * share
            root = Surd.root(Fraction(1, basis.norms[m] * basis.norms[k]))
            result[m][k] = Formal(ring, {1: value}) * root
    return result


def test_rotation_matrices_for_every_rotation() -> None:
    """As polynomials of the quaternion; homogeneous, so for improper rotations too."""
    ring = Ring("a", "b", "c", "d", "x", "y", "z")
    matrix = of_quaternion(*ring.gens[:4])
    program = function(RotationRecipe(WEIGHT), "matrices")
    found = blocks_of(program.run([v for row in matrix for v in row])["matrices"], WEIGHT)
    homogeneous = blocks_of(degrees(program)["matrices"], WEIGHT)
    for ell in range(1, WEIGHT + 1):
        assert {entry for row in homogeneous[ell] for entry in row} == {(ell, ell)}
        assert found[ell] == turned_polynomials(ell, ring, matrix)


def test_rotation_matrices_at_a_cayley_rotation() -> None:
    quaternion = (2, 1, -1, 3)
    length = sum(q * q for q in quaternion)
    matrix = [[Fraction(v, length) for v in row] for row in of_quaternion(*quaternion)]
    program = function(RotationRecipe(WEIGHT), "matrices")
    for sign in (1, -1):
        flat = [sign * v for row in matrix for v in row]
        found = blocks_of(program.run(flat)["matrices"], WEIGHT)
        exact = sympy.Matrix(3, 3, [sympy.Rational(v.numerator, v.denominator) for v in flat])
        for ell in range(1, WEIGHT + 1):
            expected = rotation(ell, exact)
            for m, k in product(range(2 * ell + 1), repeat=2):
                terms = (Surd(0) + found[ell][m][k]).terms
                value = sum(
                    sympy.sqrt(n) * sympy.Rational(q.numerator, q.denominator)
                    for n, q in terms.items()
                )
                assert sympy.expand(value - expected[m, k]) == 0


@pytest.mark.parametrize("side", [1, -1])
def test_frames_of_every_direction_of_a_chart(side: int) -> None:
    """In stereographic coordinates about the nearer pole, with w = 1 / (1 + s^2 + t^2)."""
    ring = Ring("w", "s", "t")
    w, s, t = ring.gens
    relation = w * (s * s + t * t + 1) - 1
    ring.relation = relation.parts[1]
    ring.inverses = [(w * 2, (s * s + t * t + 1) * Fraction(1, 2))]
    ring.positive = side == 1
    direction = [s * w * 2, (w * 2 - 1) * side, t * w * 2]
    found = blocks_of(function(RotationRecipe(WEIGHT), "frame").run(direction)["frames"], WEIGHT)
    matrix = found[1]
    for i, j in product(range(3), repeat=2):
        assert total(matrix[i][k] * matrix[j][k] for k in range(3)) == int(i == j)
    determinant = total(
        matrix[0][i] * (matrix[1][j] * matrix[2][k] - matrix[1][k] * matrix[2][j])
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    )
    assert determinant == 1
    assert [total(a * b for a, b in zip(row, direction, strict=True)) for row in matrix] == [
        0,
        1,
        0,
    ]
    # the other blocks are those of the matrices, which were proved for every rotation
    flat = [v for row in matrix for v in row]
    again = function(RotationRecipe(WEIGHT), "matrices").run(flat)["matrices"]
    assert blocks_of(again, WEIGHT) == found
    harmonics = function(HarmonicsRecipe(WEIGHT), "harmonics").run(direction)["harmonics"]
    for ell, block in found.items():
        part = harmonics[ell * ell : (ell + 1) ** 2]
        turned = [total(a * b for a, b in zip(row, part, strict=True)) for row in block]
        assert turned == [Surd.root(2 * ell + 1) if m == ell else 0 for m in range(2 * ell + 1)]


@pytest.mark.parametrize("direction", DIRECTIONS, ids=lambda n: "_".join(map(str, n)))
def test_frames_at_rational_directions(direction: Any) -> None:
    assert sum(v * v for v in direction) == 1
    found = blocks_of(function(RotationRecipe(WEIGHT), "frame").run(direction)["frames"], WEIGHT)
    for ell, block in found.items():
        for first, second in product(range(2 * ell + 1), repeat=2):
            row = zip(block[first], block[second], strict=True)
            assert total(a * b for a, b in row) == int(first == second)
        values = values_at(ell, direction, "orthonormal")[ell * ell :]
        turned = [total(a * b for a, b in zip(row, values, strict=True)) for row in block]
        assert turned == [int(m == ell) for m in range(2 * ell + 1)]
