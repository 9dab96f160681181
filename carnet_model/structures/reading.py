"""Structures from files and folders: CIF, POSCAR, XYZ, JSON, ASE databases, what ASE reads."""

from __future__ import annotations

import gzip
import io
import json
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from .cif import Entry, cif_entries
from .conversion import from_pymatgen, geometry
from .geometry import Geometry, GeometryError, geometry_error

STRUCTURE_SUFFIXES = (
    ".cif",
    ".cif.gz",
    ".vasp",
    ".poscar",
    ".xyz",
    ".extxyz",
    ".json",
    ".json.gz",
    ".db",
    ".traj",
    ".xsf",
    ".res",
    ".cell",
    ".gen",
    ".pdb",
    ".cssr",
)
"""What is read from a folder, besides files called POSCAR or CONTCAR."""


def read_geometries(path: str | Path) -> list[Geometry | GeometryError]:
    """Read every structure of a file or a folder.

    A structure that cannot be read becomes a GeometryError in its place, named ``file``,
    ``file#3`` (the third entry) or by its id, and costs none of the others.

    Args:
        path: CIF (each data block), POSCAR, XYZ and extended XYZ (each frame), JSON of pymatgen or
            of this project (an object or a list; also .gz), an ASE database, whatever else ASE
            reads; or a folder of these, read in the order of the names.

    Raises:
        GeometryError: when there is no such file, or a folder holds no structure.
    """
    place = Path(path)
    if place.is_dir():
        files = [entry for entry in sorted(place.iterdir()) if is_structure_file(entry)]
        if not files:
            raise geometry_error(
                str(place),
                "the folder holds no structure file",
                f"known: POSCAR, CONTCAR and {', '.join(STRUCTURE_SUFFIXES)}; name a file of "
                "another kind itself",
            )
        return [entry for file in files for entry in _read_file(file)]
    if not place.exists():
        raise geometry_error(
            str(place), "there is no such file or folder", "check the path and its spelling"
        )
    return _read_file(place)


def is_structure_file(path: Path) -> bool:
    """Say whether a file of a folder is read: by its name, without opening it."""
    name = path.name.lower()
    known = name.endswith(STRUCTURE_SUFFIXES) or _is_poscar(path)
    return known and not name.startswith(".") and path.is_file()


def _is_poscar(path: Path) -> bool:
    name = path.name.upper()
    return name.startswith(("POSCAR", "CONTCAR")) or name.endswith((".VASP", ".POSCAR"))


def _read_file(path: Path) -> list[Geometry | GeometryError]:
    suffix = path.name.lower().removesuffix(".gz")
    try:
        if suffix.endswith(".cif"):
            entries = list(cif_entries(read_text(path)))
        elif suffix.endswith(".json"):
            entries = list(_json_entries(path))
        elif suffix.endswith((".xyz", ".extxyz")):
            entries = [("", partial(_from_frame, frame)) for frame in xyz_frames(read_text(path))]
        elif suffix.endswith(".db"):
            entries = list(_database_entries(path))
        elif _is_poscar(path):
            entries = [("", partial(poscar_geometry, read_text(path)))]
        else:
            entries = list(_ase_entries(path))
    except GeometryError as error:
        return [geometry_error(str(path), str(error))]
    except Exception as error:  # a foreign reader may raise anything; the folder goes on
        return [_unreadable(str(path), error)]
    results: list[Geometry | GeometryError] = []
    for number, (label, read) in enumerate(entries, start=1):
        name = label or (str(path) if len(entries) == 1 else f"{path}#{number}")
        try:
            results.append(read(name))
        except GeometryError as error:
            results.append(error if error.name == name else geometry_error(name, str(error)))
        except Exception as error:  # as above: one bad structure loses no other
            results.append(_unreadable(name, error))
    return results or [
        geometry_error(str(path), "holds no structure", "check that it was written fully")
    ]


def _named(structure: object, name: str) -> Geometry:
    return geometry(structure, name=name)


def _from_row(row: Any, name: str) -> Geometry:
    return geometry(row.toatoms(), name=name)


def _from_frame(frame: str, name: str) -> Geometry:
    return geometry(xyz_atoms(frame), name=name)


def _unreadable(name: str, error: Exception) -> GeometryError:
    text = str(error).strip() or type(error).__name__
    return geometry_error(
        name,
        f"cannot be read: {text[:300]}",
        "write it as CIF, POSCAR, extended XYZ or JSON, complete and in the format of its name",
    )


def read_text(path: Path) -> str:
    """Return the text of a file, unpacked when its name ends in .gz.

    Raises:
        GeometryError: when it is empty.
    """
    raw = path.read_bytes()
    if path.suffix.lower() == ".gz":
        raw = gzip.decompress(raw)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if not text.strip():
        raise GeometryError("the file is empty")
    return text


def read_json(path: Path) -> Any:
    """Return what a .json or .json.gz file holds.

    Raises:
        GeometryError: when it is no JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise GeometryError(f"line {error.lineno} is not JSON: {error.msg}") from None


def _json_entries(path: Path) -> Iterator[Entry]:
    data = read_json(path)
    if isinstance(data, dict) and "nextid" in data:  # a database of ASE in JSON
        yield from _database_entries(path)
        return
    for record in data if isinstance(data, list) else [data]:
        label = str(record.get("id") or "") if isinstance(record, dict) else ""
        yield label, partial(_named, record)


def _database_entries(path: Path) -> Iterator[Entry]:
    from ase.db import connect

    with connect(path) as database:
        for row in list(database.select()):
            yield f"{path}#{row.id}", partial(_from_row, row)


def _ase_entries(path: Path) -> Iterator[Entry]:
    from ase.io import iread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # many readers warn, never of this structure
        frames = list(iread(str(path), index=":"))
    for atoms in frames:
        yield "", partial(_named, atoms)


def xyz_frames(text: str) -> Iterator[str]:
    """Cut an XYZ file into frames by their counts, so that a bad frame loses no other.

    What follows a line that should be a count, and is none, comes as one last frame.
    """
    lines = text.splitlines()
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        count = int(lines[start]) if lines[start].strip().isdigit() else len(lines)
        yield "\n".join(lines[start : start + count + 2]) + "\n"
        start += count + 2


def xyz_atoms(frame: str) -> Any:
    """Return one frame of extended XYZ as ASE Atoms.

    Raises:
        GeometryError: when the frame does not start with the number of its atoms.
    """
    from ase.io import read

    first = frame.partition("\n")[0].strip()
    if not first.isdigit():
        raise GeometryError(
            f"a frame starts with {first[:40]!r}, not with the number of its atoms\n"
            "a frame is the number of atoms, a comment line, and as many lines of atoms"
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about columns that are not read
        return read(io.StringIO(frame), format="extxyz")


def poscar_geometry(text: str, name: str) -> Geometry:
    """Return the structure of a POSCAR, in the frame of its lattice vectors.

    Raises:
        GeometryError: when it names no elements.
    """
    from pymatgen.io.vasp import Poscar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invented element names are refused below
        poscar = Poscar.from_str(text)
    if not poscar.true_names:
        raise geometry_error(
            name,
            "the POSCAR names no elements",
            "write the element symbols in line 6, above the numbers of atoms (format of VASP 5)",
        )
    return from_pymatgen(poscar.structure, name)
