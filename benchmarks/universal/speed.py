r"""Steps a second of 216 silicon atoms: ours beside potentials of their published sizes.

Each runs in a process of its own, others in environments of their own; they take turns on all
cores. A step is one call of the calculator of ASE on moved atoms: energy, forces, stress and the
search for neighbours. Ours stands there as long runs take it, in single precision with tables, and
as a calculator named on a command line computes, in double precision without; both by the C++
program, where there is a compiler. For each rival `benchmarks/rivals/NAME.txt` says what its
environment holds; name its Python in a variable:

    MACE_PYTHON=ENV/bin/python CHGNET_PYTHON=ENV/bin/python TENSORNET_PYTHON=ENV/bin/python \
        python -m benchmarks universal speed --calculator universal

Whoever has none is left out. CHGNet has its own weights, the others random ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median

import torch
from rich.table import Table

from carnet_model.cpp.files import Precision
from natural_tensors.errors import InputError

from ..processes import say
from ..rivals.client import Rival
from ..systems import Case, silicon
from .jobs import Settings
from .potentials import Potential

RIVALS = {
    "mace-mp-small": "MACE_PYTHON",
    "mace-mp-medium": "MACE_PYTHON",
    "chgnet": "CHGNET_PYTHON",
    "tensornet-mp": "TENSORNET_PYTHON",
}
"""Builders of `rivals.worker`, and the variable that names the Python of each."""

WAYS: dict[Precision, bool] = {"single": True, "double": False}
"""Precisions that ours computes in, and whether it reads radial functions off tables."""

ROUNDS = 7
STEPPING = "benchmarks.universal.stepping"


def tables(potentials: Sequence[Potential], settings: Settings) -> Iterator[Table]:
    """Measure and return the table, of weights of ours; what others have are the rivals.

    Raises:
        InputError: when none of the potentials is ours.
    """
    ours = [potential for potential in potentials if potential.folder is not None]
    if not ours:
        raise InputError(
            f"speed: {', '.join(each.label for each in potentials)} are no weights of ours\n"
            f"name a shipped potential or a checkpoint; beside it stand {', '.join(RIVALS)}"
        )
    threads = torch.get_num_threads()
    case = Case("216 atoms of silicon", silicon(), channels=1, weight=0)  # sizes are published
    record = case.record(threads)
    with ExitStack() as stack:
        rivals: dict[str, Rival] = {}
        for potential in ours:
            for precision, tables in WAYS.items():
                who = f"{potential.label}, {precision}" + ", tables" * tables
                say(f"speed: {who} builds and warms up")
                potential.prepare(precision)
                way = {"precision": precision, "tables": tables}
                rivals[who] = stack.enter_context(
                    Rival(sys.executable, potential.name, record | way, module=STEPPING)
                )
        for name, variable in RIVALS.items():
            if variable in os.environ:
                say(f"speed: {name} builds and warms up")
                rival = stack.enter_context(Rival(os.environ[variable], name, record))
                rivals[f"{name} ({rival.ready['version']})"] = rival
        times: dict[str, list[float]] = {who: [] for who in rivals}
        for turn in range(ROUNDS):
            say(f"speed: turn {turn + 1} of {ROUNDS}")
            for who, rival in rivals.items():
                rival.ms("forces")  # its memory is cold after the turns of the others
                times[who].append(rival.ms("forces"))
        yield _table(case.title, threads, rivals, {who: median(ms) for who, ms in times.items()})


def _table(title: str, threads: int, rivals: dict[str, Rival], ms: dict[str, float]) -> Table:
    table = Table(
        "who", "ms a step", "steps/s", "times the first", "parameters", "edges",
        title=f"{title}, energy, forces and stress by the calculator of ASE, {threads} threads; "
        f"median of {ROUNDS}, in turns",
    )  # fmt: skip
    first = next(iter(ms.values()))
    for who, rival in rivals.items():
        table.add_row(
            who, f"{ms[who]:.1f}", f"{1e3 / ms[who]:.1f}", f"{ms[who] / first:.1f}",
            f"{rival.ready['parameters']:,}", f"{rival.ready['edges']:,}",
        )  # fmt: skip
    return table
