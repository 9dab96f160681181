"""Crystals of unknown lattice constants brought near rest in a few steps, all of which are kept.

A relaxation asks for rest; who wants frames to learn from asks for few calculations, none of them
lost. The volume goes by the bulk modulus that two steps show, shape and atoms by a share of what
pulls them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from natural_tensors.arrays import Floats

from ..structures.geometry import Geometry
from ..structures.units import EV_PER_A3

NEAR_FORCE, NEAR_STRESS = 0.15, 1.5
"""eV/Å and GPa: below them a crystal is near rest."""

BULK, BULKS = 80.0, (3.0, 500.0)
"""GPa: the modulus of a first step, and between which one is believed."""

SHEAR_SHARE = 1.2
"""The stress that changes the shape is divided by so many bulk moduli."""

STIFFNESS = 6.0
"""eV/Å^2 at the least: a force is divided by it, or by `STIFFNESS_PER_BULK` of the modulus."""

STIFFNESS_PER_BULK = 0.12
"""eV/Å^2 for each GPa."""

LARGEST_DILATION, LARGEST_STRAIN, LARGEST_MOVE = 0.25, 0.03, 0.12
"""Of a step: relative change of the volume, components of a strain of the shape, angstrom."""


def approach(
    structure: Geometry, label: Callable[[Geometry], dict[str, Any] | None], steps: int
) -> Iterator[tuple[Geometry, dict[str, Any], bool]]:
    """Yield the steps of a crystal on its way to rest, each with its labels and whether it is near.

    It ends with the first one that is near, after so many steps, or where there are no labels.

    Args:
        structure: a crystal, named.
        label: returns ``energy`` (eV), ``forces`` (eV/Å) and ``stress`` (eV/Å^3, shape ``(3, 3)``)
            of a structure, or None.
        steps: how many at most.
    """
    bulk = BULK
    before: tuple[float, float] | None = None
    fractional, cell = structure.fractional, structure.cell
    for number in range(steps):
        here = replace(
            structure, positions=fractional @ cell, cell=cell, name=f"{structure.name}@{number}"
        )
        labels = label(here)
        if labels is None:
            return
        forces = np.asarray(labels["forces"], dtype=np.float64)
        stress = np.asarray(labels["stress"], dtype=np.float64) * EV_PER_A3
        near = np.abs(forces).max() < NEAR_FORCE and np.abs(stress).max() < NEAR_STRESS
        yield here, labels, bool(near)
        if near:
            return
        tension = float(np.trace(stress)) / 3
        if before is not None and abs(before[1]) > 1e-4:
            seen = (tension - before[0]) / before[1]
            bulk = seen if BULKS[0] < seen < BULKS[1] else bulk
        cell, dilation = _next_cell(cell, stress, tension, bulk)
        moves = forces / max(STIFFNESS, STIFFNESS_PER_BULK * bulk)
        moves = np.clip(moves, -LARGEST_MOVE, LARGEST_MOVE)
        fractional = fractional + moves @ np.linalg.inv(here.cell)
        before = (tension, dilation)


def _next_cell(cell: Floats, stress: Floats, tension: float, bulk: float) -> tuple[Floats, float]:
    """Return the cell of the next step, and the logarithm of how its volume changes."""
    dilation = float(np.clip(-tension / bulk, -LARGEST_DILATION, LARGEST_DILATION))
    shape = -(stress - tension * np.eye(3)) / (SHEAR_SHARE * bulk)
    strain = dilation / 3 * np.eye(3) + np.clip(shape, -LARGEST_STRAIN, LARGEST_STRAIN)
    after = cell @ (np.eye(3) + strain)
    return after, float(np.log(abs(np.linalg.det(after)) / abs(np.linalg.det(cell))))
