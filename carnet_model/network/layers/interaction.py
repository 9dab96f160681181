"""One layer: atomic moments from the neighbours, hyper moments from their products."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

from .. import kernels
from ..bonds import Bonds
from ..irreps import Irrep, Layout, Parts
from ..kernels import Convolve, Multiply
from .mixing import Gate, Mixing, added, bounded, joined
from .modules import Modules
from .radial import RadialWeights


class Interaction(nn.Module):
    """Atomic moment, channel mixing, hyper moment, residual.

    CarNet, arXiv:2510.04015, sec. 2: the atomic moment sums, over the neighbours, radial weight
    times feature times harmonic of the bond; the hyper moment multiplies moments of one atom up
    to a body order.

    Args:
        inputs: layout of the features before.
        outputs: layout of the features after.
        channels: number of channels.
        body_order: most atoms in one product, the centre included; 2 is no product.
        embedding: width of the element embedding.
        radial: number of radial functions.
        radial_hidden: width of the radial network.
        neighbours: mean number of neighbours, a normalization.
        bounded: bound the moments before their products.
        kept: irreps that are read afterwards, the scalar among them; all when omitted.
    """

    def __init__(
        self,
        inputs: Layout,
        outputs: Layout,
        *,
        channels: int,
        body_order: int,
        embedding: int,
        radial: int,
        radial_hidden: int,
        neighbours: float,
        bounded: bool = True,
        kept: Collection[Irrep] | None = None,
    ) -> None:
        super().__init__()
        self.kernel = kernels.convolution(outputs, inputs.weight)
        self.outputs = outputs
        moment = self.kernel.outputs
        self.scale = neighbours**-0.5
        self.before = Mixing(self.kernel.inputs, channels, channels)
        self.radial = RadialWeights(radial, radial_hidden, self.kernel.paths, channels, embedding)
        self.after = Mixing(moment, channels, channels)
        self.element = nn.Linear(embedding, len(moment.irreps) * channels)
        orders = range(2, body_order)
        self.product = kernels.product(outputs) if orders else None
        paths = self.product.paths if self.product else 0
        self.weights = nn.ParameterList(torch.randn(paths, channels) * 0.3 for _ in orders)
        self.mixings = Modules[Mixing](
            Mixing(outputs, channels, channels) for _ in range(1, body_order)
        )
        self.skip = Mixing(inputs, channels, channels)
        self.gate = Gate(outputs, channels)
        self.bounded, self.kept = bounded, kept
        self.table: Callable[[Tensor, Bonds], Tensor] | None = None  # in place of radial, convolve
        self.convolve: Convolve = self.kernel.convolve
        self.multiply: Multiply | None = self.product.product if self.product else None

    def moment(self, features: Parts, elements: Tensor, bonds: Bonds) -> Parts:
        """Return the atomic moments."""
        sent = joined(self.before(features), self.kernel.inputs)
        if self.table is None:
            hidden = self.radial(bonds, elements)
            sums = self.convolve(sent, bonds, hidden, self.radial.last.weight)
        else:
            sums = self.table(sent, bonds)
        moments = self.after(self.kernel.outputs.split(sums * self.scale))
        factors = (1 + self.element(elements)).unsqueeze(1).split(sums.shape[-1], dim=-1)
        return {
            irrep: part * factor
            for (irrep, part), factor in zip(moments.items(), factors, strict=True)
        }

    def forward(self, features: Parts, elements: Tensor, bonds: Bonds) -> Parts:
        """Return the features after the layer."""
        moments = self.moment(features, elements, bonds)
        if self.bounded:
            moments = bounded(moments)
        total = self.mixings[0](moments, self.kept)
        if self.multiply is not None:
            moment = hyper = joined(moments, self.outputs)
            for weights, mixing in zip(self.weights, list(self.mixings)[1:], strict=True):
                hyper = self.multiply(hyper, moment, weights)
                total = added(total, mixing(self.outputs.split(hyper), self.kept))
        return added(self.gate(total), self.skip(features, self.kept))
