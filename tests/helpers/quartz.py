"""Quartz, random tensors, and structures rotated at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from carnet_model.structures.geometry import Geometry
from natural_tensors import reduction
from natural_tensors.arrays import Floats

QUARTZ = Structure.from_spacegroup(
    "P3_221", Lattice.hexagonal(4.913, 5.405), ["Si", "O"],
    [[0.4697, 0, 2 / 3], [0.4135, 0.2669, 0.7858]],
)  # fmt: skip


def rotated_at_random(structure: Geometry, seed: int = 0) -> tuple[Geometry, Floats]:
    """Return a structure in other axes, and the rotation to them, shape ``(3, 3)``."""
    turn = np.asarray(Rotation.random(rng=np.random.default_rng(seed)).as_matrix())
    positions, cell = structure.positions @ turn.T, structure.cell @ turn.T
    return replace(structure, positions=positions, cell=cell), turn


def random_tensor(name: str, seed: int = 0) -> Floats:
    """Return a full tensor of a class, of normal entries made symmetric."""
    tensor_class = reduction(name)
    entries = np.random.default_rng(seed).normal(size=(3,) * tensor_class.rank)
    return np.asarray(tensor_class.symmetrize(entries), dtype=np.float64)
