"""Products of Kronecker deltas and Levi-Civita symbols over index slots, and sums of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial

from ..exact.integers import double_factorial, matchings, permutation_sign
from .symmetry import SignedPermutation


@dataclass(frozen=True, slots=True, order=True)
class Pattern:
    """A natural tensor placed on some slots, deltas and at most one Levi-Civita on the others.

    Patterns compare in the order of the candidates, rule 6 of docs/conventions.md.

    Attributes:
        deltas: pairs of slots joined by a Kronecker delta, ascending.
        epsilon: slots of the Levi-Civita symbol, ascending: none; two, its third leg being
            contracted with the first index of the natural tensor; or three (weight 0).
        natural: slots that carry the indices of the natural tensor, ascending.
    """

    deltas: tuple[tuple[int, int], ...]
    epsilon: tuple[int, ...]
    natural: tuple[int, ...]

    @property
    def weight(self) -> int:
        """Weight of the natural tensor."""
        return len(self.natural) + (len(self.epsilon) == 2)

    def permuted(self, slots: Sequence[int]) -> tuple[Pattern, int]:
        """Return the pattern with slot ``s`` moved to ``slots[s]``, and the sign it acquires."""
        epsilon = [slots[slot] for slot in self.epsilon]
        moved = Pattern(
            tuple(
                sorted(
                    (slots[a], slots[b]) if slots[a] < slots[b] else (slots[b], slots[a])
                    for a, b in self.deltas
                )
            ),
            tuple(sorted(epsilon)),
            tuple(sorted(slots[slot] for slot in self.natural)),
        )
        return moved, permutation_sign(epsilon)


Orbit = tuple[tuple[Pattern, int], ...]
"""A pattern with all its images under a symmetry, each with its sign; the first has sign +1."""


def patterns(rank: int, weight: int) -> list[Pattern]:
    """Return every pattern that places a natural tensor into a rank, in the order of rule 6.

    They span all equivariant maps from the weight to the rank (Weyl, The Classical Groups:
    invariants of the rotation group are sums of products of deltas and epsilons).
    """
    if not 0 <= weight <= rank:
        return []
    legs = 0 if (rank - weight) % 2 == 0 else (2 if weight else 3)
    result: list[Pattern] = []
    everything = range(rank)
    for epsilon in combinations(everything, legs):
        left = [slot for slot in everything if slot not in epsilon]
        for natural in combinations(left, weight - (legs == 2)):
            rest = [slot for slot in left if slot not in natural]
            result.extend(Pattern(deltas, epsilon, natural) for deltas in matchings(rest))
    return sorted(result)


def pattern_orbits(
    candidates: Sequence[Pattern], generators: Sequence[SignedPermutation]
) -> list[Orbit]:
    """Return the orbits of patterns that survive a symmetry, ordered by their first pattern.

    An orbit in which a pattern meets itself with a minus sign sums to zero and is left out.
    """
    seen: set[Pattern] = set()
    orbits = []
    for first in candidates:
        if first in seen:
            continue
        signs = {first: 1}
        queue = deque([first])
        survives = True
        while queue:
            pattern = queue.popleft()
            for generator in generators:
                image, sign = pattern.permuted(generator.slots)
                sign *= generator.sign * signs[pattern]
                if image not in signs:
                    signs[image] = sign
                    queue.append(image)
                elif signs[image] != sign:
                    survives = False
        seen.update(signs)
        if survives:
            orbits.append(tuple(sorted(signs.items())))
    return orbits


def natural_projector_terms(
    weight: int,
) -> Iterator[tuple[Fraction, tuple[tuple[int, int], ...]]]:
    """Yield the projector onto natural tensors as a sum of products of deltas.

    Points ``0 .. weight-1`` are the left indices, ``weight .. 2 weight - 1`` the right ones. With
    k pairs on each side the coefficient is ``(-1)^k (2l-2k-1)!!/(2l-1)!! 2^k k!/l!``; there are
    ``(2l-1)!!`` terms in all.
    """
    left, right = range(weight), range(weight, 2 * weight)
    for pairs in range(weight // 2 + 1):
        coefficient = Fraction(
            (-1) ** pairs
            * double_factorial(2 * weight - 2 * pairs - 1)
            * 2**pairs
            * factorial(pairs),
            double_factorial(2 * weight - 1) * factorial(weight),
        )
        for kept in combinations(left, weight - 2 * pairs):
            traced = [point for point in left if point not in kept]
            for partners in permutations(right, weight - 2 * pairs):
                remaining = [point for point in right if point not in partners]
                for pairs_left in matchings(traced):
                    for pairs_right in matchings(remaining):
                        cross = tuple(zip(kept, partners, strict=True))
                        yield coefficient, pairs_left + pairs_right + cross
