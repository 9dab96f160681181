"""Screening from file to Parquet: structures a second, what they depend on, and what memory.

Crystals are the 41 that ship (5.1 atoms on average) and repeats of them, with noise in the
positions so that none is equal to another. The weights are the shipped ensemble.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.table import Table

from .processes import say

RUN = """
import json, resource, sys
from carnet_model.screening.run import screen, settings_for
if __name__ == "__main__":
    inputs, folder, workers, ray = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] or None
    for progress in screen([inputs], settings_for("elastic", folder), workers=workers, ray=ray):
        pass
    of_workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([progress.seconds, progress.predicted + progress.failed, of_workers, own]))
"""

FEW, MANY = 320, 1_280
"""Structures of a short run, whose time is mostly that of loading, and of a long one."""

NOISE = 0.01
"""Standard deviation of positions, in fractions of the cell."""


def write(place: Path, count: int, cells: int = 1) -> float:
    """Write so many structures as JSON lines, each of some cells; return atoms per structure."""
    shipped = files("natural_tensors.examples").joinpath("dejong2015.json").read_text()
    records, drawn, atoms = json.loads(shipped), random.Random(0), 0
    with place.open("w") as lines:
        for number in range(count):
            made = _repeated(records[number % len(records)], cells)
            made["frac"] = [
                [x + drawn.gauss(0, NOISE / cells) for x in row] for row in made["frac"]
            ]
            atoms += len(made["frac"])
            lines.write(json.dumps({"id": f"s{number}", **made}) + "\n")
    return atoms / count


def _repeated(record: dict[str, Any], cells: int) -> dict[str, Any]:
    """Return a crystal in a cell that is so many times as long along its first vector."""
    first, *others = record["lattice"]
    return {
        "lattice": [[cells * x for x in first], *others],
        "numbers": record["numbers"] * cells,
        "frac": [
            [(a + shift) / cells, b, c] for shift in range(cells) for a, b, c in record["frac"]
        ],
    }


def run(place: Path, workers: int, ray: str = "") -> tuple[float, float, float]:
    """Screen a file; return seconds, MB of the largest worker, MB of the process that asks."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "run.py"
        script.write_text(RUN)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(script), str(place), f"{folder}/results", str(workers), ray],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])},
        )  # fmt: skip
        took = time.monotonic() - began
        if done.returncode:
            raise RuntimeError(f"a screening failed:\n{done.stderr[-2000:]}")
        _, _, worker, own = json.loads(done.stdout.strip().splitlines()[-1])
    return took, worker / 1000, own / 1000


def tables() -> Iterator[Table]:
    """Yield rates by engine and size, and time and memory by number of structures."""
    with tempfile.TemporaryDirectory() as folder:
        yield _rates(Path(folder))
        yield _growth(Path(folder))


def _rates(folder: Path) -> Table:
    """Return rates, from the difference of a long run and a short one: loading is no part of it."""
    table = Table("engine", "atoms each", "structures/s", "atoms/s", "loading, s",
                  title="Screening to Parquet, elastic ensemble")  # fmt: skip
    for cells in (1, 4):
        atoms = write(folder / "few.jsonl", FEW, cells)
        write(folder / "many.jsonl", MANY, cells)
        for name, workers, ray in (
            ("in the process itself", 0, ""), ("1 worker", 1, ""), ("2 workers", 2, ""),
            ("2 actors of Ray", 2, "local"),
        ):  # fmt: skip
            say(f"screening with {name}, {atoms:.1f} atoms")
            short, *_ = run(folder / "few.jsonl", workers, ray)
            long, *_ = run(folder / "many.jsonl", workers, ray)
            rate = (MANY - FEW) / (long - short)
            loading = short - FEW / rate
            table.add_row(
                name, f"{atoms:.1f}", f"{rate:.0f}", f"{rate * atoms:.0f}", f"{loading:.1f}"
            )
    return table


def _growth(folder: Path) -> Table:
    table = Table("structures", "seconds", "MB of the worker", "MB of the one who asks",
                  title="One worker, by number of structures")  # fmt: skip
    for count in (1_000, 4_000, 16_000):
        say(f"screening {count} structures")
        write(folder / "some.jsonl", count)
        took, worker, own = run(folder / "some.jsonl", 1)
        table.add_row(f"{count:,}", f"{took:.0f}", f"{worker:.0f}", f"{own:.0f}")
    return table
