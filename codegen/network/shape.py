"""What a network is made of, as far as code depends on it: sizes, and no weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ..pieces.layout import Block, size_of
from ..recipes.convolution import ConvolutionRecipe
from ..recipes.product import ProductRecipe

Pooling = Literal["mean", "sum", "atoms"]


@dataclass(frozen=True)
class Array:
    """An array of weights.

    Attributes:
        name: its name.
        shape: its shape.
        exact: kept in double precision whatever that of the network: what was computed from its
            parameters, and what sums need.
    """

    name: str
    shape: tuple[int, ...]
    exact: bool = False

    @property
    def count(self) -> int:
        """Number of entries."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True)
class LayerShape:
    """One interaction.

    Attributes:
        convolution: the messages; its inputs are what is sent, its outputs the moments.
        product: of the moments.
        products: how often moments are multiplied.
        skipped: blocks of the features before that skip the layer, with their numbers there.
        kept: blocks of the result that are read afterwards, the scalar first.
        before: blocks of the features before the layer; one scalar for the first.
        bounded: whether the moments are bounded before their products.
    """

    convolution: ConvolutionRecipe
    product: ProductRecipe
    products: int
    skipped: tuple[Block, ...]
    kept: tuple[Block, ...]
    before: tuple[Block, ...]
    bounded: bool

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Layout of moments and products."""
        return self.product.blocks

    @property
    def result(self) -> tuple[Block, ...]:
        """Layout of the result: the blocks kept, one after another."""
        return packed(self.kept)


@dataclass(frozen=True)
class OutputShape:
    """One tensor.

    Attributes:
        key: what it is called.
        irreps: blocks of features that it is made of, with the number of copies of each; a scalar
            is made of the scalars by the head alone.
        pooling: mean or sum over the atoms, or one tensor for each.
        hidden: width of the head.
        volume: whether the head is given the volume.
        dimension: number of independent components.
        rank: number of indices.
        matrix: size of the symmetric matrix whose exponential it is; 0 for none.
        limit: length of the coordinates of its logarithm that is held, in deviations.
        potential: whether it is an energy, summed over the atoms.
        screening: terms of the screening of the repulsion of nuclei that is added; 0 for none.
    """

    key: str
    irreps: tuple[tuple[Block, int], ...]
    pooling: Pooling
    hidden: int
    volume: bool
    dimension: int
    rank: int
    matrix: int
    limit: float
    potential: bool
    screening: int

    @property
    def tensors(self) -> tuple[tuple[Block, int], ...]:
        """The irreps but the scalar."""
        return tuple((block, copies) for block, copies in self.irreps if not is_scalar(block))

    @property
    def parts(self) -> int:
        """Rows of features that the head multiplies."""
        return size_of([block for block, _ in self.tensors])


@dataclass(frozen=True)
class NetworkShape:
    """A network.

    Attributes:
        channels: width of the features.
        radial: number of radial functions.
        radial_hidden: width of the radial networks.
        species: number of elements it knows.
        layers: in order.
        outputs: in order.
    """

    channels: int
    radial: int
    radial_hidden: int
    species: int
    layers: tuple[LayerShape, ...]
    outputs: tuple[OutputShape, ...]

    @cached_property
    def arrays(self) -> tuple[Array, ...]:
        """The weights, in the order in which the program reads them."""
        found: list[Array] = []
        for number, layer in enumerate(self.layers):
            found += self._of_layer(f"layers.{number}.", layer, first=number == 0)
        for number, output in enumerate(self.outputs):
            found += self._of_output(f"outputs.{number}.", output)
        return tuple(found)

    def _of_layer(self, prefix: str, layer: LayerShape, *, first: bool) -> Iterator[Array]:
        c, hidden = self.channels, self.radial_hidden
        moments, kept = len(layer.convolution.outputs), len(layer.kept)
        yield Array(prefix + "factors", (self.species, moments, c), exact=True)
        if first:
            yield Array(prefix + "start", (self.species, c), exact=True)
            yield Array(prefix + "kept", (self.species, c), exact=True)
        else:
            yield Array(prefix + "before", (len(layer.convolution.inputs), c, c))
            yield Array(prefix + "skip", (len(layer.skipped), c, c))
        yield Array(prefix + "radial.waves", (self.radial,), exact=True)
        yield Array(prefix + "radial.senders", (self.species, hidden), exact=True)
        yield Array(prefix + "radial.receivers", (self.species, hidden), exact=True)
        yield Array(prefix + "radial.first", (self.radial, hidden))
        yield Array(prefix + "radial.second", (hidden, hidden))
        yield Array(prefix + "radial.last", (hidden, len(layer.convolution.paths) * c))
        yield Array(prefix + "after", (moments, c, c), exact=True)
        for order in range(layer.products + 1):
            yield Array(f"{prefix}mixings.{order}", (kept, c, c))
        for order in range(layer.products):
            yield Array(f"{prefix}products.{order}", (len(layer.product.paths), c))
        if kept > 1:
            yield Array(prefix + "gate", (c, (kept - 1) * c))
            yield Array(prefix + "gate_bias", ((kept - 1) * c,))

    def _of_output(self, prefix: str, output: OutputShape) -> Iterator[Array]:
        c, hidden, dimension = self.channels, output.hidden, output.dimension
        width = len(self.layers) * c
        gates = self.gates(output)
        yield Array(prefix + "atomic_bias", (self.species, hidden), exact=True)
        yield Array(prefix + "atomic_first", (width, hidden))
        yield Array(prefix + "atomic_second", (hidden, hidden))
        yield Array(prefix + "trunk_first", (hidden + output.volume, hidden))
        yield Array(prefix + "trunk_second", (hidden, hidden))
        yield Array(prefix + "head", (hidden, gates))
        yield Array(prefix + "atomic_second_bias", (hidden,))
        yield Array(prefix + "trunk_first_bias", (hidden,))
        yield Array(prefix + "trunk_second_bias", (hidden,))
        yield Array(prefix + "head_bias", (gates,))
        if output.parts:
            yield Array(prefix + "importance_bias", (self.species, c), exact=True)
            yield Array(prefix + "importance", (width, c))
            yield Array(prefix + "readouts", (len(self.readouts(output)), c, c))
        yield Array(prefix + "mean", (dimension,), exact=True)
        yield Array(prefix + "scale", (dimension,), exact=True)
        if output.pooling == "sum":
            yield Array(prefix + "reference", (self.species, dimension), exact=True)
        if output.matrix:
            yield Array(prefix + "unpack", (dimension, output.matrix, output.matrix), exact=True)
            yield Array(prefix + "pack", (dimension, output.matrix, output.matrix), exact=True)
        yield Array(prefix + "components", (dimension, 3**output.rank), exact=True)
        if output.screening:
            for name in ("charges", "rates", "radii"):
                yield Array(f"{prefix}repulsion.{name}", (self.species,), exact=True)
            yield Array(prefix + "repulsion.terms", (output.screening, 2), exact=True)

    def gates(self, output: OutputShape) -> int:
        """Return how many numbers a head makes: scalars, and factors of all other channels."""
        return sum(n * (1 if is_scalar(b) else self.channels) for b, n in output.irreps)

    def readouts(self, output: OutputShape) -> tuple[tuple[int, Block], ...]:
        """Return the features that an output reads besides scalars: layer and block."""
        wanted = [block for block, _ in output.tensors]
        return tuple(
            (number, block)
            for number, layer in enumerate(self.layers)
            for block in layer.kept
            if block in wanted
        )


def is_scalar(block: Block) -> bool:
    """Say whether a block is the true scalar."""
    return block.weight == 0 and not block.pseudo


def packed(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return blocks as they lie one after another."""
    found: list[Block] = []
    for block in blocks:
        found.append(Block(block.pseudo, block.weight, size_of(found)))
    return tuple(found)
