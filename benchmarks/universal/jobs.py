"""Many structures, one potential, some processes; what is done stays in a file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

from carnet_model.inference.program import OPENMP
from natural_tensors.errors import InputError

from ..processes import say
from .potentials import Potential

Job = Callable[[Any, Any], dict[str, Any]]
"""A function of a module, of a calculator and what it works on; what it returns is JSON."""

SAID = 30.0
"""Seconds between two remarks on how far it is."""


class ResultsError(InputError, ValueError):
    """A file of results that are of other weights or other settings."""


@dataclass(frozen=True)
class Settings:
    """How rows are measured.

    Attributes:
        data: folder of the data sets.
        folder: where results are kept.
        processes: how many work at once, one thread each.
        most_atoms: larger structures are left out.
        limit: structures of a set, at most.
        steps: of molecular dynamics at constant energy.
    """

    data: Path
    folder: Path
    processes: int = 2
    most_atoms: int = 12
    limit: int | None = None
    steps: int = 1000


def results(
    potential: Potential,
    row: str,
    job: Job,
    todo: Mapping[str, Any],
    settings: Settings,
    stated: Mapping[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return what a job returns for each structure, computed unless it is there.

    Results go into ``folder/row/label.jsonl``, a line each as soon as it is known, after a line
    that says what they are of. What goes wrong with one structure is its result, under ``error``.

    Args:
        potential: who works.
        row: what is measured.
        job: what is computed.
        todo: what it works on, by identifier.
        settings: folder and processes.
        stated: what results depend on besides.

    Raises:
        ResultsError: when the file holds results of something else.
    """
    path = settings.folder / row / f"{potential.file_name}.jsonl"
    head = {"row": row, "potential": potential.identity(), **(stated or {})}
    found = _read(path, head)
    left = {name: given for name, given in todo.items() if name not in found}
    if left:
        potential.prepare()
        _work(potential, job, left, settings.processes, path, found)
    return {name: found[name] for name in todo}


def _read(path: Path, head: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the results that a file holds; begin the file where there is none."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    if lines and not lines[-1].endswith("\n"):  # whoever wrote it was stopped
        path.write_text("".join(lines[:-1]), encoding="utf-8")
        del lines[-1]
    if not lines:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(head) + "\n", encoding="utf-8")
        return {}
    held = json.loads(lines[0])
    if held != head:
        raise ResultsError(
            f"{path}: holds results of {held}; asked for are those of {dict(head)}\n"
            "choose another folder with -o, another label with LABEL=NAME, or remove the file"
        )
    rows = map(json.loads, lines[1:])
    return {row.pop("id"): row for row in rows}


def _work(
    potential: Potential, job: Job, todo: Mapping[str, Any], processes: int, path: Path,
    found: dict[str, dict[str, Any]],
) -> None:  # fmt: skip
    """Add to the results, in the file too, as they come."""
    said, begun, total = time.monotonic(), time.monotonic(), len(todo)
    where, count = f"{path.parent.name}, {potential.label}", min(processes, total)
    with (
        _one_thread(),
        path.open("a", encoding="utf-8") as file,
        ProcessPoolExecutor(
            count, get_context("spawn"), initializer=_begin, initargs=(potential,)
        ) as pool,
    ):
        waiting = {pool.submit(_one, job, given): name for name, given in todo.items()}
        for number, future in enumerate(as_completed(waiting), 1):
            name, result = waiting[future], future.result()
            file.write(json.dumps({"id": name, **result}) + "\n")
            file.flush()
            found[name] = result
            if time.monotonic() > said + SAID:
                said = time.monotonic()
                left = (said - begun) / number * (total - number)
                say(f"{where}: {number} of {total}, {left:.0f} s to go")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that begin meanwhile have one thread each, which OpenMP reads at once."""
    before = os.environ.get(OPENMP)
    os.environ[OPENMP] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[OPENMP]
        else:
            os.environ[OPENMP] = before


_calculator: Any = None
"""Of a process that works."""


def _begin(potential: Potential) -> None:
    global _calculator
    _calculator = potential.calculator()


def _one(job: Job, given: Any) -> dict[str, Any]:
    begun = time.perf_counter()
    try:
        result = job(_calculator, given)
    except Exception as error:  # a calculator may raise anything: the others go on
        result = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
    return {**result, "seconds": round(time.perf_counter() - begun, 4)}


def sample(names: Sequence[str], limit: int | None) -> list[str]:
    """Return so many names, always the same and of a larger number the first ones.

    >>> sample(["a", "b", "c"], 2) == sample(["c", "b", "a"], None)[:2]
    True
    """
    return sorted(names, key=lambda name: (crc32(name.encode()), name))[:limit]
