"""Crystal physics: forms, frames, classes, extremes; pymatgen beside them where it has the same."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np
from pymatgen.analysis.elasticity import ElasticTensor
from rich.table import Table

from carnet_model import geometry
from carnet_model.structures.symmetry import canonical
from natural_tensors import elasticity, examples, from_voigt, reduction
from natural_tensors.crystals.fitting import class_fits

from .processes import alone, say
from .timing import interleaved, once

CRYSTALS = 1000


def _stiffnesses() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the shipped DFT tensors, slightly disturbed so that no two are alike."""
    known = np.array(
        [examples.load(name).values for name in examples.names() if name.startswith("mp-")]
    )
    noise = np.random.default_rng(0).normal(size=(CRYSTALS, 6, 6))
    noise += noise.swapaxes(1, 2)
    return known[np.arange(CRYSTALS) % len(known)] + noise


FORMS = """
import sys, time
from natural_tensors import form
from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC, point_group
groups = [point_group(name) for name in CRYSTALLOGRAPHIC]
form("symmetric", groups[0])
start = time.perf_counter()
for group in groups:
    form(sys.argv[1], group)
print(time.perf_counter() - start)
"""


def _forms(name: str, rounds: int) -> float:
    """Return the time of all forms in ms, each time in a process of its own: they are kept."""
    say(f"physics: forms of {name}, rounds: {rounds}")
    return 1e3 * median(float(alone(FORMS, name)) for _ in range(rounds))


def tables(rounds: int = 5) -> Iterator[Table]:
    """Measure and return the tables of crystal physics."""
    many = _stiffnesses()
    few = many[:20]
    quartz = from_voigt(examples.load("quartz").values, symmetry="elastic")
    (entry,) = [e for e in examples.entries("dejong2015") if e["id"] == "mp-804"]
    crystal = geometry({key: entry[key] for key in ("numbers", "lattice", "frac")})
    class_fits("elastic", quartz)  # the classes are derived once
    table = Table(title="Crystal physics, median of interleaved runs")
    for column in ("what", "ms"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name in ("elastic", "third-order-elastic"):
        table.add_row(f"forms of {name} under all 32 groups", f"{_forms(name, rounds):.1f}")
    work = {
        "canonical frame of GaN": lambda: canonical(crystal),
        "distances of quartz to 8 classes in any axes": lambda: class_fits("elastic", quartz),
        f"extremes of E, beta, G, nu of {CRYSTALS} crystals": lambda: elasticity.extremes(many),
        "the same of 1": lambda: elasticity.extremes(many[0]),
        f"extremes of sound of {CRYSTALS} crystals": lambda: elasticity.velocity_extremes(
            many, 5000.0
        ),
    }
    say(f"physics: crystals, rounds: {rounds}")
    for name, value in interleaved(work, rounds).items():
        table.add_row(name, f"{value:.1f}")
    table.add_row("symmetry classes of elasticity, derived", f"{_derived('elastic'):.0f}")
    yield table
    say("physics: beside pymatgen")
    yield _beside_pymatgen(many, few, rounds)


def _derived(name: str) -> float:
    from natural_tensors.crystals.fitting import symmetry_classes

    symmetry_classes.cache_clear()
    return once(lambda: symmetry_classes(reduction(name)))


def _beside_pymatgen(many: object, few: object, rounds: int) -> Table:
    """Return the time of what pymatgen computes as well, for each crystal."""
    stiff = np.asarray(many)
    sample = np.asarray(few)

    def theirs() -> None:
        for matrix in sample:
            tensor = ElasticTensor.from_voigt(matrix)
            _ = tensor.k_vrh, tensor.g_vrh, tensor.y_mod, tensor.universal_anisotropy

    times = interleaved({"ours": lambda: elasticity.moduli(stiff), "pymatgen": theirs}, rounds)
    ours, other = times["ours"] / len(stiff), times["pymatgen"] / len(sample)
    table = Table(title="K, G, E and universal anisotropy, for each crystal")
    for column in ("", "µs", "ratio"):
        table.add_column(column, justify="right")
    table.add_row(f"natural_tensors, {len(stiff)} at once", f"{1e3 * ours:.2f}", "1")
    table.add_row("pymatgen, one by one", f"{1e3 * other:.0f}", f"{other / ours:.0f}")
    return table
