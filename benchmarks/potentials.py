"""Energy and forces, and a training step on them: ours beside other potentials, interleaved.

Others run in environments of their own, since their pins conflict with each other: for each,
`benchmarks/rivals/NAME.txt` says what it holds and how to make it. Name its Python in a variable
of the environment:

    NEQUIP_PYTHON=ENV/bin/python MACE_PYTHON=ENV/bin/python python -m benchmarks potentials

Whoever has none is left out.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

import torch
from rich.table import Table

from carnet_model.compiling import compile_kernels
from carnet_model.potential import respond
from carnet_model.tables import tabulate

from .memory import alone, growth
from .rivals.client import Rival
from .systems import Case, cases

RIVALS = {"nequip": "NEQUIP_PYTHON", "mace": "MACE_PYTHON"}
OURS = ("compiled", "compiled, tables", "eager")


class Ours:
    """Our network on a case: the actions that are measured.

    Args:
        case: system and settings.
        mode: one of `OURS`.
    """

    def __init__(self, case: Case, mode: str) -> None:
        self.batch, self.model = case.batch(), case.model()
        start = time.perf_counter()
        if mode != "eager":
            compile_kernels(self.model, "always")
        if mode.endswith("tables"):
            tabulate(self.model, sorted(set(case.geometry.numbers.tolist())))
        self.forces()
        self.first = time.perf_counter() - start
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-5)

    def forces(self) -> None:
        """Compute energy and forces."""
        respond(self.model, self.batch)

    def train(self) -> None:
        """Take a step on energy and forces."""
        self.optimizer.zero_grad()
        found = respond(self.model, self.batch, learn=True)
        loss = found.forces.square().mean() + (found.energy / len(found.forces)).square().sum()
        loss.backward()
        self.optimizer.step()


def ours_alone(name: str, mode: str) -> str:
    """Return time of the first result and peak of a training step, in a process of its own."""
    ours = Ours(cases()[name], mode)
    peak = 0.0
    if not mode.endswith("tables"):
        ours.train()
        peak = growth(ours.train)
    return json.dumps([ours.first, peak])


def _milliseconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return 1e3 * (time.perf_counter() - start)


def _table(name: str, case: Case, rounds: int) -> Table:
    edges = len(case.batch().senders)
    table = Table(
        title=f"{case.title}, {edges:,} edges, {case.channels} channels, weights to {case.weight}, "
        f"2 layers, float32, {torch.get_num_threads()} threads; median of {rounds}, interleaved"
    )
    for column in ("who", "energy + forces ms", "training step ms", "peak MB", "parameters",
                   "first result s"):  # fmt: skip
        table.add_column(column, justify="left" if column == "who" else "right")
    with ExitStack() as stack:
        actions: dict[str, dict[str, Callable[[], float]]] = {}
        facts: dict[str, list[str]] = {}
        for mode in OURS:
            mine = Ours(case, mode)
            first, peak = json.loads(
                alone("import sys; from benchmarks.potentials import ours_alone;"
                      "print(ours_alone(*sys.argv[1:]))", name, mode)
            )  # fmt: skip
            actions[f"ours, {mode}"] = {"forces": lambda m=mine: _milliseconds(m.forces)}
            if peak:
                actions[f"ours, {mode}"]["train"] = lambda m=mine: _milliseconds(m.train)
            count = sum(parameter.numel() for parameter in mine.model.parameters())
            facts[f"ours, {mode}"] = [
                f"{peak:.0f}" if peak else "", f"{count:,}", f"{first:.1f}"
            ]  # fmt: skip
        for rival, variable in RIVALS.items():
            if variable not in os.environ:
                continue
            record = case.record(torch.get_num_threads())
            other = stack.enter_context(Rival(os.environ[variable], rival, record))
            if other.ready["edges"] != edges:
                raise RuntimeError(f"{rival} has {other.ready['edges']} edges, not {edges}")
            who = f"{rival} {other.ready['version']}"
            actions[who] = {
                action: lambda o=other, a=action: o.ms(a) for action in ("forces", "train")
            }
            facts[who] = [f"{other.peak():.0f}", f"{other.ready['parameters']:,}",
                          f"{other.ready['first_forces_s']:.1f}"]  # fmt: skip
        times: dict[tuple[str, str], list[float]] = {}
        for number in range(rounds + 2):  # two to warm up
            for who, measured in actions.items():
                for action, function in measured.items():
                    found = function()
                    if number > 1:
                        times.setdefault((who, action), []).append(found)
    for who, measured in actions.items():
        shown = [
            f"{median(times[who, a]):.0f}" if a in measured else "" for a in ("forces", "train")
        ]
        table.add_row(who, *shown, *facts[who])
    return table


def tables(rounds: int = 7) -> list[Table]:
    """Measure and return a table for each case."""
    return [_table(name, case, rounds) for name, case in cases().items()]
