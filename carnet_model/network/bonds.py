"""The bonds of a batch as the layers read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TypeAlias, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from .batch import Batch

CHUNK = 1 << 18
"""Most radial weights that exist at once, for each thread, where bonds are worked off in pieces.

In float32 these are 1 MB, which the cache of a core holds beside their gradients.
"""

Chunk: TypeAlias = tuple[int, int, int, int]
"""Atoms, first and last, and their edges, first and last."""

Known = TypeVar("Known")


class Bonds:
    """Directions, radial functions and ends of all bonds, sorted by receiver.

    Args:
        batch: the graphs; its edges are sorted by receiver.
        basis: bond lengths ``(edges,)`` to radial functions ``(edges, functions)``.

    Attributes:
        parameter_gradients: whether compiled kernels that differentiate a function of these bonds
            work out gradients by the parameters of the radial networks too.
    """

    def __init__(self, batch: Batch, basis: Callable[[Tensor], Tensor]) -> None:
        vectors = batch.vectors()
        self.atoms = batch.numbers.shape[0]  # len() would be fixed where a graph is traced
        self.numbers = batch.numbers
        self.senders, self.receivers = batch.senders, batch.receivers
        self.lengths = vectors.norm(dim=-1)
        self.directions = vectors / self.lengths.unsqueeze(-1)
        self.basis = basis(self.lengths)
        self.parameter_gradients = True
        self._known: dict[object, object] = {}

    def geometry(self, function: Callable[[Tensor], Tensor], key: object = None) -> Tensor:
        """Return a function of the directions, computed once for all layers."""
        return self.once(key or function, lambda: function(self.directions))

    def once(self, key: object, function: Callable[[], Known]) -> Known:
        """Return the result of a function, called once for all layers that use this key."""
        if key not in self._known:
            self._known[key] = function()
        return cast(Known, self._known[key])

    @contextmanager
    def without_parameter_gradients(self) -> Iterator[None]:
        """Leave gradients by parameters out: of an energy by positions nobody reads them."""
        before, self.parameter_gradients = self.parameter_gradients, False
        try:
            yield
        finally:
            self.parameter_gradients = before

    @cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """Starts and senders as compiled kernels read them.

        Raises:
            ValueError: when the edges are not sorted by receiver, or a sender is no atom.
        """
        if self.senders.numel():
            least, most = int(self.senders.min()), int(self.senders.max())
            if least < 0 or most >= self.atoms:
                raise ValueError(
                    f"edges come from atoms {least} to {most}; there are atoms 0 to "
                    f"{self.atoms - 1}"
                )
        return self.starts, self.senders.contiguous()

    @cached_property
    def starts(self) -> Tensor:
        """First edge of every receiver, and the number of edges, shape ``(atoms + 1,)``.

        Raises:
            ValueError: when the edges are not sorted by receiver.
        """
        if not bool((self.receivers[1:] >= self.receivers[:-1]).all()):
            raise ValueError("edges are not sorted by receiver; `structures.graph.build` does so")
        atoms = torch.arange(self.atoms + 1, device=self.receivers.device)
        return torch.searchsorted(self.receivers, atoms)

    def chunks(self, width: int) -> list[Chunk]:
        """Return runs of atoms, first and last, and their edges, first and last.

        Args:
            width: radial weights of an edge; a run holds about `CHUNK` of them for each thread.
        """
        limit = max(CHUNK * torch.get_num_threads() // max(width, 1), 1)
        return self.once(("chunks", limit), lambda: self._cut(limit))

    def _cut(self, limit: int) -> list[Chunk]:
        starts = self.starts.numpy()
        chunks = []
        first = 0
        while first < self.atoms:
            last = int(np.searchsorted(starts, starts[first] + limit, side="right")) - 1
            last = min(max(last, first + 1), self.atoms)
            chunks.append((first, last, int(starts[first]), int(starts[last])))
            first = last
        return chunks
