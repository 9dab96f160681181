"""Tables (CSV) of labels: rows as records, labels put together from columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from natural_tensors.files.decoding import DecodingError, decode_json
from natural_tensors.files.label_forms import LABEL_FORMS

from ..structures.geometry import Geometry, GeometryError
from ..structures.reading import is_structure_file, read_geometries, read_text
from .examples import dataset_error
from .labels import LabelSource


@dataclass(frozen=True, eq=False)
class Record:
    """One entry of a file before its labels are read.

    Attributes:
        origin: what messages call it.
        structure: whatever `geometry` takes, a function that returns it, or an error.
        fields: everything else, to be looked up by the keys of labels.
    """

    origin: str
    structure: object
    fields: Mapping[str, Any]


def csv_records(path: Path) -> Iterator[Record]:
    """Yield the rows of a table as records; a column ``file`` names the structures."""
    table = _table(path)
    if "file" not in (table.fieldnames or ()):
        raise dataset_error(
            str(path),
            f"has no column 'file'; its columns are {', '.join(table.fieldnames or ())}",
            "add one that names the structure file of each row",
        )
    for number, row in enumerate(table, start=1):
        fields = {
            key: _cell(value) for key, value in row.items() if key and value not in ("", None)
        }
        origin = f"{path.name} row {number} ({fields.get('file', 'no file')})"
        yield Record(origin, _structure_beside(path, str(fields.get("file", "")), origin), fields)


def structure_files(path: Path) -> list[Path]:
    """Return the files that a table, or the folder of a table, needs besides itself."""
    if path.is_dir():
        tables = sorted(path.glob("*.csv"))
        return [*tables, *(file for table in tables for file in structure_files(table))]
    if not path.name.lower().removesuffix(".gz").endswith(".csv") or not path.is_file():
        return []
    return [path.parent / row["file"] for row in _table(path) if row.get("file")]


def _table(path: Path) -> csv.DictReader[str]:
    """Return the rows of a table, without comments."""
    text = read_text(path)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return csv.DictReader(lines, skipinitialspace=True)


def _cell(text: str) -> Any:
    try:
        return decode_json(text)
    except DecodingError:
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


def label_from_columns(fields: Mapping[str, Any], key: str, source: LabelSource) -> Any:
    """Put a label together from columns such as C11 C12 ..; None when there are none."""
    reduction = source.reduction
    if reduction is None:
        return None
    columns = LABEL_FORMS[source.form].columns(reduction)
    values = [_column(fields, key, headings) for headings in columns]
    if all(value is None for value in values):
        return None
    return np.array(
        [np.nan if value is None else value for value in values], dtype=np.float64
    ).reshape(source.shape)


def _column(fields: Mapping[str, Any], key: str, headings: Iterable[str]) -> Any:
    names = (f"{key}{between}{heading}" for heading in headings for between in ("", "_"))
    return next((fields[name] for name in names if name in fields), None)
