"""Natural tensors of the plane: symmetric and traceless, two components for each weight above 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from math import factorial

import numpy as np

from ..decomposition.patterns import natural_projector_terms
from ..exact.orbits import Integers
from ..so3.bases import NaturalBasis, as_weight, integer_array

Matrix = tuple[tuple[int, int], tuple[int, int]]

QUARTER_TURN: Matrix = ((0, -1), (1, 0))
"""J, the rotation by a right angle; ``J_ij = -ε_ij``."""

EPSILON = (((0, 1), 1), ((1, 0), -1))
"""The nonzero components of the plane's Levi-Civita symbol: indices and sign."""


@cache
def component_powers(rank: int) -> Integers:
    """Return how many indices of each of the ``2**rank`` flat components are y."""
    powers = np.zeros(1, dtype=np.int64)
    for _ in range(rank):
        powers = (powers[:, None] + np.array([0, 1])).reshape(-1)
    return powers


@dataclass(frozen=True, eq=False)
class PlaneBasis(NaturalBasis):
    """An orthogonal basis of the natural tensors of a weight in the plane, in integers.

    ``Re (x + iy)^l`` and ``Im (x + iy)^l``; the number 1 for weight 0. The component with k
    indices y is the real or imaginary part of ``i^k``, so every element of weight l >= 1 has the
    squared norm ``2^(l-1)``.

    Attributes:
        weight: the weight l.
        values: components at the monomials ``x^(l-k) y^k``, shape ``(2, l+1)``; ``(1, 1)`` for 0.
        norms: squared Frobenius norm of each element.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a natural tensor as an array."""
        return (2,) * self.weight

    @property
    def monomials(self) -> Integers:
        """The monomial of each flat component: its number of indices y."""
        return component_powers(self.weight)


@lru_cache(maxsize=64)
def plane_basis(weight: int) -> PlaneBasis:
    """Return the exact orthogonal basis of a weight in the plane.

    >>> plane_basis(2).values.tolist(), plane_basis(2).norms
    ([[1, 0, -1], [0, 1, 0]], (2, 2))
    """
    weight = as_weight(weight)
    if weight == 0:
        return PlaneBasis(0, integer_array([[1]]), (1,))
    real = [(1, 0, -1, 0)[k % 4] for k in range(weight + 1)]
    imaginary = [(0, 1, 0, -1)[k % 4] for k in range(weight + 1)]
    size = int(2 ** (weight - 1))
    return PlaneBasis(weight, integer_array([real, imaginary]), (size, size))


def plane_projector_terms(
    weight: int,
) -> Iterator[tuple[Fraction, tuple[tuple[int, int], ...]]]:
    """Yield the projector onto natural tensors of the plane as a sum of products of deltas.

    The points and products are those of :func:`natural_projector_terms`. As a function of two
    vectors the projector is ``(|x||y|)^l T_l(cos) / 2^(l-1)``, T_l Chebyshev's polynomial; its
    term with k pairs on each side, ``l (-1)^k (l-k-1)! / (4^k k! (l-2k)!)``, is shared by the
    ``(l! / ((l-2k)! 2^k k!))^2 (l-2k)!`` products of deltas of that kind.
    """
    for _, pairs in natural_projector_terms(weight):
        traced = sum(max(pair) < weight for pair in pairs)
        kept = weight - 2 * traced
        if weight == 0:
            yield Fraction(1), pairs
            continue
        share = Fraction(
            weight * (-1) ** traced * factorial(weight - traced - 1),
            4**traced * factorial(traced) * factorial(kept),
        )
        one_side = factorial(weight) // (factorial(kept) * 2**traced * factorial(traced))
        yield share / (one_side**2 * factorial(kept)), pairs
