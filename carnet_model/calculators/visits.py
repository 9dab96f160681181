"""Frames that a potential gets to by itself: where its crystals fall, and its hot dynamics.

What a small potential is used for takes it to structures that nobody would draw: its relaxation
ends in a layered crystal whose layers came apart, its hot silicon in a glass that is too low in
energy. A training that is shown what a better potential says there mends just that (as in S. Ross,
G. Gordon and D. Bagnell 2011, arXiv:1011.0686).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from math import exp, sqrt
from typing import TypeAlias

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import BaseCalculator
from ase.filters import FrechetCellFilter
from ase.md.langevin import Langevin
from ase.optimize import BFGS
from numpy.random import Generator

from natural_tensors.arrays import Floats, Integers

from ..structures.geometry import Geometry, GeometryError
from ..structures.units import EV_PER_A3

FALL, HOT, SQUEEZED, NEAR = "fall", "hot", "squeezed", "near"
"""Kinds of frames: on the way of a relaxation that went wrong, of dynamics at about the volume of
the crystal and compressed, and the crystal itself."""

STEPS, FORCE, LONGEST = 35, 0.03, 0.12
"""Of a relaxation: how many steps at most, eV/Å where it ends, and angstrom of a step."""

FALLEN, SHEARED, MOVED = 0.025, 0.05, 0.25
"""More is a fall: relative change of the volume, strain at constant volume (its Frobenius norm),
and angstrom that an atom moved in the cell."""

SHARES = (1.0, 0.5, 0.25, 0.0)
"""Parts of the way of a fall that are frames; the last is the crystal."""

TEMPERATURES, DILATED = (300.0, 5000.0), 1500.0
"""K: the least and the largest, even in the logarithm; and the largest of an expanded crystal."""

SQUEEZED_SHARE, PRESSURES = 0.45, (5.0, 700.0)
"""How many crystals are compressed, and GPa of that, even in the logarithm."""

SMALLEST, HALVINGS = 0.2, 7
"""Volume relative to its own that none is compressed below, and how often the search for the
volume under a pressure halves what is between."""

EVERY = 25
"""Steps of dynamics between two frames."""

DISTANT = 60.0
"""eV/Å, of a component: dynamics that have such a force are over."""


def visits(
    structure: Geometry,
    student: BaseCalculator,
    frames: int,
    failed: Callable[[str], None] = lambda error: None,
) -> Iterator[tuple[Geometry, str]]:
    """Yield frames that a potential visits from a crystal, each with its kind; the same every time.

    Where its relaxation leads away, those of `SHARES`; then frames of dynamics with a thermostat,
    at a temperature and a volume that are drawn once for the crystal, whatever the potential.

    Args:
        structure: a crystal at rest in truth, with a name.
        student: the potential, with energy, forces and stress. What it raises ends the relaxation
            where it is, and the dynamics.
        frames: how many of the dynamics.
        failed: called with the name of what it raised.
    """
    falls = _falls(structure, student, _dice(structure, "fall"), failed)
    dynamics = _dynamics(structure, student, _dice(structure, "dynamics"), frames, failed)
    counts: Counter[str] = Counter()
    for cell, positions, numbers, kind in chain(falls, dynamics):
        name = f"{structure.name}~{kind}{counts[kind]}"
        counts[kind] += 1
        try:
            frame = replace(structure, numbers=numbers, positions=positions, cell=cell, name=name)
        except GeometryError:
            continue  # atoms in one place, or a cell that is flat: the next may be whole
        yield frame, kind


Visit: TypeAlias = tuple[Floats, Floats, Integers, str]
"""Cell, positions and numbers of a frame, and its kind."""


def _dice(structure: Geometry, purpose: str) -> Generator:
    return np.random.default_rng(zlib.crc32(f"{structure.name}~{purpose}".encode()))


def _falls(
    structure: Geometry, student: BaseCalculator, dice: Generator, failed: Callable[[str], None]
) -> Iterator[Visit]:
    """Yield frames of the way that a relaxation took, from its end, if it led away."""
    atoms = structure.to_ase(student)
    start, fractions = atoms.cell.array.copy(), atoms.get_scaled_positions(wrap=False)
    end, reached = start, fractions
    try:
        motion = BFGS(FrechetCellFilter(atoms), logfile=None, maxstep=LONGEST)
        for _ in motion.irun(fmax=FORCE, steps=STEPS):
            cell, places = atoms.cell.array.copy(), atoms.get_scaled_positions(wrap=False)
            if not (np.isfinite(cell).all() and np.isfinite(places).all()):
                break
            end, reached = cell, places
    except Exception as error:
        failed(type(error).__name__)
    deformation = np.linalg.solve(start, end)
    if not fallen(start, deformation, reached - fractions):
        return
    for share in SHARES:
        cell = start @ (np.eye(3) + share * (deformation - np.eye(3)))
        places = (fractions + share * (reached - fractions)) @ cell
        if 0 < share < 1:
            places = places + dice.normal(size=places.shape) * dice.choice([0.0, 0.03])
        yield cell, places, atoms.numbers, FALL if share else NEAR


def fallen(start: Floats, deformation: Floats, moves: Floats) -> bool:
    """Say whether a crystal has become another: in volume, in shape, or in the places of atoms.

    Args:
        start: its lattice vectors, rows, angstrom.
        deformation: what its cell is multiplied by, from the right; rotations are no change.
        moves: of the atoms, in fractions of the cell, shape ``(atoms, 3)``.
    """
    ratio = abs(np.linalg.det(deformation))
    stretch = deformation.T @ deformation / ratio ** (2 / 3)
    shear = np.linalg.norm(stretch - np.eye(3)) / 2
    moved = np.linalg.norm((moves - moves.mean(axis=0)) @ start, axis=1).max()
    return bool(abs(ratio - 1) > FALLEN or shear > SHEARED or moved > MOVED)


def _dynamics(
    structure: Geometry,
    student: BaseCalculator,
    dice: Generator,
    frames: int,
    failed: Callable[[str], None],
) -> Iterator[Visit]:
    """Yield frames of hot dynamics, until a force is beyond all measure."""
    atoms: Atoms = structure.to_ase(None)
    if len(atoms) <= 3:
        copies = np.ones(3, dtype=int)
        copies[dice.integers(3)] = 2
        atoms = atoms * copies
    squeezed = dice.random() < SQUEEZED_SHARE
    pressure, temperature = (exp(dice.uniform(*np.log(ends))) for ends in (PRESSURES, TEMPERATURES))
    ratio = 1.0 if squeezed else float(np.clip(dice.normal(1.02, 0.06), 0.8, 1.3))
    if ratio > 1.05:
        temperature = min(temperature, DILATED)
    strain = dice.normal(size=(3, 3)) * 0.03
    deformation = (np.eye(3) + (strain + strain.T) / 2) * ratio ** (1 / 3)
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    atoms.calc = student
    if squeezed:
        try:
            _compress(atoms, pressure)
        except Exception as error:
            failed(type(error).__name__)
            return
    # the lightest atom, and how fast it is, say how long a step may be
    step = min(max(2 * sqrt(atoms.get_masses().min() / 24), 0.5), 3.0)
    step /= sqrt(max(temperature / 1500, 1))
    # half of the energy goes into displacements
    spreads = np.sqrt(atoms.get_masses() * units.kB * 2 * temperature)
    atoms.set_momenta(dice.normal(size=(len(atoms), 3)) * spreads[:, None])
    motion = Langevin(
        atoms,
        step * units.fs,
        temperature_K=temperature,
        friction=0.03 / units.fs,
        fixcm=False,
        rng=dice,
    )
    for _ in range(frames):
        try:
            motion.run(EVERY)
            largest = np.abs(atoms.get_forces()).max()
        except Exception as error:
            failed(type(error).__name__)
            return
        if not largest < DISTANT:  # nor a number
            return
        kind = SQUEEZED if squeezed else HOT
        yield atoms.cell.array.copy(), atoms.positions.copy(), atoms.numbers, kind


def _compress(atoms: Atoms, pressure: float) -> None:
    """Compress a crystal, its shape kept, until its potential has a pressure (GPa)."""
    cell, least, most = atoms.cell.array.copy(), SMALLEST, 1.0
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        atoms.set_cell(cell * middle ** (1 / 3), scale_atoms=True)
        if -atoms.get_stress()[:3].mean() * EV_PER_A3 > pressure:
            least = middle
        else:
            most = middle
