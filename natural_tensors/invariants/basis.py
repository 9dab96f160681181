"""A basis of the polynomial invariants of a class of tensors under all rotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, combinations_with_replacement, pairwise
from math import comb
from typing import TYPE_CHECKING

from .. import arrays
from ..arrays import Array, TensorLike
from ..crystals.forms import form as form_of
from ..decomposition.application import Invalid
from ..decomposition.components import Form
from ..decomposition.reductions import Reduction
from ..errors import InputError
from ..exact import symbols
from . import polynomials
from .contractions import Contraction, independent_contractions
from .counts import TensorClass, as_degree, as_group, class_of, count_invariants
from .invariant import Invariant, at_monomials, evaluated

if TYPE_CHECKING:
    import sympy

LIMIT = 1000
"""Members of one degree that a basis has at most, unless more are asked for."""

HIGHEST_DEGREE = 5
"""From degree 6 on a product of two pseudoscalars need not look like a product of contractions."""

CHUNK = 256
"""Tensors evaluated at once."""


class InvariantsError(InputError, ValueError):
    """A basis of invariants that is not made: too large, or of another group."""


@dataclass(frozen=True, eq=False, repr=False)
class InvariantBasis:
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

    def of_degree(self, degree: int) -> tuple[Invariant, ...]:
        """Return the members of one degree."""
        return tuple(member for member in self.members if member.degree == degree)

    @cached_property
    def generators(self) -> tuple[Invariant, ...]:
        """The members that are no products: with them, products make all others."""
        return tuple(member for member in self.members if not member.is_product)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of members of degree 1, 2, ..."""
        numbers = Counter(member.degree for member in self.members)
        return tuple(numbers[degree] for degree in range(1, self.degree + 1))

    def formula(self) -> str:
        """Return every member as a line of Unicode text."""
        return "\n".join(map(str, self.members))

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[Invariant]:
        return iter(self.members)

    def __repr__(self) -> str:
        name = self.reduction.name or str(self.reduction.symmetry) or "scalar"
        counts = ", ".join(map(str, self.counts))
        return (
            f"<InvariantBasis of {name} under {self.group}, degrees 1 to {self.degree}: "
            f"{counts}; {len(self.generators)} of them no products>"
        )

    # --- values -----------------------------------------------------------------------------------

    def evaluate(
        self,
        tensor: TensorLike,
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Return the value of every member, shape ``batch + (members,)``.

        Args:
            tensor: NumPy array, PyTorch tensor or nested lists, or SymPy and exact values, as in
                :meth:`natural_tensors.Reduction.decompose`. PyTorch differentiates through it.
            form: how the tensor is written.
            invalid: what to do with a tensor that violates the index symmetry.
            exact: True keeps plain integers exact too.

        Returns:
            Of the type of the input; of exact values an immutable SymPy array of expanded
            expressions.
        """
        return self._values(self.members, tensor, form, invalid, exact)

    def in_components(self, member: Invariant) -> sympy.Expr:
        """Return a member as an expanded polynomial in the independent components.

        The components are named as :func:`natural_tensors.form` names them, such as C11: in the
        form, with its factors of 2, in which the tensor is written.
        """
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


def invariant_basis(
    tensor: TensorClass, degree: int = 4, group: str = "SO(3)", *, limit: int = LIMIT
) -> InvariantBasis:
    """Return a basis of the polynomial invariants of a class of tensors, degree by degree.

    Members are complete contractions of natural parts, multiplied. Products of members of lower
    degree are taken wherever they can be, so that those which are no products generate the rest.
    Their number is that of the characters, and their independence is proved modulo a prime: for
    each degree in each natural part on its own, which polynomials of different degrees in some part
    need no proof of.

    Args:
        tensor: a name of the catalogue, an index symmetry, or a reduction, whose basis of copies
            the formulas then use.
        degree: the highest degree, up to 5.
        group: ``"SO(3)"``, or ``"O(3)"``, which leaves pseudoscalars out.
        limit: members of one degree that are too many.

    Raises:
        InvariantsError: when a degree has more members than `limit`, or for another group; the
            message says how many there are.
        ValueError: when the degree is no positive integer.
    """
    reduction, highest = class_of(tensor), as_degree(degree)
    points = as_group(group)
    if points.name not in ("∞∞", "∞∞m"):
        raise InvariantsError(
            f"a basis is made under SO(3) or O(3), not under {points}; count_invariants counts the "
            "invariants of every group"
        )
    proper = points.name == "∞∞"
    counts = count_invariants(reduction, "SO(3)", highest).numbers
    if highest > HIGHEST_DEGREE:
        raise InvariantsError(
            f"a basis is made up to degree {HIGHEST_DEGREE}, got degree {highest}, which has "
            f"{counts[-1]} invariants under SO(3); count_invariants counts them to any degree"
        )
    _check_size(reduction, counts, limit)
    members = _members(reduction, highest)
    if not proper:
        members = tuple(member for member in members if member.parity > 0)
    return InvariantBasis(reduction, "SO(3)" if proper else "O(3)", highest, members)


def _check_size(reduction: Reduction, counts: tuple[int, ...], limit: int) -> None:
    for degree, count in enumerate(counts, 1):
        if count > limit:
            blocks = comb(len(reduction.copies) + degree - 1, degree)
            every = ", ".join(map(str, counts))
            raise InvariantsError(
                f"of degree {degree} there are {count} invariants, more than {limit} (of degree 1 "
                f"and on: {every}). A basis would be chosen among the contractions of {blocks} "
                f"products of natural parts: pass limit={max(counts)} for it, or a degree "
                f"below {degree}"
            )


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
