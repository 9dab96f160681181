"""What a file of structures is by its content, for messages about a name that misleads."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HEAD = 4096
"""Bytes that are looked at."""


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        title: how a message calls it.
        endings: of a good name, the best one first; none where it holds no structure.
        beginnings: of a good name, in place of the ending.
    """

    title: str
    endings: tuple[str, ...] = ()
    beginnings: tuple[str, ...] = ()

    def fits(self, path: Path) -> bool:
        """Say whether a file has a name that such files have."""
        name = path.name.lower()
        return name.endswith(self.endings) or name.startswith(self.beginnings)


CIF, JSON = Kind("a CIF", (".cif",)), Kind("JSON", (".json",))
POSCAR = Kind("a POSCAR", (".vasp", ".poscar"), ("poscar", "contcar"))
XYZ = Kind("an XYZ file", (".xyz", ".extxyz"))
DATABASE, PACKED = Kind("an ASE database", (".db",)), Kind("packed by gzip", (".gz",))
ARCHIVE, PAGE = Kind("an archive"), Kind("a web page, no download")
TEXT, BINARY = Kind("running text"), Kind("binary data")

_NUMBERS = re.compile(r"\s*[-+]?\d*\.?\d+([eE][-+]?\d+)?(\s+[-+]?\d*\.?\d+([eE][-+]?\d+)?){2}")
_ATOM = re.compile(r"\s*([A-Za-z]{1,3}|\d{1,3})\d*" + _NUMBERS.pattern)


def kind_of(path: Path) -> Kind | None:
    """Return what the content of a file looks like; None when it looks like nothing known."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except (OSError, ValueError):
        return None
    return kind_of_bytes(head)


def kind_of_bytes(head: bytes) -> Kind | None:
    r"""Return what the beginning of a file looks like.

    >>> kind_of_bytes(b"data_Si\n_cell_length_a 5.43").title
    'a CIF'
    """
    for start, kind in MAGIC.items():
        if head.startswith(start):
            return kind
    if b"\0" in head:
        return BINARY
    text = head.decode("utf-8", errors="replace")
    lines = text.splitlines()
    return next((kind for kind, holds in TESTS.items() if holds(text, lines)), None)


MAGIC = {b"\x1f\x8b": PACKED, b"PK\x03\x04": ARCHIVE, b"SQLite format 3": DATABASE}
"""How binary files begin."""


def _is_poscar(text: str, lines: list[str]) -> bool:
    try:
        float(lines[1].split()[0])
    except (IndexError, ValueError):
        return False
    return all(map(_NUMBERS.match, lines[2:5])) and len(lines) > 5


def _is_xyz(text: str, lines: list[str]) -> bool:
    return len(lines) > 2 and lines[0].strip().isdigit() and bool(_ATOM.match(lines[2]))


def _is_text(text: str, lines: list[str]) -> bool:
    words = text.split()
    plain = sum(word.strip(".,;:!?()'\"-*#`").isalpha() for word in words)
    return len(words) > 3 and plain > 0.6 * len(words)


TESTS: dict[Kind, Callable[[str, list[str]], bool]] = {
    PAGE: lambda text, lines: bool(re.match(r"\s*<(!doctype html|html)", text, re.IGNORECASE)),
    CIF: lambda text, lines: bool(
        re.search(r"(?im)^\s*data_.*(\n.*)*?^\s*(_cell_|_atom_|loop_)", text)
    ),
    JSON: lambda text, lines: text.lstrip()[:1] in ("{", "["),
    XYZ: _is_xyz,
    POSCAR: _is_poscar,
    TEXT: _is_text,
}
"""How text files look, the surest sign first."""
