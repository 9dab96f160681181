"""Pairs of atoms: order, images, vectors."""

from __future__ import annotations

import numpy as np

from carnet_model.structures.neighbours import neighbours

CELL = np.array([[3.1, 0.2, 0.0], [-0.4, 2.9, 0.3], [0.5, 0.1, 3.3]])
POSITIONS = np.array([[0.1, 0.2, 0.0], [7.3, -1.1, 1.0], [0.3, 2.1, 8.0]])  # out of the cell too


def test_vectors_reach_from_the_first_atom_to_the_image_of_the_second() -> None:
    pairs = neighbours(POSITIONS, CELL, (True, True, True), 5.0)
    expected = POSITIONS[pairs.second] + pairs.shifts @ CELL - POSITIONS[pairs.first]
    np.testing.assert_allclose(pairs.vectors, expected, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(pairs.distances, np.linalg.norm(pairs.vectors, axis=1))
    assert pairs.distances.max() < 5.0


def test_every_pair_is_there_from_both_ends() -> None:
    pairs = neighbours(POSITIONS, CELL, (True, True, True), 5.0)
    there = np.column_stack([pairs.first, pairs.second, pairs.shifts])
    back = np.column_stack([pairs.second, pairs.first, -pairs.shifts])
    assert set(map(tuple, there.tolist())) == set(map(tuple, back.tolist()))
    assert (pairs.first == pairs.second).any()  # images of an atom itself


def test_nothing_repeats_along_a_row_that_is_not_periodic() -> None:
    pairs = neighbours(POSITIONS, CELL, (True, False, True), 5.0)
    assert pairs.shifts[:, [0, 2]].any()
    assert not pairs.shifts[:, 1].any()
    alone = neighbours(POSITIONS[:1], np.zeros((3, 3)), (False, False, False), 5.0)
    assert alone.vectors.shape == alone.shifts.shape == (0, 3)
    assert len(alone.first) == 0
