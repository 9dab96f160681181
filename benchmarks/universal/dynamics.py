"""Molecular dynamics of ten materials of different classes: whether they and the energy hold."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.io import read
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from ase.spacegroup import crystal
from rich.table import Table

from carnet_model.relaxation.relaxing import relax
from carnet_model.structures.conversion import geometry

from .jobs import Settings, results
from .potentials import Potential

TEMPERATURE = 600.0
"""K."""

STEP = 1.0
"""fs."""

EVERY = 10
"""Steps between two samples of the energy."""

WARM = 500
"""Steps of Langevin dynamics before."""

QUARTZ = Path(__file__).parents[2] / "docs" / "structures" / "quartz.cif"

HOTTEST = 3 * TEMPERATURE
"""K: what is hotter has exploded."""


def materials() -> dict[str, tuple[Atoms, tuple[int, int, int]]]:
    """Return crystals near their measured cells, and how often each is repeated: 200 to 240 atoms.

    The cells are starting points: they relax under the potential first. Measured ones are those of
    R. W. G. Wyckoff, Crystal Structures, 1963.
    """
    rutile = crystal(
        ["Ti", "O"], [(0, 0, 0), (0.305, 0.305, 0)], spacegroup=136,
        cellpar=[4.59, 4.59, 2.96, 90, 90, 90],
    )  # fmt: skip
    perovskite = crystal(
        ["Sr", "Ti", "O"], [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)], spacegroup=221,
        cellpar=[3.905] * 3 + [90] * 3,
    )  # fmt: skip
    return {
        "Al, fcc": (bulk("Al", "fcc", a=4.05), (6, 6, 6)),
        "Fe, bcc": (bulk("Fe", "bcc", a=2.87), (6, 6, 6)),
        "Ti, hcp": (bulk("Ti", "hcp", a=2.95, c=4.68), (6, 6, 3)),
        "NiAl, B2": (bulk("NiAl", "cesiumchloride", a=2.89), (5, 5, 4)),
        "Si, diamond": (bulk("Si", "diamond", a=5.43, cubic=True), (3, 3, 3)),
        "GaAs, zinc blende": (bulk("GaAs", "zincblende", a=5.65, cubic=True), (3, 3, 3)),
        "NaCl, rock salt": (bulk("NaCl", "rocksalt", a=5.64, cubic=True), (3, 3, 3)),
        "TiO2, rutile": (rutile, (3, 3, 4)),
        "SrTiO3, perovskite": (perovskite, (4, 4, 3)),
        "SiO2, quartz": (read(QUARTZ), (3, 4, 2)),
    }


def simulated(calculator: Any, given: tuple[Atoms, tuple[int, int, int], int]) -> dict[str, Any]:
    """Return what becomes of a crystal at constant energy, after `WARM` steps at `TEMPERATURE`.

    Args:
        calculator: with forces and stress.
        given: the crystal, how often it is repeated, and the steps at constant energy.

    Returns:
        ``held``: whether it did not explode; ``drift`` of the energy by a straight line through
        it, meV/atom/ps; ``noise``, the root of the mean square of what is left, meV/atom;
        ``temperature``, the mean, K; ``moved``, how far atoms are from where they began, root of
        the mean square, Å; ``rate``, steps a second. Or, of an explosion, ``after`` how many ps.
    """
    cell, repeats, steps = given
    atoms = relax(calculator, geometry(cell)).at_rest().to_ase().repeat(repeats)
    atoms.calc = calculator
    random = np.random.default_rng(0)
    masses = atoms.get_masses()[:, None]
    spread = np.sqrt(masses * units.kB * 2 * TEMPERATURE)  # half of it becomes potential energy
    atoms.set_momenta(random.normal(size=(len(atoms), 3)) * spread)
    began = atoms.get_positions()
    bath = Langevin(
        atoms, STEP * units.fs, temperature_K=TEMPERATURE, friction=0.01 / units.fs, rng=random,
        fixcm=False,
    )  # fmt: skip
    free = VelocityVerlet(atoms, STEP * units.fs)
    energies: list[float] = []
    temperatures: list[float] = []
    begun = time.perf_counter()
    for number in range((WARM + steps) // EVERY):
        noted = number >= WARM // EVERY
        if number == WARM // EVERY:
            drifting = atoms.get_momenta().sum(axis=0) / masses.sum()
            atoms.set_momenta(atoms.get_momenta() - masses * drifting)
        (free if noted else bath).run(EVERY)
        warmth = float(atoms.get_temperature())
        if not warmth < HOTTEST:  # nor is what is no number
            return {"held": False, "after": 1e-3 * STEP * EVERY * number, "temperature": warmth}
        if noted:
            energies.append(float(atoms.get_total_energy()) / len(atoms))
            temperatures.append(warmth)
    seconds = time.perf_counter() - begun
    times = 1e-3 * STEP * EVERY * np.arange(len(energies))
    line = np.polyfit(times, 1e3 * np.array(energies), 1)
    moved = atoms.get_positions() - began
    moved -= moved.mean(axis=0)
    return {
        "held": True,
        "drift": float(line[0]),
        "noise": float(np.std(1e3 * np.array(energies) - np.polyval(line, times))),
        "temperature": float(np.mean(temperatures)),
        "moved": float(np.sqrt((moved**2).sum(axis=1).mean())),
        "rate": (WARM + steps) / seconds,
    }


def tables(potentials: Sequence[Potential], settings: Settings) -> Iterator[Table]:
    """Yield how each material fared under each potential."""
    steps = max(settings.steps // EVERY * EVERY, 10 * EVERY)
    table = Table(
        "potential", "material", "atoms", "holds", "drift, meV/atom/ps", "noise, meV/atom",
        "mean K", "moved, Å", "steps/s",
        title=f"Dynamics at constant energy, {1e-3 * STEP * steps:g} ps in steps of {STEP:g} fs "
        f"after {1e-3 * STEP * WARM:g} ps at {TEMPERATURE:g} K; one thread each",
    )  # fmt: skip
    todo = {name: (atoms, repeats, steps) for name, (atoms, repeats) in materials().items()}
    for potential in potentials:
        found = results(
            replace(potential, long_runs=True), f"dynamics-{steps}", simulated, todo, settings
        )
        for name, result in found.items():
            atoms, repeats, _ = todo[name]
            table.add_row(
                potential.label, name, str(len(atoms) * int(np.prod(repeats))), *_cells(result)
            )
    yield table


def _cells(result: dict[str, Any]) -> list[str]:
    """Return the cells of a result."""
    if "error" in result:
        return [f"error: {result['error'][:40]}", *["-"] * 5]
    if not result["held"]:
        return [f"no, {result['after']:g} ps", "-", "-", f"{result['temperature']:.0f}", "-", "-"]
    return [
        "yes", f"{result['drift']:+.3f}", f"{result['noise']:.3f}",
        f"{result['temperature']:.0f}", f"{result['moved']:.2f}", f"{result['rate']:.0f}",
    ]  # fmt: skip
