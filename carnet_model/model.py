"""The network: from a batch of graphs to tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .bonds import Bonds
from .config import NetworkSettings
from .graph import Batch
from .irreps import Irrep, Layout, Parts, reachable
from .layers import Assembly, ElementEmbedding, Head, Interaction, Mixing, RadialBasis
from .layers.mixing import added
from .targets import Target, TargetError


class CarNet(nn.Module):
    """Cartesian natural tensor network (arXiv:2510.04015) on generated kernels.

    Features are packed, channels last, and have a definite parity: the network is equivariant
    under O(3), permutations and translations by construction.

    Args:
        settings: the network.
        target: what it predicts.

    Raises:
        TargetError: when the target cannot come out of a network with these settings.
    """

    def __init__(self, settings: NetworkSettings, target: Target) -> None:
        super().__init__()
        self.settings, self.target = settings, target
        weight = max(target.weight, 1) if settings.weight is None else settings.weight
        pseudo = target.pseudo if settings.pseudo is None else settings.pseudo
        layout = Layout(weight, pseudo)
        sent = Layout(min(settings.message_weight, weight), pseudo)
        depth = {"layers": settings.layers, "body_order": settings.body_order}
        found = reachable(layout, sent, **depth)
        missing = [str(irrep) for irrep, _ in target.parts if irrep not in found]
        if missing:
            raise TargetError(
                f"{target.name} holds {', '.join(missing)}, which {settings.layers} layers of body "
                f"order {settings.body_order} with features to weight {weight}"
                f"{'' if pseudo else ' and no pseudo-tensors'} never make: leave out weight and "
                "pseudo, or raise layers or body_order"
            )
        channels = settings.channels
        # the head makes scalars of the scalars: their readout is not needed
        self.wanted = frozenset(irrep for irrep, _ in target.parts) - {Irrep(0)}
        self.embedding = ElementEmbedding(settings.embedding)
        self.start = nn.Linear(settings.embedding, channels)
        self.basis = RadialBasis(settings.radial, settings.cutoff)
        self.interactions = nn.ModuleList(
            Interaction(
                sent if number else Layout(0), layout, channels=channels,
                body_order=settings.body_order, embedding=settings.embedding,
                radial=settings.radial, radial_hidden=settings.radial_hidden,
                neighbours=settings.neighbours or 40.0, bounded=settings.bounded,
                kept=None if number < settings.layers - 1 else self.wanted | {Irrep(0)},
            )
            for number in range(settings.layers)
        )  # fmt: skip
        self.readouts = nn.ModuleList(Mixing(layout, channels, channels) for _ in self.interactions)
        width = settings.embedding + channels * settings.layers
        self.atomic = nn.Sequential(
            nn.Linear(width, settings.head_hidden), nn.SiLU(),
            nn.Linear(settings.head_hidden, settings.head_hidden),
        )  # fmt: skip
        self.importance = nn.Linear(width, channels)
        extra = int(settings.volume and target.pooling == "mean")
        self.head = Head(target, settings.head_hidden + extra, channels, settings.head_hidden)
        self.assembly = Assembly(target)

    def forward(self, batch: Batch) -> Tensor:
        """Return packed coordinates of the tensors, shape ``(systems, dimension)``.

        A system is a structure, or an atom for a target of atoms.
        """
        return self.assembly(self.coordinates(batch))

    def coordinates(self, batch: Batch) -> Tensor:
        """Return what the assembly makes tensors of, shape ``(systems, dimension)``."""
        bonds = Bonds(batch, self.basis)
        elements = self.embedding(batch.numbers)
        features = {Irrep(0): self.start(elements).unsqueeze(1)}
        scalars: list[Tensor] = [elements]
        total: Parts = {}
        for interaction, readout in zip(self.interactions, self.readouts, strict=True):
            features = interaction(features, elements, bonds)
            scalars.append(features[Irrep(0)].squeeze(1))
            total = added(total, readout(features, self.wanted))
        return self._read(torch.cat(scalars, dim=1), total, batch)

    def _read(self, scalars: Tensor, features: Parts, batch: Batch) -> Tensor:
        atoms = self.atomic(scalars)
        parts = {}
        if features:
            importance = (2 * torch.sigmoid(self.importance(scalars))).unsqueeze(1)
            parts = {irrep: part * importance for irrep, part in features.items()}
        if self.target.pooling == "mean":
            atoms = mean(atoms, batch)
            parts = {irrep: mean(part, batch) for irrep, part in parts.items()}
            if self.settings.volume:
                volume = torch.linalg.det(batch.cells).abs() / batch.counts
                atoms = torch.cat([atoms, torch.log(volume / 15).unsqueeze(1)], dim=1)
        coordinates = self.head(atoms, parts)
        if self.target.pooling == "sum":
            shape = (batch.graphs, coordinates.shape[1])
            coordinates = coordinates.new_zeros(shape).index_add(0, batch.owners, coordinates)
        return coordinates


def mean(values: Tensor, batch: Batch) -> Tensor:
    """Return the mean over the atoms of each structure."""
    total = values.new_zeros((batch.graphs, *values.shape[1:])).index_add(0, batch.owners, values)
    return total / batch.counts.view(-1, *[1] * (values.dim() - 1))
