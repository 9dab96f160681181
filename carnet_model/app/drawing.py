"""A structure as the page draws it: balls, sticks and the edges of the cell."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from natural_tensors.arrays import Floats, Integers, to_lists

from ..structures.geometry import Geometry

MOST_BALLS = 2_000
"""Atoms that are drawn: of more, the first."""

ON_THE_EDGE = 0.02
"""An atom within this share of a face of the cell is drawn on the opposite face too."""

BONDED = 1.15
"""Atoms nearer than this times the sum of their covalent radii are joined."""


def drawing(structure: Geometry) -> dict[str, Any]:
    """Return what is drawn of a structure, in angstrom and in its own axes.

    Keys: ``elements`` (symbols, each once, with ``colours`` and covalent ``radii`` beside them),
    ``kinds`` (place of each ball among them), ``balls`` (centres), ``sticks`` (pairs of balls),
    ``cell`` (rows, along which it repeats) and ``left_out``, the number of atoms not drawn.
    """
    from ase.data import chemical_symbols, covalent_radii
    from ase.data.colors import jmol_colors

    numbers, centres = _balls(structure)
    numbers, centres = numbers[:MOST_BALLS], centres[:MOST_BALLS]
    elements, kinds = np.unique(numbers, return_inverse=True)
    reach = covalent_radii[numbers]
    gaps = np.linalg.norm(centres[:, None] - centres, axis=-1)
    joined = np.triu(gaps < BONDED * (reach[:, None] + reach), k=1)
    repeating = [row for row, repeats in zip(structure.cell, structure.periodic, strict=True)
                 if repeats]  # fmt: skip
    return {
        "elements": [str(chemical_symbols[number]) for number in elements],
        "colours": ["#" + "".join(f"{round(255 * part):02x}" for part in jmol_colors[number])
                    for number in elements],
        "radii": [float(covalent_radii[number]) for number in elements],
        "kinds": [int(kind) for kind in kinds],
        "balls": to_lists(np.round(centres, 4)),
        "sticks": [[int(first), int(second)] for first, second in np.argwhere(joined)],
        "cell": [to_lists(np.round(row, 4)) for row in repeating],
        "left_out": max(len(structure) - MOST_BALLS, 0),
    }  # fmt: skip


def _balls(structure: Geometry) -> tuple[Integers, Floats]:
    """Return atomic numbers and centres: atoms inside the cell, those on its faces on all faces."""
    atoms = range(min(len(structure), MOST_BALLS))
    numbers, positions = structure.numbers[atoms], structure.positions[atoms]
    if not any(structure.periodic):
        return numbers, positions
    repeats = np.array(structure.periodic)
    cell = np.where(repeats[:, None], structure.cell, _beside(structure))
    shares = np.linalg.solve(cell.T, positions.T).T
    shares[:, repeats] -= np.floor(shares[:, repeats] + ON_THE_EDGE)
    kinds, places = [], []
    for shift in product(*((0, 1) if each else (0,) for each in structure.periodic)):
        inside = (shares + shift < 1 + ON_THE_EDGE).all(axis=1) | (not any(shift))
        kinds.append(numbers[inside])
        places.append((shares + shift)[inside] @ cell)
    return np.concatenate(kinds), np.concatenate(places)


def _beside(structure: Geometry) -> Floats:
    """Return lattice vectors in which those that do not repeat are made up, across the others."""
    repeating = structure.cell[np.array(structure.periodic)]
    across = np.linalg.svd(repeating, full_matrices=True)[2][len(repeating) :]
    made = np.zeros((3, 3))
    made[~np.array(structure.periodic)] = across
    return made
