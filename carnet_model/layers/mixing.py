"""Linear maps between channels and the one nonlinearity equivariance allows beside products."""

from __future__ import annotations

from collections.abc import Sequence

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
        return torch.cat(list(self.parts(features).values()), dim=1)

    def parts(self, features: Tensor, wanted: Sequence[Irrep] | None = None) -> dict[Irrep, Tensor]:
        """Return the result by irrep, each ``(atoms, 2l+1, outputs)``: of all, or those wanted."""
        matrices = dict(zip(self.layout.irreps, self.weight.unbind(0), strict=True))
        given = self.layout.split(features)
        return {irrep: given[irrep] @ matrices[irrep] for irrep in wanted or self.layout.irreps}


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
        scalars, *others = self.layout.split(features).values()
        gates = 2 * torch.sigmoid(self.linear(scalars.squeeze(1))).view(atoms, -1, channels)
        parts = [part * gate for part, gate in zip(others, gates.split(1, dim=1), strict=True)]
        return torch.cat([nn.functional.silu(scalars), *parts], dim=1)


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
        parts = self.layout.split(features).values()
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
    given = before.split(features)
    parts = [
        given[irrep]
        if irrep in given
        else features.new_zeros((len(features), irrep.size, features.shape[-1]))
        for irrep in after.irreps
    ]
    return torch.cat(parts, dim=1)
