"""Exact linear algebra on integer matrices: independent rows, inverse, LDL^T."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat
from numpy.typing import NDArray

PRIME = 1_048_573
"""A prime below 2**20: a product of two residues, summed 2**22 times, stays within int64."""

Rows = tuple[tuple[Fraction, ...], ...]


def independent_rows(rows: NDArray[np.int64], count: int) -> list[int]:
    """Return the first ``count`` independent rows of an integer matrix, scanning from the top.

    Rows independent modulo a prime are independent over the rationals, so the rows returned are
    certainly so; ``count`` is the rank, known beforehand.

    Raises:
        ArithmeticError: when fewer rows are independent modulo the prime.
    """
    kept: list[int] = []
    width = rows.shape[1]
    echelon = np.zeros((count, width), dtype=np.int64)  # reduced: a pivot column is a unit vector
    pivots: list[int] = []
    for index in range(len(rows)):
        if len(kept) == count:
            break
        known = len(kept)
        residual = rows[index] % PRIME
        residual = (residual - residual[pivots] @ echelon[:known]) % PRIME
        support = np.flatnonzero(residual)
        if not support.size:
            continue
        pivot = int(support[0])
        residual = residual * pow(int(residual[pivot]), -1, PRIME) % PRIME
        factors = echelon[:known, pivot].copy()
        touched = np.flatnonzero(factors)
        echelon[touched] = (echelon[touched] - factors[touched, None] * residual) % PRIME
        echelon[known] = residual
        pivots.append(pivot)
        kept.append(index)
    if len(kept) < count:
        raise ArithmeticError(f"got {len(kept)} independent rows of {count} modulo {PRIME}")
    return kept


def reduced_rows(rows: NDArray[np.int64]) -> tuple[tuple[int, ...], Rows]:
    """Return the pivots and the nonzero rows of the reduced echelon form of an integer matrix."""
    if not rows.size:
        return (), ()
    echelon, rank = fmpq_mat(fmpz_mat(rows.tolist())).rref()
    reduced = [[_fraction(entry) for entry in row] for row in echelon.tolist()[:rank]]
    pivots = tuple(next(i for i, entry in enumerate(row) if entry) for row in reduced)
    return pivots, tuple(map(tuple, reduced))


def inverse(matrix: NDArray[np.int64]) -> Rows:
    """Return the exact inverse of a nonsingular integer matrix."""
    result = fmpq_mat(fmpz_mat(matrix.tolist())).inv()
    return tuple(tuple(map(_fraction, row)) for row in result.tolist())


def orthonormalizer(gram: NDArray[np.int64]) -> tuple[Rows, tuple[Fraction, ...]]:
    """Return the unit lower triangular ``M`` and the diagonal ``D`` with ``M G M^T = D``.

    Row p of ``M`` is step p of Gram-Schmidt: it takes away from vector p its part along the
    vectors before it. ``M`` is the inverse of the factor L in ``G = L D L^T``, found by
    eliminating ``G`` and the unit matrix beside it together.
    """
    size = len(gram)
    rows = [[fmpq(entry) for entry in row] for row in gram.tolist()]
    steps = [[fmpq(int(i == j)) for j in range(i + 1)] for i in range(size)]
    for pivot in range(size):
        head = rows[pivot]
        if head[pivot] <= 0:
            raise ArithmeticError("the Gram matrix is not positive definite")
        for lower in range(pivot + 1, size):
            factor = rows[lower][pivot] / head[pivot]
            if factor:
                row = rows[lower]
                for column in range(pivot, size):
                    row[column] -= factor * head[column]
                step = steps[lower]
                for column, entry in enumerate(steps[pivot]):
                    step[column] -= factor * entry
    zeros = [Fraction(0)] * size
    full = tuple((*map(_fraction, step), *zeros[len(step) :]) for step in steps)
    return full, tuple(_fraction(rows[i][i]) for i in range(size))


def _fraction(entry: fmpq) -> Fraction:
    return Fraction(int(entry.p), int(entry.q))
