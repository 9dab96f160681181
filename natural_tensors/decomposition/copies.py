"""Copies of a weight in a symmetry class: how many, and which patterns represent them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import limits
from ..exact import linear
from ..exact.integers import LEVI_CIVITA
from ..exact.orbits import SignedOrbits
from ..so3.bases import NaturalBasis, natural_basis
from .components import Components, independent_components
from .operators import Embedding, Extraction, placed
from .patterns import Orbit, Pattern, pattern_orbits, patterns
from .symmetry import IndexSymmetry

Basis = Literal["dual", "orthonormal"]
BASES = ("dual", "orthonormal")


@dataclass(frozen=True, eq=False, repr=False)
class WeightSpace:
    """All natural tensors of one weight inside a symmetry class.

    Attributes:
        weight: the weight l.
        orbits: for each copy, the orbit of delta/epsilon patterns that embeds it.
        gram: integer matrix g with ``<F_p X, F_q X> = g_pq <X, X>`` for every natural X.
    """

    weight: int
    orbits: tuple[Orbit, ...]
    gram: NDArray[np.int64]

    @property
    def multiplicity(self) -> int:
        """Number of copies."""
        return len(self.orbits)

    @cached_property
    def dual(self) -> linear.Rows:
        """Inverse Gram matrix: row p holds the coefficients of the extraction dual to copy p."""
        return linear.inverse(self.gram)

    @cached_property
    def orthonormal(self) -> tuple[linear.Rows, tuple[Fraction, ...]]:
        """Gram-Schmidt in copy order: unit lower triangular rows and squared lengths."""
        return linear.orthonormalizer(self.gram)

    def embedding_row(self, copy: int, basis: Basis) -> tuple[tuple[Fraction, ...], Fraction]:
        """Return the coefficients over the orbits, and the radicand, that embed a copy."""
        if basis == "dual":
            return tuple(Fraction(int(q == copy)) for q in range(self.multiplicity)), Fraction(1)
        rows, lengths = self.orthonormal
        return rows[copy], 1 / lengths[copy]

    def extraction_row(self, copy: int, basis: Basis) -> tuple[tuple[Fraction, ...], Fraction]:
        """Return the coefficients over the transposed orbits, and the radicand, that extract."""
        if basis == "dual":
            return self.dual[copy], Fraction(1)
        return self.embedding_row(copy, basis)

    @property
    def natural(self) -> NaturalBasis:
        """The integer basis of the weight."""
        return natural_basis(self.weight)

    def placed(
        self, pattern: Pattern, rank: int, tensors: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Evaluate a pattern on natural tensors, as :func:`.operators.placed` does."""
        return placed(pattern, rank, tensors)

    def embedding(self, letters: str, copy: int, basis: Basis) -> Embedding:
        """Return the operator that embeds a copy into tensors with these indices."""
        row, radicand = self.embedding_row(copy, basis)
        return Embedding(letters, self.weight, copy, self._terms(row), radicand)

    def extraction(self, letters: str, copy: int, basis: Basis) -> Extraction:
        """Return the operator that extracts a copy."""
        row, radicand = self.extraction_row(copy, basis)
        return Extraction(letters, self.weight, copy, self._terms(row), radicand)

    def _terms(self, row: tuple[Fraction, ...]) -> tuple[tuple[Fraction, Orbit], ...]:
        return tuple((c, orbit) for c, orbit in zip(row, self.orbits, strict=True) if c)

    def values(self, components: Components) -> NDArray[Any]:
        """Evaluate every copy on the integer basis, at the independent components.

        Shape ``(components, copies, 2*weight+1)``: component of the tensor that orbit sum ``q``
        makes of basis element ``m``.
        """
        tensors = self.natural.tensors().T
        copies = []
        for orbit in self.orbits:
            places, rows = self.placed(orbit[0][0], components.rank, tensors)
            copies.append(components.orbits.orbit_sum(places, rows, len(orbit)))
        return np.stack(copies, axis=1)


def _probe(pattern: Pattern, rank: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Evaluate a pattern on ``X = u x ... x u`` with the null vector ``u = (x + iy)/sqrt 2``.

    In the basis (u, z, conj u), digits 0, 1, 2, a delta is ``02 + 20 + 11``, a Levi-Civita symbol
    is the permutation sign of its digits, and with its third leg on X it is ``10 - 01``, up to a
    factor common to all patterns. Every value is 0, 1 or -1.
    """
    steps = [3 ** (rank - 1 - slot) for slot in range(rank)]
    places = np.zeros(1, dtype=np.int64)
    signs = np.ones(1, dtype=np.int64)
    if pattern.epsilon:
        # a third leg on X leaves the two terms whose last digit is that of conj u
        legs = [(d, s) for d, s in LEVI_CIVITA if len(pattern.epsilon) == 3 or d[2] == 2]
        places = np.array(
            [
                sum(d * steps[s] for d, s in zip(triple, pattern.epsilon, strict=False))
                for triple, _ in legs
            ]
        )
        signs = np.array([sign for _, sign in legs])
    for a, b in pattern.deltas:
        pair = np.array([2 * steps[b], 2 * steps[a], steps[a] + steps[b]])
        places = (places[:, None] + pair).reshape(-1)
        signs = np.repeat(signs, 3)
    return places, signs


def multiplicities(orbits: SignedOrbits, rank: int) -> dict[int, int]:
    """Count weights by counting components of each magnetic number, zeros omitted.

    The group permutes products of circular unit vectors exactly as it permutes components, so an
    orbit has a definite sum M of magnetic numbers; weight l occurs d(l) - d(l+1) times.
    """
    digits = np.zeros(1, dtype=np.int64)
    for _ in range(rank):
        digits = (digits[:, None] + np.array([1, 0, -1])).reshape(-1)
    counts = np.bincount(np.abs(digits[orbits.representatives]), minlength=rank + 2)
    counts[1:] //= 2  # M and -M were counted together
    return {
        weight: int(counts[weight] - counts[weight + 1])
        for weight in range(rank + 1)
        if counts[weight] > counts[weight + 1]
    }


@lru_cache(maxsize=2048)
def weight_space(symmetry: IndexSymmetry, weight: int, multiplicity: int) -> WeightSpace:
    """Choose the copies of a weight: the first independent orbits of patterns (rule 8)."""
    components = independent_components(symmetry)
    orbits = components.orbits
    candidates = pattern_orbits(patterns(symmetry.rank, weight), symmetry.generators)
    limits.check(
        "copies",
        len(candidates) * len(orbits.sizes),
        f"weight {weight} of {symmetry} has {len(candidates):,} candidates on "
        f"{len(orbits.sizes):,} components, which are {len(candidates) * len(orbits.sizes):,}",
        "state the symmetry that the indices have: fewer components are independent",
    )
    table = np.array(
        [orbits.orbit_sum(*_probe(orbit[0][0], symmetry.rank), len(orbit)) for orbit in candidates]
    )
    reached = np.flatnonzero(table.any(axis=0))
    table = table[:, reached]
    kept = linear.independent_rows(table, multiplicity)
    rows = table[kept]
    # entries count patterns, 13!! at most in rank 14, so g is below 3**14 (13!!)**2 < 2**57
    gram = (rows * orbits.sizes[reached]) @ rows.T
    return WeightSpace(weight, tuple(candidates[row] for row in kept), gram)
