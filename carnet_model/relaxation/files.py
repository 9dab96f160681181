"""Relaxed structures as files: CIF, POSCAR, extended XYZ, JSON; trajectories."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from natural_tensors.files import saving
from natural_tensors.files.saving import FileError

from ..prediction.formats import info_value
from ..prediction.result import Failure
from ..structures.kinds import POSCAR
from ..structures.reading import is_structure_name
from ..structures.units import EV_PER_A3
from ..structures.writing import as_cif, as_poscar
from .relaxing import Relaxation, Step

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


def as_text(results: Sequence[Relaxation | Failure], form: str, calculator: str) -> str:
    """Return relaxed structures as the text of one file.

    Args:
        results: the relaxations; one for a POSCAR. What failed is in JSON only.
        form: one of `FORMATS`. The first three state what the structure is in a comment, or in
            the keys of its frame.
        calculator: what it was relaxed by.

    Raises:
        GeometryError: for what is no crystal as CIF or POSCAR.
    """
    if form == "json":
        records = [
            {"id": each.name, "error": each.reason, "remedy": each.remedy}
            if isinstance(each, Failure)
            else each.to_dict() | {"calculator": calculator}
            for each in results
        ]
        lines = [json.dumps(each, ensure_ascii=False, allow_nan=False) for each in records]
        return "[\n" + ",\n".join(lines) + "\n]\n"
    done = [each for each in results if not isinstance(each, Failure)]
    if form == "extxyz":
        return "".join(_frame(each, calculator) for each in done)
    if form == "cif":
        return "\n".join(as_cif(each.structure, remark(each, calculator)) for each in done)
    return "".join(as_poscar(each.structure, remark(each, calculator)) for each in done)


def remark(result: Relaxation, calculator: str) -> str:
    """Return what a file says of its structure, a line.

    A structure that is not at rest says so first.
    """
    state = "relaxed" if result.converged else f"NOT RELAXED ({result.reason})"
    return f"{state} by {calculator}, {result.steps} steps".replace("\n", " ")


def _frame(result: Relaxation, calculator: str) -> str:
    """Return a relaxation as a frame of extended XYZ; energies, forces, stress are ASE's."""
    known = result.to_dict() | {"calculator": calculator}
    for name in ("structure", "energy", "stress", "largest_force"):
        known.pop(name)
    stress = {} if result.stress is None else {"stress": result.stress / EV_PER_A3}
    return _extxyz(result.structure.to_ase(), known, result.energy, result.forces, stress)


def _extxyz(
    atoms: Any, known: Mapping[str, Any], energy: float, forces: Any, more: Mapping[str, Any]
) -> str:
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces, **more)
    atoms.info = {key: info_value(value) for key, value in known.items() if value is not None}
    text = io.StringIO()
    write(text, atoms, format="extxyz")
    return text.getvalue()


def append_step(path: str, name: str, step: Step) -> None:
    """Append a step of a relaxation to a file, extended XYZ; what ends the process leaves it.

    Args:
        path: of the file.
        name: of the structure: a key of the frame, beside ``step``.
        step: its atoms have their results.

    Raises:
        FileError: when the file cannot be written.
    """
    results = step.atoms.calc.results
    atoms = step.atoms.copy()
    atoms.set_constraint()
    more = {"stress": results["stress"]} if "stress" in results else {}
    known = {"name": name, "step": step.number}
    text = _extxyz(atoms, known, step.energy, results["forces"], more)
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None


def names_of_files(names: Iterable[str], ending: str = "") -> list[str]:
    """Return a name of a file, without suffix, for each structure, none twice.

    >>> names_of_files(["a/si.cif", "b/si.cif", "mp.json#3", "POSCAR"])
    ['si', 'si-2', 'mp-3', 'POSCAR']

    Args:
        names: of the structures: files, entries, ids.
        ending: of every name.
    """
    taken: set[str] = set()
    found = []
    for name in names:
        file, _, entry = name.rpartition("#") if re.search(r"#\d+$", name) else (name, "", "")
        stem = Path(file).name.removesuffix(".gz")
        if is_structure_name(stem) and "." in stem:
            stem = Path(stem).stem
        stem = re.sub(r"[^\w.+-]+", "-", f"{stem}-{entry}" if entry else stem).strip("-.")
        free = first = f"{stem or 'structure'}{ending}"
        number = 1
        while free.lower() in taken:
            number += 1
            free = f"{first}-{number}"
        taken.add(free.lower())
        found.append(free)
    return found
