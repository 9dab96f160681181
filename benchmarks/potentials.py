r"""Energy and forces, and a training step on them: ours beside other potentials, interleaved.

Each runs in a process of its own, the others in environments of their own, since their pins
conflict: for each, `benchmarks/rivals/NAME.txt` says what it holds and how to make it. Name its
Python in a variable of the environment:

    NEQUIP_PYTHON=ENV/bin/python MACE_PYTHON=ENV/bin/python TENSORNET_PYTHON=ENV/bin/python \
        python -m benchmarks potentials

Whoever has none is left out. In every turn a call to warm up goes before the one that is timed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

import torch
from rich.table import Table

from .ours import MODES
from .processes import say
from .rivals.client import Rival
from .systems import Case, cases

RIVALS = {name: f"{name.upper()}_PYTHON" for name in ("nequip", "mace", "tensornet")}


def _table(case: Case, rounds: int) -> Table:
    edges, threads = len(case.batch().senders), torch.get_num_threads()
    table = Table(
        title=f"{case.title}, {edges:,} edges, {case.channels} channels, weights to {case.weight}, "
        f"2 layers, float32, {threads} threads; median of {rounds}, interleaved"
    )
    for column in ("who", "energy + forces ms", "training step ms", "peak MB", "parameters",
                   "first result s"):  # fmt: skip
        table.add_column(column, justify="left" if column == "who" else "right")
    record = case.record(threads)
    with ExitStack() as stack:
        measured: dict[str, Rival] = {}
        for mode in MODES:
            say(f"potentials: {case.title}, ours, {mode}, builds and warms up")
            measured[f"ours, {mode}"] = stack.enter_context(
                Rival(sys.executable, mode, record, module="benchmarks.ours")
            )
        for name, variable in RIVALS.items():
            if variable in os.environ:
                say(f"potentials: {case.title}, {name}, builds and warms up")
                rival = stack.enter_context(Rival(os.environ[variable], name, record))
                measured[f"{name} {rival.ready['version']}"] = rival
        times: dict[tuple[str, str], list[float]] = {}
        for who, rival in measured.items():
            if rival.ready["edges"] != edges:
                raise RuntimeError(f"{who} has {rival.ready['edges']} edges, not {edges}")
        for turn in range(rounds):
            say(f"potentials: {case.title}, turn {turn + 1} of {rounds}")
            for who, rival in measured.items():
                for action in ("forces", "train"):
                    if rival.ready[f"first_{action}_s"] is not None:
                        rival.ms(action)  # its memory is cold after the turns of the others
                        times.setdefault((who, action), []).append(rival.ms(action))
        for who, rival in measured.items():
            trains = (who, "train") in times
            table.add_row(
                who, f"{median(times[who, 'forces']):.1f}",
                f"{median(times[who, 'train']):.0f}" if trains else "",
                f"{rival.peak():.0f}" if trains else "",
                f"{rival.ready['parameters']:,}", f"{rival.ready['first_forces_s']:.1f}",
            )  # fmt: skip
    return table


def tables(rounds: int = 7) -> Iterator[Table]:
    """Measure and return a table for each case."""
    for case in cases().values():
        yield _table(case, rounds)
