"""From features to a tensor: the head of the network, and the assembly of the tensor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import kernels
from ..irreps import Irrep
from ..targets import Target

LIMIT = 50.0  # deviations; elastic tensors lie within 43 (graphite), 99 % of them within 16


class Head(nn.Module):
    """Packed coordinates of a target from features, gated by the scalars.

    Args:
        target: the target.
        scalars: number of scalar channels that arrive.
        channels: number of channels of every other irrep.
        hidden: width of the hidden layers.
    """

    def __init__(self, target: Target, scalars: int, channels: int, hidden: int) -> None:
        super().__init__()
        self.parts = target.parts
        self.trunk = nn.Sequential(
            nn.Linear(scalars, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()
        )
        widths = [copies * (1 if irrep == Irrep(0) else channels) for irrep, copies in self.parts]
        self.heads = nn.ModuleList(nn.Linear(hidden, width) for width in widths)
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.1 * hidden**-0.5)  # start near the mean tensor
        self.scale = channels**-0.5

    def forward(self, scalars: Tensor, features: dict[Irrep, Tensor]) -> Tensor:
        """Return coordinates by weight, copy, m, shape ``(systems, dimension)``.

        Args:
            scalars: shape ``(systems, scalars)``.
            features: each irrep of the target but the scalar, shape
                ``(systems, 2l+1, channels)``.
        """
        hidden = self.trunk(scalars)
        parts = []
        for (irrep, copies), head in zip(self.parts, self.heads, strict=True):
            values = head(hidden)
            if irrep != Irrep(0):
                gates = values.view(len(values), copies, -1) * self.scale
                values = torch.einsum("smc,spc->spm", features[irrep], gates).flatten(1)
            parts.append(values)
        return torch.cat(parts, dim=1)


class Assembly(nn.Module):
    """The tensor from what the network learns: scale, shift, and the exponential if positive.

    Args:
        target: the target.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.positive = target.positive
        form = target.matrix_form if target.positive else "full"
        self.packing = kernels.packing(
            target.symmetry, axial=target.reduction.symmetry.axial, form=form or "full"
        )
        self.register_buffer("mean", torch.zeros(target.dimension))
        self.register_buffer("scale", torch.ones(target.dimension))

    def forward(self, coordinates: Tensor) -> Tensor:
        """Map the network's coordinates to packed coordinates of the tensor, in its unit."""
        learned = self.scaled(coordinates)
        if not self.positive:
            return learned
        return self.packing.pack(torch.linalg.matrix_exp(self.packing.unpack(learned)))

    def scaled(self, coordinates: Tensor) -> Tensor:
        """Return the tensor, or its logarithm if positive, in packed coordinates.

        Before an exponential the length of the vector is held below ``LIMIT`` deviations, smoothly
        and without touching what is shorter, so that nothing overflows early in a training.
        """
        if self.positive:
            square = coordinates.square().sum(dim=-1, keepdim=True) / LIMIT**2
            coordinates = coordinates * (1 + square**4) ** -0.125
        return self.mean + self.scale * coordinates
