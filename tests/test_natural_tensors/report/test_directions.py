"""Directions named by the lattice."""

from __future__ import annotations

import numpy as np
import pytest

from natural_tensors.arrays import Floats
from natural_tensors.crystals.equivalents import Symmetry, family
from natural_tensors.crystals.frames import matrices
from natural_tensors.crystals.point_groups import point_group
from natural_tensors.report.directions import nearest, symbol, vector, where
from tests.helpers.example_crystals import (
    QUARTZ_CELL,
)


@pytest.mark.parametrize(
    ("uvw", "found"),
    [
        ((1, 0, 0), (1, 0, 0)), ((-1, 0, 0), (1, 0, 0)), ((2, 2, 0), (1, 1, 0)),
        ((1, -1, 2), (1, -1, 2)), ((0, 3, 4), (0, 3, 4)),
    ],
)  # fmt: skip
def test_lattice_directions_are_named(
    uvw: tuple[int, int, int], found: tuple[int, int, int]
) -> None:
    indices, degrees = nearest(np.array(uvw) @ QUARTZ_CELL, QUARTZ_CELL)
    assert indices == found
    assert degrees < 1e-6


def test_a_direction_between_lattice_directions_says_how_far_it_is_off() -> None:
    turn = np.radians(2.0)
    text = symbol(np.array([np.cos(turn), np.sin(turn), 0]), np.eye(3))
    assert text.replace("\u00a0", " ") == "[1 0 0] (2.0° off)"
    text = symbol(np.array([1.0, -1.0, 0]), np.eye(3), family=True)
    assert text.replace("\u00a0", " ") == '⟨1 <span class="bar">1</span> 0⟩'


def test_a_vector_has_no_signed_zero_and_does_not_break() -> None:
    assert vector(np.array([1, -0.5, 1e-12])) == "1.000,\u00a0−0.500,\u00a00"
    assert vector(np.array([-4e-4, -0.0, -1.0])) == "0,\u00a00,\u00a0−1.000"


def test_a_family_is_shown_by_its_simplest_lattice_direction() -> None:
    """Whatever axis of a cubic crystal is called a, the family of its axes is that of [1 0 0]."""
    lattice = 5.43 * np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    symmetry = Symmetry(matrices(point_group("m-3m")), np.eye(3))

    def value(n: Floats, _: Floats) -> Floats:
        return np.asarray((n**4).sum(axis=-1), dtype=np.float64)

    for start, name in (((1, 0, 0), "1 0 0"), ((1, -1, 0), "1 1 0"), ((1, 1, -1), "1 1 1")):
        found = family(value, np.array(start) / np.linalg.norm(start), None, symmetry)
        along, _, count = where(found, lattice, across=False)
        assert f"⟨{name}⟩" in along.replace("\u00a0", " ")
        assert count == f"{found.count} directions"
    pull = family(value, np.array([1.0, 0, 0]), None, symmetry)
    assert where(pull, lattice, across=False)[0].startswith("0,\u00a00,\u00a01.000")
