"""Structures from files and folders: CIF, POSCAR, XYZ, JSON, ASE databases, what ASE reads."""

from __future__ import annotations

import io
import itertools
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from natural_tensors.errors import translated
from natural_tensors.files.contents import check_contents, read_contents, stream_lines
from natural_tensors.files.decoding import DecodingError, decode_json, decode_text

from .cif import Entry, cif_entries
from .conversion import from_pymatgen, geometry
from .geometry import Geometry, GeometryError, geometry_error, within_limits
from .kinds import DATABASE, JSON, POSCAR, kind_of
from .plain_poscar import plain_poscar

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

FORMATS = f"POSCAR, CONTCAR and {', '.join(STRUCTURE_SUFFIXES)}"
"""The same for messages."""


def read_geometries(path: str | Path) -> list[Geometry | GeometryError]:
    """Read every structure of a file or a folder.

    A structure that cannot be read becomes a GeometryError in its place, named ``file``,
    ``file#3`` (the third entry) or by its id, and costs none of the others.

    Args:
        path: CIF (each data block), POSCAR, XYZ and extended XYZ (each frame), JSON of pymatgen,
            of this project or of OPTIMADE (an object or a list; also .gz), an ASE database,
            whatever else ASE reads; or a folder of these, read in the order of the names with the
            folders in it.

    Raises:
        GeometryError: when there is no such file, or a folder holds no structure.
    """
    place = Path(path)
    with translated(partial(_unreadable_place, place)):  # a name may be too long, or a place closed
        is_folder, exists = place.is_dir(), place.exists()
    if is_folder:
        files = list(_structure_files(place))
        if not files:
            raise geometry_error(
                str(place),
                "the folder holds no structure file, and no folder in it does",
                f"known: {FORMATS}; name a file of another kind itself",
            )
        return [entry for file in files for entry in _entries_of(file)]
    if not exists:
        raise geometry_error(
            str(place), "there is no such file or folder", "check the path and its spelling"
        )
    return _read_file(place)


def _unreadable_place(place: Path, reason: str) -> GeometryError:
    return geometry_error(str(place), f"cannot be read: {reason}", "check the path and its rights")


def _entries_of(file: Path | GeometryError) -> list[Geometry | GeometryError]:
    return [file] if isinstance(file, GeometryError) else _read_file(file)


def _structure_files(folder: Path) -> Iterator[Path | GeometryError]:
    """Yield the structure files of a folder and of those in it, but for links and hidden ones.

    A folder that cannot be read is an error in its place.
    """
    try:
        with translated(partial(_unreadable_place, folder)):
            entries = sorted(folder.iterdir())
    except GeometryError as error:
        yield error
        return
    for entry in entries:
        if is_structure_file(entry):
            yield entry
        elif entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            yield from _structure_files(entry)


def is_structure_file(path: Path) -> bool:
    """Say whether a file of a folder is read: by its name, without opening it."""
    return is_structure_name(path.name) and path.is_file()


def is_structure_name(name: str) -> bool:
    """Say whether a file of this name, a path or not, is taken for one with structures."""
    path = Path(name)
    known = path.name.lower().endswith(STRUCTURE_SUFFIXES) or POSCAR.fits(path)
    return known and not path.name.startswith(".")


def _read_file(path: Path) -> list[Geometry | GeometryError]:
    try:
        with translated(lambda reason: _unreadable(path, str(path), reason)):
            entries = list(_entries(path))
    except GeometryError as error:
        return [error if error.name else _misnamed(path, str(path), str(error))]
    results: list[Geometry | GeometryError] = []
    for number, (label, read) in enumerate(entries, start=1):
        name = label or (str(path) if len(entries) == 1 else f"{path}#{number}")
        results.append(_read_entry(path, name, read))
    return results or [
        geometry_error(str(path), "holds no structure", "check that it was written fully")
    ]


def _read_entry(path: Path, name: str, read: Callable[[str], Geometry]) -> Geometry | GeometryError:
    """Return one structure of a file, or what is wrong with it: it costs none of the others."""
    try:
        with translated(lambda reason: _unreadable(path, name, reason)):
            return read(name)
    except GeometryError as error:
        return error if error.name == name else _misnamed(path, name, str(error))


def _entries(path: Path) -> Iterable[Entry]:
    """Return the structures of a file, to be read one by one."""
    suffix = path.name.lower().removesuffix(".gz")
    if suffix.endswith(".cif"):
        return cif_entries(read_text(path))
    if suffix.endswith(".json"):
        return _json_entries(path)
    if suffix.endswith((".xyz", ".extxyz")):
        return (("", partial(_from_frame, frame)) for frame in xyz_frames(read_text(path)))
    if suffix.endswith(".db"):
        return _database_entries(path)
    if POSCAR.fits(path):
        return [("", partial(poscar_geometry, read_text(path)))]
    return _ase_entries(path)


def _named(structure: object, name: str) -> Geometry:
    return geometry(structure, name=name)


def _from_row(row: Any, name: str) -> Geometry:
    return geometry(row.toatoms(), name=name)


def _from_frame(frame: str, name: str) -> Geometry:
    return geometry(xyz_atoms(frame), name=name)


def _unreadable(path: Path, name: str, reason: str) -> GeometryError:
    return _misnamed(
        path,
        name,
        f"cannot be read: {reason}",
        "write it as CIF, POSCAR, extended XYZ or JSON, complete and in the format of its name",
    )


def _misnamed(path: Path, name: str, problem: str, *advice: str) -> GeometryError:
    """Return an error about a file; where its name misleads, it says what the file is."""
    kind = kind_of(path)
    if kind is None or kind.fits(path):
        return geometry_error(name, problem, *advice)
    if not kind.endings:
        return geometry_error(name, f"is {kind.title}, no structure", f"known: {FORMATS}")
    hint = f"it looks like {kind.title}: give it a name that ends in {kind.endings[0]}"
    return geometry_error(name, problem, hint)


def read_text(path: Path) -> str:
    """Return the text of a file, unpacked when its name ends in .gz.

    Raises:
        GeometryError: when it is empty, damaged, or larger than the limit ``file``.
    """

    def damaged(reason: str) -> GeometryError:
        return GeometryError(f"cannot be read: {reason}; copy or pack it again")

    with translated(damaged), within_limits():
        raw = read_contents(path)
    try:
        text = decode_text(raw)
    except DecodingError:
        text = raw.decode("latin-1")
    if not text.strip():
        raise GeometryError("the file is empty")
    return text


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file of any size, unpacked when its name ends in .gz.

    Raises:
        GeometryError: when it is empty, or damaged.
    """

    def damaged(reason: str) -> GeometryError:
        return GeometryError(f"cannot be read: {reason}; copy or pack it again")

    empty = True
    with translated(damaged), within_limits():
        for raw in stream_lines(path):
            try:
                line = decode_text(raw)
            except DecodingError:
                line = raw.decode("latin-1")
            empty = empty and not line.strip()
            yield line.rstrip("\r\n")
    if empty:
        raise GeometryError("the file is empty")


def read_json(path: Path) -> Any:
    """Return what a .json or .json.gz file holds, or the list of the lines of a .jsonl file.

    Raises:
        GeometryError: when it is no JSON.
    """
    text = read_text(path)
    try:
        if not path.name.lower().removesuffix(".gz").endswith(".jsonl"):
            return decode_json(text)
        return [decode_json(line) for line in text.splitlines() if line.strip()]
    except DecodingError as error:
        raise GeometryError(str(error)) from None


def _json_entries(path: Path) -> Iterator[Entry]:
    data = read_json(path)
    if isinstance(data, dict) and "nextid" in data:  # a database of ASE in JSON
        yield from _database_entries(path)
        return
    if isinstance(data, dict) and isinstance(data.get("data"), list):  # an answer of OPTIMADE
        data = data["data"]
    for record in data if isinstance(data, list) else [data]:
        label = str(record.get("id") or "") if isinstance(record, dict) else ""
        yield label, partial(_named, record)


def _database_entries(path: Path) -> Iterator[Entry]:
    for row in database_rows(path):
        yield f"{path}#{row.id}", partial(_from_row, row)


ROWS = 500
"""Rows of a database that are held at once."""


def stream_rows(path: Path) -> Iterator[Any]:
    """Yield the rows of a database of ASE, SQLite or JSON, by their numbers; few are held at once.

    Raises:
        GeometryError: when it is none, or damaged.
    """
    from ase.db import connect

    def damaged(reason: str) -> GeometryError:
        return GeometryError(f"is no database of ASE that can be read: {reason}")

    with translated(damaged):
        # ASE would make a database of an empty file
        if kind_of(path) not in (DATABASE, JSON):
            raise ValueError("it does not begin as one")
        database = connect(path.absolute())
    last, more = -1, True
    while more:
        with translated(damaged):  # ASE fetches whatever it is asked for as a whole
            rows = list(database.select(f"id>{last}", sort="id", limit=ROWS))
        yield from rows
        more, last = len(rows) == ROWS, rows[-1].id if rows else last


def database_rows(path: Path) -> list[Any]:
    """Return all rows of a database of ASE, as `stream_rows` yields them."""
    return list(stream_rows(path))


def _ase_entries(path: Path) -> Iterator[Entry]:
    from ase.io import iread
    from ase.io.formats import UnknownFileTypeError

    with within_limits(str(path)):
        check_contents(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # many readers warn, never of this structure
            frames = list(iread(str(path.absolute()), index=":"))  # a name may be like an address
    except UnknownFileTypeError:
        raise GeometryError(
            "cannot be read: neither its name nor its content is of a format of structures; write "
            "it as CIF, POSCAR, extended XYZ or JSON"
        ) from None
    for atoms in frames:
        yield "", partial(_named, atoms)


def xyz_frames(text: str | Iterable[str]) -> Iterator[str]:
    """Cut an XYZ file into frames by their counts, so that a bad frame loses no other.

    What follows a line that should be a count, and is none, comes as one last frame.

    Args:
        text: of the file, or its lines as they are read.
    """
    lines = iter(text.splitlines() if isinstance(text, str) else text)
    for line in lines:
        first = line.strip()
        if not first:
            continue
        is_count = first.isdecimal() and len(first) <= len(str(sys.maxsize)) - 1
        rest = itertools.islice(lines, int(first) + 1) if is_count else lines
        yield "\n".join([line, *rest]) + "\n"


def xyz_atoms(frame: str) -> Any:
    """Return one frame of extended XYZ as ASE Atoms.

    Raises:
        GeometryError: when the frame does not start with the number of its atoms.
    """
    from ase.io import read

    first = frame.partition("\n")[0].strip()
    if not first.isdecimal():
        raise GeometryError(
            f"a frame starts with {first[:40]!r}, not with the number of its atoms\n"
            "a frame is the number of atoms, a comment line, and as many lines of atoms"
        )
    present = frame.count("\n") - 2
    if len(first) > len(str(present)) or int(first) > present:
        raise _too_few(first, present)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about columns that are not read
        return read(io.StringIO(frame), format="extxyz")


def _too_few(stated: str, present: int) -> GeometryError:
    number = stated if len(stated) < 30 else f"a number of {len(stated)} digits of"
    return GeometryError(
        f"states {number} atoms, and {max(present, 0)} lines are left for them\n"
        "check the number, and that the file was written fully"
    )


def _check_counts(text: str) -> None:
    """Refuse a POSCAR that states more atoms than it has lines: its reader would make them."""
    lines = text.splitlines()
    counts = False
    stated = 0
    for line in lines[5:]:
        try:
            numbers = [int(word) for word in line.split("!")[0].split("#")[0].split()]
        except ValueError:
            numbers = []
        if counts and not numbers:
            break
        counts = counts or bool(numbers)
        stated += sum(map(abs, numbers))
        if stated > len(lines):
            raise _too_few(str(stated), len(lines) - 7)


def poscar_geometry(text: str, name: str) -> Geometry:
    """Return the structure of a POSCAR, in the frame of its lattice vectors.

    Raises:
        GeometryError: when it names no elements.
    """
    if plain := plain_poscar(text):
        return Geometry(*plain, (True, True, True), name)
    from pymatgen.io.vasp import Poscar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invented element names are refused below
        _check_counts(text)
        poscar = Poscar.from_str(text)
    if not poscar.true_names:
        raise geometry_error(
            name,
            "the POSCAR names no elements",
            "write the element symbols in line 6, above the numbers of atoms (format of VASP 5)",
        )
    return from_pymatgen(poscar.structure, name)
