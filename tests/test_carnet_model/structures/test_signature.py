"""Signatures belong to the crystal, not to its description."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase.build import bulk, molecule
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.signature import distance, signature
from tests.helpers.copper import (
    COPPER,
)


@pytest.mark.parametrize("crystal", [COPPER, bulk("NaCl", "rocksalt", a=5.64),
                                     bulk("ZnO", "wurtzite", a=3.25, c=5.2)])  # fmt: skip
def test_a_signature_is_that_of_the_crystal_not_of_its_description(crystal: Any) -> None:
    ours = geometry(crystal)
    first = signature(ours)
    assert first.shape == (16,)
    generator = np.random.default_rng(1)
    for matrix in ([[1, 1, 0], [0, 1, 0], [0, 0, 1]], [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]):
        structure = Structure(Lattice(ours.cell), ours.numbers, ours.fractional)
        structure.make_supercell(matrix)
        turn = Rotation.random(rng=generator).as_matrix()
        order = generator.permutation(len(structure))
        other = Geometry(
            np.array([site.specie.Z for site in structure])[order],
            structure.cart_coords[order] @ turn.T + 0.3,
            structure.lattice.matrix @ turn.T,
            (True, True, True),
        )
        assert distance(first, signature(other)) < 1e-6


def by_definition(crystal: Geometry) -> list[float]:
    """Return a signature from pairs counted one by one, its constants written out again."""
    atoms = len(crystal)
    volume = abs(np.linalg.det(crystal.cell)) / atoms if any(crystal.periodic) else 20.0
    scale = float(volume ** (1 / 3))
    numbers = crystal.numbers.astype(float)
    spread = numbers.std() or 1.0
    charges = (numbers - numbers.mean()) / spread
    counts = np.zeros((3, 5))
    for first in range(atoms):
        for second in range(atoms):
            for image in np.ndindex(9, 9, 9):
                shift = (np.array(image) - 4) @ crystal.cell
                if not any(crystal.periodic) and image != (4, 4, 4):
                    continue
                gap = crystal.positions[second] + shift - crystal.positions[first]
                length = float(np.linalg.norm(gap))
                if not 0 < length <= 2.9 * scale:
                    continue
                weights = (
                    1.0, float(numbers[first] == numbers[second]), charges[first] * charges[second],
                )  # fmt: skip
                for shell, centre in enumerate((0.8, 1.15, 1.5, 1.85, 2.2)):
                    peak = np.exp(-(((length / scale - centre) / 0.175) ** 2) / 2)
                    even = 4 * np.pi * centre**2 * 0.175 * np.sqrt(2 * np.pi)
                    counts[:, shell] += np.array(weights) * peak / even / atoms
    return [float(np.log(volume)), *counts.ravel().tolist()]


@pytest.mark.parametrize(
    "crystal",
    [bulk("NaCl", "rocksalt", a=5.64), bulk("Cu"), molecule("H2O")],
    ids=["salt", "copper", "water"],
)
def test_a_signature_counts_the_pairs_about_five_distances(crystal: Any) -> None:
    ours = geometry(crystal)
    np.testing.assert_allclose(signature(ours), by_definition(ours), rtol=1e-9, atol=1e-12)


def test_distances_weigh_the_volume_by_a_quarter() -> None:
    first, second = np.zeros(16), np.zeros((2, 16))
    second[0, 0], second[1, 1:] = 0.4, 0.3
    np.testing.assert_allclose(distance(first, second), [0.1, 0.3])
    second[0, 1:4] = 0.5, -0.5, 1.0
    expected = np.hypot(0.1, np.sqrt(1.5 / 15))
    np.testing.assert_allclose(distance(first, second[0]), expected)
