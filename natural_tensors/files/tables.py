"""Text tables: rows of numbers, or of exact entries, an empty line between matrices."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..exact.symbols import Expression, Expressions
from .exact_entries import EntryError, read_entry
from .records import Values
from .saving import file_error

Entry = TypeVar("Entry", bound=np.generic)


@dataclass(frozen=True)
class Cell:
    """A word of a text table and its place."""

    text: str
    line: int
    column: int

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"line {self.line}, column {self.column}"

    @property
    def is_number(self) -> bool:
        """Whether Python takes it for a number, not finite ones included."""
        try:
            float(self.text)
        except ValueError:
            return False
        return True


@dataclass(frozen=True)
class Table:
    """The matrices of a text table."""

    blocks: list[list[list[Cell]]]

    def numbers(self, origin: str) -> Values:
        """Return the numbers.

        Raises:
            FileError: when an entry is none, or the rows do not fit.
        """
        rows = [[[_number(cell, origin) for cell in row] for row in b] for b in self.blocks]
        _check_rectangular(self.blocks, origin)
        return _squeezed(np.array(rows))

    def expressions(self, origin: str) -> Expressions:
        """Return the entries as expressions.

        Raises:
            FileError: when an entry cannot be read exactly, or the rows do not fit.
        """
        _check_rectangular(self.blocks, origin)
        rows = [
            [[self._expression(cell, origin) for cell in row] for row in b] for b in self.blocks
        ]
        return _squeezed(np.array(rows, dtype=object))

    def _expression(self, cell: Cell, origin: str) -> Expression:
        where = f"{origin}: {cell.place}"
        if not cell.text:
            raise file_error(origin, f"{cell.place} is empty")
        try:
            if cell.is_number and not cell.text.lstrip("+-").isdecimal():
                read_entry(cell.text)  # marks a decimal
                raise file_error(origin, f"{cell.place} is {cell.text}, not a finite number")
            return read_entry(cell.text)
        except EntryError as error:
            others = [
                f"{text.place} is {text.text!r}, so that every entry is read exactly; headings and "
                "comments begin with #"
                for text in self.texts[:1]
                if text != cell
            ]
            raise file_error(where, str(error), *others) from None

    @property
    def texts(self) -> list[Cell]:
        """The cells that are no numbers."""
        return [cell for cell in self.cells if cell.text and not cell.is_number]

    @property
    def cells(self) -> list[Cell]:
        """All cells in order."""
        return [cell for block in self.blocks for row in block for cell in row]


def read_table(text: str, origin: str) -> Table:
    """Return the words of a text table, not yet read as numbers.

    Raises:
        FileError: when there are none, or a line separates them in two ways.
    """
    blocks: list[list[list[Cell]]] = [[]]
    for number, line in enumerate(text.splitlines(), start=1):
        body = line.partition("#")[0].strip()
        if body:
            blocks[-1].append(_row(body, number, origin))
        elif not line.strip() and blocks[-1]:
            blocks.append([])
    blocks = [block for block in blocks if block]
    if not blocks:
        raise file_error(origin, "holds comments only, no number")
    return Table(blocks)


def _row(body: str, line: int, origin: str) -> list[Cell]:
    if "," in body and ";" in body:
        raise file_error(
            origin,
            f"line {line} has both commas and semicolons",
            "separate numbers by one of them, and write decimals with a point",
        )
    words = re.split(r"[,;]", body) if re.search(r"[,;]", body) else body.split()
    return [Cell(word.strip(), line, column) for column, word in enumerate(words, start=1)]


def _number(cell: Cell, origin: str) -> float:
    if not cell.is_number:
        raise file_error(
            origin,
            f"{cell.place} is {cell.text!r}, not a number"
            if cell.text
            else f"{cell.place} is empty",
            "write numbers separated by commas or blanks, and # before headings and comments",
        )
    value = float(cell.text)
    if not math.isfinite(value):
        raise file_error(origin, f"{cell.place} is {cell.text}, not a finite number")
    return value


def _check_rectangular(blocks: list[list[list[Cell]]], origin: str) -> None:
    width, height = len(blocks[0][0]), len(blocks[0])
    for number, block in enumerate(blocks, start=1):
        for row, numbers in enumerate(block, start=1):
            if len(numbers) != width:
                matrix = f" of matrix {number}" if len(blocks) > 1 else ""
                raise file_error(
                    origin,
                    f"row {row}{matrix} has {len(numbers)} numbers, the first row has {width}",
                    "every row needs as many numbers",
                )
        if len(block) != height:
            raise file_error(
                origin,
                f"matrix {number} has {len(block)} rows, the first has {height}",
                "an empty line starts the next matrix of a batch; all are of one shape",
            )


def _squeezed(array: NDArray[Entry]) -> NDArray[Entry]:
    """Return an array without axes of one entry.

    One matrix is no batch, one row or one column is a vector, one number is a number.
    """
    return array.reshape([size for size in array.shape if size > 1])
