"""Layout of packed features: which components belong to which weight and parity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from natural_tensors.so3.blocks import block_size

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, order=True)
class Irrep:
    """One irreducible representation of O(3).

    Attributes:
        weight: the weight l, with 2l+1 components.
        pseudo: False for the parity of harmonics, (-1)^l; True for the other one.
    """

    weight: int
    pseudo: bool = False

    @property
    def size(self) -> int:
        """Number of components, 2l+1."""
        return block_size(self.weight)

    @property
    def parity(self) -> int:
        """Sign under inversion."""
        return -1 if (self.weight + self.pseudo) % 2 else 1

    @classmethod
    def of(cls, weight: int, parity: int) -> Irrep:
        """Return the irrep of a weight with a sign under inversion."""
        return cls(weight, parity != (-1) ** weight)

    def __str__(self) -> str:
        return f"{self.weight}{'e' if self.parity == 1 else 'o'}"


Parts: TypeAlias = "dict[Irrep, Tensor]"
"""Features irrep by irrep, each of shape ``(atoms, 2l+1, channels)``."""


@dataclass(frozen=True)
class Layout:
    """Packed features to a weight: the natural block, then, where carried, the pseudo-tensors.

    Features have the shape ``(atoms, size, channels)``; within a block weights ascend and the
    components of a weight follow the packed basis.

    Attributes:
        weight: largest weight.
        pseudo: True when pseudo-tensors are carried as well.
    """

    weight: int
    pseudo: bool = False

    @cached_property
    def irreps(self) -> tuple[Irrep, ...]:
        """The irreps in order."""
        kinds = (False, True) if self.pseudo else (False,)
        return tuple(Irrep(w, kind) for kind in kinds for w in range(self.weight + 1))

    @property
    def size(self) -> int:
        """Number of components."""
        return sum(irrep.size for irrep in self.irreps)

    def split(self, features: Tensor) -> Parts:
        """Return features ``(atoms, size, channels)`` irrep by irrep, as views.

        One operation for all: slices of their own would each fill a whole array with zeros when
        they are differentiated.
        """
        sizes = [irrep.size for irrep in self.irreps]
        parts: tuple[Tensor, ...] = features.split(sizes, dim=1)  # type: ignore[no-untyped-call]
        return dict(zip(self.irreps, parts, strict=True))


def products(first: Irrep, second: Irrep) -> set[Irrep]:
    """Return the irreps in the product of two."""
    low, high = abs(first.weight - second.weight), first.weight + second.weight
    return {Irrep.of(weight, first.parity * second.parity) for weight in range(low, high + 1)}


def reachable(layout: Layout, sent: Layout, *, layers: int, body_order: int) -> set[Irrep]:
    """Return the irreps that selection rules allow a network to have; all others are zero.

    A moment couples features of a neighbour with harmonics; a product couples moments of one atom.
    Equal factors of equal weight have no odd coupling. (A pseudo-scalar is allowed from body order
    4, yet in a single layer it cancels: it takes two.)

    Args:
        layout: of the features.
        sent: of the features that neighbours send.
        layers: number of interactions.
        body_order: most atoms in one product, the centre included.
    """
    harmonics = [Irrep(weight) for weight in range(layout.weight + 1)]
    kept = set(layout.irreps)
    features = {Irrep(0)}
    for _ in range(layers):
        senders = features & set(sent.irreps)
        moments = {i for a in senders for b in harmonics for i in products(a, b)} & kept
        hyper = moments
        features = features | moments
        for order in range(body_order - 2):
            hyper = {
                irrep
                for a in hyper
                for b in moments
                for irrep in products(a, b)
                if order or a != b or irrep.weight % 2 == 0
            } & kept
            features = features | hyper
    return features
