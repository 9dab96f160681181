"""Structures: what they know of themselves, and what is refused and why."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import ArrayLike

from carnet_model.structures.geometry import (
    CLOSEST,
    Flags,
    Geometry,
    GeometryError,
    reduced_formula,
)
from natural_tensors import limits
from tests.helpers.structure_files import A

DIAMOND = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]


SILICON = [*DIAMOND, *[tuple(x + 0.25 for x in place) for place in DIAMOND]]


def silicon(**changes: object) -> Geometry:
    fields = {
        "numbers": [14] * 8,
        "positions": A * np.array(SILICON),
        "cell": A * np.eye(3),
        "periodic": (True, True, True),
        "name": "Si",
    }
    return Geometry(**{**fields, **changes})  # type: ignore[arg-type]


def structure(
    numbers: ArrayLike, positions: ArrayLike, cell: ArrayLike, periodic: Flags
) -> Geometry:
    return Geometry(np.array(numbers), np.array(positions), np.array(cell), periodic)


def test_a_crystal_knows_itself() -> None:
    crystal = silicon()
    assert crystal.volume == pytest.approx(A**3)
    assert crystal.formula == "Si"
    assert np.allclose(crystal.fractional, SILICON)
    assert repr(crystal) == "Geometry(Si: Si, 8 atoms, periodic abc)"
    assert crystal.numbers.dtype == np.int64
    assert crystal.positions.dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers": [], "positions": np.zeros((0, 3))}, "has no atoms"),
        ({"numbers": [14]}, "1 atoms need (1, 3)"),
        ({"positions": np.zeros((8, 2))}, "(8, 2)"),
        ({"positions": np.full((8, 3), np.nan)}, "entry (0, 0) is nan"),
        ({"cell": np.full((3, 3), np.inf)}, "entry (0, 0) is inf"),
        ({"cell": np.eye(2)}, "(2, 2)"),
        ({"numbers": [0] * 8}, "atomic number 0 is none of 1 .. 118"),
        ({"numbers": [119] * 8}, "atomic number 119"),
        ({"numbers": [1.5] * 8}, "atomic number 1.5"),
        ({"numbers": ["Si"] * 8}, "no table of numbers"),
        ({"cell": np.zeros((3, 3))}, "lattice vector 1, whose length is 0"),
        ({"cell": np.ones((3, 3)) * 4 + np.diag([1, 0, 0])}, "lie in one plane"),
        ({"positions": np.zeros((8, 3))}, f"nearer than {CLOSEST} Å"),
        ({"periodic": (True, True)}, "periodic is (True, True)"),
        ({"periodic": "abc"}, "periodic is abc"),
        ({"periodic": 2}, "one of them for each lattice vector"),
        ({"periodic": ((True,), (True, False), False)}, "periodic is"),
    ],
)
def test_what_cannot_exist_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(GeometryError, match=r"^Si: ") as caught:
        silicon(**changes)
    assert words in str(caught.value)
    assert "\n" in str(caught.value)  # the remedy
    assert caught.value.name == "Si"


def test_an_atom_and_its_own_image_may_not_overlap() -> None:
    with pytest.raises(GeometryError, match=r"whose length is 0.2"):
        structure([1], np.zeros((1, 3)), np.diag([4, 4, 0.2]), (True, True, True))
    # a short vector made of two long ones
    cell = [[4.0, 0.0, 0.0], [4.0, 0.2, 0.0], [0.0, 0.0, 4.0]]
    with pytest.raises(GeometryError, match=r"atoms 0 and 0 \(cell shift"):
        structure([1], np.zeros((1, 3)), cell, (True, True, True))


def test_one_atom_and_left_handed_cells_are_crystals() -> None:
    right = structure([84], np.zeros((1, 3)), 3.3 * np.eye(3), (True, True, True))
    left = structure([84], np.zeros((1, 3)), -3.3 * np.eye(3), (True, True, True))
    assert left.volume == pytest.approx(right.volume)
    assert len(left.neighbours(3.4)[0]) == len(right.neighbours(3.4)[0]) == 6


@pytest.mark.parametrize("hand", [1, -1])
@pytest.mark.parametrize("periodic", list(itertools.product([True, False], repeat=3)))
def test_neighbours_are_those_counted_by_hand(hand: int, periodic: Flags) -> None:
    generator = np.random.default_rng(5)
    cell = 4 * np.eye(3) + generator.uniform(-1, 1, (3, 3))
    cell[0] *= hand
    places = generator.uniform(0, 4, (4, 3))
    crystal = structure([1, 6, 7, 8], places, cell, periodic)
    cutoff = 5.0
    wanted = 0
    ranges = [range(-4, 5) if flag else range(1) for flag in periodic]
    for shift in itertools.product(*ranges):
        gap = places[None] + np.array(shift) @ cell - places[:, None]
        lengths = np.linalg.norm(gap, axis=2)
        wanted += int(((lengths < cutoff) & (lengths > 1e-9)).sum())
    i, j, shifts, lengths = crystal.neighbours(cutoff)
    assert len(i) == wanted
    gap = crystal.positions[j] - crystal.positions[i] + shifts @ crystal.full_cell
    assert np.allclose(np.linalg.norm(gap, axis=1), lengths)


def test_one_search_serves_all_that_look_less_far() -> None:
    generator = np.random.default_rng(6)
    crystal = structure(
        [1, 6, 7], generator.uniform(0, 4, (3, 3)), 4 * np.eye(3), (True, True, False)
    )

    def found(cutoff: float) -> list[tuple[float, ...]]:
        first, second, shifts, distances = crystal.neighbours(cutoff)
        rows = np.column_stack([first, second, shifts, distances.round(9)])
        return sorted(map(tuple, rows.tolist()))

    alone = {cutoff: found(cutoff) for cutoff in (1.0, 3.3, 6.0, 7.5)}
    with crystal.searched(6.0):
        assert {cutoff: found(cutoff) for cutoff in alone} == alone  # farther is searched for
        with limits.changed(bonds=5), pytest.raises(GeometryError, match=r"bonds within 3\.3"):
            crystal.neighbours(3.3, most="bonds")
    with limits.changed(pairs=len(alone[3.3])), crystal.searched(6.0):
        assert found(3.3) == alone[3.3]
        with pytest.raises(GeometryError, match="bonds within 6"):
            crystal.neighbours(6.0)


def test_rows_that_do_not_repeat_may_be_zero() -> None:
    nothing = [0.0, 0.0, 0.0]
    cell = [[2.46, 0.0, 0.0], [-1.23, 2.13, 0.0], nothing]
    slab = structure([6, 6], [nothing, [1.42, 0.0, 0.0]], cell, (True, True, False))
    assert slab.volume is None
    assert np.allclose(np.abs(slab.full_cell[2]), [0, 0, 1])
    assert np.allclose(slab.fractional @ slab.full_cell, slab.positions)
    cell = [nothing, [1.3, 1.3, 0.0], nothing]
    wire = structure([6], [nothing], cell, (False, True, False))
    assert len(wire.neighbours(2.0)[0]) == 2


def test_formulas_are_pymatgen_s() -> None:
    assert reduced_formula("Si2O4") == "SiO2"
    assert reduced_formula("NeHe") in ("HeNe", "NeHe")  # without a warning
    with pytest.raises(GeometryError, match="no chemical formula"):
        reduced_formula("what?")
