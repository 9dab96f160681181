"""A network as a portable model of the KIM API, which simulation programs run."""

from __future__ import annotations

from dataclasses import dataclass

from .text import filled_in

WORD = 8
"""Bytes of the weights that the build reads at a time."""


@dataclass(frozen=True)
class KimModel:
    """What the files of a portable model depend on besides the program of its network.

    Attributes:
        name: of the model, and prefix of the program's interface.
        title: one sentence for the head of the files.
        species: atomic number and symbol of each element.
        size: of the file of weights, in bytes.
    """

    name: str
    title: str
    species: tuple[tuple[int, str], ...]
    size: int

    def source(self) -> str:
        """Return the program that stands between the KIM API and the network."""
        facts = {
            "name": self.name,
            "title": self.title,
            "bytes": self.size,
            "elements": len(self.species),
            "species": ",\n    ".join(f'{{"{symbol}", {n}}}' for n, symbol in self.species),
        }
        return filled_in("kim.in", facts) + "\n"

    def build(self) -> str:
        """Return the file for CMake."""
        padding = "00" * (-self.size % WORD)
        facts = {"name": self.name, "title": self.title, "padding": padding}
        return filled_in("CMakeLists.in", facts) + "\n"
