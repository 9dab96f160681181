"""Graphs: which atoms are neighbours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase.build import bulk

from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build


def test_a_cell_that_does_not_repeat_makes_no_neighbours() -> None:
    alone = Geometry(np.array([8]), np.zeros((1, 3)), np.eye(3) * 2.0, (False,) * 3)
    chain = Geometry(np.array([8]), np.zeros((1, 3)), np.eye(3) * 2.0, (True, False, False))
    assert build(alone, 3.5).edges == 0
    assert build(chain, 3.5).edges == 2


def test_bonds_of_atoms_that_wandered_off_keep_their_digits() -> None:
    """What is far from the cell is taken from where its image is; vectors stay, to all digits."""
    crystal = geometry(bulk("GaAs", "zincblende", a=5.65))
    moved = replace(
        crystal, positions=crystal.positions + np.array([[0, 0, 0], [1000, -70, 3]]) @ crystal.cell
    )
    near, far = build(crystal, 5.0), build(moved, 5.0)
    assert np.abs(far.positions).max() < np.abs(crystal.cell).sum()
    order = [np.lexsort(np.round(graph.vectors(), 6).T) for graph in (near, far)]
    np.testing.assert_allclose(far.vectors()[order[1]], near.vectors()[order[0]], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(far.senders[order[1]], near.senders[order[0]])
    slightly = replace(crystal, positions=crystal.positions + 2 * crystal.cell[0])
    np.testing.assert_array_equal(build(slightly, 5.0).positions, slightly.positions)
