"""The pairs of atoms within a distance of each other, periodic images included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from natural_tensors.arrays import Floats, Integers


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
    positions: Floats, cell: Floats, periodic: Sequence[bool], cutoff: float
) -> AtomPairs:
    """Return all pairs within a distance; an atom may pair with images of itself.

    Args:
        positions: angstrom, shape ``(atoms, 3)``.
        cell: lattice vectors as rows, angstrom, shape ``(3, 3)``; a row along which nothing
            repeats may be zero, and counts for nothing.
        periodic: for each row, whether the structure repeats along it.
        cutoff: largest distance, angstrom.
    """
    from vesin import NeighborList

    search = NeighborList(cutoff=cutoff, full_list=True)
    first, second, shifts, vectors = search.compute(
        points=positions, box=cell, periodic=list(periodic), quantities="ijSD"
    )
    return AtomPairs(
        first.astype(np.int64), second.astype(np.int64), shifts.astype(np.int64), vectors
    )
