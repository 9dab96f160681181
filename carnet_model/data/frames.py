"""Frames to learn forces from: crystals strained, compressed and shaken, each at random.

What is learnt of elasticity and phonons is learnt near equilibrium, what keeps dynamics whole far
from it; the force between equal atoms of a small cell is only seen in a larger one, and the force
between molecules where these move as wholes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from natural_tensors.arrays import Floats, Integers

from ..structures.bonding import molecules
from ..structures.geometry import Geometry


@dataclass(frozen=True)
class Kind:
    """How far frames of one kind are from equilibrium.

    Attributes:
        name: how it is called.
        share: of all frames.
        strain: standard deviation of the components of the strain.
        dilation: standard deviation of a further strain that is equal along all axes.
        displacements: standard deviations of the displacements of the atoms, one of them is taken,
            angstrom.
    """

    name: str
    share: float
    strain: float
    dilation: float
    displacements: tuple[float, ...]


KINDS = (
    Kind("near", 0.45, 0.01, 0.006, (0.0, 0.02, 0.04)),
    Kind("middle", 0.35, 0.02, 0.015, (0.05, 0.08, 0.12)),
    Kind("far", 0.20, 0.03, 0.03, (0.15, 0.20, 0.28)),
)
"""Near equilibrium, as warm crystals are, and far from it."""

COPIES = {1: 8, 2: 5, 3: 3}
"""Largest number of copies of a cell with so many atoms; of others there is one."""

COPIED = 0.6
"""Share of the frames of such cells that are supercells."""

APART = "apart"
"""Kind of the frames whose molecules are moved as wholes."""

RATIOS, IONIC_RATIOS = (0.8, 2.2), (0.8, 1.5)
"""Least and largest volume of such a frame relative to that of the crystal, even in the logarithm:
of molecules alone, and where single atoms are among them."""

APART_STRAIN, APART_DISPLACEMENTS = 0.03, (0.01, 0.05)
"""Standard deviations there, of a further strain, and of the atoms, one of them is taken, angstrom.
"""

TRIES = 4
"""Supercells of which the most compact one is taken."""


def frame(structure: Geometry, number: int) -> tuple[Geometry, Kind]:
    """Return a frame of a crystal, the same for the same name and number, and of which kind it is.

    Args:
        structure: a crystal near equilibrium.
        number: which of its frames.
    """
    dice = np.random.default_rng(zlib.crc32(f"{structure.name}#{number}".encode()))
    kind = KINDS[dice.choice(len(KINDS), p=[each.share for each in KINDS])]
    whole = structure
    most = COPIES.get(len(structure), 1)
    if most > 1 and dice.random() < COPIED:
        copies = int(dice.integers(2, most + 1))
        tried = [_superlattice(dice, copies) for _ in range(TRIES)]
        whole = supercell(structure, min(tried, key=lambda m: np.linalg.norm(m @ structure.cell)))
    strain = dice.normal(size=(3, 3)) * kind.strain
    deformation = np.eye(3) * (1 + dice.normal() * kind.dilation) + (strain + strain.T) / 2
    size = float(dice.choice(kind.displacements)) * dice.uniform(0.7, 1.3)
    shaken = size * dice.normal(size=(len(whole), 3)) if len(whole) > 1 else 0.0
    moved = replace(
        whole,
        positions=whole.positions @ deformation + shaken,
        cell=whole.cell @ deformation,
        name=f"{structure.name}#{number}",
    )
    return moved, kind


def apart(structure: Geometry, number: int) -> Geometry | None:
    """Return a crystal with its molecules moved apart or together, each as a whole.

    A potential that saw molecules only as crystals hold them knows little of what does hold them,
    and such crystals fall to pieces. Complex ions count as molecules.

    Args:
        structure: a crystal near equilibrium.
        number: which of its frames.

    Returns:
        A frame, the same for the same name and number; None where there are no molecules.
    """
    found = molecules(structure)
    if found is None:
        return None
    groups, whole = found
    name = f"{structure.name}~{APART}{number}"
    dice = np.random.default_rng(zlib.crc32(name.encode()))
    sizes = np.bincount(groups)
    ends = RATIOS if sizes.min() > 1 else IONIC_RATIOS
    strain = dice.normal(size=(3, 3)) * APART_STRAIN
    deformation = np.eye(3) + (strain + strain.T) / 2
    deformation *= np.exp(dice.uniform(*np.log(ends)) / 3)
    centres = np.stack([whole[groups == group].mean(axis=0) for group in range(len(sizes))])
    shaken = dice.normal(size=whole.shape) * dice.choice(APART_DISPLACEMENTS)
    return replace(
        structure,
        positions=whole + (centres @ deformation - centres)[groups] + shaken,
        cell=structure.cell @ deformation,
        name=name,
    )


def _superlattice(dice: Generator, copies: int) -> Integers:
    """Return a matrix of so many copies in Hermite's normal form, which is every superlattice."""
    divisors = [d for d in range(1, copies + 1) if copies % d == 0]
    first = int(dice.choice(divisors))
    second = int(dice.choice([d for d in divisors if copies // first % d == 0]))
    matrix = np.diag([first, second, copies // first // second])
    matrix[1, 0], matrix[2, 0] = dice.integers(first, size=2)
    matrix[2, 1] = dice.integers(second)
    return matrix


def supercell(structure: Geometry, matrix: Integers) -> Geometry:
    """Return a crystal in a larger cell.

    Args:
        structure: a crystal.
        matrix: of whole numbers: the new lattice vectors are its rows times the old ones.
    """
    copies = round(abs(np.linalg.det(matrix)))
    reach = int(np.abs(matrix).sum(axis=0).max())
    grid = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), -1)
    steps = grid.reshape(-1, 3)
    inside = steps @ np.linalg.inv(matrix)
    kept = steps[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)]
    assert len(kept) == copies
    shifts: Floats = kept @ structure.cell
    return replace(
        structure,
        numbers=np.tile(structure.numbers, copies),
        positions=(shifts[:, None] + structure.positions[None]).reshape(-1, 3),
        cell=matrix @ structure.cell,
    )
