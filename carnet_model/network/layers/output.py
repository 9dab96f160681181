"""From features to a tensor: readout, head and assembly of one target."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ...structures.elements import ELEMENTS
from .. import kernels
from ..batch import Batch
from ..irreps import Irrep, Layout, Parts
from ..targets import Target
from .mixing import Mixing, added
from .modules import Modules

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
        self.heads = Modules[nn.Linear](nn.Linear(hidden, width) for width in widths)
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
    """The tensor from the output of the head: scale, shift, sum, and the exponential if positive.

    Args:
        target: the target.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.positive, self.pooling = target.positive, target.pooling
        form = target.matrix_form if target.positive else "full"
        self.packing = kernels.packing(
            target.symmetry, axial=target.reduction.symmetry.axial, form=form or "full"
        )
        self.reference = Reference(target.dimension) if target.pooling == "sum" else None
        self.register_buffer("mean", torch.zeros(target.dimension))
        self.register_buffer("scale", torch.ones(target.dimension))

    def learned(self, values: Tensor, batch: Batch) -> Tensor:
        """Return the tensor, or its logarithm if positive, in packed coordinates.

        A sum runs in double precision over the atoms and the reference values of their elements:
        energies are large numbers whose small differences matter. Before an exponential the length
        of the vector is held below ``LIMIT`` deviations, smoothly and without touching what is
        shorter, so that nothing overflows early in a training.

        Args:
            values: of the systems, or of the atoms for a sum, shape ``(..., dimension)``.
            batch: the structures.
        """
        if self.positive:
            square = values.square().sum(dim=-1, keepdim=True) / LIMIT**2
            values = values * (1 + square**4) ** -0.125
        values = self.mean + self.scale * values
        if self.reference is None:
            return values
        shares: Tensor = values.double() + self.reference(batch.numbers)
        total = shares.new_zeros((batch.graphs, shares.shape[1]))
        return total.index_add(0, batch.owners, shares)

    def forward(self, learned: Tensor) -> Tensor:
        """Map what :meth:`learned` returns to packed coordinates of the tensor, in its unit."""
        if not self.positive:
            return learned
        matrices: Tensor = torch.linalg.matrix_exp(self.packing.unpack(learned))
        return self.packing.pack(matrices)


class Reference(nn.Module):
    """What an atom of each element contributes wherever it is, always in double precision.

    Args:
        dimension: number of packed coordinates.
    """

    table: Tensor

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.register_buffer("table", torch.zeros(ELEMENTS, dimension, dtype=torch.float64))

    def forward(self, numbers: Tensor) -> Tensor:
        """Map atomic numbers ``(atoms,)`` to ``(atoms, dimension)``."""
        return self.table.index_select(0, numbers)

    def _apply(self, function: Callable[[Tensor], Tensor], recurse: bool = True) -> Reference:
        """Move to another device, and keep the data type: a single digit lost is a meV."""
        exact = self.table
        super()._apply(function, recurse)  # type: ignore[no-untyped-call]
        self.table = exact.to(self.table.device)
        return self


class Output(nn.Module):
    """One tensor from the features of all layers.

    Args:
        target: the tensor to predict.
        layout: of the features.
        layers: number of interactions.
        channels: number of channels.
        embedding: width of the element embedding.
        hidden: width of the hidden layers.
        volume: give the head the logarithm of the volume per atom (mean pooling).
    """

    def __init__(
        self,
        target: Target,
        layout: Layout,
        *,
        layers: int,
        channels: int,
        embedding: int,
        hidden: int,
        volume: bool,
    ) -> None:
        super().__init__()
        self.target = target
        # the head makes scalars of the scalars: their readout is not needed
        self.wanted = frozenset(irrep for irrep, _ in target.parts) - {Irrep(0)}
        self.readouts = Modules[Mixing](
            Mixing(layout, channels, channels) for _ in range(layers) if self.wanted
        )
        width = embedding + channels * layers
        self.atomic = nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.importance = nn.Linear(width, channels) if self.wanted else None
        self.volume = volume and target.pooling == "mean"
        self.head = Head(target, hidden + self.volume, channels, hidden)
        self.assembly = Assembly(target)

    def forward(self, scalars: Tensor, features: Sequence[Parts], batch: Batch) -> Tensor:
        """Return the input of the assembly, shape ``(systems, dimension)``.

        A system is a structure, or an atom for a target of atoms.

        Args:
            scalars: element embedding and scalars of all layers, shape ``(atoms, width)``.
            features: of each layer.
            batch: the structures.
        """
        atoms = self.atomic(scalars)
        parts: Parts = {}
        if self.importance is not None:
            for layer, readout in zip(features, self.readouts, strict=True):
                parts = added(parts, readout(layer, self.wanted))
            importance = (2 * torch.sigmoid(self.importance(scalars))).unsqueeze(1)
            parts = {irrep: part * importance for irrep, part in parts.items()}
        if self.target.pooling == "mean":
            atoms = mean(atoms, batch)
            parts = {irrep: mean(part, batch) for irrep, part in parts.items()}
        if self.volume:
            volume = torch.linalg.det(batch.cells).abs() / batch.counts
            volume = torch.where(volume > 0, volume, 15.0)  # of a molecule beside crystals
            atoms = torch.cat([atoms, torch.log(volume / 15).unsqueeze(1)], dim=1)
        return self.assembly.learned(self.head(atoms, parts), batch)


def mean(values: Tensor, batch: Batch) -> Tensor:
    """Return the mean over the atoms of each structure."""
    total = values.new_zeros((batch.graphs, *values.shape[1:])).index_add(0, batch.owners, values)
    return total / batch.counts.view(-1, *[1] * (values.dim() - 1))
