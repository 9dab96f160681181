"""Functions of a compiled language: what they take, and the programs they run in a loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from .program import Counts, Program

Row = Literal[
    "item", "edge", "chunk", "sender", "receiver", "shared", "start", "table", "width", "broadcast"
]
"""Which row of an array one turn of a loop reads or writes.

``chunk``: as ``edge``, counted from the first edge of the call; ``shared``: all of the array;
``start``: first edge of the receiver; ``table``: rows by number; ``width``: all, as many as another
array has entries; ``broadcast``: that of the item, or the only one there is; the call gives a step,
the entries from one row to the next or 0.
"""

Size: TypeAlias = int | str
"""A number of rows or entries, or the name of one that a call decides."""

ROWS: dict[Row, str] = {
    "item": "count",
    "edge": "edges",
    "chunk": "chunk",
    "sender": "atoms",
    "receiver": "atoms",
    "start": "atoms + 1",
    "table": "rows of the table",
    "width": "width",
    "broadcast": "count or 1",
}
"""What the first axis of an array is called; shared arrays have no such axis."""

LENGTHS = ("width", "depth")
"""Names of numbers of entries that a call decides."""

LoopOver = Literal["items", "atoms", "edges"]
"""``items``: all; ``atoms``: some, each with the edges it receives; ``edges``: some."""


@dataclass(frozen=True)
class Array:
    """An array that a compiled function reads or writes, in C order.

    Attributes:
        name: its name.
        row: the row that a turn of the loop touches.
        entries: numbers in a row, or their name; None for one number that needs no axis.
        channels: whether a channel axis follows.
        written: whether the function writes it.
        integer: int64 numbers, instead of those of the kernel's data type.
    """

    name: str
    row: Row
    entries: Size | None = None
    channels: bool = False
    written: bool = False
    integer: bool = False

    @property
    def shape(self) -> tuple[Size, ...]:
        """The length of each axis, or its name."""
        rows: tuple[Size, ...] = () if self.row == "shared" else (ROWS[self.row],)
        entries: tuple[Size, ...] = () if self.entries is None else (self.entries,)
        return (*rows, *entries, *(("channels",) if self.channels else ()))


@dataclass(frozen=True)
class Signature:
    """How a compiled function is called: first numbers, then arrays.

    Attributes:
        name: name of the function.
        loop: what it goes over.
        arrays: those it takes besides the ends of the edges.
    """

    name: str
    loop: LoopOver
    arrays: tuple[Array, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers it takes, in order: a length of arrays, or what the caller chooses."""
        span = ("count",) if self.loop == "items" else ("first", "last")
        lengths = (name for name in LENGTHS if any(name in array.shape for array in self.arrays))
        steps = (f"{array.name}_step" for array in self.arrays if array.row == "broadcast")
        return (*span, "threads", *lengths, *steps)

    @property
    def parameters(self) -> tuple[Array, ...]:
        """All arrays it takes, in order."""
        if self.loop == "items":
            return self.arrays
        starts = (Array("starts", "start", integer=True),) if self.loop == "atoms" else ()
        return (*starts, Array("senders", "edge", integer=True), *self.arrays)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the arrays it writes."""
        return tuple(array.name for array in self.arrays if array.written)


@dataclass(frozen=True)
class Kernel:
    """A compiled function that runs programs in a loop: one item, or one edge, at a time.

    Attributes:
        signature: what the function takes.
        programs: run in turn, each adding to the outputs where there are several.
        added: outputs that are added to what is there; the others are set.

    Raises:
        ValueError: when a program does not take or give what the signature says.
    """

    signature: Signature
    programs: tuple[Program, ...]
    added: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        stated = [(a.name, a.entries, a.channels, a.written) for a in self.signature.arrays]
        for program in self.programs:
            with_channels = any(argument.channels for argument in program.arguments)
            required = [(a.name, len(a.labels), a.channels, False) for a in program.arguments] + [
                (str(o.key), len(o.entries), with_channels and not o.summed, True)
                for o in program.outputs
            ]
            if required != stated:
                raise ValueError(
                    f"{self.name} has the signature {stated}, its program {program.name} {required}"
                )

    @property
    def name(self) -> str:
        """Name of the function."""
        return self.signature.name

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays that the programs read and write."""
        return self.signature.arrays

    @property
    def channels(self) -> bool:
        """Whether any array carries channels."""
        return any(array.channels for array in self.arrays)

    def without(self, *names: str) -> Kernel:
        """Return the kernel without some of the arrays it writes, nor what only they need."""
        arrays = tuple(array for array in self.arrays if array.name not in names)
        programs = (program.without(names) for program in self.programs)
        return Kernel(
            replace(self.signature, arrays=arrays),
            tuple(program for program in programs if program.outputs),
            self.added.difference(names),
        )

    def counts(self) -> Counts:
        """Count the arithmetic of one item (and channel)."""
        counts = [program.counts() for program in self.programs]
        return Counts(
            sum(c.multiplications for c in counts),
            sum(c.additions for c in counts),
            sum(c.divisions for c in counts),
            sum(c.roots for c in counts),
        )

    @property
    def parallel(self) -> Literal["items", "channels"]:
        """What the threads share out: channels where items add to one row."""
        shared = any(array.row == "shared" for array in self.arrays if array.written)
        return "channels" if shared else "items"
