"""Signatures belong to the crystal, not to its description."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase.build import bulk
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
