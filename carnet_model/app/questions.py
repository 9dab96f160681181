"""What is asked of a worker: a file or a text, and how it is to be answered."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..structures.symmetry import FrameName

LONGEST_NAME = 100
"""Characters of the name of a file that are kept, from its end."""


@dataclass(frozen=True)
class Upload:
    """A file that was sent.

    >>> Upload("../../etc/si.cif", b"").safe_name, Upload("", b"").safe_name
    ('si.cif', 'structure')

    Attributes:
        name: as the browser states it.
        content: its bytes.
    """

    name: str
    content: bytes

    @property
    def safe_name(self) -> str:
        """The last part of the name, without what a folder or a terminal would act on."""
        last = re.split(r"[/\\]", self.name)[-1]
        clean = "".join(letter if letter.isprintable() else "_" for letter in last)
        return clean[-LONGEST_NAME:].lstrip(".-~ ") or "structure"


@dataclass(frozen=True)
class Question:
    """What is asked about a file.

    Attributes:
        file: of structures, or of a tensor.
        frame: the axes that the tensor of a structure is given in.
        form: ``"json"``, ``"csv"`` or ``"extxyz"``.
        entry: which structure of the file, from 0, where one is shown.
        kind: of the tensor in a file that does not say it: a name or an index symmetry.
        group: point group of the tensor in a file, in its standard axes.
        project: symmetrize a tensor that violates its index symmetry.
    """

    file: Upload
    frame: FrameName = "structure"
    form: str = "json"
    entry: int = 0
    kind: str = ""
    group: str = ""
    project: bool = False
