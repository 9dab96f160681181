"""Results as the two tables of Parquet: predictions, and failures.

The schema says what the columns are: the unit of each in its metadata; model, frame, Voigt order
and version of the conventions in that of the table. Numbers that do not exist are null.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from natural_tensors.arrays import to_lists
from natural_tensors.elasticity import Moduli

from ..network.targets import Target
from ..prediction import formats
from ..prediction.intervals import HILL, SURE
from ..prediction.predictor import Predictor
from ..prediction.result import Failure, Prediction

FAILURES = pa.schema([("id", pa.string()), ("reason", pa.string()), ("remedy", pa.string())])
"""Columns of the table of failures."""

ABOUT = b"natural_tensors"
"""Key of the metadata of a table: JSON of what is said of all rows."""

FRAME = (
    "Cartesian axes of `lattice`, whose rows are the lattice vectors in angstrom; `rotation` takes "
    "vectors from the axes of the input to these"
)

MODULI = {entry.name.removesuffix("_hill"): entry.name for entry in fields(Moduli)}
"""Columns of moduli, Hill averages without an ending, and the fields they are from."""


def _tensor(rank: int, size: int = 3) -> pa.DataType:
    """Return the type of nested lists of one size."""
    kind = pa.float64()
    for _ in range(rank):
        kind = pa.list_(kind, size)
    return kind


def schema(predictor: Predictor) -> pa.Schema:
    """Return the columns of the table of predictions of a model."""
    unit, target = predictor.unit, predictor.target
    columns = [
        pa.field("id", pa.string()),
        pa.field("formula", pa.string()),
        pa.field("atoms", pa.int32()),
        pa.field("structure_hash", pa.string()),
        *_of_target(target, unit),
        *_widths("relative", pa.float64(), "1"),
        pa.field("frame", pa.string()),
        _field("rotation", _tensor(2), "1"),
        _field("lattice", _tensor(2), "Å"),
        pa.field("known", pa.string()),
        _field("strangeness", pa.float64(), "1"),
        pa.field("warnings", pa.list_(pa.string())),
    ]
    about = formats.about(predictor) | {"axes": FRAME}
    if target.key == "elastic":
        about["order"] = "xx yy zz yz xz xy, without factors"
    return pa.schema(columns, {ABOUT: json.dumps(about, ensure_ascii=False).encode()})


def _field(name: str, kind: pa.DataType, unit: str) -> pa.Field:
    return pa.field(name, kind, metadata={b"unit": unit.encode()})


def _widths(name: str, kind: pa.DataType, unit: str) -> list[pa.Field]:
    """Return the columns of the 68 and the 95 % interval of a quantity."""
    return [_field(formats.column_of(f"{name}{wide}"), kind, unit) for wide in ("", SURE)]


def _of_target(target: Target, unit: str) -> list[pa.Field]:
    if target.key == "elastic":
        numbers = ("poisson", "universal_anisotropy", "log_anisotropy")
        return [
            _field("stiffness", _tensor(2, 6), unit),
            *(_field(name, pa.float64(), "1" if name in numbers else unit) for name in MODULI),
            pa.field("stable", pa.bool_()),
            pa.field("doubtful", pa.bool_()),
            *(field for name in HILL for field in _widths(name, pa.float64(), unit)),
            *_widths("stiffness", _tensor(2, 6), unit),
        ]
    if target.potential:
        return [
            _field(target.key, pa.float64(), unit),
            _field("forces", pa.list_(_tensor(1)), "eV/Å"),
            _field("stress", _tensor(2), "eV/Å^3"),
            *_widths("tensor", pa.float64(), unit),
        ]
    kind = _tensor(target.reduction.rank)
    kind = pa.list_(kind) if target.pooling == "atoms" else kind
    return [_field("tensor", kind, unit), *_widths("tensor", kind, unit)]


def row(result: Prediction, identifier: str, structure: str) -> dict[str, Any]:
    """Return a prediction as a row.

    Args:
        result: the prediction.
        identifier: of the input.
        structure: hash of the structure.
    """
    values: dict[str, Any] = {
        "id": identifier,
        "formula": result.formula,
        "atoms": len(result.structure),
        "structure_hash": structure,
        "frame": result.frame.name,
        "rotation": to_lists(result.frame.rotation),
        "lattice": to_lists(result.lattice),
        "known": result.known,
        "strangeness": result.strangeness,
        "warnings": list(result.warnings),
    }
    for name, width in result.uncertainty.items():
        values[formats.column_of(name)] = to_lists(width)
    if result.stiffness is not None and result.moduli is not None:
        values["stiffness"] = to_lists(result.stiffness)
        values |= {name: to_lists(getattr(result.moduli, entry)) for name, entry in MODULI.items()}
        return values | {"stable": result.stable, "doubtful": result.doubtful}
    if result.forces is not None:
        stress = None if result.stress is None else to_lists(result.stress)
        return values | {
            result.target: float(result.tensor),
            "forces": to_lists(result.forces),
            "stress": stress,
        }
    return values | {"tensor": to_lists(result.tensor)}


def as_predictions(rows: Sequence[Mapping[str, Any]], columns: pa.Schema) -> bytes:
    """Return rows as a file of Parquet."""
    arrays = [pa.array([each.get(field.name) for each in rows], field.type) for field in columns]
    return _file(pa.Table.from_arrays(arrays, schema=columns))


def as_failures(failures: Sequence[Failure], about: pa.Schema) -> bytes:
    """Return failures as a file of Parquet, with what is said of all rows of the predictions."""
    rows = [{"id": f.name, "reason": f.reason, "remedy": f.remedy} for f in failures]
    return _file(pa.Table.from_pylist(rows, FAILURES.with_metadata(about.metadata)))


def _file(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
