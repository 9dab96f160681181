"""Linear maps between channels and the one nonlinearity equivariance allows beside products."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..irreps import Irrep, Layout


class Mixing(nn.Module):
    """Mix channels, with one matrix for each irrep.

    Args:
        layout: layout of the features.
        inputs: number of channels before.
        outputs: number of channels after.
        scale: factor on the variance-keeping start.
    """

    def __init__(self, layout: Layout, inputs: int, outputs: int, scale: float = 1.0) -> None:
        super().__init__()
        self.layout = layout
        shape = (len(layout.irreps), inputs, outputs)
        self.weight = nn.Parameter(torch.randn(shape) * scale / inputs**0.5)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(atoms, size, inputs)`` to ``(atoms, size, outputs)``."""
        return torch.cat([self.one(features, irrep) for irrep in self.layout.irreps], dim=1)

    def one(self, features: Tensor, irrep: Irrep) -> Tensor:
        """Return one irrep of the result, shape ``(atoms, 2l+1, outputs)``."""
        number = self.layout.irreps.index(irrep)
        return features[:, self.layout.slices[irrep]] @ self.weight[number]


class Gate(nn.Module):
    """Scalars through SiLU; every other irrep times a sigmoid of the scalars.

    Args:
        layout: layout of the features.
        channels: number of channels.
    """

    def __init__(self, layout: Layout, channels: int) -> None:
        super().__init__()
        self.layout = layout
        self.linear = nn.Linear(channels, (len(layout.irreps) - 1) * channels)

    def forward(self, features: Tensor) -> Tensor:
        """Keep the shape ``(atoms, size, channels)``."""
        atoms, _, channels = features.shape
        scalars = features[:, self.layout.slices[Irrep(0)].start]
        gates = 2 * torch.sigmoid(self.linear(scalars)).view(atoms, -1, channels)
        parts = [nn.functional.silu(scalars).unsqueeze(1)]
        for number, where in enumerate(list(self.layout.slices.values())[1:]):
            parts.append(features[:, where] * gates[:, number : number + 1])
        return torch.cat(parts, dim=1)


class Bound(nn.Module):
    """Divide each irrep by ``sqrt(1 + mean square)`` over components and channels of an atom.

    Small features pass unchanged and large ones get unit size, so that products stay bounded.

    Args:
        layout: layout of the features.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout

    def forward(self, features: Tensor) -> Tensor:
        """Keep the shape ``(atoms, size, channels)``."""
        parts = [features[:, where] for where in self.layout.slices.values()]
        return torch.cat(
            [
                part * torch.rsqrt(1 + part.square().mean(dim=(1, 2), keepdim=True))
                for part in parts
            ],
            dim=1,
        )


def converted(features: Tensor, before: Layout, after: Layout) -> Tensor:
    """Return features in another layout: irreps it lacks are dropped, new ones are zero."""
    if before == after:
        return features
    parts = [
        features[:, before.slices[irrep]]
        if irrep in before.slices
        else features.new_zeros((len(features), irrep.size, features.shape[-1]))
        for irrep in after.irreps
    ]
    return torch.cat(parts, dim=1)
