"""Orbits of points under signed maps: the combinatorics behind every symmetry class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SignedOrbits:
    """Partition of points into orbits, with the sign that relates each point to its orbit's first.

    Attributes:
        representatives: first point of each orbit that survives, shape ``(orbits,)``.
        position: number of the orbit of each point, shape ``(points,)``; 0 where it vanishes.
        signs: value of a point divided by the value of its representative, shape ``(points,)``:
            +1, -1, or 0 where the signs contradict each other and the value must vanish.
        sizes: number of points in each surviving orbit, shape ``(orbits,)``.
    """

    representatives: Integers
    position: Integers
    signs: Integers
    sizes: Integers

    def orbit_sum(self, places: Integers, values: NDArray[Any], images: int) -> NDArray[Any]:
        """Sum a sparse array and its images under the symmetry, at the representatives.

        The sum is ``images`` times the symmetrized array, which at a representative is its orbit's
        signed mean. It is an array of integers, so the division is exact.

        Args:
            places: points where the array may differ from zero, shape ``(entries,)``.
            values: its integer values there, shape ``(entries, ...)``.
            images: number of distinct images.
        """
        # an entry before division is at most images x orbit of points x largest value
        largest = int(np.abs(values).max(initial=0)) * images * int(self.sizes.max(initial=1))
        kind = np.int64 if largest < 2**62 else object
        total = np.zeros((len(self.sizes), *values.shape[1:]), dtype=kind)
        trailing = (1,) * (values.ndim - 1)
        signs = self.signs[places].reshape(-1, *trailing)
        np.add.at(total, self.position[places], values.astype(kind) * signs)
        return total * images // self.sizes.reshape(-1, *trailing)


def signed_orbits(
    maps: Sequence[tuple[NDArray[Any], int]], points: int, order: Integers | None = None
) -> SignedOrbits:
    """Find the orbits of ``range(points)`` when ``value[i] == sign * value[map[i]]`` for each map.

    Args:
        maps: permutations of the points, each with its sign.
        points: number of points.
        order: the points from first to last; orbits are numbered, and their representatives
            chosen, in this order. Ascending when omitted.
    """
    if order is None:
        order = np.arange(points)
    rank = np.empty(points, dtype=np.int64)
    rank[order] = np.arange(points)

    first = rank.copy()  # smallest rank known to be in the orbit of a point
    while True:
        before = first.copy()
        for image, _ in maps:
            np.minimum(first, first[image], out=first)
            # each point occurs once in `image`, so plain assignment scatters without collisions
            first[image] = np.minimum(first[image], first)
        first = first[order[first]]
        if np.array_equal(before, first):
            break

    signs = np.zeros(points, dtype=np.int64)
    signs[order[first]] = 1
    while not signs.all():
        for image, sign in maps:
            reached = (signs[image] == 0) & (signs != 0)
            signs[image[reached]] = sign * signs[reached]

    vanishing = np.zeros(points, dtype=bool)  # indexed by rank of the representative
    for image, sign in maps:
        vanishing[first[signs[image] != sign * signs]] = True
    signs[vanishing[first]] = 0

    firsts = np.flatnonzero((first == np.arange(points)[rank]) & (signs != 0))
    representatives = firsts[np.argsort(rank[firsts])]
    number = np.zeros(points, dtype=np.int64)
    number[rank[representatives]] = np.arange(len(representatives))
    position = np.where(signs != 0, number[first], 0)
    sizes = np.zeros(len(representatives), dtype=np.int64)
    np.add.at(sizes, position[signs != 0], 1)
    return SignedOrbits(representatives, position, signs, sizes)
