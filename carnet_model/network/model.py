"""The network: from a batch of graphs to tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .batch import Batch
from .bonds import Bonds
from .irreps import Irrep, Layout, Parts, reachable
from .layers.embedding import ElementEmbedding
from .layers.interaction import Interaction
from .layers.modules import Modules
from .layers.output import Output, mean
from .layers.radial import RadialBasis
from .layers.repulsion import Repulsion
from .settings import NetworkSettings
from .targets import Target, TargetError


class CarNet(nn.Module):
    """Cartesian natural tensor network (arXiv:2510.04015) on generated kernels.

    Features are packed, channels last, and have a definite parity: the network is equivariant
    under O(3), permutations and translations by construction. One trunk of interactions serves
    all targets; each has an output of its own.

    Args:
        settings: the network.
        targets: what it predicts, one tensor or several.

    Raises:
        TargetError: when a target cannot come out of a network with these settings, or two have
            the same key.
    """

    def __init__(self, settings: NetworkSettings, *targets: Target) -> None:
        super().__init__()
        self.settings, self.targets = settings, targets
        weight = largest_weight(targets) if settings.weight is None else settings.weight
        pseudo = any(target.pseudo for target in targets)
        pseudo = pseudo if settings.pseudo is None else settings.pseudo
        layout = Layout(weight, pseudo)
        sent = Layout(min(settings.message_weight, weight), pseudo)
        depth = {"layers": settings.layers, "body_order": settings.body_order}
        irreps = reachable(layout, sent, **depth)
        for target in targets:
            missing = [str(irrep) for irrep, _ in target.parts if irrep not in irreps]
            if missing:
                raise TargetError(
                    f"{target.key} holds {', '.join(missing)}, which {settings.layers} layers of "
                    f"body order {settings.body_order} with features to weight {weight}"
                    f"{'' if pseudo else ' and no pseudo-tensors'} never make: leave out weight "
                    "and pseudo, or raise layers or body_order"
                )
        channels = settings.channels
        read = {irrep for target in targets for irrep, _ in target.parts} | {Irrep(0)}
        self.embedding = ElementEmbedding(settings.embedding)
        self.start = nn.Linear(settings.embedding, channels)
        self.basis = RadialBasis(settings.radial, settings.cutoff)
        self.interactions = Modules[Interaction](
            Interaction(
                sent if number else Layout(0),
                layout,
                channels=channels,
                body_order=settings.body_order,
                embedding=settings.embedding,
                radial=settings.radial,
                radial_hidden=settings.radial_hidden,
                neighbours=settings.neighbours or 40.0,
                bounded=settings.bounded,
                kept=None if number < settings.layers - 1 else read,
            )
            for number in range(settings.layers)
        )
        self.outputs = Modules[Output](
            Output(
                target,
                layout,
                layers=settings.layers,
                channels=channels,
                embedding=settings.embedding,
                hidden=settings.head_hidden,
                volume=settings.volume,
            )
            for target in targets
        )
        if settings.repulsion and self.potential is None:
            raise TargetError(
                f"repulsion: true, and {', '.join(target.key for target in targets)} is no energy "
                "that is summed over the atoms: leave repulsion out"
            )
        self.repulsion = Repulsion() if settings.repulsion else None

    @property
    def potential(self) -> Target | None:
        """The energy among the targets, which has forces."""
        return next((target for target in self.targets if target.potential), None)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return packed coordinates of each tensor, by the key of its target.

        Shape ``(systems, dimension)``: a system is a structure, or an atom for a target of atoms.
        """
        return self.assembled(self.learned(batch))

    def bonds(self, batch: Batch) -> Bonds:
        """Return the bonds of graphs with the radial functions that the layers read."""
        return Bonds(batch, self.basis)

    def learned(self, batch: Batch, bonds: Bonds | None = None) -> dict[str, Tensor]:
        """Return the packed coordinates of each tensor, or of its logarithm if it is positive.

        Args:
            batch: the graphs.
            bonds: their bonds, as :meth:`bonds` returns them; made when omitted.
        """
        bonds = self.bonds(batch) if bonds is None else bonds
        joined, features = self._trunk(batch, bonds)
        learned = {output.target.key: output(joined, features, batch) for output in self.outputs}
        if self.repulsion is not None and self.potential is not None:
            learned[self.potential.key] = learned[self.potential.key] + self.repulsion(bonds, batch)
        return learned

    def representation(self, batch: Batch) -> Tensor:
        """Return the scalars that the outputs read, as means over the atoms of each structure.

        Invariant under rotations and the choice of the cell; near structures are near in it. Shape
        ``(graphs, embedding + layers * channels)``.
        """
        return mean(self._trunk(batch, self.bonds(batch))[0], batch)

    def _trunk(self, batch: Batch, bonds: Bonds) -> tuple[Tensor, list[Parts]]:
        """Return the scalars of all layers, and the features of each."""
        elements = self.embedding(batch.numbers)
        layer = {Irrep(0): self.start(elements).unsqueeze(1)}
        scalars: list[Tensor] = [elements]
        features: list[Parts] = []
        for interaction in self.interactions:
            layer = interaction(layer, elements, bonds)
            scalars.append(layer[Irrep(0)].squeeze(1))
            features.append(layer)
        return torch.cat(scalars, dim=1), features

    def assembled(self, learned: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return packed coordinates of the tensors from what :meth:`learned` returns."""
        return {
            output.target.key: output.assembly(learned[output.target.key])
            for output in self.outputs
        }


def largest_weight(targets: Sequence[Target]) -> int:
    """Return the largest weight of all targets, which have keys of their own.

    Raises:
        TargetError: without targets, or when two share a key.
    """
    keys = [target.key for target in targets]
    if not keys or len(set(keys)) < len(keys):
        raise TargetError(
            f"the targets are called {', '.join(keys) or 'nothing'}: give one or more, and each a "
            "title of its own"
        )
    return max(1, *(target.weight for target in targets))
