"""Reduction of a symmetry class in the plane to its natural tensors, exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

from ..decomposition.base import ReductionBase
from ..decomposition.components import independent_components
from ..decomposition.copies import BASES, Basis
from ..decomposition.reductions import resolve
from ..decomposition.symmetry import IndexSymmetry
from ..errors import SymmetryError, UnknownPartError
from ..exact.integers import as_integer
from .copies import PlaneWeightSpace, multiplicities, plane_weight_space


@dataclass(frozen=True, eq=False, repr=False)
class PlaneReduction(ReductionBase):
    """The natural tensors of the plane inside a symmetry class, and the operators to and from each.

    Obtain one from :func:`reduction`. A natural tensor of weight l >= 1 has two components and
    the shape ``(2,)*l``. A rotation by t turns it by l t; inversion is the rotation by pi; a mirror
    turns one of its components over. So only weight 0 has a parity: its first copies, embedded by
    deltas, are even under a mirror (scalars), the others odd (pseudoscalars); the other way round
    in an axial tensor. An axial tensor takes the determinant besides its rotation, and so do its
    parts of higher weight.

    Attributes:
        symmetry: the index symmetry, polar or axial.
        basis: ``"dual"`` or ``"orthonormal"``.
        name: name in the catalogue, where the reduction was asked for by name; in the plane it
            stands for the components along x and y.
        components: the independent components.
        multiplicities: number of copies of each weight that occurs.
        with_epsilon: number of copies of weight 0, the last ones, that an epsilon embeds.
    """

    with_epsilon: int

    def weight_space(self, weight: int) -> PlaneWeightSpace:
        """Return the copies of a weight that occurs; derived when first needed."""
        return plane_weight_space(self.symmetry, weight, self.multiplicities[weight])

    def mirror_parity(self, copy: int) -> Literal[1, -1]:
        """Return the sign of a part of weight 0 under a mirror.

        Raises:
            UnknownPartError: when there is no such copy.
        """
        copy, count = as_integer(copy, "copy"), self.multiplicities.get(0, 0)
        if not 0 <= copy < count:
            raise UnknownPartError(
                f"(0, {copy}) is not a part of {self.symmetry}, which has {count} of weight 0"
            )
        odd = (copy >= count - self.with_epsilon) != self.symmetry.axial
        return -1 if odd else 1

    @property
    def scalars(self) -> int:
        """How many parts of weight 0 every operation of O(2) leaves alone."""
        return sum(self.mirror_parity(copy) == 1 for copy in range(self.multiplicities.get(0, 0)))

    @property
    def pseudoscalars(self) -> int:
        """How many parts of weight 0 change their sign under a mirror."""
        return self.multiplicities.get(0, 0) - self.scalars

    @property
    def commutant(self) -> tuple[int, int]:
        """Dimension of the algebra of equivariant maps of the class into itself.

        Under O(2): the sum of the squares of the multiplicities, each parity of weight 0 by
        itself. Under SO(2), for weight l >= 1, twice the square: maps may mix the copies and turn
        them by the quarter turn J of their phase; and scalars mix with pseudoscalars.
        """
        higher = sum(n * n for weight, n in self.multiplicities.items() if weight)
        flat = self.scalars**2 + self.pseudoscalars**2
        return flat + higher, self.multiplicities.get(0, 0) ** 2 + 2 * higher

    @property
    def irreps(self) -> str:
        """The content under O(2), such as ``"2x0e+1x2+1x4"``; 0e are scalars, 0o pseudoscalars."""
        return "+".join(f"{n}x{irrep}" for irrep, n in self._content())

    def _content(self) -> list[tuple[str, int]]:
        flat = [("0e", self.scalars), ("0o", self.pseudoscalars)]
        higher = [(str(weight), n) for weight, n in self.multiplicities.items() if weight]
        return [(irrep, n) for irrep, n in [*flat, *higher] if n]

    def __repr__(self) -> str:
        kind = "axial" if self.symmetry.axial else "polar"
        indices = str(self.symmetry) or "scalar"
        what = f"{self.name}: {indices}" if self.name else indices
        lines = [f"{what} ({kind}, rank {self.rank}, in the plane), {self.basis} basis"]
        lines += [
            f"  weight {irrep}: {count} {'copy' if count == 1 else 'copies'} of "
            + ("1 component" if irrep in ("0e", "0o") else "2 components")
            for irrep, count in self._content()
        ]
        plural = "s" if self.dimension > 1 else ""
        return "\n".join([*lines, f"  {self.dimension} independent component{plural}"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PlaneReduction):
            return NotImplemented
        return (self.symmetry, self.basis) == (other.symmetry, other.basis)

    def __hash__(self) -> int:
        return hash((self.symmetry, self.basis, "plane"))

    def __reduce__(self) -> tuple[Any, ...]:
        return _reduction, (self.symmetry, self.basis, self.name)


@lru_cache(maxsize=256)
def _reduction(symmetry: IndexSymmetry, basis: Basis, name: str | None) -> PlaneReduction:
    components = independent_components(symmetry, 2)
    if not components.dimension:
        raise SymmetryError(
            f"no component of {symmetry} is left in the plane, where no more than two indices can "
            "be antisymmetric; leave dimension out for the tensor in space"
        )
    counts, with_epsilon = multiplicities(symmetry.rank, symmetry.generators)
    ordered = MappingProxyType({weight: counts[weight] for weight in sorted(counts)})
    return PlaneReduction(symmetry, basis, name, components, ordered, with_epsilon)


def reduction(
    symmetry_or_name: str | IndexSymmetry, *, axial: bool = False, basis: Basis = "dual"
) -> PlaneReduction:
    """Reduce a class of tensors of the plane to its natural tensors; exact, and cached in memory.

    The arguments and errors are those of a reduction in space; a name of the catalogue stands for
    the components of that tensor along x and y.

    >>> reduction("elastic").irreps, reduction("ij").irreps
    ('2x0e+1x2+1x4', '1x0e+1x0o+1x2')

    Raises:
        SymmetryError: also when no component is left in the plane.
    """
    if basis not in BASES:
        raise ValueError(f"basis {basis!r} is not one of {', '.join(map(repr, BASES))}")
    symmetry, name = resolve(symmetry_or_name, axial)
    return _reduction(symmetry, basis, name)
