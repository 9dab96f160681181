"""Structures to predict, and the distance of two predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms
from pymatgen.core import Lattice, Structure

from carnet_model.structures.geometry import Geometry
from natural_tensors.arrays import Floats

ONE_OF_EACH = ("mp-559", "mp-804", "mp-873", "mp-2700", "mp-7857", "mp-1399")


def cubic(symbol: str = "Cu", edge: float = 3.6) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(edge), [symbol], [[0, 0, 0]])


def gap(one: Any, other: Any) -> float:
    """Return the relative distance of two arrays."""
    return float(np.linalg.norm(np.subtract(one, other)) / np.linalg.norm(other))


def as_ase(crystal: Geometry) -> Atoms:
    return Atoms(crystal.numbers, crystal.positions, cell=crystal.cell, pbc=crystal.periodic)


def transformed(crystal: Geometry, matrix: Floats) -> Geometry:
    """Return a crystal with positions and lattice vectors multiplied by a matrix."""
    turn = matrix.T
    return replace(crystal, positions=crystal.positions @ turn, cell=crystal.cell @ turn)
