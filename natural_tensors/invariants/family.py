"""What every basis of invariants is, and how large one may get."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..arrays import Array, TensorLike
from ..decomposition.application import Invalid
from ..decomposition.components import Form
from ..decomposition.reductions import Reduction
from ..errors import InputError

if TYPE_CHECKING:
    import sympy

LIMIT = 1000
"""Members of one degree that a basis has at most, unless more are asked for."""


class InvariantsError(InputError, ValueError):
    """A basis of invariants that is not made: too large, or of another group."""


class Member(Protocol):
    """A polynomial invariant."""

    @property
    def degree(self) -> int:
        """Its degree as a polynomial in the components of the tensor."""

    @property
    def parity(self) -> int:
        """Its sign under inversion."""

    @property
    def is_product(self) -> bool:
        """Whether products of members of lower degree make it unnecessary."""

    def latex(self) -> str:
        """Return it in LaTeX."""


M = TypeVar("M", bound=Member)


class Basis(ABC, Generic[M]):
    """A basis of the invariants of every degree up to one."""

    reduction: Reduction
    degree: int
    members: tuple[M, ...]

    @property
    @abstractmethod
    def symbol(self) -> str:
        """What the group is called."""

    @abstractmethod
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

    @abstractmethod
    def in_components(self, member: M) -> sympy.Expr:
        """Return a member as an expanded polynomial in the independent components.

        The components are named as :func:`natural_tensors.form` names them, such as C11: in the
        form, with its factors of 2, in which the tensor is written.
        """

    def of_degree(self, degree: int) -> tuple[M, ...]:
        """Return the members of one degree."""
        return tuple(member for member in self.members if member.degree == degree)

    @cached_property
    def generators(self) -> tuple[M, ...]:
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

    def __iter__(self) -> Iterator[M]:
        return iter(self.members)

    def __repr__(self) -> str:
        name = self.reduction.name or str(self.reduction.symmetry) or "scalar"
        counts = ", ".join(map(str, self.counts))
        return (
            f"<{type(self).__name__} of {name} under {self.symbol}, degrees 1 to {self.degree}: "
            f"{counts}; {len(self.generators)} of them no products>"
        )


def check_size(counts: Sequence[int], limit: int, how: Sequence[str]) -> None:
    """Refuse a basis that has too many members of one degree.

    Args:
        counts: how many of degree 1, 2, ...
        limit: the most.
        how: of each degree, what a basis would be chosen from.

    Raises:
        InvariantsError: when a degree has more; the message says how many and what it would cost.
    """
    for degree, count in enumerate(counts, 1):
        if count > limit:
            every = ", ".join(map(str, counts))
            raise InvariantsError(
                f"of degree {degree} there are {count} invariants, more than {limit} (of degree 1 "
                f"and on: {every}). {how[degree - 1]}: pass limit={max(counts)} for it, or a "
                f"degree below {degree}"
            )
