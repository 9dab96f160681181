"""`carnet predict` from the prompt to the result: with the C++ program, and by PyTorch.

Every run is a new process. The program, the kernels and the generated code are in a cache of their
own, made before. One crystal, and 276 of the shipped ones, each a little larger than the last.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from statistics import median

from rich.table import Table

from carnet_model.inference.programs import VARIABLE

from .processes import say

CRYSTALS = 276
MODES = {"C++ program": "use", "PyTorch": "never"}
PREDICT = "from carnet_model.cli import main; main()"


def _crystals() -> list[dict[str, object]]:
    """Return records of this project: shipped crystals, stretched by up to a tenth of a percent."""
    text = files("natural_tensors.examples").joinpath("dejong2015.json").read_text("utf-8")
    records = json.loads(text)
    chosen = []
    for number in range(CRYSTALS):
        record = records[number % len(records)]
        stretch = 1 + 1e-3 * number / CRYSTALS
        lattice = [[stretch * entry for entry in row] for row in record["lattice"]]
        chosen.append({**record, "id": str(number), "lattice": lattice})
    return chosen


def _seconds(arguments: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-c", PREDICT, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"carnet {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - start


def tables(rounds: int = 5) -> Iterator[Table]:
    """Measure and return the table."""
    with tempfile.TemporaryDirectory() as folder:
        one, many = Path(folder) / "one.json", Path(folder) / "many.json"
        crystals = _crystals()
        one.write_text(json.dumps(crystals[0]), encoding="utf-8")
        many.write_text(json.dumps(crystals), encoding="utf-8")
        environments = {
            mode: {**os.environ, VARIABLE: use, "NATURAL_TENSORS_CACHE": f"{folder}/cache"}
            for mode, use in MODES.items()
        }
        say("cold: builds the program")
        built = _seconds(["build", "elastic", "--precision", "single"], environments["C++ program"])
        table = Table(
            title=f"carnet predict with the shipped weights, a new process each time; median of "
            f"{rounds}, in turns (the program: built in {built:.0f} s)"
        )
        for column in ("crystals", *(f"{mode}, s" for mode in MODES), "ratio"):
            table.add_column(column, justify="right")
        for file, count in ((one, 1), (many, CRYSTALS)):
            times: dict[str, list[float]] = {mode: [] for mode in MODES}
            for turn in range(rounds + 1):  # the first one warms up
                say(f"cold: {count} crystals, turn {turn} of {rounds}")
                for mode, environment in environments.items():
                    took = _seconds(
                        ["predict", str(file), "-q", "-o", f"{folder}/out.json"], environment
                    )
                    times[mode] += [took] * (turn > 0)
            program, torch = (median(times[mode]) for mode in MODES)
            table.add_row(f"{count}", f"{program:.2f}", f"{torch:.2f}", f"{torch / program:.1f}")
        yield table
