"""What the program of a network depends on, read off the network: its sizes and its weights.

Whatever depends on an element alone is worked out beforehand, in double precision.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from codegen.network.shape import LayerShape, NetworkShape, OutputShape
from codegen.pieces.layout import Block, feature_blocks
from codegen.recipes.product import ProductRecipe

from ..network.irreps import Irrep, Layout
from ..network.layers.interaction import Interaction
from ..network.layers.output import LIMIT, Output
from ..network.layers.repulsion import COULOMB, POWER, SCREENING, TERMS, Repulsion
from ..network.model import CarNet
from ..network.targets import Target


def _blocks(layout: Layout) -> tuple[Block, ...]:
    return feature_blocks(layout.weight, "both" if layout.pseudo else "natural")


def _block(irrep: Irrep, blocks: Sequence[Block]) -> Block:
    return next(b for b in blocks if (b.pseudo, b.weight) == (irrep.pseudo, irrep.weight))


def shape_of(network: CarNet, species: int, targets: Sequence[Target]) -> NetworkShape:
    """Return what a network is made of.

    Args:
        network: the network.
        species: how many elements it shall know.
        targets: those of its targets that are kept.
    """
    settings = network.settings
    layers: list[LayerShape] = []
    before: tuple[Block, ...] = feature_blocks(0, "natural")
    for layer in network.interactions:
        blocks = _blocks(layer.outputs)
        kept = tuple(
            _block(irrep, blocks)
            for irrep in layer.outputs.irreps
            if layer.kept is None or irrep in layer.kept
        )
        names = {(block.pseudo, block.weight) for block in kept}
        skipped = tuple(
            block for block in _blocks(layer.skip.layout) if (block.pseudo, block.weight) in names
        )
        product = layer.product.recipe if layer.product else None
        layers.append(
            LayerShape(
                convolution=layer.kernel.recipe,
                product=product or _product_of(layer),
                products=len(layer.weights),
                skipped=skipped,
                kept=kept,
                before=before,
                bounded=layer.bounded,
            )
        )
        before = layers[-1].result
    return NetworkShape(
        channels=settings.channels,
        radial=settings.radial,
        radial_hidden=settings.radial_hidden,
        species=species,
        layers=tuple(layers),
        outputs=tuple(
            _output_shape(output, _blocks(network.interactions[0].outputs), network.repulsion)
            for output in network.outputs
            if output.target in targets
        ),
    )


def _product_of(layer: Interaction) -> ProductRecipe:
    """Return the product that a layer without one would have: its layout is what is asked for."""
    return ProductRecipe(layer.outputs.weight, parity="both" if layer.outputs.pseudo else "natural")


def _output_shape(
    output: Output, blocks: Sequence[Block], repulsion: Repulsion | None
) -> OutputShape:
    target = output.target
    form = target.matrix_form if target.positive else None
    matrix = len(target.reduction.unpack(np.zeros(target.dimension), form=form)) if form else 0
    return OutputShape(
        key=target.key,
        irreps=tuple((_block(irrep, blocks), copies) for irrep, copies in target.parts),
        pooling=target.pooling,
        hidden=_linear(output.atomic, 0).out_features,
        volume=output.volume,
        dimension=target.dimension,
        rank=target.reduction.rank,
        matrix=matrix,
        limit=LIMIT,
        potential=target.potential,
        screening=len(TERMS) if repulsion is not None and target.potential else 0,
    )


def weights_of(
    network: CarNet, shape: NetworkShape, species: Sequence[int], targets: Sequence[Target]
) -> Iterator[tuple[str, Tensor]]:
    """Yield the arrays of a network by the names that its shape gives them.

    Args:
        network: the network.
        shape: as :func:`shape_of` returns it.
        species: atomic numbers that it shall know.
        targets: those of its targets that are kept.
    """
    exact = _doubled(network)
    numbers = torch.tensor(list(species))
    elements = exact.embedding(numbers)
    feature = exact.start(elements)
    for number, layer in enumerate(exact.interactions):
        yield f"layers.{number}.radial.waves", exact.basis.waves
        for name, value in _of_layer(layer, shape.layers[number], elements, feature):
            yield f"layers.{number}.{name}", value
    width = elements.shape[1]
    kept = [output for output in exact.outputs if output.target in targets]
    for number, output in enumerate(kept):
        for name, value in _of_output(output, shape, number, elements, width, numbers):
            yield f"outputs.{number}.{name}", value
        if exact.repulsion is not None and output.target.potential:
            for name, value in _of_repulsion(exact.repulsion, numbers):
                yield f"outputs.{number}.repulsion.{name}", value


def _doubled(network: CarNet) -> CarNet:
    return copy.deepcopy(network).cpu().double().eval().requires_grad_(False)


def _of_layer(
    layer: Interaction, shape: LayerShape, elements: Tensor, feature: Tensor
) -> Iterator[tuple[str, Tensor]]:
    channels = feature.shape[1]
    moments = len(shape.convolution.outputs)
    yield "factors", (1 + layer.element(elements)).view(len(elements), moments, channels)
    yield "start", feature @ layer.before.weight[0]  # the program reads it of the first layer
    yield "kept", feature @ layer.skip.weight[0]
    yield "before", layer.before.weight
    yield "skip", layer.skip.weight[_places(_blocks(layer.skip.layout), shape.skipped)]
    radial = layer.radial
    yield "radial.senders", radial.sender(elements)
    yield "radial.receivers", radial.receiver(elements)
    yield "radial.first", radial.first.weight.t()
    yield "radial.second", radial.second.weight.t()
    yield "radial.last", radial.last.weight.t()
    yield "after", layer.after.weight * layer.scale
    kept = _places(_blocks(layer.outputs), shape.kept)
    for order, mixing in enumerate(layer.mixings):
        yield f"mixings.{order}", mixing.weight[kept]
    for order, weights in enumerate(layer.weights):
        yield f"products.{order}", weights
    if len(kept) > 1:
        gates = layer.gate.linear.weight.view(-1, channels, channels)  # by irrep but the scalar
        chosen = [place - 1 for place in kept[1:]]
        yield "gate", gates[chosen].reshape(-1, channels).t()
        yield "gate_bias", layer.gate.linear.bias.view(-1, channels)[chosen].flatten()


def _places(blocks: Sequence[Block], chosen: Sequence[Block]) -> list[int]:
    return [blocks.index(block) for block in chosen]


def _of_output(
    output: Output,
    shape: NetworkShape,
    number: int,
    elements: Tensor,
    width: int,
    numbers: Tensor,
) -> Iterator[tuple[str, Tensor]]:
    target = output.target
    first, second = _linear(output.atomic, 0), _linear(output.atomic, 2)
    trunk = [_linear(output.head.trunk, 0), _linear(output.head.trunk, 2)]
    yield "atomic_bias", elements @ first.weight[:, :width].t() + first.bias
    yield "atomic_first", first.weight[:, width:].t()
    yield "atomic_second", second.weight.t()
    yield "trunk_first", trunk[0].weight.t()
    yield "trunk_second", trunk[1].weight.t()
    yield "head", torch.cat([head.weight for head in output.head.heads]).t()
    yield "atomic_second_bias", second.bias
    yield "trunk_first_bias", trunk[0].bias
    yield "trunk_second_bias", trunk[1].bias
    yield "head_bias", torch.cat([head.bias for head in output.head.heads])
    if output.importance is not None:
        yield (
            "importance_bias",
            (elements @ output.importance.weight[:, :width].t() + output.importance.bias),
        )
        yield "importance", output.importance.weight[:, width:].t()
        read = shape.readouts(shape.outputs[number])
        chosen = [
            output.readouts[layer].weight[_blocks(output.readouts[layer].layout).index(block)]
            for layer, block in read
        ]
        yield "readouts", torch.stack(chosen)
    yield "mean", output.assembly.mean
    yield "scale", output.assembly.scale
    if output.assembly.reference is not None:
        yield "reference", output.assembly.reference(numbers)
    identity = np.eye(target.dimension)
    if target.positive:
        form = target.matrix_form or "full"
        matrices = np.stack([target.reduction.unpack(row, form=form) for row in identity])
        yield "unpack", torch.from_numpy(matrices)
        size = matrices.shape[-1]
        units = np.eye(size * size).reshape(-1, size, size)
        symmetric = (units + units.transpose(0, 2, 1)) / 2
        packed = np.stack([target.reduction.pack(unit, form=form) for unit in symmetric])
        yield "pack", torch.from_numpy(packed.T.copy())
    tensors = np.stack([target.reduction.unpack(row, form="full") for row in identity])
    yield "components", torch.from_numpy(tensors.reshape(target.dimension, -1))


def _of_repulsion(repulsion: Repulsion, numbers: Tensor) -> Iterator[tuple[str, Tensor]]:
    charges = repulsion.charges[numbers]
    yield "charges", charges * (COULOMB / 2) ** 0.5  # a bond has half of the energy of a pair
    yield "rates", charges**POWER / SCREENING
    yield "radii", repulsion.radii[numbers]
    yield "terms", torch.tensor(TERMS, dtype=torch.float64)


def _linear(layers: nn.Sequential, number: int) -> nn.Linear:
    layer = layers[number]
    assert isinstance(layer, nn.Linear)
    return layer
