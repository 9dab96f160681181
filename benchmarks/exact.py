"""Time and memory of exact reductions, each in a process of its own so that no cache helps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from statistics import median

from rich.table import Table

from .processes import alone, say

CLASSES = {
    "elastic": 0.030,
    "third-order-elastic": 0.3,
    "fourth-order-elastic": 2.0,
    "fifth-order-elastic": 20.0,
    "ijklmn": 1.0,
    "ijklmnop": 60.0,
}
"""Class to the time aimed at, in seconds."""

CODE = """
import json, resource, sys, time
import natural_tensors
start = time.perf_counter()
reduction = natural_tensors.reduction(sys.argv[1])
for key in reduction.copies:
    reduction.embedding(*key)
    reduction.extraction(*key)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([reduction.dimension, len(reduction.copies), seconds, peak]))
"""
IMPORT = (
    "import time; s = time.perf_counter(); import natural_tensors; print(time.perf_counter()-s)"
)


def tables(rounds: int = 3, classes: Mapping[str, float] = CLASSES) -> Iterator[Table]:
    """Measure and return the table of exact reductions.

    Args:
        rounds: how often each is measured.
        classes: symmetry classes, with the seconds aimed at.
    """
    table = Table(title="Exact operators of all parts (one process each, after import)")
    for column in ("class", "components", "parts", "seconds", "aim", "peak MB"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name, aim in classes.items():
        say(f"exact: {name}, rounds: {rounds}")
        runs = [json.loads(alone(CODE, name)) for _ in range(rounds)]
        size, parts = runs[0][:2]
        seconds, peak = (median(run[i] for run in runs) for i in (2, 3))
        table.add_row(name, f"{size}", f"{parts}", f"{seconds:.4f}", f"{aim}", f"{peak:.0f}")
    seconds = median(float(alone(IMPORT)) for _ in range(rounds))
    table.add_row("import natural_tensors", "", "", f"{seconds:.3f}", "0.5", "")
    yield table
