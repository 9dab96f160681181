"""Frames to learn from: where they are drawn, and the supercells they are drawn in."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from carnet_model.data.frames import COPIED, COPIES, KINDS, RATIOS, apart, frame, supercell
from carnet_model.structures import graph
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry

MATRICES = ([[2, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [2, 3, 0], [0, 1, 2]])


def crystal(name: str = "MgO", structure: str = "rocksalt") -> Geometry:
    return replace(geometry(bulk(name, structure, a=4.2)), name=name)


@pytest.mark.parametrize("matrix", MATRICES)
def test_a_supercell_is_the_same_crystal(matrix: list[list[int]]) -> None:
    whole, copies = crystal(), round(np.linalg.det(matrix))
    larger = supercell(whole, np.array(matrix))
    assert len(larger) == copies * len(whole)
    assert larger.volume == pytest.approx(copies * (whole.volume or 0))
    assert larger.formula == whole.formula
    before, after = (graph.build(each, 4.5) for each in (whole, larger))
    assert len(after.senders) == copies * len(before.senders)


def test_a_frame_is_the_same_for_the_same_name_and_number() -> None:
    first, again, other = (frame(crystal(), number)[0] for number in (3, 3, 4))
    assert first.name == "MgO#3"
    assert np.array_equal(first.positions, again.positions)
    assert not np.array_equal(first.cell, other.cell)
    named = replace(crystal(), name="other")
    assert not np.array_equal(frame(named, 3)[0].cell, first.cell)


def test_kinds_and_supercells_have_their_shares() -> None:
    size = 600
    drawn = [frame(crystal(), number) for number in range(size)]
    counts = Counter(kind.name for _, kind in drawn)
    for kind in KINDS:  # three standard deviations of a binomial distribution
        assert abs(counts[kind.name] / size - kind.share) < 3 * (0.25 / size) ** 0.5
    larger = [len(whole) for whole, _ in drawn if len(whole) > 2]
    assert abs(len(larger) / size - COPIED) < 3 * (0.25 / size) ** 0.5
    assert {n // 2 for n in larger} == set(range(2, COPIES[2] + 1))


def test_frames_are_as_far_from_equilibrium_as_their_kind() -> None:
    volumes: dict[str, list[float]] = {}
    for number in range(600):
        moved, kind = frame(crystal(), number)
        share = (moved.volume or 0) / len(moved) / ((crystal().volume or 1) / 2)
        volumes.setdefault(kind.name, []).append(np.log(share))
    for kind in KINDS:
        # the trace of the strain: three components, and thrice the dilation
        expected = (3 * kind.strain**2 + 9 * kind.dilation**2) ** 0.5
        assert np.std(volumes[kind.name]) == pytest.approx(expected, rel=0.2)


def test_one_atom_is_strained_but_not_moved() -> None:
    copper = replace(geometry(bulk("Cu", "fcc", a=3.6)), name="Cu")
    alone = [
        moved for number in range(40) for moved, _ in [frame(copper, number)] if len(moved) < 2
    ]
    assert alone
    for moved in alone:
        np.testing.assert_allclose(moved.positions, 0, atol=1e-12)


def test_molecules_move_as_wholes() -> None:
    pair = Atoms("N2", [[0, 0, 0], [0, 0, 1.1]])
    both = Atoms(cell=[4, 4, 4], pbc=True)
    for place in ([0, 0, 3.6], [2, 2, 1.0]):  # the first is cut by the cell
        moved = pair.copy()
        moved.translate(place)
        both += moved
    both.wrap()
    crystal = replace(geometry(both), name="nitrogen")
    frames = [apart(crystal, number) for number in range(200)]
    ratios = []
    for found in frames:
        assert found is not None
        atoms = found.to_ase()
        lengths = [atoms.get_distance(a, a + 1, mic=True) for a in (0, 2)]
        np.testing.assert_allclose(lengths, 1.1, atol=0.3)  # four deviations of two atoms
        ratios.append((found.volume or 0) / (crystal.volume or 1))
    assert max(ratios) / min(ratios) > 2  # of 2.75 that are drawn from
    assert min(ratios) > 0.85 * RATIOS[0]
    assert max(ratios) < 1.15 * RATIOS[1]
    again, third, fourth = (apart(crystal, number) for number in (3, 3, 4))
    assert again is not None
    assert third is not None
    assert fourth is not None
    assert np.array_equal(again.positions, third.positions)
    assert not np.array_equal(again.cell, fourth.cell)
    assert apart(replace(geometry(bulk("Cu", "fcc", a=3.6)), name="Cu"), 0) is None
