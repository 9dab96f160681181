"""Graphs side by side, as the tensors that a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..structures.graph import Graph


@dataclass(frozen=True, eq=False)
class Batch:
    """Several graphs side by side, as tensors.

    Attributes:
        numbers: atomic numbers, shape (atoms,).
        positions: positions, shape (atoms, 3).
        cells: lattice vectors as rows, shape (graphs, 3, 3).
        senders: shape (edges,).
        receivers: shape (edges,).
        shifts: lattice translations of the senders, shape (edges, 3), floating point.
        owners: graph of each atom, shape (atoms,).
        counts: atoms in each graph, shape (graphs,).
    """

    numbers: Tensor
    positions: Tensor
    cells: Tensor
    senders: Tensor
    receivers: Tensor
    shifts: Tensor
    owners: Tensor
    counts: Tensor

    @property
    def graphs(self) -> int:
        """Number of structures."""
        return len(self.counts)

    def vectors(self) -> Tensor:
        """Return the bond vectors, receiver to sender, in angstrom, shape (edges, 3)."""
        cells = self.cells.index_select(0, self.owners.index_select(0, self.receivers))
        translations = torch.einsum("ei,eij->ej", self.shifts, cells)
        ends = self.positions.index_select(0, self.senders)
        return ends + translations - self.positions.index_select(0, self.receivers)

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> Batch:
        """Return the batch on a device, its lengths in a floating-point type."""
        moved = {
            field.name: value.to(device, dtype if value.is_floating_point() else None)
            for field in fields(self)
            for value in [getattr(self, field.name)]
        }
        return replace(self, **moved)


def collate(graphs: Sequence[Graph], dtype: torch.dtype = torch.float32) -> Batch:
    """Join graphs into a batch.

    Args:
        graphs: at least one graph.
        dtype: floating-point type of positions, cells and shifts.
    """
    counts = np.array([graph.atoms for graph in graphs])
    starts = np.cumsum(counts) - counts
    pairs = list(zip(graphs, starts, strict=True))

    def floats(parts: list[NDArray[np.float64]] | list[NDArray[np.int64]]) -> Tensor:
        return torch.from_numpy(np.concatenate(parts)).to(dtype)

    return Batch(
        numbers=torch.from_numpy(np.concatenate([graph.numbers for graph in graphs])),
        positions=floats([graph.positions for graph in graphs]),
        cells=floats([graph.cell[None] for graph in graphs]),
        senders=torch.from_numpy(np.concatenate([g.senders + start for g, start in pairs])),
        receivers=torch.from_numpy(np.concatenate([g.receivers + start for g, start in pairs])),
        shifts=floats([graph.shifts for graph in graphs]),
        owners=torch.from_numpy(np.repeat(np.arange(len(graphs)), counts)),
        counts=torch.from_numpy(counts),
    )
