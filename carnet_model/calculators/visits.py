"""Frames that a potential gets to by itself: where its crystals fall, and its hot dynamics.

What a small potential is used for takes it to structures that nobody would draw: its relaxation
ends in a layered crystal whose layers came apart, its hot silicon in a glass that is too low in
energy. A training that is shown what a better potential says there mends just that (as in S. Ross,
G. Gordon and D. Bagnell 2011, arXiv:1011.0686).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import BaseCalculator
from ase.filters import FrechetCellFilter
from ase.md.langevin import Langevin
from ase.optimize import BFGS
from numpy.random import Generator

from natural_tensors.arrays import Floats

from ..structures.geometry import Geometry, GeometryError

FALL, HOT, SQUEEZED, NEAR = "fall", "hot", "squeezed", "near"
"""Kinds of frames: on the way of a relaxation that went wrong, of dynamics near the volume of the
crystal and far below it, and the crystal itself."""

STEPS, FORCE, LONGEST = 35, 0.03, 0.12
"""Of a relaxation: how many steps at most, eV/Å where it ends, and angstrom of a step."""

FALLEN, MOVED = 0.025, 0.25
"""Relative change of the volume, or angstrom that an atom moved: more is a fall."""

TEMPERATURES, DILATED = (300.0, 5000.0), 1500.0
"""K: the least and the largest, even in the logarithm; and the largest of an expanded crystal."""

SQUEEZED_SHARE, VOLUMES = 0.45, (0.55, 1.0)
"""How many crystals are compressed, and to which volumes, relative to their own."""

EVERY = 25
"""Steps of dynamics between two frames."""

DISTANT = 60.0
"""eV/Å: dynamics that have such a force are over."""


def visits(
    structure: Geometry, student: BaseCalculator, frames: int
) -> Iterator[tuple[Geometry, str]]:
    """Yield frames that a potential visits from a crystal, each with its kind; the same every time.

    Where its relaxation leads away, four on the way there; then frames of dynamics with a
    thermostat at a temperature and a volume that are drawn once for the crystal.

    Args:
        structure: a crystal at rest in truth, with a name.
        student: the potential; what it raises ends the relaxation or the dynamics.
        frames: how many of the dynamics.
    """
    dice = np.random.default_rng(zlib.crc32(f"{structure.name}~".encode()))
    for source in (_falls(structure, student, dice), _dynamics(structure, student, dice, frames)):
        number = 0
        while True:
            try:
                cell, positions, numbers, kind = next(source)
                frame = replace(
                    structure,
                    numbers=numbers,
                    positions=positions,
                    cell=cell,
                    name=f"{structure.name}~{kind}{number}",
                )
            except StopIteration:
                break
            except (GeometryError, ValueError, RuntimeError, ArithmeticError):
                break  # the potential is lost there
            yield frame, kind
            number += 1


_Visit = tuple[Floats, Floats, Floats, str]


def _falls(structure: Geometry, student: BaseCalculator, dice: Generator) -> Iterator[_Visit]:
    atoms = structure.to_ase(student)
    start, fractions = atoms.cell.array.copy(), atoms.get_scaled_positions(wrap=False)
    BFGS(FrechetCellFilter(atoms), logfile=None, maxstep=LONGEST).run(fmax=FORCE, steps=STEPS)
    end, reached = atoms.cell.array, atoms.get_scaled_positions(wrap=False)
    if not (np.isfinite(end).all() and np.isfinite(reached).all()):
        return
    volume = abs(np.linalg.det(start))
    change = abs(np.linalg.det(end)) / volume - 1
    if abs(change) < FALLEN and np.abs(reached - fractions).max() * np.cbrt(volume) < MOVED:
        return
    deformation = np.linalg.solve(start, end) - np.eye(3)
    for share in (1.0, 0.5, 0.25, 0.0):
        cell = start @ (np.eye(3) + share * deformation)
        places = (fractions + share * (reached - fractions)) @ cell
        if 0 < share < 1:
            places = places + dice.normal(size=places.shape) * dice.choice([0.0, 0.03])
        yield cell, places, atoms.numbers, FALL if share else NEAR


def _dynamics(
    structure: Geometry, student: BaseCalculator, dice: Generator, frames: int
) -> Iterator[_Visit]:
    atoms: Atoms = structure.to_ase(None)
    if len(atoms) <= 3:
        copies = np.ones(3, dtype=int)
        copies[dice.integers(3)] = 2
        atoms = atoms * copies
    squeezed = dice.random() < SQUEEZED_SHARE
    ratio = dice.uniform(*VOLUMES) if squeezed else np.clip(dice.normal(1.02, 0.06), 0.8, 1.3)
    temperature = exp(dice.uniform(*(log(end) for end in TEMPERATURES)))
    if ratio > 1.05:
        temperature = min(temperature, DILATED)
    strain = dice.normal(size=(3, 3)) * 0.03
    deformation = (np.eye(3) + (strain + strain.T) / 2) * ratio ** (1 / 3)
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    atoms.calc = student
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
        motion.run(EVERY)
        largest = np.abs(atoms.get_forces()).max()
        if not largest < DISTANT:  # nor a number
            return
        kind = SQUEEZED if squeezed else HOT
        yield atoms.cell.array.copy(), atoms.positions.copy(), atoms.numbers, kind
