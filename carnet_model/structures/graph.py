"""The graph of a structure: its atoms and the pairs of them within a cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from natural_tensors.arrays import Floats
from natural_tensors.limits import Name

from .geometry import Geometry


@dataclass(frozen=True, eq=False)
class Graph:
    """The atoms of one structure and its directed edges, sorted by receiver.

    Attributes:
        numbers: atomic numbers, shape (atoms,).
        positions: positions in angstrom, shape (atoms, 3).
        cell: lattice vectors as rows, angstrom, zero without periodicity, shape (3, 3).
        senders: atom an edge comes from, shape (edges,).
        receivers: atom an edge goes to, shape (edges,).
        shifts: lattice translation of the sender, in lattice vectors, shape (edges, 3).
    """

    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    senders: NDArray[np.int64]
    receivers: NDArray[np.int64]
    shifts: NDArray[np.int64]

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return len(self.numbers)

    @property
    def edges(self) -> int:
        """Number of directed edges."""
        return len(self.senders)

    def vectors(self) -> Floats:
        """Return the bond vectors, receiver to sender, in angstrom, shape (edges, 3)."""
        ends = self.positions[self.senders] + self.shifts @ self.cell
        return np.asarray(ends - self.positions[self.receivers], dtype=np.float64)


def build(geometry: Geometry, cutoff: float, *, most: Name = "pairs") -> Graph:
    """Return the graph of a structure: every ordered pair closer than the cutoff.

    An atom is its own neighbour through the periodic images, so a cell of one atom has edges.

    Args:
        geometry: the structure.
        cutoff: largest distance, in angstrom.
        most: name of the limit on the number of edges.

    Raises:
        GeometryError: when there are more; before the search, where there are many more.
    """
    receivers, senders, shifts, _ = geometry.neighbours(cutoff, most=most)
    order = np.argsort(receivers, kind="stable")
    return Graph(
        numbers=geometry.numbers,
        positions=geometry.positions,
        cell=geometry.cell,
        senders=senders[order],
        receivers=receivers[order],
        shifts=shifts[order],
    )
