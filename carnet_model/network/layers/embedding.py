"""Elements as vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...structures.elements import descriptors


class ElementEmbedding(nn.Module):
    """A learned vector for each element, plus a linear map of its tabulated properties.

    The table carries what is known of an element to those that training data hold rarely.

    Args:
        width: number of components.
    """

    table: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        table = torch.from_numpy(descriptors()).float()
        self.register_buffer("table", table, persistent=False)
        self.free = nn.Parameter(torch.randn(len(table), width) * 0.3)
        self.known = nn.Linear(table.shape[1], width)

    def forward(self, numbers: Tensor) -> Tensor:
        """Map atomic numbers ``(atoms,)`` to ``(atoms, width)``."""
        vectors: Tensor = self.free + self.known(self.table)
        return vectors.index_select(0, numbers)
