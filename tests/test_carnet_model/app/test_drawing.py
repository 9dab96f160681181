"""What is drawn of a structure."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk, molecule

from carnet_model.app.drawing import MOST_BALLS, drawing
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry


def test_atoms_on_faces_stand_on_all_faces() -> None:
    drawn = drawing(geometry(bulk("Cu", cubic=True)))
    # eight corners and six faces of the cube
    assert len(drawn["balls"]) == 8 + 6
    assert drawn["elements"] == ["Cu"]
    assert np.linalg.norm(drawn["cell"], axis=1) == pytest.approx([3.61] * 3, abs=1e-4)
    assert drawn["left_out"] == 0


def test_sticks_join_neighbours_and_nothing_else() -> None:
    drawn = drawing(geometry(bulk("Si", cubic=True)))
    balls = np.array(drawn["balls"])
    lengths = {round(float(np.linalg.norm(balls[a] - balls[b])), 2) for a, b in drawn["sticks"]}
    assert lengths == {round(5.43 * 3**0.5 / 4, 2)}
    assert len(drawn["sticks"]) == 16  # four of each of the four atoms inside the cube


def test_a_molecule_has_no_cell_and_is_left_where_it_is() -> None:
    water = molecule("H2O")
    drawn = drawing(geometry(water))
    assert drawn["cell"] == []
    np.testing.assert_allclose(drawn["balls"], water.positions, atol=1e-4)
    assert drawn["elements"] == ["H", "O"]
    assert len(drawn["sticks"]) == 2


@pytest.mark.parametrize("repeating", [1, 2])
def test_wires_and_slabs_keep_their_atoms(repeating: int) -> None:
    periodic = tuple(n < repeating for n in range(3))
    cell = np.diag([3.0 if each else 0.0 for each in periodic])
    made = Geometry(
        np.array([29, 29]),
        np.array([[0.5, 0.5, 0.5], [1.5, 1.5, 2.5]]),
        cell,
        periodic,  # type: ignore[arg-type]
    )
    drawn = drawing(made)
    assert len(drawn["cell"]) == repeating
    assert len(drawn["balls"]) == 2
    gap = np.linalg.norm(np.subtract(*drawn["balls"]))
    assert gap == pytest.approx(np.linalg.norm([1, 1, 2]), abs=1e-3)


def test_of_many_atoms_the_first_are_drawn() -> None:
    many = geometry(bulk("Cu", cubic=True).repeat((9, 9, 9)))
    drawn = drawing(many)
    assert len(drawn["balls"]) == MOST_BALLS
    assert drawn["left_out"] == len(many) - MOST_BALLS
