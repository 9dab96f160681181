"""Blocks of features by weight and parity, and the paths between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from natural_tensors.so3.blocks import Blocks, block_size

from ..programs.program import Argument

Parity = Literal["natural", "both", "ignored"]


@dataclass(frozen=True, order=True)
class Block:
    """One weight inside packed features.

    Attributes:
        pseudo: whether the parity is opposite to (-1)^weight.
        weight: the weight.
        start: first component.
    """

    pseudo: bool
    weight: int
    start: int

    @property
    def size(self) -> int:
        """Number of components."""
        return block_size(self.weight)

    @property
    def slice(self) -> slice:
        """The components of the block."""
        return slice(self.start, self.start + self.size)

    @property
    def label(self) -> str:
        """A short name: the weight, with p for a pseudo-tensor."""
        return f"{self.weight}{'p' if self.pseudo else ''}"


@dataclass(frozen=True)
class Path:
    """Features of one block times a harmonic in another block."""

    source: Block
    l2: int
    target: Block

    @property
    def l1(self) -> int:
        """Weight of the features."""
        return self.source.weight

    @property
    def l3(self) -> int:
        """Weight of the result."""
        return self.target.weight

    @property
    def odd(self) -> bool:
        """Whether the coupling holds a Levi-Civita symbol."""
        return (self.l1 + self.l2 + self.l3) % 2 == 1

    @property
    def label(self) -> str:
        """A short name: the three weights."""
        return f"{self.source.label}_{self.l2}_{self.target.label}"


def feature_blocks(weight: int, parity: Parity) -> tuple[Block, ...]:
    """Return the layout of features: weights ascending, then the pseudo-tensors likewise."""
    kinds = (False, True) if parity == "both" else (False,)
    irreps = [(pseudo, ell) for pseudo in kinds for ell in range(weight + 1)]
    places = Blocks(tuple(ell for _, ell in irreps)).slices
    return tuple(
        Block(pseudo, ell, place.start) for (pseudo, ell), place in zip(irreps, places, strict=True)
    )


def paths(
    inputs: Sequence[Block], outputs: Sequence[Block], weight: int, parity: Parity
) -> tuple[Path, ...]:
    """Return every path from features and harmonics up to a weight, sorted by target."""
    return tuple(
        Path(source, l2, target)
        for target in outputs
        for source in inputs
        for l2 in range(weight + 1)
        if abs(source.weight - l2) <= target.weight <= source.weight + l2
        and _keeps_parity(
            source.pseudo, (source.weight + l2 + target.weight) % 2 == 1, target.pseudo, parity
        )
    )


def _keeps_parity(pseudo: bool, odd: bool, target: bool, parity: Parity) -> bool:
    return parity == "ignored" or (pseudo ^ odd) == target


def product_paths(
    blocks: Sequence[Block], parity: Parity
) -> tuple[tuple[Block, Block, Block], ...]:
    """Return every path from two features to a third, sorted by target."""
    return tuple(
        (a, b, c)
        for c in blocks
        for a in blocks
        for b in blocks
        if abs(a.weight - b.weight) <= c.weight <= a.weight + b.weight
        and _keeps_parity(
            a.pseudo ^ b.pseudo, (a.weight + b.weight + c.weight) % 2 == 1, c.pseudo, parity
        )
    )


def size_of(blocks: Sequence[Block]) -> int:
    """Return the number of components of packed features."""
    return sum(block.size for block in blocks)


def feature_argument(
    name: str, blocks: Sequence[Block], meaning: str, letter: str = "h"
) -> Argument:
    """Return packed features as an argument."""
    labels = tuple(f"{letter}{block.label}_{m}" for block in blocks for m in range(block.size))
    return Argument(name, (len(labels),), labels, True, meaning)


def tangent_of(argument: Argument) -> Argument:
    """Return the argument that holds a tangent of another."""
    labels = tuple(f"tangent_{label}" for label in argument.labels)
    name, meaning = f"{argument.name}_tangent", f"tangent of {argument.name}"
    return Argument(name, argument.shape, labels, argument.channels, meaning)
