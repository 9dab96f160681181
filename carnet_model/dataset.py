"""Structures with their labels, from files; and what may be trained on.

Reserved crystals. The reduced formula of a crystal decides where it belongs: SHA-1 of its UTF-8
text, as an integer, modulo 100, is its bucket; buckets 0 to 9 are reserved for independent
evaluation, 10 to 17 are for validation, the rest for training. A reserved crystal never enters a
training set, wherever it comes from: `read_examples` leaves it out unless told that nothing will
be trained, and `without_reserved` is the one function that decides. Formulas of molecules carry no
such mark (all isomers share one); the rule is for whatever repeats along at least one direction.

Units. A label is kept in the unit of the catalogue, with two exceptions: what the catalogue has in
Pa or J is kept in GPa or eV.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Literal, cast, get_args, overload

import numpy as np
from numpy.typing import NDArray

from natural_tensors import Form, Reduction, catalog, reduction

from .geometry import (
    Geometry,
    GeometryError,
    geometry,
    is_structure_file,
    read_geometries,
    read_json,
    read_text,
    reduced_formula,
    xyz_atoms,
    xyz_frames,
)
from .targets import working_unit
from .units import UNITS

Floats = NDArray[np.float64]
Split = Literal["reserved", "val", "train"]
LabelForm = Literal[
    "full", "components", "voigt", "voigt-compliance", "mandel", "upper", "scalar", "vasp"
]  # fmt: skip
LABEL_FORMS: tuple[str, ...] = get_args(LabelForm)
OnError = Literal["raise", "skip"]

RESERVED_BELOW, VALIDATION_BELOW = 10, 18

STRUCTURE_KEYS = frozenset(
    {"numbers", "lattice", "frac", "positions", "pos", "periodic", "structure", "molecule"}
)
IDENTIFIERS = ("id", "identifier", "material_id", "_id")


class DatasetError(ValueError):
    """A record or a file that cannot serve as examples."""


def _fault(origin: str, problem: str, *advice: str) -> DatasetError:
    return DatasetError("\n".join((f"{origin}: {problem}", *advice)))


# --- who may be trained on ------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def bucket(formula: str) -> int:
    """Return the bucket of a formula, 0 .. 99; the formula is reduced by pymatgen first.

    Raises:
        GeometryError: when it is no chemical formula.
    """
    text = reduced_formula(formula)
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16) % 100


def split_of(formula: str) -> Split:
    """Return where a crystal of this formula belongs.

    Raises:
        GeometryError: when it is no chemical formula.
    """
    number = bucket(formula)
    if number < RESERVED_BELOW:
        return "reserved"
    return "val" if number < VALIDATION_BELOW else "train"


@dataclass(frozen=True, eq=False)
class Example:
    """One structure with what is known about it.

    Attributes:
        geometry: the structure.
        labels: by the name of the target. A tensor is full, shape ``(3,)*rank``, in the frame of
            the geometry; a scalar has shape ``()``; a label of the atoms has the atoms as first
            axis, and NaN for an atom without one. Units: see the module.
        weight: factor of this example in a loss.
        identifier: what reports call it.
        source: where it comes from.
        notes: the rest of the record.
    """

    geometry: Geometry
    labels: Mapping[str, Floats]
    weight: float = 1.0
    identifier: str = ""
    source: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.weight) and self.weight >= 0):
            raise _fault(
                self.identifier or "an example",
                f"its weight is {self.weight}",
                "a weight is a number from 0 upwards",
            )

    @property
    def formula(self) -> str:
        """Reduced formula."""
        return self.geometry.formula

    @property
    def reserved(self) -> bool:
        """Whether it is a crystal that must never be trained on."""
        return any(self.geometry.periodic) and split_of(self.formula) == "reserved"

    @property
    def split(self) -> Split:
        """Where it belongs: reserved by its formula, else as its record says, else by formula."""
        if self.reserved:
            return "reserved"
        stated = self.notes.get("split")
        if stated == "train" or stated == "val":
            return "val" if stated == "val" else "train"
        if not any(self.geometry.periodic):
            return "train"
        return split_of(self.formula)

    def __repr__(self) -> str:
        labels = ", ".join(self.labels) or "no labels"
        return f"Example({self.identifier or '-'}: {self.formula}, {labels})"


def without_reserved(examples: Iterable[Example]) -> tuple[list[Example], int]:
    """Leave out the crystals that must never be trained on; also say how many these were."""
    everything = list(examples)
    kept = [example for example in everything if not example.reserved]
    return kept, len(everything) - len(kept)


# --- labels and weights ---------------------------------------------------------------------------


@dataclass(frozen=True)
class LabelSource:
    """Where a label stands in a record, and how it is written.

    Attributes:
        name: what the label is called: a name of the catalogue, an index symmetry, or any name
            when `symmetry` says the class or the form is ``"scalar"``.
        key: key or column of the record, dots for keys within keys; the name when empty.
        form: ``"full"``, ``"voigt"``, ``"voigt-compliance"``, ``"mandel"``, ``"components"``: as
            in `natural_tensors`; ``"upper"``: the upper triangle, row by row, of the matrix in
            Voigt form without factors (of the 3x3 matrix for rank 2); ``"vasp"``: a stress as
            VASP prints it, xx yy zz xy yz zx and positive under compression; ``"scalar"``.
        unit: unit of the numbers; empty takes them as they are.
        kept: unit in which the label is kept, where neither name nor `unit` says it.
        symmetry: index symmetry, where the name does not say it.
        axial: True for a pseudo-tensor given by an index symmetry.
        sites: for a label of single atoms, the key of the atoms' indices; ``"all"`` when every
            atom has one.
        optional: leave a record without this label in, without it.
        tolerance: how far a tensor may be from its index symmetry, as a share of its norm; it is
            then replaced by the nearest tensor that has it.

    Raises:
        DatasetError: when the form, the class or the unit is unknown.
    """

    name: str
    key: str = ""
    form: LabelForm = "full"
    unit: str = ""
    kept: str = ""
    symmetry: str = ""
    axial: bool = False
    sites: str = ""
    optional: bool = False
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        if self.form not in LABEL_FORMS:
            raise _fault(
                f"label {self.name}",
                f"form {self.form!r} is unknown",
                f"allowed: {', '.join(LABEL_FORMS)}",
            )
        try:
            target = self.reduction
        except (ValueError, KeyError) as error:
            raise _fault(
                f"label {self.name}", str(error), "name the class by symmetry=, such as 'ij=ji'"
            ) from None
        self.factor  # noqa: B018  # an unknown unit is refused here, not at the first record
        if target is not None:
            self.shape  # noqa: B018  # so is a form that the class has not

    @property
    def reduction(self) -> Reduction | None:
        """The class of the tensor; None for a scalar."""
        if self.form == "scalar":
            return None
        return reduction(self.symmetry or self.name, axial=self.axial)

    @property
    def rank(self) -> int:
        """Number of Cartesian indices."""
        return 0 if self.reduction is None else self.reduction.rank

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one label as it stands in the file.

        Raises:
            DatasetError: when the class has no such form.
        """
        target = self.reduction
        if target is None:
            return ()
        try:
            if self.form == "upper":
                size = self._matrix
                return (size * (size + 1) // 2,)
            if self.form == "vasp":
                if target.dimension != 6 or target.rank != 2:
                    raise ValueError(f"form 'vasp' is one of a stress, ij=ji, not {self.symmetry}")
                return (6,)
            return target.components.layout(cast(Form, self.form)).shape
        except ValueError as error:
            raise _fault(f"label {self.name}", str(error), "choose another form") from None

    @property
    def _matrix(self) -> int:
        """Size of the symmetric matrix whose upper triangle is given."""
        target = self.reduction
        assert target is not None
        shape = (3, 3) if target.rank == 2 else target.components.layout("voigt").shape
        if len(shape) != 2 or shape[0] != shape[1]:
            raise _fault(
                f"label {self.name}",
                f"form 'upper' needs a square matrix, and {self.name} has shape {shape}",
                "choose 'voigt' or 'full'",
            )
        return shape[0]

    @property
    def unit_kept(self) -> str:
        """Unit in which the label is kept; empty when nothing is known about it."""
        if self.kept or self.name in catalog:
            return self.kept or working_unit(self.name)
        return next((kept for kept, known in UNITS.items() if self.unit in known), self.unit)

    @property
    def factor(self) -> float:
        """What a number of the file is multiplied by.

        Raises:
            DatasetError: when the unit cannot be converted.
        """
        if not self.unit or self.unit == self.unit_kept:
            return 1.0
        allowed = UNITS.get(self.unit_kept, {})
        if self.unit in allowed:
            return allowed[self.unit]
        known = ", ".join(allowed) or self.unit_kept or "none"
        raise _fault(
            f"label {self.name}",
            f"unit {self.unit!r} is unknown",
            f"allowed: {known}; or leave the unit out: the numbers are then taken as they are, "
            "and predictions are in the same unit",
        )

    def read(self, value: Any, origin: str) -> Floats:
        """Return one label, or those of several atoms, as full tensors in the unit kept.

        Args:
            value: the numbers; flat lists take the shape of the form.
            origin: what messages call the record.

        Raises:
            DatasetError: for a wrong shape, a number that is not finite, or a tensor farther from
                its index symmetry than `tolerance`.
        """
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise _fault(
                origin, f"{self.name} is no table of numbers: {str(value)[:60]}", "write numbers"
            ) from None
        shape = self.shape
        size = int(np.prod(shape))
        if not self.sites and array.ndim == 1 and array.size == size:
            array = array.reshape(shape)
        if self.sites and array.ndim == 2 and array.shape[1:] == (size,):
            array = array.reshape(-1, *shape)
        expected = array.shape[:1] + shape if self.sites else shape
        if array.shape != expected or array.ndim < len(shape) + bool(self.sites):
            raise _fault(
                origin,
                f"{self.name} has shape {array.shape}; form {self.form!r} needs "
                f"{('atoms', *shape) if self.sites else shape}",
                f"choose the form that fits: {', '.join(LABEL_FORMS)}",
            )
        if not np.isfinite(array).all():
            raise _fault(
                origin, f"{self.name} holds a number that is not finite", "leave the record out"
            )
        return self._full(array, origin) * self.factor

    def _full(self, array: Floats, origin: str) -> Floats:
        target = self.reduction
        if target is None:
            return array
        form: Form
        if self.form == "upper":
            first, second = np.triu_indices(self._matrix)
            matrix = np.zeros((*array.shape[:-1], self._matrix, self._matrix))
            matrix[..., first, second] = array
            matrix[..., second, first] = array
            array, form = matrix, "full" if target.rank == 2 else "voigt"
        elif self.form == "vasp":
            array, form = -array[..., [0, 1, 2, 4, 5, 3]], "voigt"
        else:
            form = cast(Form, self.form)
        nearest = np.asarray(target.symmetrize(array, form=form))
        size = float(np.linalg.norm(array))
        gap = float(np.linalg.norm(array - nearest))
        if gap > self.tolerance * size:
            raise _fault(
                origin,
                f"{self.name} violates its index symmetry {target.symmetry} by "
                f"{gap / size:.2g} of its norm, more than {self.tolerance:g}",
                "check form and order of the components, or raise the tolerance of the LabelSource",
            )
        full = target.convert(nearest, source=form, target="full", invalid="ignore")
        return np.asarray(full, dtype=np.float64)


@dataclass(frozen=True)
class WeightRule:
    """A factor for the weight of examples whose notes match.

    ``WeightRule({"suspect": True}, 0.3)`` matches a list `suspect` that is not empty;
    ``WeightRule({"source": ["a", "b"]}, 0.5)`` matches either value.

    Attributes:
        when: all must hold. True or False compare with the truth of the note, where absent is
            false; a list matches when it holds the note; anything else must be equal.
        weight: the factor.
    """

    when: Mapping[str, Any]
    weight: float

    def matches(self, notes: Mapping[str, Any]) -> bool:
        """Say whether the rule applies to these notes."""
        return all(self._holds(notes.get(key), wanted) for key, wanted in self.when.items())

    @staticmethod
    def _holds(note: Any, wanted: Any) -> bool:
        if isinstance(wanted, bool):
            return bool(note) is wanted
        if isinstance(wanted, list | tuple | set | frozenset):
            return note in wanted or note == wanted
        return bool(note == wanted)


# --- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """What was read, and what was left out.

    Attributes:
        items: the examples.
        reserved: number of crystals left out because they must never be trained on.
        faults: a DatasetError for each record left out because it is bad.
    """

    items: tuple[Example, ...]
    reserved: int = 0
    faults: tuple[DatasetError, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return (
            f"{len(self)} examples; left out: {self.reserved} reserved, {len(self.faults)} faulty"
        )


@dataclass(frozen=True, eq=False)
class _Record:
    """One entry of a file before it is understood: fields are looked up by label keys."""

    origin: str
    structure: Any  # a Geometry, an error, or whatever `geometry` takes
    fields: Mapping[str, Any]


def read_examples(
    path: str | Path,
    labels: LabelSource | Sequence[LabelSource],
    *,
    for_training: bool = True,
    weights: Sequence[WeightRule] = (),
    on_error: OnError = "raise",
) -> Examples:
    """Read structures with labels.

    Args:
        path: JSON of this project (a list of objects with ``numbers``, ``lattice``, ``frac`` or
            ``positions``, and labels) or of pymatgen (objects with ``structure`` and labels), also
            .gz; extended XYZ (labels in the remark line or, for atoms, in columns; nine numbers
            in the remark line are a matrix column by column, as ASE reads and writes them); an ASE
            database (key-value pairs or data); a CSV with a column ``file`` naming structure files
            beside it; or a folder that holds such a CSV. In a CSV a label is a JSON array under
            its key, or columns: ``C11 C12 .. C66`` (the lower triangle may be absent), ``e11 ..
            e36``, ``e_xx e_xy ..`` or ``e11 .. e33``, in Voigt form of rank 2 ``e_xx .. e_xy`` or
            ``e1 .. e6``, with the label's key for ``C`` or ``e``.
        labels: what to read. A record needs all that are not optional, and at least one.
        for_training: leave reserved crystals out (see the module). Say False only for what will
            not be trained on.
        weights: rules that multiply the weight of the examples they match.
        on_error: ``"raise"``, or ``"skip"`` bad records and report them in `Examples.faults`.

    Raises:
        DatasetError: when the file cannot be read, or records are bad; the message shows the first
            few and their number.
    """
    if on_error not in get_args(OnError):
        raise DatasetError(f"on_error is {on_error!r}; allowed: 'raise', 'skip'")
    sources = (labels,) if isinstance(labels, LabelSource) else tuple(labels)
    if not sources:
        raise DatasetError("no labels are asked for; give at least one LabelSource")
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise DatasetError(f"two labels are called alike: {', '.join(names)}; rename one")
    found, faults = [], []
    for record in _records(Path(path)):
        try:
            found.append(_example(record, sources, weights, Path(path)))
        except (DatasetError, GeometryError) as error:
            faults.append(error if isinstance(error, DatasetError) else DatasetError(str(error)))
    if not found and not faults:
        raise _fault(str(path), "holds no records", "check that it was written fully")
    if faults and (on_error == "raise" or not found):
        raise _summary(str(path), faults, len(found) + len(faults))
    kept, dropped = without_reserved(found) if for_training else (found, 0)
    return Examples(tuple(kept), dropped, tuple(faults))


def _summary(path: str, faults: Sequence[DatasetError], total: int) -> DatasetError:
    shown = "\n".join(str(fault) for fault in faults[:5])
    more = f"\n... and {len(faults) - 5} more" if len(faults) > 5 else ""
    return _fault(
        path,
        f"{len(faults)} of {total} records are bad",
        shown + more,
        "mend them, or leave them out by on_error='skip'",
    )


def _example(
    record: _Record, sources: Sequence[LabelSource], weights: Sequence[WeightRule], path: Path
) -> Example:
    if isinstance(record.structure, GeometryError):
        raise record.structure
    if callable(record.structure):
        shape = geometry(record.structure(), name=record.origin)
    else:
        shape = geometry(record.structure, name=record.origin)
    labels = {}
    for source in sources:
        value = _find(record.fields, source)
        if value is None:
            if source.optional:
                continue
            raise _fault(
                record.origin,
                f"has no {source.key or source.name!r}",
                f"its keys are {', '.join(map(str, list(record.fields)[:12]))}; name the right "
                "one by LabelSource(key=...), or set optional=True",
            )
        labels[source.name] = _of_atoms(record, source, value, len(shape))
    if not labels:
        raise _fault(
            record.origin, "has none of the labels", "check the keys, or leave the record out"
        )
    taken = STRUCTURE_KEYS | {source.key or source.name for source in sources}
    notes = {key: value for key, value in record.fields.items() if key not in taken}
    weight = float(np.prod([rule.weight for rule in weights if rule.matches(notes)] or [1.0]))
    identifier = next((str(notes[key]) for key in IDENTIFIERS if notes.get(key)), record.origin)
    source_name = str(notes.get("source") or path.name)
    return Example(shape, labels, weight, identifier, source_name, notes)


def _find(fields: Mapping[str, Any], source: LabelSource) -> Any:
    key = source.key or source.name
    if key in fields:
        return fields[key]
    value: Any = fields
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return _from_columns(fields, key, source) if value is None else value


def _of_atoms(record: _Record, source: LabelSource, value: Any, atoms: int) -> Floats:
    if not source.sites:
        return source.read(value, record.origin)
    tensors = source.read(value, record.origin)
    places = range(atoms) if source.sites == "all" else record.fields.get(source.sites, ())
    index = np.asarray(list(places), dtype=np.int64)
    within = index.size == len(tensors) and (index >= 0).all() and (index < atoms).all()
    if not within or len(np.unique(index)) < len(index):
        raise _fault(
            record.origin,
            f"{len(tensors)} labels {source.name} for the atoms {index.tolist()[:8]} of {atoms}",
            f"{source.sites!r} needs one index, 0 .. {atoms - 1}, for each label",
        )
    full = np.full((atoms, *tensors.shape[1:]), np.nan)
    full[index] = tensors
    return full


def _records(path: Path) -> Iterator[_Record]:
    if not path.exists():
        raise _fault(str(path), "there is no such file or folder", "check the path")
    suffix = path.name.lower().removesuffix(".gz")
    if path.is_dir():
        tables = sorted(path.glob("*.csv"))
        if len(tables) != 1:
            raise _fault(
                str(path),
                f"the folder holds {len(tables)} CSV files with labels",
                "put one in it, with a column 'file', or name the CSV itself",
            )
        return _csv_records(tables[0])
    for ending, reader in (
        (".csv", _csv_records),
        (".json", _json_records),
        (".xyz", _xyz_records),
        (".extxyz", _xyz_records),
        (".db", _database_records),
    ):
        if suffix.endswith(ending):
            return reader(path)
    raise _fault(
        str(path),
        f"{path.suffix!r} is no format of labelled structures",
        "allowed: .json, .json.gz, .xyz, .extxyz, .db, .csv, or a folder with a .csv",
    )


def _json_records(path: Path) -> Iterator[_Record]:
    try:
        data = read_json(path)
    except (GeometryError, OSError) as error:
        raise _fault(str(path), str(error), "write a list of objects") from None
    if isinstance(data, dict) and "nextid" in data:  # a database of ASE in JSON
        yield from _database_records(path)
        return
    for number, record in enumerate(data if isinstance(data, list) else [data], start=1):
        origin = f"{path.name}#{number}"
        if not isinstance(record, dict):
            problem = GeometryError(
                f"{origin}: is {str(record)[:40]!r}, no object with a structure"
            )
            yield _Record(origin, problem, {})
            continue
        name = next((str(record[key]) for key in IDENTIFIERS if record.get(key)), "")
        yield _Record(f"{origin} ({name})" if name else origin, record, record)


def _xyz_records(path: Path) -> Iterator[_Record]:
    for number, frame in enumerate(xyz_frames(read_text(path)), start=1):
        origin = f"{path.name}#{number}"
        try:
            atoms = xyz_atoms(frame)
        except Exception as error:  # a foreign reader may raise anything; the other frames go on
            yield _Record(origin, GeometryError(f"{origin}: {error}"), {})
            continue
        results = {} if atoms.calc is None else atoms.calc.results
        yield _Record(origin, atoms, {**_columns(atoms), **results, **atoms.info})


def _columns(atoms: Any) -> dict[str, Any]:
    return {key: atoms.arrays[key] for key in atoms.arrays if key not in ("numbers", "positions")}


def _database_records(path: Path) -> Iterator[_Record]:
    from ase.db import connect

    with connect(path) as database:
        for row in list(database.select()):
            atoms = partial(row.toatoms)
            yield _Record(f"{path.name}#{row.id}", atoms, {**row.data, **row.key_value_pairs})


# --- tables beside structure files ----------------------------------------------------------------

_VOIGT = ("xx", "yy", "zz", "yz", "xz", "xy")


def _csv_records(path: Path) -> Iterator[_Record]:
    text = read_text(path)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    table = csv.DictReader(lines, skipinitialspace=True)
    if "file" not in (table.fieldnames or ()):
        raise _fault(
            str(path),
            f"has no column 'file'; its columns are {', '.join(table.fieldnames or ())}",
            "add one that names the structure file of each row",
        )
    for number, row in enumerate(table, start=1):
        fields = {
            key: _cell(value) for key, value in row.items() if key and value not in ("", None)
        }
        origin = f"{path.name} row {number} ({fields.get('file', 'no file')})"
        yield _Record(origin, _structure_beside(path, str(fields.get("file", "")), origin), fields)


def _cell(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _structure_beside(path: Path, name: str, origin: str) -> Geometry | GeometryError:
    file = path.parent / name
    if not name or not file.is_file():
        known = [entry.name for entry in sorted(path.parent.iterdir()) if is_structure_file(entry)]
        return GeometryError(
            f"{origin}: there is no structure file {name!r} beside the table\n"
            f"files there: {', '.join(known[:6]) or 'none'}"
        )
    entries = read_geometries(file)
    if len(entries) != 1:
        return GeometryError(
            f"{origin}: {name} holds {len(entries)} structures\na row needs a file with one"
        )
    return entries[0]


def _from_columns(fields: Mapping[str, Any], key: str, source: LabelSource) -> Any:
    """Put a label together from columns such as C11 C12 ..; None when there are none."""
    shape = source.shape
    entries: list[tuple[int, ...]]
    if source.form == "upper":
        size = source._matrix
        entries = [(i, j) for i in range(size) for j in range(i, size)]
    else:
        entries = [tuple(map(int, index)) for index in np.ndindex(*shape)] if shape else []
    values = []
    for entry in entries:
        value = _column(fields, key, entry)
        if value is None and len(entry) == 2 and shape[0] == shape[-1]:
            value = _column(fields, key, (entry[1], entry[0]))
        values.append(value)
    if not values or all(value is None for value in values):
        return None
    return np.array(
        [np.nan if value is None else value for value in values], dtype=np.float64
    ).reshape(shape)


def _column(fields: Mapping[str, Any], key: str, entry: tuple[int, ...]) -> Any:
    digits = "".join(str(index + 1) for index in entry)
    letters = _VOIGT[entry[0]] if len(entry) == 1 else "".join("xyz"[i % 3] for i in entry)
    for text in (digits, letters):
        for name in (f"{key}{text}", f"{key}_{text}"):
            if name in fields:
                return fields[name]
    return None


# --- what a model was trained on ------------------------------------------------------------------


def fingerprint(examples: Iterable[Example]) -> str:
    """Return a SHA-256 of identifiers, formulas, weights and labels, whatever their order."""
    digests = []
    for example in examples:
        part = hashlib.sha256(
            f"{example.identifier}\0{example.formula}\0{example.weight!r}".encode()
        )
        for name in sorted(example.labels):
            values = np.ascontiguousarray(example.labels[name], dtype="<f8") + 0.0  # -0 is 0
            part.update(f"\0{name}{values.shape}".encode())
            part.update(values.tobytes())
        digests.append(part.hexdigest())
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


_CENTRES = np.array([0.8, 1.15, 1.5, 1.85, 2.2])
_WIDTH = 0.175
_REACH = 2.9
_FREE_VOLUME = 20.0
"""Volume of an atom (angstrom^3) that sets the scale of what has no volume of its own."""

DUPLICATE = 0.02
"""Crystals of one formula whose signatures are this near are called near duplicates.

Other descriptions of one crystal stay below 0.002 (rounding to float16), a volume that differs by
5 % is at 0.013; related stackings (SiC 2H and 3C: 0.014) are near duplicates too, mirror images the
same crystal."""


def signature(thing: Geometry) -> Floats:
    """Return 16 numbers that describe a structure, whatever its cell, frame and order of atoms.

    The first is the logarithm of the volume per atom. The others are smoothed counts of pairs at
    five distances, in units of the cube root of that volume and relative to an even
    distribution: of all pairs, of pairs of one element, and weighted by how far either atomic
    number is above the mean.

    Returns:
        Shape ``(16,)``. Compare them by :func:`distance`, within one formula.
    """
    atoms = len(thing)
    volume = thing.volume / atoms if thing.volume else _FREE_VOLUME
    scale = volume ** (1 / 3)
    first, second, _, distances = thing.neighbours(_REACH * scale)
    number = thing.numbers.astype(np.float64)
    spread = float(number.std())
    charge = (number - number.mean()) / spread if spread > 0 else np.zeros(atoms)
    weights = np.stack(
        [
            np.ones(len(distances)),
            (thing.numbers[first] == thing.numbers[second]).astype(np.float64),
            charge[first] * charge[second],
        ]
    )
    peaks = np.exp(-0.5 * ((distances[:, None] / scale - _CENTRES) / _WIDTH) ** 2)
    even = 4 * np.pi * _CENTRES**2 * _WIDTH * np.sqrt(2 * np.pi)
    counts = weights @ peaks / even / atoms
    return np.concatenate([[np.log(volume)], counts.ravel()])


def distance(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return how far signatures are apart, in counts and, a quarter as much, in volume.

    The root mean square difference of the counts, and a quarter of the difference of the
    logarithms of the volume: methods differ by some percent in the volume of one crystal.

    Args:
        first: shape ``(16,)``.
        second: shape ``(..., 16)``.

    Returns:
        Shape ``(...)``; 0 for the same crystal.
    """
    gap = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    rms = np.sqrt(np.mean(gap[..., 1:] ** 2, axis=-1))
    return np.asarray(np.hypot(rms, gap[..., 0] / 4), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Signatures of the structures a model has seen, small enough to travel with it.

    Attributes:
        identifiers: of each structure.
        formulas: reduced formulas.
        signatures: shape ``(structures, 16)``, float16.
    """

    identifiers: tuple[str, ...]
    formulas: tuple[str, ...]
    signatures: NDArray[np.float16]

    @classmethod
    def of(cls, examples: Iterable[Example]) -> Fingerprints:
        """Collect the signatures of examples."""
        seen = list(examples)
        rows = [signature(example.geometry) for example in seen]
        return cls(
            tuple(example.identifier for example in seen),
            tuple(example.formula for example in seen),
            np.array(rows, dtype=np.float16).reshape(-1, 1 + 3 * len(_CENTRES)),
        )

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, formula in enumerate(self.formulas):
            places.setdefault(formula, []).append(place)
        return places

    def nearest(self, thing: Geometry) -> tuple[str, float] | None:
        """Return identifier and distance of the nearest structure of the same formula, if any.

        Up to `DUPLICATE` it is the same crystal, or nearly so.
        """
        places = self._places.get(thing.formula)
        if not places:
            return None
        gaps = distance(signature(thing), self.signatures[places])
        best = int(np.argmin(gaps))
        return self.identifiers[places[best]], float(gaps[best])

    def __len__(self) -> int:
        return len(self.identifiers)

    def __repr__(self) -> str:
        return f"Fingerprints({len(self)} structures, {len(set(self.formulas))} formulas)"
