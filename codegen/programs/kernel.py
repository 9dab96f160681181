"""A loop around programs: what one item, or one edge, takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .program import Counts, Program

Row = Literal["item", "edge", "chunk", "sender", "receiver", "shared"]
"""Which row of an array one turn of the loop reads or writes; ``chunk``: edges from the first."""


@dataclass(frozen=True)
class Kernel:
    """A loop around programs: what one item, or one edge, takes and gives.

    Attributes:
        name: name of the function.
        loop: ``"items"``, or ``"edges"`` sorted by receiver.
        programs: run in turn, each adding to the outputs where there are several.
        rows: the row of each argument and output; ``"item"`` or ``"edge"`` where none is named.
        added: outputs that are added to what is there; the others are set.
    """

    name: str
    loop: Literal["items", "edges"]
    programs: tuple[Program, ...]
    rows: Mapping[str, Row] = field(default_factory=dict)
    added: frozenset[str] = frozenset()

    @property
    def arrays(self) -> list[tuple[str, int, bool, bool]]:
        """Name, entries of a row, whether channels follow, and whether it is written."""
        first = self.programs[0]
        read = [(a.name, len(a.labels), a.channels, False) for a in first.arguments]
        channels = self.channels
        return read + [
            (str(o.key), len(o.entries), channels and not o.summed, True) for o in first.outputs
        ]

    def counts(self) -> Counts:
        """Count the arithmetic of one item (and channel)."""
        counts = [program.counts() for program in self.programs]
        return Counts(
            sum(c.multiplications for c in counts),
            sum(c.additions for c in counts),
            sum(c.divisions for c in counts),
        )

    @property
    def channels(self) -> bool:
        """Whether any argument carries channels."""
        return any(a.channels for a in self.programs[0].arguments)

    def row(self, array: str) -> Row:
        """Return the row of an array."""
        return self.rows.get(array, "item" if self.loop == "items" else "edge")

    @property
    def parallel(self) -> Literal["items", "channels"]:
        """What the threads share out: channels where items add to one row."""
        shared = any(self.row(name) == "shared" for name, _, _, written in self.arrays if written)
        return "channels" if shared else "items"
