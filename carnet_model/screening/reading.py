"""What a folder of results holds: as a whole, and the rows that fulfil a condition."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from natural_tensors.arrays import Floats
from natural_tensors.errors import translated
from natural_tensors.files import saving

from .filters import FilterError, condition
from .folder import Results, ResultsError
from .tables import ABOUT

SUMMARIZED = ("bulk", "shear", "youngs", "poisson", "universal_anisotropy", "relative_spread")
"""Columns whose distribution a summary states, where there are such."""

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)

SUFFIXES = (".parquet", ".csv")
"""Of files that take the rows of a condition."""

REASONS = 10
"""Reasons of failures that are listed, the most frequent first."""


def dataset(folder: Path) -> ds.Dataset:
    """Return the parts of a table as one dataset, none of them read.

    Raises:
        ResultsError: when one cannot be read.
    """
    with translated(lambda reason: ResultsError(f"{folder}: cannot be read: {reason}")):
        parts = sorted(map(str, folder.glob("*.parquet")))
        return ds.dataset(parts, format="parquet") if parts else ds.dataset(pa.table({"id": []}))


@dataclass(frozen=True)
class Summary:
    """What a folder of results holds.

    Attributes:
        about: what is said of all rows: the model, its unit, the conventions.
        inputs: of each input, its path, its number of parts, and how many of them are done.
        predicted: rows of the predictions.
        failed: rows of the failures.
        true: rows in which a column of yes and no says yes, by its name.
        quantiles: of columns of numbers, those of `QUANTILES`.
        known: rows that are training structures.
        warned: rows with a warning.
        reasons: the most frequent reasons of failures, and how often each.
    """

    about: dict[str, Any]
    inputs: list[tuple[str, int, int]]
    predicted: int
    failed: int
    true: dict[str, int]
    quantiles: dict[str, Floats]
    known: int
    warned: int
    reasons: list[tuple[str, int]]

    @property
    def complete(self) -> bool:
        """Whether every part of every input is done."""
        return all(done >= parts for _, parts, done in self.inputs)


def summary(folder: Path) -> Summary:
    """Summarize a folder of results; a column is held at a time.

    Raises:
        ResultsError: when it is none.
    """
    results = Results(folder)
    inputs, parts = results.manifest()["inputs"], results.parts_of()
    table = dataset(results.predictions)
    names = [name for name in SUMMARIZED if name in table.schema.names]
    values: dict[str, Floats] = {}
    for name in names:
        column = table.to_table(columns=[name]).column(name).drop_null().to_numpy()
        if len(column):
            values[name] = np.quantile(column, QUANTILES)
    true = {
        field.name: table.count_rows(filter=pc.field(field.name))
        for field in table.schema
        if field.type == pa.bool_()
    }
    failures = dataset(results.failures)
    return Summary(
        about=json.loads((table.schema.metadata or {}).get(ABOUT, b"{}")),
        inputs=[
            (str(each["path"]), int(each["parts"]), parts[source])
            for source, each in inputs.items()
        ],
        predicted=table.count_rows(),
        failed=failures.count_rows(),
        true=true,
        quantiles=values,
        known=_count(table, "known"),
        warned=sum(_warned(table)),
        reasons=_reasons(failures).most_common(REASONS),
    )


def _count(table: ds.Dataset, column: str) -> int:
    if column not in table.schema.names:
        return 0
    return int(table.count_rows(filter=pc.field(column).is_valid()))


def _warned(table: ds.Dataset) -> Iterator[int]:
    if "warnings" in table.schema.names:
        for batch in table.to_batches(columns=["warnings"]):
            lengths = pc.list_value_length(batch.column("warnings"))
            yield int(pc.sum(pc.greater(lengths, 0)).as_py() or 0)


def _reasons(failures: ds.Dataset) -> Counter[str]:
    counts: Counter[str] = Counter()
    if "reason" in failures.schema.names:
        for batch in failures.to_batches(columns=["reason"]):
            counts.update(batch.column("reason").to_pylist())
    return counts


def selected(folder: Path, text: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows of the predictions that fulfil a condition, some at a time.

    Args:
        folder: of the results.
        text: the condition (`filters`).
        columns: that are wanted; all when None.

    Raises:
        ResultsError: when the folder is none of results.
        FilterError: when the condition is none.
    """
    results = Results(folder)
    results.manifest()
    table = dataset(results.predictions)
    wanted = condition(text, table.schema.names)

    def unfit(reason: str) -> FilterError:
        return FilterError(f"the condition {text!r} fits no such columns: {reason}")

    with translated(unfit):
        for batch in table.to_batches(filter=wanted, columns=columns and list(columns)):
            yield pa.Table.from_batches([batch])


def write_selected(folder: Path, text: str, output: Path) -> int:
    """Write the rows that fulfil a condition, some at a time; return how many there are.

    Args:
        folder: of the results.
        text: the condition.
        output: a file of Parquet, or of CSV, which cannot hold the columns of lists.
    """
    is_csv = output.suffix.lower() == ".csv"
    results = Results(folder)
    results.manifest()
    columns = dataset(results.predictions).schema
    if is_csv:
        columns = pa.schema([each for each in columns if not pa.types.is_nested(each.type)])
    place = saving.temporary(output)
    make = pa.csv.CSVWriter if is_csv else pq.ParquetWriter
    count = 0
    try:
        with make(str(place), columns) as writer:
            for table in selected(folder, text, columns.names):
                writer.write_table(table)
                count += len(table)
        os.replace(place, output)
    finally:
        place.unlink(missing_ok=True)
    return count
