"""What a target language is: how it prints a recipe, how a file begins."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..programs.kernel import Kernel, Signature
from ..programs.loop import Loop
from ..programs.program import Counts, Program


class Printable(Protocol):
    """What a language asks of a recipe."""

    def functions(self) -> Sequence[Program | Loop]:
        """Return the functions of the module, in order."""

    def signatures(self) -> Sequence[Signature]:
        """Return how those loops are called."""

    def kernels(self) -> Sequence[Kernel]:
        """Return the loops for a compiled language, derivatives included."""


class Heading(ABC):
    """How the lines at the top of a file are written, and read again.

    Attributes:
        name: what such a heading is called.
    """

    name: str

    @abstractmethod
    def write(self, lines: Sequence[str]) -> str:
        """Return the lines as they stand in a file, with the empty line below them."""

    @abstractmethod
    def read(self, text: str) -> tuple[list[str], str] | None:
        """Return the lines and the text below them; None where there is no such heading."""


@dataclass(frozen=True)
class Comment(Heading):
    """Lines that each begin with a mark, up to the first empty line.

    Attributes:
        mark: such as ``//``.
    """

    mark: str
    name = "comment"

    def write(self, lines: Sequence[str]) -> str:
        """Return the lines, each behind the mark."""
        return "".join(f"{self.mark} {line}".rstrip() + "\n" for line in lines) + "\n"

    def read(self, text: str) -> tuple[list[str], str] | None:
        """Return the lines without the mark, and the text below."""
        head, end, body = text.partition("\n\n")
        if not end or not text.startswith(self.mark):
            return None
        return [line.removeprefix(self.mark).removeprefix(" ") for line in head.split("\n")], body


class Language(ABC):
    """A language that recipes are printed in.

    Attributes:
        name: what the user calls it; also what a file imports where it is a Python library.
        suffix: of its files.
        heading: how a file begins.
        needs: what a file needs to run.
        importable: whether its files are modules of Python.
    """

    name: str
    suffix: str
    heading: Heading
    needs: str
    importable: bool = False

    @abstractmethod
    def content(self, recipe: Printable) -> str:
        """Return all of a file but its heading."""

    @abstractmethod
    def counts(self, recipe: Printable) -> Iterator[tuple[str, Counts]]:
        """Yield the name and the arithmetic of each straight-line function, in order."""
