"""A trained network made wider: more channels and features, and at first the same function.

As in T. Chen, I. Goodfellow and J. Shlens 2016 (arXiv:1511.05641) training goes on from what a
smaller network has learnt. What is added starts at random, and nothing of before reads it yet. The
moments of new channels are there but zero, features have weights of zero where old ones read
them; a product or message of larger weights, or of pseudo-tensors, adds to what was there with a
factor of zero. All of these change with the first step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..network.irreps import Layout
from ..network.kernels import Convolution, Product
from ..network.layers.interaction import Interaction
from ..network.layers.mixing import Mixing
from ..network.layers.output import Output
from ..network.model import CarNet

Key = TypeVar("Key")


@torch.no_grad()
def widen_trunk(model: CarNet, donor: CarNet) -> None:
    """Give all but the outputs of a network the weights of a narrower one, or of an equal one.

    Args:
        model: has as many channels or more, weights as large or larger, and may have pseudo-tensors
            where the donor has none; all else is equal; changed in place.
        donor: the narrower network.
    """
    model.embedding.load_state_dict(donor.embedding.state_dict())
    _place_linear(model.start, donor.start)
    for layer, old in zip(model.interactions, donor.interactions, strict=True):
        _widen_interaction(layer, old)


@torch.no_grad()
def widen_output(model: CarNet, donor: CarNet, output: Output, old: Output) -> None:
    """Give an output of a network the weights of the same output of a narrower one.

    Args:
        model: the network of the output.
        donor: that of the other.
        output: changed in place.
        old: its target is the same.
    """
    wide, narrow = model.settings.channels, donor.settings.channels
    state = output.state_dict()
    equal = {
        key: value for key, value in old.state_dict().items() if value.shape == state[key].shape
    }
    output.load_state_dict(equal, strict=False)
    first = "atomic.0.weight"
    _place_readers(output.get_parameter(first), old.get_parameter(first), model, donor)
    for mixing, other in zip(output.readouts, old.readouts, strict=True):
        _place_mixing(mixing, other)
    if output.importance is not None and old.importance is not None:
        _place_readers(output.importance.weight, old.importance.weight, model, donor)
        _place(output.importance.bias, old.importance.bias)
    for head, narrower in zip(output.head.heads, old.head.heads, strict=True):
        copies = narrower.out_features // narrow
        if head.out_features != narrower.out_features:  # gates of channels: there are more now
            for new, before in ((head.weight, narrower.weight), (head.bias, narrower.bias)):
                gates = new.view(copies, wide, -1)
                gates.zero_()
                gates[:, :narrow] = before.view(copies, narrow, -1) * (wide / narrow) ** 0.5


def _widen_interaction(layer: Interaction, old: Interaction) -> None:
    wide, narrow = layer.after.weight.shape[2], old.after.weight.shape[2]
    for part in ("first", "second", "sender", "receiver"):
        getattr(layer.radial, part).load_state_dict(getattr(old.radial, part).state_dict())
    radial = layer.radial.last.weight.view(layer.kernel.paths, wide, -1)
    before = old.radial.last.weight.view(old.kernel.paths, narrow, -1)
    _place_paths(radial, before, layer.kernel, old.kernel, old.kernel.outputs)
    _place_mixing(layer.before, old.before)
    _place_mixing(layer.skip, old.skip)
    for matrix, irrep in zip(layer.skip.weight, layer.skip.layout.irreps, strict=True):
        if irrep in old.outputs.irreps and irrep not in old.skip.layout.irreps:
            matrix.zero_()  # features that were not passed on
    moments = _places(layer.kernel.outputs.irreps, old.kernel.outputs.irreps)
    for new, others in (
        (layer.element.weight, old.element.weight), (layer.element.bias, old.element.bias),
    ):  # fmt: skip
        _place_groups(new, others, wide, narrow, moments)
    # moments of no size lower their mean square, which bounds them: the others make up for it
    growth = (wide / narrow) ** 0.5 if layer.bounded else 1.0
    layer.after.weight[moments] = 0
    _place_each(layer.after.weight, old.after.weight * growth, moments)
    features = _places(layer.outputs.irreps, old.outputs.irreps)
    for order, (mixing, other) in enumerate(zip(layer.mixings, old.mixings, strict=True), 1):
        _place_each(mixing.weight, other.weight / growth**order, features)
    if layer.product is not None and old.product is not None:
        for weights, theirs in zip(layer.weights, old.weights, strict=True):
            _place_paths(weights, theirs, layer.product, old.product, old.outputs)
    gates, gated = layer.gate.linear, old.gate.linear
    groups = [place - 1 for place in features[1:]]  # all but the scalar, which is first
    matrices = gates.weight.view(-1, wide, wide)
    matrices[groups, :narrow] = 0
    _place_each(matrices, gated.weight.view(-1, narrow, narrow), groups)
    _place_groups(gates.bias, gated.bias, wide, narrow, groups)


def _places(new: Sequence[Key], old: Sequence[Key]) -> list[int]:
    """Return where in a longer list those of a shorter one are."""
    where = {key: place for place, key in enumerate(new)}
    return [where[key] for key in old]


def _place(new: Tensor, old: Tensor) -> None:
    """Put a tensor into the corner of a larger one."""
    new[tuple(slice(size) for size in old.shape)] = old


def _place_each(new: Tensor, old: Tensor, places: Sequence[int]) -> None:
    """Put tensors into the corners of larger ones, of which there are more."""
    for place, each in zip(places, old, strict=True):
        _place(new[place], each)


def _place_linear(new: nn.Linear, old: nn.Linear) -> None:
    _place(new.weight, old.weight)
    _place(new.bias, old.bias)


def _place_groups(new: Tensor, old: Tensor, wide: int, narrow: int, places: Sequence[int]) -> None:
    """Place what has a row for each channel of each of several groups."""
    rest = old.shape[1:]
    _place_each(new.view(-1, wide, *rest), old.view(-1, narrow, *rest), places)


def _place_paths(
    new: Tensor,
    old: Tensor,
    kernel: Convolution | Product,
    before: Convolution | Product,
    outputs: Layout,
) -> None:
    """Place what has a row for each path; paths to what was there before add nothing to it yet.

    Args:
        new: shape ``(paths, channels, ...)``, changed in place.
        old: the same of fewer paths and channels.
        kernel: of the new paths.
        before: of the old ones.
        outputs: what the old paths make.
    """
    for row, coupling in zip(new, kernel.couplings, strict=True):
        if coupling[2] in outputs.irreps and coupling not in before.couplings:
            row.zero_()
    _place_each(new, old, _places(kernel.couplings, before.couplings))


def _place_mixing(new: Mixing, old: Mixing) -> None:
    """Place matrices of channels: the old channels go on without the new ones."""
    places = _places(new.layout.irreps, old.layout.irreps)
    new.weight[places, :, : old.weight.shape[2]] = 0
    _place_each(new.weight, old.weight, places)


def _place_readers(new: Tensor, old: Tensor, model: CarNet, donor: CarNet) -> None:
    """Place a matrix that reads element embeddings and the scalars of all layers."""
    embedding, layers = donor.settings.embedding, donor.settings.layers
    new[: len(old), :embedding] = old[:, :embedding]
    channels = new[:, embedding:].view(len(new), layers, model.settings.channels)
    channels[: len(old)] = 0
    _place(channels, old[:, embedding:].reshape(len(old), layers, donor.settings.channels))
