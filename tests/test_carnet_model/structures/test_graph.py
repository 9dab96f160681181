"""Graphs: which atoms are neighbours."""

from __future__ import annotations

import numpy as np

from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build


def test_a_cell_that_does_not_repeat_makes_no_neighbours() -> None:
    alone = Geometry(np.array([8]), np.zeros((1, 3)), np.eye(3) * 2.0, (False,) * 3)
    chain = Geometry(np.array([8]), np.zeros((1, 3)), np.eye(3) * 2.0, (True, False, False))
    assert build(alone, 3.5).edges == 0
    assert build(chain, 3.5).edges == 2
