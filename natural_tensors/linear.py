"""Exact linear algebra on integer matrices: independent rows, inverse, LDL^T."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import QQ, ZZ
from sympy.polys.matrices import DomainMatrix

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
        raise ArithmeticError(f"found {len(kept)} independent rows of {count} modulo {PRIME}")
    return kept


def _rational(matrix: NDArray[np.int64]) -> DomainMatrix:
    return DomainMatrix(matrix.tolist(), matrix.shape, ZZ).convert_to(QQ)


def _fractions(matrix: DomainMatrix) -> Rows:
    return tuple(tuple(_fraction(entry) for entry in row) for row in matrix.to_dense().to_list())


def _fraction(entry: Any) -> Fraction:
    return Fraction(int(entry.numerator), int(entry.denominator))


def inverse(matrix: NDArray[np.int64]) -> Rows:
    """Return the exact inverse of a nonsingular integer matrix."""
    return _fractions(_rational(matrix).inv())


def orthonormalizer(gram: NDArray[np.int64]) -> tuple[Rows, tuple[Fraction, ...]]:
    """Return the unit lower triangular ``M`` and the diagonal ``D`` with ``M G M^T = D``.

    Row p of ``M`` is step p of Gram-Schmidt: it takes away from vector p its part along the
    vectors before it. ``M`` is the inverse of the factor L in ``G = L D L^T``.
    """
    lower, upper, swaps = _rational(gram).lu()
    if swaps:
        raise ArithmeticError("the Gram matrix is not positive definite")
    return _fractions(lower.inv()), tuple(_fraction(upper[i, i].element) for i in range(len(gram)))
