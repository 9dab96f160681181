"""Rotation matrices of the weights, and the frame of a bond."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np

from natural_tensors.exact.surds import Surd
from natural_tensors.so3.bases import natural_basis
from natural_tensors.so3.blocks import Blocks, block_size
from natural_tensors.so3.couplings import contraction_table

from ..programs.lowering import ONE, Builder
from ..programs.program import Argument, Output, Program, Ref


def frame_size(weight: int) -> int:
    """Return the number of entries of the rotation matrices of weights 1 .. weight, at least 1."""
    return Blocks.up_to(max(weight, 1), first=1).matrix_size


def frame_argument(weight: int) -> Argument:
    """Return the flat rotation matrices of weights 1 .. weight, at least 1, as an argument."""
    labels = tuple(
        f"D{ell}_{row}_{column}"
        for ell in range(1, max(weight, 1) + 1)
        for row in range(block_size(ell))
        for column in range(block_size(ell))
    )
    return Argument("frames", (len(labels),), labels, False, "rotation matrices")


def split_matrices(values: Sequence[Ref], weight: int) -> list[list[Ref]]:
    """Split flat rotation matrices by weight; weight 0 has none."""
    blocks = Blocks.up_to(weight, first=1)
    return [[], *(list(values[where]) for where in blocks.matrix_slices)]


def rotated(
    built: Builder, matrix: Sequence[Ref], values: Sequence[Ref], weight: int, *, back: bool
) -> list[Ref]:
    """Return a rotation matrix, or its transpose, times packed values."""
    if weight == 0:
        return list(values)
    size = block_size(weight)
    return [
        built.linear(
            [
                (ONE, built.product(matrix[k * size + m if back else m * size + k], values[k]))
                for k in range(size)
            ]
        )
        for m in range(size)
    ]


@cache
def _recursion(weight: int) -> tuple[list[dict[tuple[int, int], Surd]], ...]:
    """Return ``C`` and a sparse left inverse ``B`` for the coupling of (l-1, 1, l).

    Row m of either maps (component of weight l-1, axis) to a coefficient; ``C`` is an isometry.
    """
    table = contraction_table((weight - 1, 1, weight))
    below, above = natural_basis(weight - 1).norms, natural_basis(weight).norms
    rows: list[dict[tuple[int, int], Surd]] = [{} for _ in above]
    for k, axis, m in np.argwhere(table != 0).tolist():
        radicand = Fraction(1, below[k] * above[m])
        rows[m][k, axis] = Surd.root(radicand, int(table[k, axis, m]))
    return rows, [_inverse_row(rows, m) for m in range(len(rows))]


def _inverse_row(rows: list[dict[tuple[int, int], Surd]], m: int) -> dict[tuple[int, int], Surd]:
    """Return few coefficients b on places with ``sum b C_n = 1`` for n = m, 0 for other n.

    One place is enough where only row m reaches it; two places that row m shares with one and
    the same other row are enough else; failing both, the row of the isometry itself.
    """
    places = list(rows[m])
    reach = {place: [n for n, row in enumerate(rows) if place in row] for place in places}
    for place in places:
        if reach[place] == [m]:
            return {place: 1 / rows[m][place]}
    for number, first in enumerate(places):
        for second in places[number + 1 :]:
            if reach[first] == reach[second] and len(reach[first]) == 2:
                (other,) = (n for n in reach[first] if n != m)
                a, b = rows[m][first], rows[m][second]
                c, d = rows[other][first], rows[other][second]
                determinant = a * d - b * c
                if determinant and len(determinant.terms) == 1:
                    return {first: d / determinant, second: -c / determinant}
    return dict(rows[m])


def rotation_matrices(built: Builder, matrix: Sequence[Ref], weight: int) -> list[list[Ref]]:
    """Return the rotation matrices of weights 1 .. weight as polynomials of a 3x3 matrix.

    ``D_l = B (D_(l-1) x R) C^T`` with the coupling C of (l-1, 1, l) and any B with B C^T = 1: a
    sparse B saves most of the work.
    """
    result = [list(matrix)]
    for ell in range(2, weight + 1):
        coupling_rows, inverse_rows = _recursion(ell)
        before, size = result[-1], block_size(ell - 1)
        block = []
        for row in range(block_size(ell)):
            for column in range(block_size(ell)):
                terms = []
                for (k, i), left in inverse_rows[row].items():
                    for (n, j), right in coupling_rows[column].items():
                        value = built.product(before[k * size + n], matrix[3 * i + j])
                        terms.append((left * right, value))
                block.append(built.linear(terms, f"D{ell}_{row}_{column}"))
        result.append(block)
    return result


def frame_program(weight: int) -> Program:
    """Return the program that rotates a direction to the polar axis y.

    A half turn about the bisector of the direction and the nearer pole, then for directions with
    y < 0 a half turn about x: two charts, one on each side of the equator, and the denominator
    1 + |y| never comes near zero.
    """
    direction = Argument("directions", (3,), ("x", "y", "z"), False, "unit vectors")
    built = Builder((direction,))
    x, y, z = built.components(0)
    side = built.sign(y, "side")
    height = built.product(side, y, "height")
    scale = built.reciprocal(built.linear([(ONE, height), (ONE, built.constant(1))]), "scale")
    xs, zs = built.product(x, scale), built.product(z, scale)
    cross = built.product(xs, z)
    first = built.linear([(ONE, built.product(xs, x)), (ONE, built.constant(-1))])
    third = built.linear([(ONE, built.product(zs, z)), (ONE, built.constant(-1))])
    matrix = [
        *(first, built.product(side, x), cross),
        *(x, y, z),
        *(built.product(side, cross), z, built.product(side, third)),
    ]
    blocks = rotation_matrices(built, matrix, weight)
    flat = tuple(v for block in blocks for v in block)
    return built.program(
        "frame",
        "Return the rotation matrices that take a direction to the polar axis y.",
        [Output("frames", (len(flat),), flat)],
        f"matrices of weights 1 to {weight} row by row, shape (..., {len(flat)}).",
    )
