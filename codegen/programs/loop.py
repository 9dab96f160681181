"""A loop over the edges of a graph: gather, call a program, add up on the receivers."""

from __future__ import annotations

from dataclasses import dataclass

from .program import Program


@dataclass(frozen=True)
class LoopArgument:
    """An array that a loop takes, a row for each node or each edge.

    Attributes:
        name: as the program inside the loop names it.
        meaning: what it is, for the docstring.
        axis: what its second axis counts, for the docstring.
        gathered: True for an array of the nodes, read at the sender of each edge; False for an
            array of the edges.
    """

    name: str
    meaning: str
    axis: str
    gathered: bool = False


@dataclass(frozen=True)
class Loop:
    """A function of a generated module that sums over edges what a program makes of each.

    It takes the arguments, then the sender and the receiver of every edge, and returns an array
    with as many rows as the gathered arrays have.

    Attributes:
        name: name of the function.
        summary: one sentence for the docstring.
        program: called once for all edges; it has one output, with channels.
        arguments: the arrays, in the order in which the program takes them.

    Raises:
        ValueError: when the arguments are not those of the program, or none is gathered.
    """

    name: str
    summary: str
    program: Program
    arguments: tuple[LoopArgument, ...]

    def __post_init__(self) -> None:
        given = [argument.name for argument in self.arguments]
        taken = [argument.name for argument in self.program.arguments]
        if given != taken:
            raise ValueError(f"{self.name} gives {given}, {self.program.name} takes {taken}")
        if not any(argument.gathered for argument in self.arguments):
            raise ValueError(f"{self.name} gathers nothing at the senders")

    @property
    def size(self) -> int:
        """Number of components of the sums."""
        return len(self.program.outputs[0].entries)

    @property
    def nodes(self) -> str:
        """The name of an array of the nodes."""
        return next(argument.name for argument in self.arguments if argument.gathered)
