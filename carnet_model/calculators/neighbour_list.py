"""The neighbour list of moving atoms, kept while no atom has moved far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase import Atoms
from ase.cell import Cell

from natural_tensors.arrays import Floats

from ..structures.geometry import Geometry
from ..structures.graph import Graph, build


class NeighbourList:
    """Pairs within the cutoff and a skin, kept until one might be missing.

    Bonds follow the deformation F of the cell up to the displacements u of their two ends, so a
    pair that was farther apart than cutoff + skin is farther than (cutoff + skin) s - 2 max|u|, s
    the least singular value of F. The list holds as long as that is no less than the cutoff.

    Atoms are kept near the middle of one cell: single precision has no digits to spare for those
    that have wandered far.

    Args:
        cutoff: of the network, in angstrom.
        skin: in angstrom.
    """

    def __init__(self, cutoff: float, skin: float) -> None:
        self.cutoff, self.skin = cutoff, skin
        self.builds = 0

    def build(self, structure: Geometry) -> None:
        """Search all pairs of a structure within cutoff and skin."""
        self.builds += 1
        self._numbers, self._periodic = structure.numbers, np.array(structure.periodic)
        self._offsets = np.floor(structure.fractional).astype(np.int64) * self._periodic
        self._cell = structure.cell
        self._positions = self._inside(structure.positions, structure.cell)
        graph = build(structure, self.cutoff + self.skin)
        ends = self._offsets[graph.senders] - self._offsets[graph.receivers]
        self._pairs = replace(graph, shifts=graph.shifts + ends)

    def fit(self, atoms: Atoms) -> bool:
        """Say whether every pair within the cutoff is in the list."""
        if not (
            self.builds
            and np.array_equal(atoms.numbers, self._numbers)
            and np.array_equal(atoms.pbc, self._periodic)
            and np.isfinite(atoms.cell.array).all()
        ):
            return False
        start, least = self._positions, 1.0
        if not np.array_equal(atoms.cell.array, self._cell):
            deformation = np.linalg.solve(self._complete(self._cell), self._complete(atoms.cell))
            start, least = start @ deformation, float(np.linalg.norm(deformation, -2))
        moved = np.linalg.norm(self._inside(atoms.positions, atoms.cell.array) - start, axis=1)
        # written so that a position that is no number does not fit
        return bool((self.cutoff + self.skin) * least - 2 * moved.max() >= self.cutoff)

    def graph(self, atoms: Atoms) -> Graph:
        """Return the structure with the pairs that are within the cutoff now."""
        cell = np.asarray(atoms.cell.array, dtype=np.float64)
        listed = replace(self._pairs, positions=self._inside(atoms.positions, cell), cell=cell)
        # the network gives exactly nothing beyond the cutoff: this saves its time
        near = np.linalg.norm(listed.vectors(), axis=1) < self.cutoff
        return replace(
            listed,
            senders=listed.senders[near],
            receivers=listed.receivers[near],
            shifts=listed.shifts[near],
        )

    def _inside(self, positions: Floats, cell: Floats) -> Floats:
        """Return positions in the cell they were in when the list was built, about their mean."""
        inside = positions - self._offsets @ cell
        return np.asarray(inside - inside.mean(axis=0), dtype=np.float64)

    def _complete(self, cell: Floats | Cell) -> Floats:
        """Return lattice vectors, unit vectors upright on the others where nothing repeats."""
        repeating = np.where(self._periodic[:, None], np.asarray(cell), 0.0)
        return np.asarray(Cell(repeating).complete().array, dtype=np.float64)
