"""Frames: what no description of a lattice can change, and where the axes of a group point."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from carnet_model import Geometry, read_geometries
from carnet_model.structures.symmetry import canonical, frame_of, point_group_rotations
from natural_tensors import Frame, PointGroupError, Surd, examples, form, reduction
from natural_tensors import point_group as named_group
from natural_tensors.crystals.fitting import distance_to_group
from natural_tensors.crystals.frames import identify, matrices, standard_frames
from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC
from natural_tensors.exact.floats import surd_to_float
from tests.helpers.paths import STRUCTURES

Floats = NDArray[np.float64]
ELASTIC = reduction("elastic")


def quartz() -> Geometry:
    (found,) = read_geometries(STRUCTURES / "quartz.cif")
    assert isinstance(found, Geometry)
    return found


def wurtzite() -> Geometry:
    """Return ZnO, P6_3mc (E. H. Kisi and M. M. Elcombe 1989, Acta Cryst. C45, 1867)."""
    a, c, u = 3.2501, 5.2071, 0.3817
    cell = np.array([[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, c]])
    places = np.array([[1, 2, 0], [2, 1, 1.5], [1, 2, 3 * u], [2, 1, 3 * u + 1.5]]) / 3
    return Geometry(np.array([30, 30, 8, 8]), places @ cell, cell, (True, True, True), "ZnO")


def zincblende() -> Geometry:
    """Return GaAs, F-43m."""
    cell = 5.6533 / 2 * (np.ones((3, 3)) - np.eye(3))
    return Geometry(
        np.array([31, 33]), np.array([[0] * 3, [0.25] * 3]) @ cell, cell, (True,) * 3, "GaAs"
    )


def dejong() -> list[Geometry]:
    entries = examples.entries("dejong2015")
    return [
        Geometry(
            entry["numbers"], np.array(entry["frac"]) @ np.array(entry["lattice"]),
            np.array(entry["lattice"]), (True,) * 3, entry["id"],
        )
        for entry in entries
    ]  # fmt: skip


def described_anew(
    thing: Geometry, seed: int, *, mirrored: bool = False
) -> tuple[Geometry, Floats]:
    """Return a crystal in another cell, origin, order of atoms and axes, and the turn."""
    random = np.random.default_rng(seed)
    while True:
        change = random.integers(-1, 2, (3, 3))
        volume = abs(round(float(np.linalg.det(change))))
        if volume in (1, 2):
            break
    turn = Rotation.random(random_state=seed).as_matrix() * (-1 if mirrored else 1)
    cell = change @ thing.cell
    # atoms of the new cell: all images whose new coordinates lie inside
    shifts = np.array(list(product(range(-3, 4), repeat=3)))
    images = (thing.positions[:, None] + shifts @ thing.cell).reshape(-1, 3)
    numbers = np.repeat(thing.numbers, len(shifts))
    inside = np.linalg.solve(cell.T, images.T).T + 1e-7
    kept = ((inside >= 0) & (inside < 1)).all(axis=1)
    assert kept.sum() == volume * len(thing)
    order = random.permutation(int(kept.sum()))
    positions = (images[kept] + random.normal(size=3))[order] @ turn.T
    return Geometry(numbers[kept][order], positions, cell @ turn.T, (True,) * 3), turn


def some_tensor(thing: Geometry, name: str) -> Floats:
    """Return a tensor that the crystal may have, in its own axes."""
    target = reduction(name)
    components = np.random.default_rng(3).normal(size=target.dimension)
    tensor = target.convert(components, source="components", target="full")
    group = point_group_rotations(thing)
    rotated = np.array([target.rotate(tensor, turn) for turn in group])
    return np.asarray(rotated.mean(axis=0), dtype=np.float64)


# --- the test of quartz ------------------------------------------------------------------------


def test_reversing_two_lattice_vectors_of_quartz_keeps_the_sign_of_c14() -> None:
    crystal = quartz()
    turned_cell = np.diag([-1.0, -1.0, 1.0]) @ crystal.cell
    other = Geometry(crystal.numbers, crystal.positions, turned_cell, (True,) * 3)
    tensor = some_tensor(crystal, "elastic")
    values = []
    for thing in (crystal, other):
        group, frame = canonical(thing)
        assert group.symbol == "32"
        assert frame.decided
        voigt = ELASTIC.convert(ELASTIC.rotate(tensor, frame.rotation), target="voigt")
        values.append(voigt[0, 3])
    assert abs(values[0]) > 0.01
    assert values[0] == pytest.approx(values[1], rel=1e-9)


CRYSTALS: dict[str, Any] = {"quartz": quartz, "wurtzite": wurtzite, "zincblende": zincblende}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", CRYSTALS)
def test_no_description_changes_the_tensors(name: str, seed: int, mirrored: bool) -> None:
    crystal = CRYSTALS[name]()
    other, turn = described_anew(crystal, seed, mirrored=mirrored)
    (group, frame), (again, anew) = canonical(crystal), canonical(other)
    assert again == group
    assert frame.decided
    assert anew.decided
    for kind in ("elastic", "dielectric", "photoelastic", "piezoelectric", "third-order-elastic"):
        target = reduction(kind)
        tensor = some_tensor(crystal, kind)
        here = target.rotate(tensor, frame.rotation)
        there = target.rotate(target.rotate(tensor, turn), anew.rotation)
        chiral = mirrored and name == "quartz"  # the mirror image is another crystal
        sign = -1 if chiral and target.parity < 0 else 1
        assert np.allclose(there, sign * here, atol=1e-5 * np.abs(here).max()), kind


@pytest.mark.parametrize("thing", dejong(), ids=lambda thing: thing.name)
def test_no_description_changes_the_tensors_of_real_crystals(thing: Geometry) -> None:
    (example,) = [examples.load(thing.name)]
    tensor = ELASTIC.convert(example.values, source="voigt", target="full")
    group, frame = canonical(thing)
    here = ELASTIC.rotate(tensor, frame.rotation)
    # labels are averages over the group that pymatgen finds with the tolerance of the source
    assert distance_to_group("elastic", here, group) < 1e-3
    size = np.linalg.norm(tensor)
    for seed in range(2):
        other, turn = described_anew(thing, seed, mirrored=bool(seed))
        again, anew = canonical(other)
        assert again == group
        there = ELASTIC.rotate(ELASTIC.rotate(tensor, turn), anew.rotation)
        assert np.linalg.norm(there - here) < 1e-3 * size


# --- axes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("thing", [*dejong(), quartz(), wurtzite()], ids=lambda thing: thing.name)
def test_the_axes_are_those_of_the_standard(thing: Geometry) -> None:
    group, frame = canonical(thing)
    operations = frame.rotation @ point_group_rotations(thing) @ frame.rotation.T
    gaps = np.abs(operations[:, None] - matrices(group)[None]).max(axis=(-2, -1))
    assert gaps.min(axis=1).max() < 0.02
    assert np.linalg.det(frame.rotation) == pytest.approx(1)
    assert frame.lattice is not None
    assert np.allclose(frame.lattice, thing.cell @ frame.rotation.T)
    if group.system == "orthorhombic" and group.symbol == "mmm":
        vectors = np.array(list(product(range(-3, 4), repeat=3))) @ frame.lattice
        lengths = np.linalg.norm(vectors, axis=1)
        along = [
            lengths[(lengths > 0) & (np.abs(vectors[:, i]) > (1 - 1e-6) * lengths)].min()
            for i in range(3)
        ]
        assert along[2] <= along[0] <= along[1]  # IEEE 176: c < a < b


def test_words_say_what_the_axes_are() -> None:
    _, frame = canonical(quartz())
    assert frame.axes[2] == "3-fold axis, [0 0 1]"
    assert frame.axes[0].startswith("2-fold axis, [")
    _, frame = canonical(wurtzite())
    assert "6-fold axis" in frame.axes[2]
    assert "normal of a mirror" in frame.axes[0]
    assert "z: 6-fold axis" in str(frame)


def test_enantiomorphs_have_the_same_even_tensors_but_a_rotated_wurtzite_is_itself() -> None:
    crystal = wurtzite()
    flipped = Geometry(crystal.numbers, -crystal.positions, -crystal.cell, (True,) * 3)
    (_, here), (_, there) = canonical(crystal), canonical(flipped)
    polar = np.array([0.0, 0.0, 1.0])  # from Zn to O along c
    assert np.allclose(here.rotation @ polar, there.rotation @ -polar, atol=1e-6)


def test_frames_by_name() -> None:
    crystal = quartz()
    own = frame_of(crystal, "structure")
    assert np.array_equal(own.rotation, np.eye(3))
    assert own.lattice is not None
    assert np.array_equal(own.lattice, crystal.cell)
    ieee = frame_of(crystal, "ieee")
    rotated = ELASTIC.rotate(some_tensor(crystal, "elastic"), ieee.rotation)
    assert distance_to_group("elastic", rotated, "32") < 1e-6
    with pytest.raises(ValueError, match="frame 'sample' is not one of 'structure', 'canonical'"):
        frame_of(crystal, "sample")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not a rotation"):
        Frame("given", np.ones((3, 3)))


# --- groups from numbers ------------------------------------------------------------------------


@pytest.mark.parametrize("name", CRYSTALLOGRAPHIC)
def test_groups_are_identified_in_any_axes(name: str) -> None:
    turn = Rotation.random(random_state=1).as_matrix()
    operations = turn @ matrices(named_group(name)) @ turn.T
    assert identify(operations).symbol == name


@pytest.mark.parametrize("name", CRYSTALLOGRAPHIC)
def test_every_group_finds_its_standard_axes_again(name: str) -> None:
    group = named_group(name)
    turn = Rotation.random(random_state=2).as_matrix()
    lattice = {
        "triclinic": np.array([[3, 0, 0], [1, 4, 0], [0.5, 1, 5]]),
        "monoclinic": np.array([[5, 0, 1], [0, 6, 0], [0, 0, 3.0]]),
        "orthorhombic": np.diag([4.0, 5.0, 3.0]),
        "tetragonal": np.diag([4.0, 4.0, 5.0]),
        "trigonal": np.array([[4, 0, 0], [-2, 12**0.5, 0], [0, 0, 5]]),
        "hexagonal": np.array([[4, 0, 0], [-2, 12**0.5, 0], [0, 0, 5]]),
        "cubic": 4 * np.eye(3),
    }[group.system]
    found, frames = standard_frames(turn @ matrices(group) @ turn.T, lattice @ turn.T)
    assert found == group
    target = reduction("third-order-elastic")
    numbers = np.random.default_rng(4).normal(size=form(target, group).independent)
    rows = np.array([[surd_to_float(Surd() + n) for n in row] for row in form(target, group).table])
    tensor = target.convert(rows @ numbers, source="components", target="full")
    for frame in frames:
        assert (
            distance_to_group(target, target.rotate(target.rotate(tensor, turn), frame), group)
            < 1e-9
        )


def test_operations_that_are_no_group() -> None:
    with pytest.raises(PointGroupError, match=r"3 operations .* are none of the 32"):
        identify(matrices(named_group("222"))[:3])
    with pytest.raises(
        PointGroupError, match=r"operations of 6 do not fit the lattice: .* primitive"
    ):
        standard_frames(matrices(named_group("6")), np.diag([4.0, 4.0, 5.0]))
