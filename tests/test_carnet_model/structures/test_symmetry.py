"""Point groups and primitive cells, each found once."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import spglib
from ase.build import bulk, molecule

from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.symmetry import (
    CrystalSymmetry,
    canonical,
    frame_of,
    point_group_rotations,
    primitive,
    symmetry_of,
)
from carnet_model.structures.tensors import crystal_tensor
from tests.helpers.quartz import QUARTZ, rotated_at_random


@pytest.mark.parametrize(
    ("crystal", "order", "proper"),
    [
        (geometry(bulk("Cu")), 48, 24),
        (geometry(bulk("Cu", cubic=True)), 48, 24),
        (geometry(bulk("GaAs", "zincblende", a=5.65)), 24, 12),
        (geometry(bulk("ZnO", "wurtzite", a=3.25, c=5.2)), 12, 6),
        (geometry(QUARTZ), 6, 6),
    ],
)
def test_groups_are_those_of_the_crystal_in_its_own_frame(
    crystal: Geometry, order: int, proper: int
) -> None:
    for structure in (crystal, rotated_at_random(crystal)[0]):
        group = point_group_rotations(structure)
        assert group.shape == (order, 3, 3)
        assert np.allclose(group @ group.swapaxes(1, 2), np.eye(3))
        assert (np.linalg.det(group) > 0).sum() == proper
        # closed: every product is in the group
        products = (group[:, None] @ group[None]).reshape(-1, 1, 3, 3)
        assert (np.abs(products - group).max(axis=(2, 3)).min(axis=1) < 1e-6).all()


LAST_GROUPS = {
    "triclinic": 2, "monoclinic": 15, "orthorhombic": 74, "tetragonal": 142, "trigonal": 167,
    "hexagonal": 194, "cubic": 230,
}  # fmt: skip
"""Of the International Tables, volume A."""


def test_systems_of_the_space_groups() -> None:
    crystal, first = geometry(bulk("Cu")), 1
    for system, last in LAST_GROUPS.items():
        for number in (first, last):
            found = CrystalSymmetry(crystal)
            found.__dict__["dataset"] = SimpleNamespace(number=number)  # as spglib would say
            assert (found.number, found.system) == (number, system)
        first = last + 1
    assert symmetry_of(crystal).system == "cubic"


@pytest.mark.parametrize(("displacement", "order"), [(0.0, 4), (0.01, 4), (0.15, 2)])
def test_atoms_of_a_molecule_are_equivalent_within_a_twentieth_of_an_angstrom(
    displacement: float, order: int
) -> None:
    """Water has the group mm2; with one bond longer, a plane is what remains."""
    water = molecule("H2O")
    oxygen, hydrogen = water.positions[:2]
    bond = (hydrogen - oxygen) / np.linalg.norm(hydrogen - oxygen)
    water.positions[1] += displacement * bond
    group = point_group_rotations(geometry(water))
    assert len(group) == order
    products = (group[:, None] @ group[None]).reshape(-1, 1, 3, 3)
    assert (np.abs(products - group).max(axis=(2, 3)).min(axis=1) < 1e-9).all()


@pytest.mark.parametrize(
    ("name", "order"), [("CH4", 24), ("NH3", 6), ("C6H6", 24), ("C2H4", 8), ("H2O2", 2)]
)
@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_groups_of_molecules_that_are_a_little_out_of_place(
    name: str, order: int, noise: float
) -> None:
    """Relaxed to some digits only: the group is whole, and closed to rounding."""
    atoms = molecule(name)
    atoms.positions += np.random.default_rng(3).normal(scale=noise, size=(len(atoms), 3))
    group = point_group_rotations(geometry(atoms))
    assert len(group) == order
    products = (group[:, None] @ group[None]).reshape(-1, 1, 3, 3)
    assert (np.abs(products - group).max(axis=(2, 3)).min(axis=1) < 1e-9).all()
    centred = atoms.positions - atoms.positions.mean(axis=0)
    for rotation in group:
        gaps = np.linalg.norm((centred @ rotation.T)[:, None] - centred, axis=-1)
        assert gaps.min(axis=1).max() < 8 * noise + 2e-3  # the catalogue has three digits


@pytest.mark.parametrize("bend", [0.0, 0.04])
def test_a_molecule_that_is_all_but_linear_has_no_finite_group(bend: float) -> None:
    carbon = molecule("CO2")
    carbon.positions[0, 0] += bend
    with pytest.raises(GeometryError, match="atom or a linear molecule"):
        point_group_rotations(geometry(carbon))
    carbon.positions[0, 0] += 0.4
    assert len(point_group_rotations(geometry(carbon))) == 4


def test_a_left_handed_cell_has_the_same_group() -> None:
    crystal = geometry(QUARTZ)
    left = Geometry(
        crystal.numbers, crystal.positions, crystal.cell[[1, 0, 2]], crystal.periodic, "left"
    )
    assert np.linalg.det(left.cell) < 0
    ours, theirs = point_group_rotations(crystal), point_group_rotations(left)
    gaps = np.abs(ours[:, None] - theirs[None]).max(axis=(2, 3))
    assert (gaps.min(axis=1) < 1e-9).all()
    assert symmetry_of(left).number == symmetry_of(crystal).number == 154


@pytest.mark.parametrize(("name", "order"), [("CH4", 24), ("H2O", 4), ("NH3", 6), ("C6H6", 24)])
def test_molecules_have_groups_too(name: str, order: int) -> None:
    assert len(point_group_rotations(geometry(molecule(name)))) == order


def test_a_primitive_cell_that_spglib_does_not_find(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spglib, "standardize_cell", lambda *cell, **options: None)
    with pytest.raises(GeometryError, match="finds no primitive cell within"):
        _ = symmetry_of(geometry(bulk("Cu"))).primitive


def test_infinite_groups_and_slabs_are_refused() -> None:
    for name in ("CO2", "H2", "O"):
        with pytest.raises(GeometryError, match="infinite"):
            point_group_rotations(geometry(molecule(name)))
    slab = geometry(bulk("Cu"))
    with pytest.raises(GeometryError, match="repeats along 2 directions"):
        point_group_rotations(
            Geometry(slab.numbers, slab.positions, slab.cell, (True, True, False))
        )


def test_the_primitive_cell_keeps_the_frame() -> None:
    crystal, _ = rotated_at_random(geometry(bulk("Cu", cubic=True)))
    small = primitive(crystal)
    assert len(small) == 1
    assert crystal.volume is not None
    assert small.volume == pytest.approx(crystal.volume / 4)
    steps = small.cell @ np.linalg.inv(crystal.cell)
    assert np.allclose(steps * 2, np.round(steps * 2))


@pytest.mark.parametrize(
    ("crystal", "datasets", "primitive_cells"),
    [
        (geometry(bulk("Cu"), name="primitive"), 1, 0),
        (geometry(bulk("Cu", cubic=True), name="conventional"), 2, 1),
    ],
    ids=lambda case: case.name if isinstance(case, Geometry) else str(case),
)
def test_spglib_is_asked_once_for_a_cell(
    crystal: Geometry, datasets: int, primitive_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()

    def count(name: str) -> None:
        function = getattr(spglib, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            calls[name] += 1
            return function(*arguments, **options)

        monkeypatch.setattr(spglib, name, counted)

    count("get_symmetry_dataset")
    count("standardize_cell")
    for _ in range(2):
        point_group_rotations(crystal)
        canonical(crystal)
        frame_of(crystal, "canonical")
        crystal_tensor(crystal, "elastic", np.zeros((3,) * 4))
        assert symmetry_of(crystal).system == "cubic"
    # a cell that is not primitive may hide operations: its primitive cell is asked besides
    assert calls["get_symmetry_dataset"] == datasets
    assert calls["standardize_cell"] == primitive_cells


def test_rotations_handed_out_are_copies() -> None:
    copper = geometry(bulk("Cu"))
    point_group_rotations(copper)[:] = 0
    assert np.allclose(np.abs(np.linalg.det(point_group_rotations(copper))), 1)


def test_what_stands_along_an_axis_is_in_the_lattice_that_the_frame_states() -> None:
    """Indices refer to the cell that was given, not to the primitive one that decides the frame."""
    for crystal in (geometry(bulk("Cu", cubic=True)), geometry(bulk("Cu")), geometry(QUARTZ)):
        frame = frame_of(crystal, "canonical")
        assert frame.lattice is not None
        for axis, words in zip(np.eye(3), frame.axes, strict=True):
            if "[" in words:
                indices = [int(text) for text in words.partition("[")[2].rstrip("]").split()]
                along = np.array(indices) @ frame.lattice
                np.testing.assert_allclose(along / np.linalg.norm(along), axis, atol=1e-6)
    cube = frame_of(geometry(bulk("Cu", cubic=True)), "canonical")
    assert all(sum(map(abs, map(int, w[w.index("[") + 1 : -1].split()))) == 1 for w in cube.axes)
