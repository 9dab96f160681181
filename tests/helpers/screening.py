"""Screenings in tests: workers that compute nothing, and what lies in a folder of results."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Set
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from carnet_model.prediction.result import Failure
from carnet_model.screening import tables
from carnet_model.screening.folder import Results
from carnet_model.screening.parsing import name_of
from carnet_model.screening.pieces import Piece
from carnet_model.screening.settings import Outcome, Settings

COLUMNS = pa.schema([("id", pa.string()), ("stiffness", pa.float64())])


class Pretender:
    """A worker without a network: a row for each document; some ids do what their names say.

    ``dies`` kills the process, ``memory`` takes more than it may have, ``slow`` takes a while.
    """

    def __init__(self, settings: Settings) -> None:
        self.results = Results(Path(settings.folder))

    def __call__(
        self, piece: Piece, without: Set[int] = frozenset(), *, write: bool = True
    ) -> Outcome:
        rows, failures, crashed = [], [], []
        for place, document in enumerate(piece.documents):
            name = name_of(document)
            if place in without:
                crashed.append(name)
                failures.append(Failure(name, "it died", "-"))
                continue
            if "dies" in name:
                os.kill(os.getpid(), signal.SIGSEGV)
            if "memory" in name:
                take_memory()
            if "slow" in name:
                time.sleep(0.02)
            rows.append({"id": name, "stiffness": float(len(document.content))})
        if write:
            content = tables.as_predictions(rows, COLUMNS)
            beside = tables.as_failures(failures, COLUMNS) if failures else None
            self.results.commit(piece.part, content, beside)
        return Outcome(len(piece), len(rows), len(failures), tuple(crashed))


def take_memory() -> None:
    """Ask for more than there may be, and be killed for it, as by the kernel."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
    try:
        bytearray(2**32)
    except MemoryError:
        os.kill(os.getpid(), signal.SIGKILL)


def write_lines(file: Path, names: list[str]) -> Path:
    """Write records of JSON lines that have these ids."""
    file.write_text("".join(json.dumps({"id": name}) + "\n" for name in names))
    return file


def rows_of(folder: Path, table: str = "predictions") -> list[dict[str, Any]]:
    """Return the rows of all parts, in the order of the parts' names."""
    parts = sorted((folder / table).glob("*.parquet"))
    return [row for part in parts for row in pq.read_table(part).to_pylist()]


def ids_of(folder: Path, table: str = "predictions") -> list[str]:
    """Return the ids of all rows."""
    return [row["id"] for row in rows_of(folder, table)]
