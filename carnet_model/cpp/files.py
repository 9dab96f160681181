"""The files of a network that was written out as C++."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from natural_tensors.errors import InputError

Precision = Literal["single", "double"]
"""What a program computes in: float or double."""


class ProgramError(InputError, ValueError):
    """A network that cannot be written out, built or called."""


@dataclass(frozen=True)
class Written:
    """The files of a network.

    Attributes:
        name: what the names of the interface begin with.
        source: the program.
        header: its interface.
        weights: what it reads.
    """

    name: str
    source: Path
    header: Path
    weights: Path
