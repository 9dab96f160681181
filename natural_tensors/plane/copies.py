"""Copies of a weight of the plane in a symmetry class: how many, and which patterns embed them.

A weight l >= 1 is embedded by Kronecker deltas alone: the invariants of O(2) are sums of their
products. A leg of the plane's epsilon on such a tensor turns its two components by a right angle,
a map that commutes with rotations but not with mirrors. In weight 0 the deltas embed scalars and
one epsilon with deltas embeds pseudoscalars.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..decomposition.components import independent_components
from ..decomposition.copies import Basis, WeightSpace
from ..decomposition.patterns import Pattern, pattern_orbits
from ..decomposition.symmetry import IndexSymmetry, SignedPermutation, component_orbits
from ..exact import linear
from ..exact.integers import matchings
from ..exact.orbits import Integers
from .bases import EPSILON, PlaneBasis, plane_basis
from .operators import PlaneEmbedding, PlaneExtraction, placed


@dataclass(frozen=True, eq=False, repr=False)
class PlaneWeightSpace(WeightSpace):
    """All natural tensors of one weight of the plane inside a symmetry class.

    Attributes:
        weight: the weight l.
        orbits: for each copy, the orbit of patterns that embeds it; in weight 0 those without an
            epsilon come first.
        gram: integer matrix g with ``<F_p X, F_q X> = g_pq <X, X>`` for every natural X.
    """

    @property
    def natural(self) -> PlaneBasis:
        """The integer basis of the weight."""
        return plane_basis(self.weight)

    @property
    def with_epsilon(self) -> int:
        """Number of copies, the last ones, that an epsilon embeds."""
        return sum(bool(orbit[0][0].epsilon) for orbit in self.orbits)

    def placed(
        self, pattern: Pattern, rank: int, tensors: NDArray[Any]
    ) -> tuple[Integers, NDArray[Any]]:
        """Evaluate a pattern on natural tensors of the plane."""
        return placed(pattern, rank, tensors)

    def embedding(self, letters: str, copy: int, basis: Basis) -> PlaneEmbedding:
        """Return the operator that embeds a copy into tensors with these indices."""
        operator = super().embedding(letters, copy, basis)
        return PlaneEmbedding(letters, self.weight, copy, operator.combination, operator.radicand)

    def extraction(self, letters: str, copy: int, basis: Basis) -> PlaneExtraction:
        """Return the operator that extracts a copy."""
        operator = super().extraction(letters, copy, basis)
        return PlaneExtraction(letters, self.weight, copy, operator.combination, operator.radicand)


def patterns(rank: int, weight: int) -> list[Pattern]:
    """Return the patterns that place a natural tensor of the plane into a rank, in order.

    In a pattern of the plane the epsilon has two slots, and never a leg on the natural tensor.
    """
    if weight > rank or (rank - weight) % 2:
        return []
    everything = range(rank)
    result = [
        Pattern(deltas, (), natural)
        for natural in combinations(everything, weight)
        for deltas in matchings([slot for slot in everything if slot not in natural])
    ]
    turned = [
        Pattern(deltas, epsilon, ())
        for epsilon in (combinations(everything, 2) if weight == 0 else ())
        for deltas in matchings([slot for slot in everything if slot not in epsilon])
    ]
    return [*sorted(result), *sorted(turned)]


def _probe(pattern: Pattern, rank: int) -> tuple[Integers, Integers]:
    """Evaluate a pattern on ``X = u x ... x u`` with the null vector ``u = (x + iy)/sqrt 2``.

    In the basis (u, conj u), digits 0 and 1, a delta is ``01 + 10`` and an epsilon ``01 - 10`` up
    to a factor common to all patterns with one. Every value is 1 or -1.
    """
    steps = [2 ** (rank - 1 - slot) for slot in range(rank)]
    places = np.zeros(1, dtype=np.int64)
    signs = np.ones(1, dtype=np.int64)
    if pattern.epsilon:
        places = np.array([digits[0] * steps[pattern.epsilon[0]] + digits[1] *
                           steps[pattern.epsilon[1]] for digits, _ in EPSILON])  # fmt: skip
        signs = np.array([sign for _, sign in EPSILON])
    for a, b in pattern.deltas:
        places = (places[:, None] + np.array([steps[b], steps[a]])).reshape(-1)
        signs = np.repeat(signs, 2)
    return places, signs


@lru_cache(maxsize=256)
def multiplicities(
    rank: int, generators: tuple[SignedPermutation, ...]
) -> tuple[dict[int, int], int]:
    """Count the copies of each weight, and of those of weight 0 the ones an epsilon embeds.

    The group permutes products of circular unit vectors exactly as it permutes components, so an
    orbit has a definite sum M of their numbers +1 and -1. Weight l >= 1 occurs as often as M = l.
    The mirror y -> -y exchanges the circular vectors; on M = 0 its eigenvalue -1 counts the
    epsilons: half of the number of orbits less the trace.
    """
    orbits = component_orbits(rank, generators, 2)
    places = np.arange(2**rank)
    minus = np.zeros(1, dtype=np.int64)
    for _ in range(rank):
        minus = (minus[:, None] + np.array([0, 1])).reshape(-1)
    numbers = rank - 2 * minus[orbits.representatives]
    flat = np.flatnonzero(numbers == 0)
    mirrored = (2**rank - 1 - places)[orbits.representatives[flat]]
    trace = int(np.sum((orbits.position[mirrored] == flat) * orbits.signs[mirrored]))
    counts = {weight: int(np.sum(numbers == weight)) for weight in range(rank + 1)}
    return {weight: n for weight, n in counts.items() if n}, (len(flat) - trace) // 2


@lru_cache(maxsize=2048)
def plane_weight_space(symmetry: IndexSymmetry, weight: int, multiplicity: int) -> PlaneWeightSpace:
    """Choose the copies of a weight: the first independent orbits of patterns."""
    orbits = independent_components(symmetry, 2).orbits
    rank = symmetry.rank
    candidates = pattern_orbits(patterns(rank, weight), symmetry.generators)
    table = np.array(
        [orbits.orbit_sum(*_probe(orbit[0][0], rank), len(orbit)) for orbit in candidates]
    )
    kept = linear.independent_rows(table, multiplicity)
    rows = table[kept]
    gram = (rows * orbits.sizes) @ rows.T
    return PlaneWeightSpace(weight, tuple(candidates[row] for row in kept), gram)
