"""What networks answer, whatever runs them: packed tensors, forces, derivatives by a strain.

Nothing here loads PyTorch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, get_args

from natural_tensors.arrays import Floats
from natural_tensors.errors import InputError

from ..compiled.mode import Mode
from ..cpp.files import Precision
from ..network.targets import Target
from ..structures.graph import Graph
from ..weights.shipped import ModelError

if TYPE_CHECKING:  # it loads PyTorch
    from ..network.model import CarNet

PRECISIONS: tuple[str, ...] = get_args(Precision)


def check_precision(precision: str) -> None:
    """Refuse a precision that is none.

    Raises:
        ModelError: with those that are allowed.
    """
    if precision not in PRECISIONS:
        raise ModelError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")


class ResponseError(InputError, ValueError):
    """Structures that networks cannot answer for, such as bonds too short for their tables."""


@dataclass(frozen=True, eq=False)
class Response:
    """What the members of an ensemble compute for several structures.

    Attributes:
        packed: by the key of a target, its packed coordinates, shape ``(members, systems,
            dimension)``: a system is a structure, or an atom for a target of atoms.
        forces: minus the gradient of the energy by the positions, shape ``(members, atoms, 3)``;
            None unless asked for.
        strain_derivatives: its gradient by a symmetric strain, shape ``(members, structures, 3,
            3)``; None unless asked for.
    """

    packed: Mapping[str, Floats]
    forces: Floats | None = None
    strain_derivatives: Floats | None = None


class Networks(Protocol):
    """Networks of the same targets and cutoff, ready to answer."""

    targets: tuple[Target, ...]
    """What they predict."""

    cutoff: float
    """Largest length of a bond, angstrom."""

    precision: Precision
    """What they compute in."""

    count: int
    """Number of networks."""

    needs_volume: bool
    """Whether any of them reads the volume of the cell."""

    by_program: bool
    """Whether they run as a C++ program."""

    ready: bool
    """Whether nothing that could be built would make them faster."""

    @property
    def models(self) -> tuple[CarNet, ...]:
        """The networks as modules of PyTorch, which may be loaded now."""
        ...

    def compile(self, mode: Mode) -> str | None:
        """Compile what is not compiled; return why not, None where it was, or nobody asked.

        Raises:
            CompilerError: with ``"always"``, when that is not possible.
        """
        ...

    def copy(self) -> Networks:
        """Return the same networks for another user, whose tables are its own."""
        ...

    def tabulate(self, elements: Sequence[int]) -> None:
        """Read radial functions from tables for these atomic numbers from now on.

        Raises:
            ResponseError: when there can be none.
        """
        ...

    def respond(
        self, graphs: Sequence[Graph], keys: Collection[str], *, derivatives: bool = False
    ) -> Response:
        """Return what is asked of structures.

        Args:
            graphs: the structures, one or more.
            keys: of the targets wanted.
            derivatives: forces and derivatives by a strain as well, of the energy among the
                targets.

        Raises:
            ResponseError: when that cannot be computed for these structures.
        """
        ...


def potential_of(targets: Sequence[Target]) -> Target | None:
    """Return the energy among targets, which has forces."""
    return next((target for target in targets if target.potential), None)
