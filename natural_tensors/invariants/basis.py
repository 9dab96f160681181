"""A basis of the polynomial invariants of a class of tensors, under all rotations or a group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, combinations_with_replacement, pairwise
from math import comb
from typing import TYPE_CHECKING, Literal, overload

from .. import arrays
from ..arrays import Array, TensorLike
from ..crystals.forms import form as form_of
from ..crystals.point_groups import PointGroup
from ..decomposition.application import Invalid
from ..decomposition.components import Form
from ..decomposition.reductions import Reduction
from ..exact import symbols
from . import polynomials
from .contractions import Contraction, independent_contractions
from .counts import TensorClass, as_degree, as_group, class_of, count_invariants
from .family import LIMIT, Basis, InvariantsError, check_size
from .group_basis import GroupInvariantBasis, basis_under_group
from .invariant import Invariant, at_monomials, evaluated

if TYPE_CHECKING:
    import sympy

HIGHEST_DEGREE = 5
"""From degree 6 on a product of two pseudoscalars need not look like a product of contractions."""

CHUNK = 256
"""Tensors evaluated at once."""


@dataclass(frozen=True, eq=False, repr=False)
class InvariantBasis(Basis[Invariant]):
    """A basis of the invariants of every degree up to one; obtain it from :func:`invariant_basis`.

    Attributes:
        reduction: the class of tensors, whose natural parts the formulas name.
        group: ``"SO(3)"`` or ``"O(3)"``.
        degree: the highest degree.
        members: the invariants, degrees ascending.
    """

    reduction: Reduction
    group: str
    degree: int
    members: tuple[Invariant, ...]

    @property
    def symbol(self) -> str:
        """The name of the group."""
        return self.group

    # --- values -----------------------------------------------------------------------------------

    def evaluate(
        self,
        tensor: TensorLike,
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Return the value of every member; see :meth:`Basis.evaluate`."""
        return self._values(self.members, tensor, form, invalid, exact)

    def in_components(self, member: Invariant) -> sympy.Expr:
        """Return a member as a polynomial in components; see :meth:`Basis.in_components`."""
        general = form_of(self.reduction, "1")
        array = general.to_sympy()
        return self._values([member], array, general.written_as, "ignore", True)[0]

    def _values(
        self,
        members: Sequence[Invariant],
        tensor: TensorLike,
        form: Form,
        invalid: Invalid,
        exact: bool,
    ) -> Array:
        parts = self.reduction.decompose(tensor, form=form, invalid=invalid, exact=exact)
        if exact or symbols.is_exact(tensor):
            return polynomials.exact_values(members, parts)
        (key, first), *_ = parts.items()
        batch = tuple(first.shape[: len(first.shape) - key[0]])
        rows = {key: at_monomials(part, key[0]) for key, part in parts.items()}
        starts = [0, *accumulate(row.shape[-1] for row in rows.values())]
        slices = {key: slice(*ends) for key, ends in zip(rows, pairwise(starts), strict=True)}

        def work(_start: int, chunk: Array) -> Array:
            values = evaluated({key: chunk[:, where] for key, where in slices.items()}, members)
            return arrays.concatenate([value[:, None] for value in values])

        result = arrays.in_chunks(work, arrays.concatenate(list(rows.values())), CHUNK)
        return result.reshape((*batch, len(members)))


@overload
def invariant_basis(
    tensor: TensorClass,
    degree: int = 4,
    group: Literal["SO(3)", "O(3)"] = "SO(3)",
    *,
    limit: int = LIMIT,
) -> InvariantBasis: ...
@overload
def invariant_basis(
    tensor: TensorClass,
    degree: int = 4,
    group: str | PointGroup = "SO(3)",
    *,
    limit: int = LIMIT,
) -> InvariantBasis | GroupInvariantBasis: ...
def invariant_basis(
    tensor: TensorClass,
    degree: int = 4,
    group: str | PointGroup = "SO(3)",
    *,
    limit: int = LIMIT,
) -> InvariantBasis | GroupInvariantBasis:
    """Return a basis of the polynomial invariants of a class of tensors, degree by degree.

    Under all rotations members are complete contractions of natural parts, multiplied; their
    number is that of the characters, and their independence is proved modulo a prime: for each
    degree in each natural part on its own, which polynomials of different degrees in some part
    need no proof of. Under a point group, in its standard axes, members are polynomials in the
    components. In both, those that are no products generate the rest.

    Args:
        tensor: a name of the catalogue, an index symmetry, or a reduction, whose basis of copies
            the contractions then use.
        degree: the highest degree, up to 5 under all rotations.
        group: ``"SO(3)"``, ``"O(3)"``, which leaves pseudoscalars out, or any group of
            :func:`natural_tensors.point_group`, also limiting or magnetic.
        limit: members of one degree that are too many.

    Raises:
        InvariantsError: when a degree has more members than `limit`; the message says how many
            there are and what a basis would cost.
        PointGroupError: when there is no such group.
        ValueError: when the degree is no positive integer.
    """
    reduction, highest = class_of(tensor), as_degree(degree)
    points = as_group(group)
    if points.system != "spherical":
        return basis_under_group(reduction, highest, points, limit)
    if points.magnetic:
        raise InvariantsError(
            f"a basis is not made under {points}; count_invariants counts its invariants"
        )
    return basis_under_rotations(reduction, highest, points.name == "∞∞", limit)


def basis_under_rotations(
    reduction: Reduction, highest: int, proper: bool, limit: int
) -> InvariantBasis:
    """Return a basis under SO(3), or under O(3) where not `proper`; see :func:`invariant_basis`."""
    counts = count_invariants(reduction, "SO(3)", highest).numbers
    if highest > HIGHEST_DEGREE:
        raise InvariantsError(
            f"a basis is made up to degree {HIGHEST_DEGREE}, got degree {highest}, which has "
            f"{counts[-1]} invariants under SO(3); count_invariants counts them to any degree"
        )
    size = len(reduction.copies)
    blocks = [comb(size + degree - 1, degree) for degree in range(1, highest + 1)]
    check_size(
        counts,
        limit,
        [f"A basis would be chosen among the contractions of {n} products of natural parts"
         for n in blocks],
    )  # fmt: skip
    members = _members(reduction, highest)
    if not proper:
        members = tuple(member for member in members if member.parity > 0)
    return InvariantBasis(reduction, "SO(3)" if proper else "O(3)", highest, members)


@lru_cache(maxsize=32)
def _members(reduction: Reduction, highest: int) -> tuple[Invariant, ...]:
    members = []
    for degree in range(1, highest + 1):
        parity = reduction.parity**degree
        for keys in combinations_with_replacement(reduction.copies, degree):
            scalars = tuple(key for key in keys if key[0] == 0)
            parts = tuple(key for key in keys if key[0])
            factors = tuple((key[0], count) for key, count in Counter(parts).items())
            contractions = independent_contractions(factors) if parts else (Contraction((), ()),)
            members += [Invariant(scalars, parts, each, parity) for each in contractions]
    return tuple(members)
