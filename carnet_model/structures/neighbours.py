"""The pairs of atoms within a distance of each other, periodic images included.

What is asked of vesin is bounded first: it sorts atoms into at most 100,000 boxes, and ends the
process where so few leave no box along one axis; it would try more images of a flat cell, and
return more pairs, than fit into time and memory.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from natural_tensors import limits
from natural_tensors.arrays import Floats, Integers

MOST_BOXES = 100_000
"""Boxes into which vesin sorts atoms: where there would be more, it takes wider ones."""

FEWEST = 4
"""Boxes along each axis that are certain to leave one when vesin has rounded down three times."""

FAR = 20_000
"""Lattice vectors from the cell beyond which an atom is brought back, as vesin counts in 32 bits"""

SPHERE = 4 / 3 * np.pi
"""Volume of a sphere of radius 1."""

UNEVEN = 16
"""At most so many times the estimate of pairs is what a search may have to hold."""


@dataclass(frozen=True, eq=False)
class AtomPairs:
    """Ordered pairs of atoms: each is there twice, once from either end.

    Attributes:
        first: an atom, shape ``(pairs,)``.
        second: the other one, shape ``(pairs,)``.
        shifts: lattice translation of the second, in lattice vectors, shape ``(pairs, 3)``.
        vectors: from the first to the second, angstrom, shape ``(pairs, 3)``.
    """

    first: Integers
    second: Integers
    shifts: Integers
    vectors: Floats

    @property
    def distances(self) -> Floats:
        """Lengths of the vectors, angstrom, shape ``(pairs,)``."""
        return np.asarray(np.linalg.norm(self.vectors, axis=1), dtype=np.float64)


def neighbours(
    positions: Floats,
    cell: Floats,
    periodic: Sequence[bool],
    cutoff: float,
    *,
    most: limits.Name = "pairs",
) -> AtomPairs:
    """Return all pairs within a distance; an atom may pair with images of itself.

    Args:
        positions: angstrom, shape ``(atoms, 3)``.
        cell: lattice vectors as rows, angstrom, shape ``(3, 3)``; a row along which nothing
            repeats may be zero, and counts for nothing.
        periodic: for each row, whether the structure repeats along it.
        cutoff: largest distance, angstrom.
        most: name of the limit on the number of pairs.

    Raises:
        LimitError: when more copies of the cell than the limit ``images`` are within the cutoff,
            or there are more pairs; before the search, where they are many more.
    """
    region = _Region(positions, cell, periodic)
    reach = region.safe_reach(cutoff)
    images = region.images(reach)
    limits.check(
        "images",
        images,
        f"the cell repeats {images:.3g} times within {reach:.3g} Å of an atom",
        "give a reduced cell, whose lattice vectors are short and far from one plane",
    )
    expected = region.pairs(reach, images, enough=limits.limit(most))
    limits.check(most, expected, too_many(len(positions), reach, expected, "about "), *ADVICE)
    places, laps = region.brought_back()
    search = _neighbour_list()(cutoff=reach, full_list=True)
    first, second, shifts, vectors = search.compute(
        points=places, box=region.box(reach), periodic=True, quantities="ijSD"
    )
    if reach > cutoff:
        near = np.linalg.norm(vectors, axis=1) < cutoff
        first, second, shifts, vectors = first[near], second[near], shifts[near], vectors[near]
    limits.check(most, len(first), too_many(len(positions), cutoff, len(first)), *ADVICE)
    first, second, shifts = (each.astype(np.int64) for each in (first, second, shifts))
    if laps is not None:
        shifts += laps[first] - laps[second]
    return AtomPairs(first, second, shifts, vectors)


@cache
def _neighbour_list() -> Any:
    """Return vesin's class; where PyTorch is not loaded, from a copy of vesin that has none.

    vesin loads PyTorch and ASE where it can, for their types, which takes seconds; it is given
    arrays here.
    """
    left_out = [] if "vesin" in sys.modules else [name for name in TYPES if name not in sys.modules]
    for name in left_out:
        sys.modules[name] = None  # type: ignore[assignment] # vesin goes on without it
    try:
        from vesin import NeighborList
    finally:
        for name in left_out:
            del sys.modules[name]
    if left_out:
        for name in [name for name in sys.modules if name.partition(".")[0] == "vesin"]:
            del sys.modules[name]  # others that import it find PyTorch
    return NeighborList


TYPES = ("torch", "ase")
"""Packages whose types vesin takes besides arrays."""

ADVICE = ("give the primitive cell of a crystal: it has the same tensor; check the unit, angstrom",)


def too_many(atoms: int, cutoff: float, pairs: float, about: str = "") -> str:
    """Say how many pairs there are, for the limit of their number."""
    number = f"{pairs:.2g}" if about else f"{pairs:,}"
    return f"its {atoms} atoms have {about}{number} bonds within {cutoff:.3g} Å"


class _Region:
    """Where the atoms are: how far they reach, how many are near one.

    Args:
        positions: angstrom, shape ``(atoms, 3)``.
        cell: lattice vectors as rows, angstrom, shape ``(3, 3)``.
        periodic: for each row, whether the structure repeats along it.
    """

    def __init__(self, positions: Floats, cell: Floats, periodic: Sequence[bool]) -> None:
        self.positions, self.cell = positions, completed(cell, periodic)
        self.periodic = np.array(periodic, dtype=bool)
        inverse = np.linalg.inv(self.cell)
        self.fractional = positions @ inverse
        heights = 1 / np.linalg.norm(inverse, axis=0)
        given = self.fractional if len(positions) else np.zeros((1, 3))
        low, high = given.min(axis=0), given.max(axis=0)
        self.low, self.farthest = low, float(np.maximum(-low, high).max())
        self.heights, self.spread = heights, high - low

    def lengths(self, reach: float) -> Floats:
        """Return the lengths of a box that repeats along each axis, with no new pair within reach.

        Upright on the faces; where nothing repeats, what the atoms take and a gap.
        """
        free = self.spread + 2 * reach + 1
        return np.asarray(np.where(self.periodic, self.heights, free), dtype=np.float64)

    def box(self, reach: float) -> Floats:
        """Return that box; vesin is slow where some axes repeat and others are long and do not."""
        scales = self.lengths(reach) / self.heights
        return np.asarray(self.cell * scales[:, None], dtype=np.float64)

    def safe_reach(self, cutoff: float) -> float:
        """Return the cutoff, or more where vesin would divide by a number of boxes that is zero."""
        reach = cutoff
        while True:
            fewest = np.maximum(np.floor(self.lengths(reach) / reach), 1)
            total = float(np.prod(fewest))
            left = fewest.min() * (MOST_BOXES / total) ** (1 / 3)
            if total <= MOST_BOXES / 2 or left >= FEWEST:
                return reach
            reach *= 1.25

    def images(self, reach: float) -> float:
        """Return how many copies of the cell, itself included, an atom may have to look at."""
        steps = np.floor(reach / self.heights[self.periodic] + 1)
        return float(np.prod(1 + 2 * steps))

    def pairs(self, reach: float, images: float, enough: int) -> float:
        """Return about how many ordered pairs there are; 0 when they cannot be more than enough.

        Atoms are counted in boxes at least as wide as the reach. The pairs of a box with itself
        and the boxes around it, of which a sphere takes a share, are right for an even
        distribution; a sixteenth of all of them is what an uneven one may hold.
        """
        atoms = len(self.positions)
        if float(atoms) * atoms * images <= enough:
            return 0.0
        wide = self.periodic & (self.heights >= 3 * reach)
        boxes = np.where(wide, np.floor(self.heights / reach), 1)
        widths = np.where(wide, self.heights / boxes, reach)
        # along an axis that repeats within three boxes, all atoms are near, several times
        short = self.periodic & ~wide
        times = float(np.prod(np.where(short, 3 * reach / self.heights, 1.0)))
        places = (self.fractional - np.where(self.periodic, 0.0, self.low)) * self.heights / widths
        places = np.where(wide, places % boxes, places)
        rows = np.where(short, 0, np.floor(places)).astype(np.int64)
        occupied, counts = np.unique(rows, axis=0, return_counts=True)
        shape = occupied.max(axis=0) + 3
        keys = np.ravel_multi_index(tuple((occupied + 1).T), tuple(shape))
        order = np.argsort(keys)
        keys, counts, occupied = keys[order], counts[order].astype(np.float64), occupied[order]
        near = np.zeros_like(counts)
        for step in product(*([0] if each else [-1, 0, 1] for each in short)):
            beside = np.where(wide, (occupied + step) % boxes.astype(np.int64), occupied + step)
            wanted = np.ravel_multi_index(tuple((beside + 1).T), tuple(shape), mode="clip")
            found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            near += np.where(keys[found] == wanted, counts[found], 0.0)
        candidates = float(counts @ near) * times
        box = abs(float(np.linalg.det(self.cell))) * float(np.prod(widths / self.heights))
        return max(SPHERE * reach**3 / (27 * box), 1 / UNEVEN) * candidates

    def brought_back(self) -> tuple[Floats, Integers | None]:
        """Return positions near the cell, and the lattice vectors that were taken off each."""
        if self.farthest <= FAR:
            return self.positions, None
        laps = np.floor(np.where(self.periodic, self.fractional, self.low))
        return self.positions - laps @ self.cell, laps.astype(np.int64)


def completed(cell: Floats, periodic: Sequence[bool]) -> Floats:
    """Return a cell with rows that do not repeat replaced by unit vectors upright on the others."""
    rows = [row for row in range(3) if periodic[row]]
    box = cell.copy()
    for row in range(3):
        if row not in rows:
            # the first left singular vector that the rows so far do not reach
            spanned = box[rows] if rows else np.zeros((1, 3))
            box[row] = np.linalg.svd(spanned)[2][len(rows)]
            rows.append(row)
    return box
