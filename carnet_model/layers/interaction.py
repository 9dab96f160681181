"""One layer: atomic moments from the neighbours, hyper moments from their products."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .. import kernels
from ..bonds import Bonds
from ..irreps import Layout
from ..kernels import Convolve, Multiply
from .mixing import Bound, Gate, Mixing, converted
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
    """

    def __init__(
        self, inputs: Layout, outputs: Layout, *, channels: int, body_order: int, embedding: int,
        radial: int, radial_hidden: int, neighbours: float, bounded: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel = kernels.convolution(outputs, inputs.weight)
        self.inputs, self.outputs = inputs, outputs
        moment = self.kernel.outputs
        self.scale = neighbours**-0.5
        self.before = Mixing(self.kernel.inputs, channels, channels)
        self.radial = RadialWeights(radial, radial_hidden, self.kernel.paths, channels, embedding)
        self.after = Mixing(moment, channels, channels)
        self.element = nn.Linear(embedding, len(moment.irreps) * channels)
        self.register_buffer("moment_owners", torch.tensor(moment.owners), persistent=False)
        orders = range(2, body_order)
        self.product = kernels.product(outputs) if orders else None
        paths = self.product.paths if self.product else 0
        self.weights = nn.ParameterList(torch.randn(paths, channels) * 0.3 for _ in orders)
        self.mixings = nn.ModuleList(
            Mixing(outputs, channels, channels) for _ in range(1, body_order)
        )
        self.skip = Mixing(inputs, channels, channels)
        self.gate = Gate(outputs, channels)
        self.bound = Bound(outputs) if bounded else nn.Identity()
        self.table: Callable[[Tensor, Bonds], Tensor] | None = None  # in place of radial, convolve
        self.convolve: Convolve = self.kernel.convolve
        self.multiply: Multiply | None = self.product.product if self.product else None

    def moment(self, features: Tensor, elements: Tensor, bonds: Bonds) -> Tensor:
        """Return the atomic moments, shape ``(atoms, size, channels)``."""
        sent = self.before(features)
        if self.table is None:
            hidden = self.radial(bonds, elements)
            sums = self.convolve(sent, bonds, hidden, self.radial.last.weight)
        else:
            sums = self.table(sent, bonds)
        sums = sums * self.scale
        factors = self.element(elements).view(len(elements), -1, sums.shape[-1])
        return self.after(sums) * (1 + factors.index_select(1, self.moment_owners))

    def forward(self, features: Tensor, elements: Tensor, bonds: Bonds) -> Tensor:
        """Return the features after the layer, shape ``(atoms, size, channels)``."""
        moment = self.moment(features, elements, bonds)
        moment = self.bound(converted(moment, self.kernel.outputs, self.outputs))
        total = self.mixings[0](moment)
        hyper = moment
        for weights, mixing in zip(self.weights, list(self.mixings)[1:], strict=True):
            assert self.multiply is not None
            hyper = self.multiply(hyper, moment, weights)
            total = total + mixing(hyper)
        return self.gate(total) + converted(self.skip(features), self.inputs, self.outputs)
