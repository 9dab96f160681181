"""In which formats relaxed structures are written, and what names say of that."""

from __future__ import annotations

from pathlib import Path

from natural_tensors.files import saving

from ..structures.kinds import POSCAR

FORMATS = ("cif", "poscar", "extxyz", "json")
SUFFIXES = {
    ".cif": "cif",
    ".vasp": "poscar",
    ".poscar": "poscar",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".json": "json",
}
"""What a file is written as, by its suffix."""

FOR_ALL = {"cif": "extxyz", "poscar": "extxyz"}
"""What holds a structure that is no crystal in place of what does not."""

ENDINGS = {"cif": ".cif", "poscar": ".vasp", "extxyz": ".extxyz", "json": ".json"}


def format_of(path: str) -> str | None:
    """Return what a file of this name is written as; None for a folder.

    >>> format_of("a.cif"), format_of("POSCAR"), format_of("results")
    ('cif', 'poscar', None)

    Raises:
        FileError: when the suffix names no format.
    """
    place = Path(path)
    if POSCAR.fits(place):
        return "poscar"
    if not place.suffix or place.is_dir() or path.endswith(("/", "\\")):
        return None
    saving.check_suffix(path, tuple(SUFFIXES))
    return SUFFIXES[place.suffix.lower()]
