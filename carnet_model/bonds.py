"""The bonds of a batch as the layers read them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .graph import Batch

CHUNK = 1 << 20
"""Most radial weights that exist at once where bonds are worked off in pieces: 4 MB in float32."""


class Bonds:
    """Directions, radial functions and ends of all bonds, sorted by receiver.

    Args:
        batch: the graphs; its edges are sorted by receiver.
        basis: bond lengths ``(edges,)`` to radial functions ``(edges, functions)``.
    """

    def __init__(self, batch: Batch, basis: Callable[[Tensor], Tensor]) -> None:
        vectors = batch.vectors()
        self.atoms = len(batch.numbers)
        self.senders, self.receivers = batch.senders, batch.receivers
        self.lengths = vectors.norm(dim=-1)
        self.directions = vectors / self.lengths.unsqueeze(-1)
        self.basis = basis(self.lengths)
        self._geometries: dict[object, Tensor] = {}
        self._chunks: dict[int, list[tuple[int, int, int, int]]] = {}

    def geometry(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Return a function of the directions, computed once for all layers."""
        if function not in self._geometries:
            self._geometries[function] = function(self.directions)
        return self._geometries[function]

    @cached_property
    def starts(self) -> Tensor:
        """First edge of every receiver, and the number of edges, shape ``(atoms + 1,)``."""
        atoms = torch.arange(self.atoms + 1, device=self.receivers.device)
        return torch.searchsorted(self.receivers, atoms)

    def chunks(self, width: int) -> list[tuple[int, int, int, int]]:
        """Return runs of atoms, first and last, and their edges, first and last.

        Args:
            width: radial weights of an edge; a run holds about `CHUNK` of them.
        """
        if width not in self._chunks:
            self._chunks[width] = self._cut(max(CHUNK // max(width, 1), 1))
        return self._chunks[width]

    def _cut(self, limit: int) -> list[tuple[int, int, int, int]]:
        starts = self.starts.numpy()
        found = []
        first = 0
        while first < self.atoms:
            last = int(np.searchsorted(starts, starts[first] + limit, side="right")) - 1
            last = min(max(last, first + 1), self.atoms)
            found.append((first, last, int(starts[first]), int(starts[last])))
            first = last
        return found
