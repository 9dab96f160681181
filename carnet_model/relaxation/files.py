"""Relaxed structures as files: CIF, POSCAR, extended XYZ, JSON; trajectories."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from natural_tensors.files.saving import FileError

from ..prediction.formats import info_value
from ..prediction.result import Failure
from ..structures.geometry import Geometry
from ..structures.reading import is_structure_name
from ..structures.units import EV_PER_A3
from ..structures.writing import as_cif, as_poscar
from .formats import ENDINGS
from .relaxing import Relaxation, Step, origin_of


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
    by = _under(calculator, result.pressure)
    return f"{state} {by}, {result.steps} steps{_from(result.origin)}".replace("\n", " ")


def _from(origin: str) -> str:
    return f", start {origin}"


def _under(calculator: str, pressure: float) -> str:
    return f"by {calculator}" + (f" at {pressure:g} GPa" if pressure else "")


def is_at_rest(path: Path, start: Geometry, calculator: str, pressure: float) -> bool:
    """Say whether a file of `as_text` holds a structure that came to rest from a start.

    Args:
        path: of any format; there may be none.
        start: where the relaxation began.
        calculator: under which.
        pressure: under which, GPa.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ENDINGS["json"]:
            (known,) = json.loads(text)
        elif path.suffix == ENDINGS["extxyz"]:
            known = read(io.StringIO(text), format="extxyz").info
        else:
            line = text.partition("\n")[0]
            return f"relaxed {_under(calculator, pressure)}, " in line and line.endswith(
                _from(origin_of(start))
            )
        stated = tuple(known[key] for key in ("converged", "calculator", "pressure", "origin"))
    except Exception:  # there is none, or it is something else, on which ASE raises anything
        return False
    return stated == (True, calculator, pressure, origin_of(start))


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
