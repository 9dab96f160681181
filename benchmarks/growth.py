"""How time and memory grow with atoms, channels, weight and body order: table and plot.

Energy and forces of silicon, compiled; each point in a process of its own. The plot is written to
`docs/growth.svg`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from rich.table import Table

from .ours import Ours
from .processes import alone, say
from .rivals.session import growth
from .systems import Case, silicon

PLOT = Path(__file__).parents[1] / "docs" / "growth.svg"


@dataclass(frozen=True)
class Point:
    """Settings of one measurement.

    Attributes:
        cells: cubic cells of silicon along each edge, of 8 atoms each.
        channels: number of channels.
        weight: largest weight.
        body_order: most atoms in one product, the centre included.
    """

    cells: int = 3
    channels: int = 32
    weight: int = 2
    body_order: int = 4

    def case(self) -> Case:
        """Return the case."""
        return Case("", silicon(self.cells), self.channels, self.weight, self.body_order)


@dataclass(frozen=True)
class Curve:
    """Points of one sweep, side by side.

    Attributes:
        values: what was varied.
        microseconds: time for each atom.
        kilobytes: memory for each atom.
    """

    values: list[int]
    microseconds: list[float]
    kilobytes: list[float]


BASE = Point()
SWEEPS: dict[str, tuple[str, dict[int, Point]]] = {
    "atoms": (
        "atoms", {8 * n**3: replace(BASE, cells=n) for n in (1, 2, 3, 5, 8, 11)}
    ),
    "channels": ("channels", {c: replace(BASE, channels=c) for c in (8, 16, 32, 64, 128)}),
    "weight": ("largest weight", {w: replace(BASE, weight=w) for w in range(1, 7)}),
    "body order": ("body order", {b: replace(BASE, body_order=b) for b in range(2, 7)}),
}  # fmt: skip


def measure(settings: str) -> str:
    """Return atoms, first result in s, energy and forces in ms, and growth of memory in MB.

    Args:
        settings: a `Point` as JSON.
    """
    case = Point(**json.loads(settings)).case()
    start = time.perf_counter()
    ours = Ours(case, "compiled")
    ours.forces()
    first = time.perf_counter() - start
    peak = growth(ours.forces)
    times: list[float] = []
    spent = 0.0
    while len(times) < 3 or (spent < 2 and len(times) < 15):
        start = time.perf_counter()
        ours.forces()
        times.append(time.perf_counter() - start)
        spent += times[-1]
    return json.dumps([len(case.geometry), first, 1e3 * median(times), peak])


def tables() -> Iterator[Table]:
    """Measure, write the plot, and return a table of all points."""
    table = Table(title="Energy and forces of silicon, 2 layers, compiled, float32")
    for column in ("varied", "value", "ms", "µs per atom", "kB per atom", "first result s"):
        table.add_column(column, justify="left" if column == "varied" else "right")
    found: dict[Point, tuple[float, ...]] = {}
    curves: dict[str, Curve] = {}
    for name, (_, points) in SWEEPS.items():
        curve = Curve([], [], [])
        for value, point in points.items():
            if point not in found:
                say(f"growth: {name} {value}")
                said = alone(
                    "import sys; from benchmarks.growth import measure;print(measure(sys.argv[1]))",
                    json.dumps(vars(point)),
                )
                found[point] = tuple(json.loads(said))
            atoms, first, milliseconds, peak = found[point]
            microseconds, kilobytes = 1e3 * milliseconds / atoms, 1e3 * peak / atoms
            table.add_row(name, f"{value}", f"{milliseconds:.1f}", f"{microseconds:.0f}",
                          f"{kilobytes:.0f}", f"{first:.1f}")  # fmt: skip
            curve.values.append(value)
            curve.microseconds.append(microseconds)
            curve.kilobytes.append(kilobytes)
        curves[name] = curve
        table.add_section()
    _plot(curves)
    yield table


def _plot(curves: dict[str, Curve]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    mpl.rcParams["svg.hashsalt"] = "natural-tensors"
    figure, rows = pyplot.subplots(2, 4, figsize=(12, 5.4), sharey="row", layout="constrained")
    settings = f"{BASE.channels} channels, weights to {BASE.weight}, body order {BASE.body_order}"
    figure.suptitle(f"Energy and forces of silicon; where not varied: 216 atoms, {settings}")
    for row, label in enumerate(("time per atom, µs", "memory per atom, kB")):
        for column, (name, curve) in enumerate(curves.items()):
            axes = rows[row][column]
            heights = (curve.microseconds, curve.kilobytes)[row]
            axes.plot(curve.values, heights, "o-", color=("tab:blue", "tab:orange")[row])
            axes.set_yscale("log")
            if name in ("atoms", "channels"):
                axes.set_xscale("log", base=2 if name == "channels" else 10)
            else:
                axes.set_xticks(curve.values)
            axes.grid(alpha=0.3, which="both")
            if row:
                axes.set_xlabel(SWEEPS[name][0])
            if not column:
                axes.set_ylabel(label)
    figure.savefig(PLOT, metadata={"Date": None})
    pyplot.close(figure)
