"""Reduction of a symmetry class of tensors to its natural tensors, exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ..errors import SymmetryError
from ..physical.catalog import catalog
from ..so3.blocks import block_size
from .base import ReductionBase
from .components import independent_components
from .copies import BASES, Basis, WeightSpace, multiplicities, weight_space
from .symmetry import IndexSymmetry


@dataclass(frozen=True, eq=False, repr=False)
class Reduction(ReductionBase):
    """The natural tensors inside a symmetry class, and the operators to and from each.

    Obtain one from :func:`reduction`. Everything is derived once, exactly; numeric methods
    convert the exact operators to the type of their argument.

    Attributes:
        symmetry: the index symmetry, polar or axial.
        basis: ``"dual"`` or ``"orthonormal"``.
        name: name in the catalogue, where the reduction was asked for by name.
        components: the independent components.
        multiplicities: number of copies of each weight that occurs.
    """

    @property
    def parity(self) -> int:
        """Sign of the tensor, and of every part, under inversion."""
        return self.symmetry.parity

    def weight_space(self, weight: int) -> WeightSpace:
        """Return the copies of a weight that occurs; derived when first needed."""
        return weight_space(self.symmetry, weight, self.multiplicities[weight])

    @property
    def irreps(self) -> str:
        """The content in the notation of e3nn, such as ``"2x0e+2x2e+1x4e"``."""
        letter = self.symmetry.parity_letter
        return "+".join(f"{n}x{weight}{letter}" for weight, n in self.multiplicities.items())

    def __repr__(self) -> str:
        kind = "axial" if self.symmetry.axial else "polar"
        letter = self.symmetry.parity_letter
        indices = str(self.symmetry) or "scalar"
        what = f"{self.name}: {indices}" if self.name else indices
        parts = list(self.multiplicities.items())
        lines = [f"{what} ({kind}, rank {self.rank}), {self.basis} basis"]
        lines += [
            f"  weight {weight}{letter}: {count} {'copy' if count == 1 else 'copies'} "
            f"of {block_size(weight)} component{'s' if weight else ''}"
            for weight, count in parts
        ]
        dimensions = [str(block_size(weight)) for weight, count in parts for _ in range(count)]
        shown = (
            "+".join(dimensions)
            if len(dimensions) <= 20
            else " + ".join(f"{count}x{block_size(weight)}" for weight, count in parts)
        )
        return "\n".join(
            [
                *lines,
                f"  {shown} = {self.dimension} independent component"
                + ("s" if self.dimension > 1 else ""),
            ]
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reduction):
            return NotImplemented
        return (self.symmetry, self.basis) == (other.symmetry, other.basis)

    def __hash__(self) -> int:
        return hash((self.symmetry, self.basis))

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduction, (self.symmetry, self.basis, self.name)


@lru_cache(maxsize=256)
def _reduction(symmetry: IndexSymmetry, basis: Basis, name: str | None) -> Reduction:
    components = independent_components(symmetry)
    counts = MappingProxyType(multiplicities(components.orbits, symmetry.rank))
    return Reduction(symmetry, basis, name, components, counts)


def resolve(
    symmetry_or_name: str | IndexSymmetry, axial: bool = False
) -> tuple[IndexSymmetry, str | None]:
    """Return the symmetry meant by a string such as ``"ij=ji"`` or by a name of the catalogue.

    A string that is in the catalogue is a name; any other is read as an index symmetry.
    """
    if isinstance(symmetry_or_name, IndexSymmetry):
        symmetry = symmetry_or_name
        if axial and not symmetry.axial:
            symmetry = IndexSymmetry(symmetry.letters, symmetry.generators, axial=True)
        return symmetry, None
    if not isinstance(symmetry_or_name, str):
        raise TypeError(
            "expected an index symmetry such as 'ijkl=jikl=klij', a name of the catalogue such as "
            f"'elastic' or an IndexSymmetry, got {type(symmetry_or_name).__name__}"
        )
    if symmetry_or_name in catalog:
        entry = catalog[symmetry_or_name]
        if axial and not entry.axial:
            raise SymmetryError(
                f"{entry.name} is a polar tensor, but axial=True was asked for; leave axial out or "
                f"give its symmetry {entry.symmetry!r} instead of its name"
            )
        return IndexSymmetry.parse(entry.symmetry, axial=entry.axial), entry.name
    # "elastik" has seven different letters: a word close to a name is a misspelt name
    word = symmetry_or_name.strip()
    if "=" not in word and len(word) > 2 and ("-" in word[1:] or catalog.nearest(word)):
        catalog[word]  # raises, naming the nearest entries
    try:
        return IndexSymmetry.parse(symmetry_or_name, axial=axial), None
    except SymmetryError as error:
        if "=" in word:
            raise
        raise SymmetryError(
            f"{error}\n{word!r} is no name of the catalogue either (natural-tensors list)"
        ) from None


def reduction(
    symmetry_or_name: str | IndexSymmetry, *, axial: bool = False, basis: Basis = "dual"
) -> Reduction:
    """Reduce a class of tensors to its natural tensors; exact, and cached in memory.

    Args:
        symmetry_or_name: an index symmetry such as ``"ijkl=jikl=klij"``, or a name of the
            catalogue.
        axial: True for a pseudo-tensor; for a name the catalogue knows it.
        basis: ``"dual"``: each copy is embedded by one orbit of delta/epsilon patterns and
            extracted by the inverse Gram matrix; ``"orthonormal"``: Gram-Schmidt of those.

    Raises:
        SymmetryError: when the symmetry cannot be read or forces the tensor to be zero.
        UnknownTensorError: when the name is not in the catalogue.
        ValueError: when the basis is unknown.
    """
    if basis not in BASES:
        raise ValueError(f"basis {basis!r} is not one of {', '.join(map(repr, BASES))}")
    symmetry, name = resolve(symmetry_or_name, axial)
    return _reduction(symmetry, basis, name)
