"""Examples from files: structures with their labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from natural_tensors.arrays import Floats
from natural_tensors.errors import translated
from natural_tensors.files.decoding import decode_json

from ..structures.conversion import geometry
from ..structures.geometry import GeometryError, geometry_error
from ..structures.reading import read_json, stream_rows, text_lines, xyz_atoms, xyz_frames
from .examples import DatasetError, Example, Examples, dataset_error, without_reserved
from .labels import LabelSource, WeightRule, weight_of
from .tables import Record, csv_records, label_from_columns

OnError = Literal["raise", "skip"]

STRUCTURE_KEYS = frozenset(
    {"numbers", "lattice", "frac", "positions", "pos", "periodic", "structure", "molecule"}
)
"""Keys of a record that describe its structure, and are no notes."""

IDENTIFIERS = ("id", "identifier", "material_id", "_id")
"""Keys of a record that may name it, the first one that does."""


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
            .gz, also .jsonl, an object a line; extended XYZ (labels in the comment line or, for
            atoms, in columns; nine numbers in the comment line are a matrix column by column, as
            ASE reads and writes them); an ASE database (key-value pairs or data); a CSV with a
            column ``file`` naming structure files beside it; or a folder that holds such a CSV. In
            a CSV a label is a JSON array under its key, or columns: ``C11 C12 .. C66`` (the lower
            triangle may be absent), ``e11 .. e36``, ``e_xx e_xy ..`` or ``e11 .. e33``, in Voigt
            form of rank 2 ``e_xx .. e_xy`` or ``e1 .. e6``, with the label's key for ``C`` or
            ``e``.
        labels: what to read. A record needs all that are not optional, and at least one.
        for_training: leave reserved crystals out (see `examples`). Say False only for what will
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
    examples, faults = [], []
    for entry in stream_examples(path, sources, weights=weights):
        if isinstance(entry, DatasetError):
            faults.append(entry)
        else:
            examples.append(entry)
    check_faults(path, faults, on_error, len(examples))
    kept, reserved = without_reserved(examples) if for_training else (examples, 0)
    return Examples(tuple(kept), reserved, tuple(faults))


def stream_examples(
    path: str | Path,
    labels: Sequence[LabelSource],
    *,
    weights: Sequence[WeightRule] = (),
) -> Iterator[Example | DatasetError]:
    """Yield the examples of a file one by one, reserved ones too, or what is wrong with a record.

    JSON lines, extended XYZ and databases are read as they are needed, however long; other files as
    a whole.

    Args:
        path: as in `read_examples`.
        labels: what to read, at least one.
        weights: as in `read_examples`.

    Raises:
        DatasetError: when the file cannot be read, or holds no records.
    """
    if not labels:
        raise DatasetError("no labels are asked for; give at least one LabelSource")
    names = [source.name for source in labels]
    if len(set(names)) < len(names):
        raise DatasetError(f"two labels are called alike: {', '.join(names)}; rename one")
    empty = True
    try:
        with translated(lambda reason: dataset_error(str(path), f"cannot be read: {reason}")):
            for record in _records(Path(path)):
                empty = False
                try:
                    entry: Example | DatasetError = _checked_example(
                        record, labels, weights, Path(path)
                    )
                except DatasetError as error:
                    entry = error
                yield entry
    except GeometryError as error:  # about the file, not about one of its structures
        raise dataset_error(str(path), str(error)) from None
    if empty:
        raise dataset_error(str(path), "holds no records", "check that it was written fully")


def check_faults(
    path: str | Path, faults: Sequence[DatasetError], on_error: OnError, examples: int
) -> None:
    """Refuse a file with bad records, unless they are to be skipped and some are good.

    Args:
        path: of the file.
        faults: what is wrong with each of the bad records.
        on_error: as in `read_examples`.
        examples: number of the good ones.

    Raises:
        DatasetError: showing the first few, and their number.
    """
    if faults and (on_error == "raise" or not examples):
        raise _bad_records(str(path), faults, examples + len(faults))


def _bad_records(path: str, faults: Sequence[DatasetError], total: int) -> DatasetError:
    first_five = "\n".join(str(fault) for fault in faults[:5])
    more = f"\n... and {len(faults) - 5} more" if len(faults) > 5 else ""
    return dataset_error(
        path,
        f"{len(faults)} of {total} records are bad",
        first_five + more,
        "mend them, or leave them out by on_error: skip",
    )


def _checked_example(
    record: Record, sources: Sequence[LabelSource], weights: Sequence[WeightRule], path: Path
) -> Example:
    """Return an example, or raise a DatasetError whatever is wrong with the record."""
    try:
        with translated(partial(dataset_error, record.origin)):
            return _example(record, sources, weights, path)
    except GeometryError as error:
        raise DatasetError(str(error)) from None


def _example(
    record: Record, sources: Sequence[LabelSource], weights: Sequence[WeightRule], path: Path
) -> Example:
    if isinstance(record.structure, GeometryError):
        raise record.structure
    given = record.structure() if callable(record.structure) else record.structure
    structure = geometry(given, name=record.origin)
    labels = {}
    for source in sources:
        value = _value_of(record.fields, source)
        if value is None:
            if source.optional:
                continue
            raise dataset_error(
                record.origin,
                f"has no {source.key or source.name!r}",
                f"its keys are {', '.join(map(str, list(record.fields)[:12]))}; name the right "
                "one by its key, or let it be absent where the label is optional",
            )
        labels[source.name] = _label(record, source, value, len(structure))
    if not labels:
        raise dataset_error(
            record.origin, "has none of the labels", "check the keys, or leave the record out"
        )
    read = STRUCTURE_KEYS | {source.key or source.name for source in sources}
    notes = {key: value for key, value in record.fields.items() if key not in read}
    weight = float(weight_of(weights, notes, structure.numbers))
    source_name = str(notes.get("source") or path.name)
    identifier = stated_identifier(notes) or record.origin
    return Example(structure, labels, weight, identifier, source_name, notes)


def stated_identifier(notes: Mapping[str, Any]) -> str:
    """Return what a record calls itself; empty when it says nothing."""
    said = (str(notes[key]) for key in IDENTIFIERS if notes.get(key) is not None)
    return next((name for name in said if name), "")


def _value_of(fields: Mapping[str, Any], source: LabelSource) -> Any:
    """Return what a record holds for a label: under its key, or in columns; None when nothing."""
    key = source.key or source.name
    if key in fields:
        return fields[key]
    value: Any = fields
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return label_from_columns(fields, key, source) if value is None else value


def _label(record: Record, source: LabelSource, value: Any, atoms: int) -> Floats:
    """Return the full tensor, or one for each atom, NaN where an atom has none."""
    if not source.sites:
        return source.read(value, record.origin)
    tensors = source.read(value, record.origin)
    places = range(atoms) if source.sites == "all" else record.fields.get(source.sites, ())
    index = np.asarray(list(places), dtype=np.int64)
    within = index.size == len(tensors) and (index >= 0).all() and (index < atoms).all()
    if not within or len(np.unique(index)) < len(index):
        raise dataset_error(
            record.origin,
            f"{len(tensors)} labels {source.name} for the atoms {index.tolist()[:8]} of {atoms}",
            f"{source.sites!r} needs one index, 0 .. {atoms - 1}, for each label",
        )
    full = np.full((atoms, *tensors.shape[1:]), np.nan)
    full[index] = tensors
    return full


def _records(path: Path) -> Iterator[Record]:
    if not path.exists():
        raise dataset_error(str(path), "there is no such file or folder", "check the path")
    suffix = path.name.lower().removesuffix(".gz")
    if path.is_dir():
        tables = sorted(path.glob("*.csv"))
        if len(tables) != 1:
            raise dataset_error(
                str(path),
                f"the folder holds {len(tables)} CSV files with labels",
                "put one in it, with a column 'file', or name the CSV itself",
            )
        return csv_records(tables[0])
    for ending, reader in (
        (".csv", csv_records),
        (".json", _json_records),
        (".jsonl", _json_records),
        (".xyz", _xyz_records),
        (".extxyz", _xyz_records),
        (".db", _database_records),
    ):
        if suffix.endswith(ending):
            return reader(path)
    raise dataset_error(
        str(path),
        f"{path.suffix!r} is no format of labelled structures",
        "allowed: .json, .jsonl, also .gz, .xyz, .extxyz, .db, .csv, or a folder with a .csv",
    )


def _json_records(path: Path) -> Iterator[Record]:
    if path.name.lower().removesuffix(".gz").endswith(".jsonl"):
        yield from _records_of(
            path, (decode_json(line) for line in text_lines(path) if line.strip())
        )
        return
    data = read_json(path)
    if isinstance(data, dict) and "nextid" in data:  # a database of ASE in JSON
        yield from _database_records(path)
        return
    yield from _records_of(path, data if isinstance(data, list) else [data])


def _records_of(path: Path, entries: Iterable[Any]) -> Iterator[Record]:
    for number, record in enumerate(entries, start=1):
        origin = f"{path.name}#{number}"
        if not isinstance(record, dict):
            problem = GeometryError(
                f"{origin}: is {str(record)[:40]!r}, no object with a structure"
            )
            yield Record(origin, problem, {})
            continue
        name = next((str(record[key]) for key in IDENTIFIERS if record.get(key)), "")
        yield Record(f"{origin} ({name})" if name else origin, record, record)


def _xyz_records(path: Path) -> Iterator[Record]:
    for number, frame in enumerate(xyz_frames(text_lines(path)), start=1):
        origin = f"{path.name}#{number}"
        try:
            with translated(partial(geometry_error, origin)):
                atoms = xyz_atoms(frame)
                results = {} if atoms.calc is None else atoms.calc.results
                fields = {**_columns(atoms), **results, **atoms.info}
        except GeometryError as error:
            yield Record(origin, error if error.name else geometry_error(origin, str(error)), {})
            continue
        yield Record(origin, atoms, fields)


def _columns(atoms: Any) -> dict[str, Any]:
    return {key: atoms.arrays[key] for key in atoms.arrays if key not in ("numbers", "positions")}


def _database_records(path: Path) -> Iterator[Record]:
    for row in stream_rows(path):
        origin = f"{path.name}#{row.id}"
        try:
            with translated(partial(geometry_error, origin)):
                fields = {**row.data, **row.key_value_pairs}
        except GeometryError as error:
            yield Record(origin, error, {})
            continue
        yield Record(origin, partial(row.toatoms), fields)
