"""What a structure is here: atoms, a cell, a frame; and how structures are read from files.

Frame. A tensor is stated in the Cartesian axes of `Geometry.cell`. Objects and explicit lattice
vectors (POSCAR, extended XYZ, JSON, databases) keep theirs. A CIF has lengths and angles only: its
frame is pymatgen's, c along z and a in the xz plane.

CIF. Coordinates within 1e-4 of n/3 or n/6 are taken for that fraction, and images of a site within
1e-4 (in fractions of the cell) for one atom: files round 1/3 to 0.3333. The cell is that of the
file, conventional or primitive.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = tuple[bool, bool, bool]

CLOSEST = 0.3
"""Two atoms nearer than this (angstrom) are one atom listed twice: H2, the shortest bond, is 0.74
long, and files of compressed or colliding atoms rarely go below 0.5."""

FLATTEST = 1e-4
"""A cell whose volume is this fraction of the box of the same edges, or less, is no cell."""

CIF_TOLERANCE = 1e-4
"""How far, in fractions of the cell, CIF coordinates are moved to n/3 or n/6, and sites merged."""

STRUCTURE_SUFFIXES = (
    ".cif", ".cif.gz", ".vasp", ".poscar", ".xyz", ".extxyz", ".json", ".json.gz", ".db",
    ".traj", ".xsf", ".res", ".cell", ".gen", ".pdb", ".cssr",
)  # fmt: skip
"""What is read from a folder, besides files called POSCAR or CONTCAR."""


class GeometryError(ValueError):
    """A structure that cannot be read or cannot exist.

    Attributes:
        name: the file, entry or id it came from; empty when unknown.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


def _fault(name: str, problem: str, *advice: str) -> GeometryError:
    return GeometryError("\n".join((f"{name or 'the structure'}: {problem}", *advice)), name)


@dataclass(frozen=True, eq=False)
class Geometry:
    """A crystal, slab, wire or molecule, in its own Cartesian frame.

    Attributes:
        numbers: atomic numbers, shape ``(atoms,)``.
        positions: Cartesian, angstrom, shape ``(atoms, 3)``.
        cell: rows are lattice vectors, angstrom, shape ``(3, 3)``; left-handed cells are allowed;
            a row along which nothing repeats may be zero.
        periodic: for each row, whether the structure repeats along it.
        name: the file or id that messages name.

    Raises:
        GeometryError: without atoms; a wrong shape, a number that is not finite, an atomic number
            outside 1 .. 118, a degenerate cell, or two atoms nearer than `CLOSEST`.
    """

    numbers: Integers
    positions: Floats
    cell: Floats
    periodic: Flags
    name: str = ""

    def __post_init__(self) -> None:
        self._set("numbers", _as_array(self.numbers, self.name, "atomic numbers"))
        self._set("positions", _as_array(self.positions, self.name, "positions"))
        self._set("cell", _as_array(self.cell, self.name, "lattice vectors"))
        self._set("periodic", tuple(bool(flag) for flag in np.ravel(self.periodic)))
        self._check_shapes()
        self._check_numbers()
        self._check_cell()
        self._check_distances()

    def _set(self, field: str, value: Any) -> None:
        object.__setattr__(self, field, value)

    def _check_shapes(self) -> None:
        atoms = self.numbers.size
        if not atoms:
            raise _fault(self.name, "has no atoms", "give at least one atomic number and position")
        for what, array, shape in (
            ("atomic numbers", self.numbers, (atoms,)),
            ("positions", self.positions, (atoms, 3)),
            ("lattice vectors", self.cell, (3, 3)),
            ("periodic flags", np.array(self.periodic), (3,)),
        ):
            if array.shape != shape:
                raise _fault(
                    self.name,
                    f"{what} have shape {array.shape}; {atoms} atoms need {shape}",
                    "rows are atoms, or lattice vectors; columns are x, y, z",
                )
            if not np.isfinite(array).all():
                place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
                raise _fault(
                    self.name,
                    f"{what}: entry {place} is {array[place]}",
                    "every number must be finite; look for a run that stopped early",
                )

    def _check_numbers(self) -> None:
        for number in self.numbers:
            if not 1 <= number <= 118 or number != int(number):
                raise _fault(
                    self.name,
                    f"atomic number {number:g} is none of 1 .. 118",
                    "replace dummy atoms and vacancies (X, 0) by elements, or leave them out",
                )
        self._set("numbers", self.numbers.astype(np.int64))

    def _check_cell(self) -> None:
        edges = np.linalg.norm(self.cell, axis=1)
        for row in range(3):
            if self.periodic[row] and edges[row] < CLOSEST:
                raise _fault(
                    self.name,
                    f"repeats along lattice vector {row + 1}, whose length is {edges[row]:g} Å",
                    "give the lattice vector in angstrom, or set periodic to false for it",
                )
        if any(self.periodic):
            box = self.full_cell
            share = abs(np.linalg.det(box)) / np.prod(np.linalg.norm(box, axis=1))
            if share < FLATTEST:
                raise _fault(
                    self.name,
                    f"the lattice vectors {self.cell.tolist()} lie in one plane or line",
                    "give three vectors that span a volume; mark a direction that does not "
                    "repeat as not periodic",
                )

    def _check_distances(self) -> None:
        # on the completed cell a row that does not repeat stands upright on the others
        # (vesin takes long over a cutoff much below an angstrom)
        first, second, shifts, distances = self.neighbours(1.0)
        if distances.min(initial=CLOSEST) < CLOSEST:
            worst = int(np.argmin(distances))
            pair = (int(first[worst]), int(second[worst]))
            image = "" if not shifts[worst].any() else f" (cell shift {shifts[worst].tolist()})"
            raise _fault(
                self.name,
                f"atoms {pair[0]} and {pair[1]}{image} are {distances[worst]:.3g} Å apart, "
                f"nearer than {CLOSEST} Å",
                "positions and lattice vectors are in angstrom; remove an atom listed twice, or "
                "write special positions of a CIF with more digits",
            )

    @cached_property
    def full_cell(self) -> Floats:
        """The cell, rows that do not repeat replaced by unit vectors upright on the others."""
        return _completed(self.cell, self.periodic)

    def neighbours(self, cutoff: float) -> tuple[Integers, Integers, Integers, Floats]:
        """Return all ordered pairs within a distance, periodic images included.

        Args:
            cutoff: angstrom.

        Returns:
            First atom, second atom, cell shift of the second, shape ``(pairs, 3)``, distance.
        """
        from vesin import NeighborList

        search = NeighborList(cutoff=cutoff, full_list=True, n_threads=1)
        i, j, shifts, distances = search.compute(
            self.positions, self.full_cell, self.periodic, "ijSd"
        )
        return i.astype(np.int64), j.astype(np.int64), shifts.astype(np.int64), distances

    @property
    def volume(self) -> float | None:
        """Volume of the cell, angstrom^3; None unless it repeats in all three directions."""
        return float(abs(np.linalg.det(self.cell))) if all(self.periodic) else None

    @cached_property
    def formula(self) -> str:
        """Reduced formula as pymatgen writes it, such as ``"SiO2"``."""
        return _formula(tuple(sorted(Counter(self.numbers.tolist()).items())))

    @property
    def fractional(self) -> Floats:
        """Positions in multiples of the lattice vectors, shape ``(atoms, 3)``.

        Along a row that does not repeat: of a unit vector upright on the others, in angstrom.
        """
        return cast(Floats, np.linalg.solve(self.full_cell.T, self.positions.T).T)

    def to_ase(self, calculator: Any = None) -> Any:
        """Return the structure as Atoms of ASE, in the same axes."""
        from ase import Atoms

        return Atoms(
            numbers=self.numbers,
            positions=self.positions,
            cell=self.cell,
            pbc=self.periodic,
            calculator=calculator,
        )

    def to_pymatgen(self) -> Any:
        """Return a Structure of pymatgen in the same axes, or a Molecule where nothing repeats."""
        from pymatgen.core import Lattice, Molecule, Structure

        if not any(self.periodic):
            return Molecule(self.numbers.tolist(), self.positions)
        lattice = Lattice(self.full_cell, pbc=self.periodic)
        return Structure(lattice, self.numbers.tolist(), self.positions, coords_are_cartesian=True)

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        repeats = "".join(axis for axis, flag in zip("abc", self.periodic, strict=True) if flag)
        name = f"{self.name}: " if self.name else ""
        atoms = "1 atom" if len(self) == 1 else f"{len(self)} atoms"
        return f"Geometry({name}{self.formula}, {atoms}, periodic {repeats or 'nowhere'})"


def _as_array(data: Any, name: str, what: str) -> Floats:
    try:
        return np.array(data, dtype=np.float64)
    except (TypeError, ValueError):
        raise _fault(
            name, f"the {what} are no table of numbers: {str(data)[:60]}", "write plain numbers"
        ) from None


def _completed(cell: Floats, periodic: Flags) -> Floats:
    rows = [row for row in range(3) if periodic[row]]
    box = cell.copy()
    for row in range(3):
        if row not in rows:
            # the first left singular vector that the rows so far do not reach
            spanned = box[rows] if rows else np.zeros((1, 3))
            box[row] = np.linalg.svd(spanned)[2][len(rows)]
            rows.append(row)
    return box


@lru_cache(maxsize=65536)
def _formula(counts: tuple[tuple[int, int], ...]) -> str:
    from pymatgen.core import Composition, Element

    return reduced_formula(Composition({Element.from_Z(z): count for z, count in counts}))


def reduced_formula(composition: Any) -> str:
    """Return the reduced formula of a formula, or of a pymatgen Composition.

    Raises:
        GeometryError: when it is no chemical formula.
    """
    from pymatgen.core import Composition

    with warnings.catch_warnings():
        # noble gases have no electronegativity, which only orders the letters
        warnings.filterwarnings("ignore", message="No Pauling electronegativity")
        try:
            return str(Composition(composition).reduced_formula)
        except (ValueError, TypeError, KeyError) as error:
            raise _fault(
                str(composition), f"is no chemical formula: {error}", "write it as SiO2 or Ca(OH)2"
            ) from None


# --- objects --------------------------------------------------------------------------------------


def geometry(thing: Any, *, name: str = "") -> Geometry:
    """Return a structure of another library, or of decoded JSON, as a Geometry.

    Args:
        thing: a Geometry, a pymatgen Structure or Molecule, ASE Atoms, a dict of pymatgen, a dict
            with a pymatgen dict under ``structure`` or ``molecule``, or a dict with ``numbers``,
            ``lattice`` (rows; absent for a molecule), ``frac`` or ``positions`` (``pos``), and
            optionally ``periodic`` and ``id``. Other keys are left alone.
        name: what messages call it; otherwise the ``id`` or the formula.

    Raises:
        GeometryError: when it is none of these, a site is disordered, or it cannot exist.
    """
    if isinstance(thing, Geometry):
        return thing
    if isinstance(thing, Mapping):
        return _from_dict(thing, name)
    if _is_from(thing, "pymatgen") and hasattr(thing, "sites"):
        return _from_pymatgen(thing, name)
    if _is_from(thing, "ase") and hasattr(thing, "get_atomic_numbers"):
        return _from_ase(thing, name)
    raise _fault(
        name,
        f"a {type(thing).__name__} is no structure",
        "allowed: Geometry, pymatgen Structure or Molecule, ase Atoms, or a dict with numbers, "
        "lattice and frac or positions; files are read by read_geometries",
    )


def _is_from(thing: Any, library: str) -> bool:
    return any(base.__module__.partition(".")[0] == library for base in type(thing).__mro__)


def _from_pymatgen(structure: Any, name: str) -> Geometry:
    name = name or structure.composition.hill_formula.replace(" ", "")
    numbers = []
    for index, site in enumerate(structure):
        if len(site.species) != 1 or abs(site.species.num_atoms - 1) > 1e-8:
            raise _disordered(name, index, str(site.species_string))
        number = getattr(site.specie, "Z", 0)
        if not isinstance(number, int) or not _is_element(site.specie):
            raise _fault(
                name, f"site {index} holds {site.specie}, no element", "replace it by an element"
            )
        numbers.append(number)
    lattice = getattr(structure, "lattice", None)
    return Geometry(
        np.array(numbers, dtype=np.int64),
        structure.cart_coords,
        np.zeros((3, 3)) if lattice is None else lattice.matrix,
        (False, False, False) if lattice is None else tuple(lattice.pbc),
        name,
    )


def _is_element(species: Any) -> bool:
    return type(species).__name__ in ("Element", "Species")


def _disordered(name: str, site: int, content: str) -> GeometryError:
    return _fault(
        name,
        f"site {site} is disordered: {content}",
        "every site must hold one element with occupancy 1; choose an ordered cell, for instance "
        "by pymatgen's OrderDisorderedStructureTransformation",
    )


def _from_ase(atoms: Any, name: str) -> Geometry:
    name = name or str(atoms.symbols)
    kinds = atoms.arrays.get("spacegroup_kinds")
    for kind, content in (atoms.info.get("occupancy") or {}).items():
        if len(content) != 1 or any(abs(share - 1) > 1e-8 for share in content.values()):
            where = 0 if kinds is None else int(np.argmax(kinds == int(kind)))
            raise _disordered(name, where, ", ".join(f"{k}:{v:g}" for k, v in content.items()))
    return Geometry(
        atoms.get_atomic_numbers(), atoms.get_positions(), atoms.cell.array, tuple(atoms.pbc), name
    )


def _from_dict(record: Mapping[str, Any], name: str) -> Geometry:
    name = name or str(record.get("id") or "")
    if str(record.get("@module", "")).startswith("pymatgen"):
        kind = record.get("@class")
        if kind in ("Structure", "IStructure", "Molecule", "IMolecule"):
            from pymatgen import core

            try:
                return _from_pymatgen(getattr(core, kind).from_dict(dict(record)), name)
            except (KeyError, TypeError, AttributeError) as error:
                raise _fault(
                    name, f"is no complete {kind} of pymatgen: {error}", "write it by as_dict()"
                ) from None
    for key in ("structure", "molecule"):
        if isinstance(record.get(key), Mapping):
            return _from_dict(record[key], name)
    return _from_our_dict(record, name)


def _from_our_dict(record: Mapping[str, Any], name: str) -> Geometry:
    places = next((key for key in ("frac", "positions", "pos") if key in record), None)
    if "numbers" not in record or places is None:
        raise _fault(
            name,
            f"holds no structure; its keys are {', '.join(map(str, list(record)[:8])) or 'none'}",
            "needed: numbers, lattice (but for a molecule), and frac or positions; or a dict "
            "written by pymatgen",
        )
    if "lattice" not in record and places == "frac":
        raise _fault(name, "has frac but no lattice", "add the lattice vectors as rows")
    cell = _as_array(record.get("lattice", np.zeros((3, 3))), name, "lattice vectors")
    positions = _as_array(record[places], name, places)
    if places == "frac":
        if positions.ndim != 2 or positions.shape[1:] != (3,) or cell.shape != (3, 3):
            raise _fault(
                name,
                f"frac has shape {positions.shape}, lattice {cell.shape}",
                "frac has three numbers for each atom, lattice three rows of three",
            )
        positions = positions @ cell
    periodic = record.get("periodic", "lattice" in record)
    flags = [periodic] * 3 if isinstance(periodic, bool) else list(periodic)
    return Geometry(record["numbers"], positions, cell, cast(Flags, tuple(flags)), name)


# --- files ----------------------------------------------------------------------------------------


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
            raise _fault(
                str(place),
                "the folder holds no structure file",
                f"known: POSCAR, CONTCAR and {', '.join(STRUCTURE_SUFFIXES)}; name a file of "
                "another kind itself",
            )
        return [entry for file in files for entry in _read_file(file)]
    if not place.exists():
        raise _fault(
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


Entry = tuple[str, Callable[[str], Geometry]]
"""The id of an entry, if it has one, and how to read it under the name it is given."""


def _read_file(path: Path) -> list[Geometry | GeometryError]:
    suffix = path.name.lower().removesuffix(".gz")
    try:
        if suffix.endswith(".cif"):
            entries = list(_cif_entries(read_text(path)))
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
        return [_fault(str(path), str(error))]
    except Exception as error:  # a foreign reader may raise anything; the folder goes on
        return [_unreadable(str(path), error)]
    results: list[Geometry | GeometryError] = []
    for number, (label, read) in enumerate(entries, start=1):
        name = label or (str(path) if len(entries) == 1 else f"{path}#{number}")
        try:
            results.append(read(name))
        except GeometryError as error:
            results.append(error if error.name == name else _fault(name, str(error)))
        except Exception as error:  # as above: one bad structure loses no other
            results.append(_unreadable(name, error))
    return results or [_fault(str(path), "holds no structure", "check that it was written fully")]


def _named(thing: Any, name: str) -> Geometry:
    return geometry(thing, name=name)


def _from_row(row: Any, name: str) -> Geometry:
    return geometry(row.toatoms(), name=name)


def _from_frame(frame: str, name: str) -> Geometry:
    return geometry(xyz_atoms(frame), name=name)


def _unreadable(name: str, error: Exception) -> GeometryError:
    text = str(error).strip() or type(error).__name__
    return _fault(
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
        warnings.simplefilter("ignore")  # remarks of many readers, none about this structure
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
            "a frame is the number of atoms, a line of remarks, and as many lines of atoms"
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks about columns that are not read
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
        raise _fault(
            name,
            "the POSCAR names no elements",
            "write the element symbols in line 6, above the numbers of atoms (format of VASP 5)",
        )
    return _from_pymatgen(poscar.structure, name)


# --- CIF ------------------------------------------------------------------------------------------

_CIF_ITEMS = re.compile(r"_(cell|atom_site|symmetry|space_group)", re.IGNORECASE)
_CIF_SYMBOL = re.compile(r"[A-Za-z]{1,2}")


def _cif_entries(text: str) -> Iterator[Entry]:
    blocks = _cif_blocks(text)
    if not blocks:
        raise GeometryError("the CIF has no line that starts with data_")
    # a block of remarks (data_global) is no structure, unless there is nothing else
    atoms = [block for block in blocks if "_atom_site_fract_x" in block.lower()]
    for block in atoms or blocks:
        yield "", partial(_cif_structure, block)


def _cif_blocks(text: str) -> list[str]:
    blocks: list[list[str]] = []
    quoted = False
    for line in text.splitlines():
        if line.startswith(";"):
            quoted = not quoted
        elif line.lstrip().lower().startswith("data_"):
            if quoted:  # prose, which pymatgen would take for a new block
                line = f"| {line}"
            else:
                blocks.append([])
        if blocks:
            blocks[-1].append(line)
    return ["\n".join(lines) + "\n" for lines in blocks]


def _cif_structure(block: str, name: str) -> Geometry:
    from pymatgen.io.cif import CifParser

    _check_ascii(block, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parser = CifParser.from_str(
            block, site_tolerance=CIF_TOLERANCE, frac_tolerance=CIF_TOLERANCE
        )
        data = parser.as_dict()
        _check_symbols(next(iter(data.values()), {}), name)
        structure = parser.parse_structures(primitive=False, on_error="raise")[0]
    remarks = [str(entry.message) for entry in caught] + list(parser.warnings)
    for remark in remarks:
        if "implicit hydrogens" in remark:
            raise _fault(name, "has hydrogen without positions", "add the hydrogen atoms")
        if remark.startswith(("Missing elements", "Incorrect stoichiometry")):
            if not _states_formula(data):
                continue
            raise _fault(
                name,
                f"the atoms do not make up the stated formula: {' '.join(remark.split())}",
                "add the missing atoms, or correct or remove _chemical_formula_sum",
            )
    return _from_pymatgen(structure, name)


def _states_formula(data: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(block.get("_chemical_formula_sum") for block in data.values())


def _check_ascii(block: str, name: str) -> None:
    """Refuse what pymatgen would silently delete: "Nä" is no nitrogen, "−z" is not z."""
    headers: list[str] = []
    in_header = False
    for number, line in enumerate(block.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].lower() == "loop_":
            headers, in_header = [], True
        elif words[0].startswith("_"):
            headers = [*headers, words[0]] if in_header and len(words) == 1 else [words[0]]
            in_header = in_header and len(words) == 1
        else:
            in_header = False
        if not line.isascii() and any(_CIF_ITEMS.match(header) for header in headers):
            letter = next(letter for letter in line if not letter.isascii())
            raise _fault(
                name,
                f"line {number} of the data block has {letter!r}, not ASCII: {line.strip()[:60]!r}",
                "element symbols, coordinates and symmetry are plain ASCII in a CIF; write the "
                "intended letter, digit or minus sign",
            )


def _check_symbols(block: Mapping[str, Any], name: str) -> None:
    from pymatgen.core import Element

    for key in ("_atom_site_type_symbol", "_atom_site_label"):
        symbols = block.get(key)
        if symbols is None:
            continue
        for site, symbol in enumerate([symbols] if isinstance(symbols, str) else symbols):
            found = _CIF_SYMBOL.match(symbol)
            letters = found.group().title() if found else ""
            known = [text for text in (letters, letters[:1]) if Element.is_valid_symbol(text)]
            if not known:
                raise _fault(
                    name,
                    f"site {site} is {symbol!r}, which names no element",
                    "write an element symbol as _atom_site_type_symbol; leave vacancies out",
                )
        return
