"""Linear maps between channels and the one nonlinearity equivariance allows beside products."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from ..irreps import Irrep, Layout, Parts


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

    def forward(self, features: Parts, kept: Collection[Irrep] | None = None) -> Parts:
        """Return the irreps given, or those of them to keep, each ``(atoms, 2l+1, outputs)``."""
        matrices = dict(zip(self.layout.irreps, self.weight.unbind(0), strict=True))
        return {
            irrep: part @ matrices[irrep]
            for irrep, part in features.items()
            if irrep in matrices and (kept is None or irrep in kept)
        }


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

    def forward(self, features: Parts) -> Parts:
        """Keep irreps and shapes."""
        scalars = features[Irrep(0)]
        gates = 2 * torch.sigmoid(self.linear(scalars))
        split = torch.split(gates, scalars.shape[-1], dim=-1)
        gated = dict(zip(self.layout.irreps[1:], split, strict=True))
        return {
            irrep: part * gated[irrep] if irrep in gated else nn.functional.silu(part)
            for irrep, part in features.items()
        }


def bounded(features: Parts) -> Parts:
    """Divide each irrep by ``sqrt(1 + mean square)`` over components and channels of an atom.

    Small features pass unchanged and large ones get unit size, so that products stay bounded.
    """
    return {
        irrep: part * torch.rsqrt(1 + part.square().mean(dim=(1, 2), keepdim=True))
        for irrep, part in features.items()
    }


def joined(features: Parts, layout: Layout) -> Tensor:
    """Return features packed in a layout: irreps it lacks are dropped, missing ones are zero."""
    like = next(iter(features.values()))
    return torch.cat(
        [
            features[irrep]
            if irrep in features
            else like.new_zeros((like.shape[0], irrep.size, like.shape[-1]))
            for irrep in layout.irreps
        ],
        dim=1,
    )


def added(first: Parts, second: Parts) -> Parts:
    """Return the sum of features; an irrep that one of them lacks is zero there."""
    total = dict(first)
    for irrep, part in second.items():
        total[irrep] = total[irrep] + part if irrep in total else part
    return total
