"""A trained network made wider: more channels, and at first the same function.

As in T. Chen, I. Goodfellow and J. Shlens 2016 (arXiv:1511.05641) training goes on from what a
smaller network has learnt. The channels that are added start at random, and nothing of before
reads them yet: the moments are there but zero, the features have weights of zero where old ones
read them. Both change with the first step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..network.layers.interaction import Interaction
from ..network.layers.mixing import Mixing
from ..network.layers.output import Output
from ..network.model import CarNet


@torch.no_grad()
def widen_trunk(model: CarNet, donor: CarNet) -> None:
    """Give all but the outputs of a network the weights of a narrower one, or of an equal one.

    Args:
        model: has as many channels or more, all else is equal; changed in place.
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
    _place_groups(layer.radial.last.weight, old.radial.last.weight, wide, narrow)
    _place_mixing(layer.before, old.before)
    _place_mixing(layer.skip, old.skip)
    _place_groups(layer.element.weight, old.element.weight, wide, narrow)
    _place_groups(layer.element.bias, old.element.bias, wide, narrow)
    # moments of no size lower their mean square, which bounds them: the others make up for it
    growth = (wide / narrow) ** 0.5 if layer.bounded else 1.0
    layer.after.weight.zero_()
    _place(layer.after.weight, old.after.weight * growth)
    for order, (mixing, other) in enumerate(zip(layer.mixings, old.mixings, strict=True), 1):
        _place(mixing.weight, other.weight / growth**order)
    for weights, others in zip(layer.weights, old.weights, strict=True):
        _place(weights, others)
    gates, before = layer.gate.linear, old.gate.linear
    matrices = gates.weight.view(-1, wide, wide)
    matrices[:, :narrow] = 0
    _place(matrices, before.weight.view(-1, narrow, narrow))
    _place_groups(gates.bias, before.bias, wide, narrow)


def _place(new: Tensor, old: Tensor) -> None:
    """Put a tensor into the corner of a larger one."""
    new[tuple(slice(size) for size in old.shape)] = old


def _place_linear(new: nn.Linear, old: nn.Linear) -> None:
    _place(new.weight, old.weight)
    _place(new.bias, old.bias)


def _place_groups(new: Tensor, old: Tensor, wide: int, narrow: int) -> None:
    """Place what has a row for each channel of each of several groups."""
    rest = old.shape[1:]
    _place(new.view(-1, wide, *rest), old.view(-1, narrow, *rest))


def _place_mixing(new: Mixing, old: Mixing) -> None:
    """Place matrices of channels: the old channels go on without the new ones."""
    new.weight[:, :, : old.weight.shape[2]] = 0
    _place(new.weight, old.weight)


def _place_readers(new: Tensor, old: Tensor, model: CarNet, donor: CarNet) -> None:
    """Place a matrix that reads element embeddings and the scalars of all layers."""
    embedding, layers = donor.settings.embedding, donor.settings.layers
    new[: len(old), :embedding] = old[:, :embedding]
    channels = new[:, embedding:].view(len(new), layers, model.settings.channels)
    channels[: len(old)] = 0
    _place(channels, old[:, embedding:].reshape(len(old), layers, donor.settings.channels))
