"""Projection on point groups and distances to symmetry classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from natural_tensors import examples, form, from_voigt, point_group, reduction
from natural_tensors.crystals.fitting import (
    best_class,
    best_setting,
    class_fits,
    distance_to_group,
    invariants,
    project,
    symmetry_classes,
)
from natural_tensors.crystals.frames import matrices
from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC

ELASTIC = reduction("elastic")
RANDOM = np.random.default_rng(8)


def full(name: str) -> Any:
    return from_voigt(examples.load(name).values, symmetry="elastic")


def turned(tensor: Any, seed: int, name: str = "elastic") -> Any:
    return reduction(name).rotate(tensor, Rotation.random(random_state=seed).as_matrix())


def random_tensor(name: str) -> Any:
    target = reduction(name)
    components = RANDOM.normal(size=target.dimension)
    return target.convert(components, source="components", target="full")


# --- projection ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["elastic", "piezoelectric", "gyration", "photoelastic"])
@pytest.mark.parametrize("group", ["m", "222", "-4", "32", "-6m2", "432", "m-3m"])
def test_projection_is_the_mean_over_the_group(name: str, group: str) -> None:
    tensor = random_tensor(name)
    setting = Rotation.random(random_state=6).as_matrix()
    operations = setting.T @ matrices(point_group(group)) @ setting
    mean = np.mean([reduction(name).rotate(tensor, turn) for turn in operations], axis=0)
    projected = project(name, tensor, group, setting)
    assert np.allclose(projected, mean, atol=1e-12)
    assert np.allclose(project(name, projected, group, setting), projected, atol=1e-12)
    share = np.linalg.norm(tensor - mean) / np.linalg.norm(tensor)
    assert distance_to_group(name, tensor, group, setting) == pytest.approx(share, rel=1e-9)


def test_invariants_are_orthonormal_and_as_many_as_the_form_says() -> None:
    for group in CRYSTALLOGRAPHIC:
        basis = invariants(ELASTIC, point_group(group))
        assert len(basis) == form("elastic", group).independent
        assert np.allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-12)
    assert distance_to_group("elastic", np.zeros((3,) * 4), "m-3m") == 0.0


# --- classes ------------------------------------------------------------------------------------


def test_elasticity_has_its_eight_classes() -> None:
    found = [(entry.name, entry.independent) for entry in symmetry_classes(ELASTIC)]
    assert found == [
        ("isotropic (∞∞m)", 2), ("cubic (m-3m)", 3), ("hexagonal (∞/mm)", 5),
        ("tetragonal (4/mmm)", 6), ("trigonal (-3m)", 6), ("orthorhombic (mmm)", 9),
        ("monoclinic (2/m)", 13), ("triclinic (-1)", 21),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "count"),
    # symmetric matrices; Forte and Vianello 1997 (photoelastic); Geymonat and Weller 2002 (piezo)
    [("dielectric", 3), ("photoelastic", 12), ("piezoelectric", 16)],
)
def test_counts_of_classes_in_the_literature(name: str, count: int) -> None:
    assert len(symmetry_classes(reduction(name))) == count


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("copper", "cubic (m-3m)"), ("zinc", "hexagonal (∞/mm)"), ("rutile", "tetragonal (4/mmm)"),
        ("quartz", "trigonal (-3m)"), ("forsterite", "orthorhombic (mmm)"),
        ("mp-1399", "monoclinic (2/m)"),
    ],
)  # fmt: skip
def test_the_class_of_real_crystals_in_any_axes(name: str, best: str) -> None:
    for seed in range(3):
        tensor = turned(full(name), seed)
        found = best_class("elastic", tensor, tolerance=1e-6)
        assert found.name == best
        assert found.distance < 1e-7
        assert distance_to_group("elastic", tensor, found.symmetry.group, found.setting) < 1e-7
        assert np.allclose(found.values, tensor, atol=1e-6 * np.linalg.norm(tensor))


def test_distances_do_not_depend_on_the_axes_and_fall_with_symmetry() -> None:
    tensor = random_tensor("elastic")
    here = {fit.name: fit.distance for fit in class_fits("elastic", tensor)}
    for seed in range(3):
        there = {fit.name: fit.distance for fit in class_fits("elastic", turned(tensor, seed))}
        for name, distance in here.items():
            assert there[name] == pytest.approx(distance, abs=1e-6), name
    for lower, upper in (
        ("isotropic (∞∞m)", "cubic (m-3m)"), ("cubic (m-3m)", "tetragonal (4/mmm)"),
        ("cubic (m-3m)", "trigonal (-3m)"), ("hexagonal (∞/mm)", "tetragonal (4/mmm)"),
        ("tetragonal (4/mmm)", "orthorhombic (mmm)"), ("orthorhombic (mmm)", "monoclinic (2/m)"),
        ("trigonal (-3m)", "monoclinic (2/m)"), ("monoclinic (2/m)", "triclinic (-1)"),
    ):  # fmt: skip
        assert here[upper] <= here[lower] + 1e-9
    assert here["triclinic (-1)"] == 0


@pytest.mark.slow
def test_the_distance_is_the_least_that_scipy_finds() -> None:
    tensor = random_tensor("elastic")
    starts = Rotation.random(12, random_state=3)
    for fit in class_fits("elastic", tensor):
        if fit.independent in (2, 21):
            continue

        def distance(angles: Any, group: Any = fit.symmetry.group) -> float:
            setting = Rotation.from_rotvec(angles).as_matrix()
            return distance_to_group("elastic", tensor, group, setting)

        found = min(
            minimize(distance, start.as_rotvec(), method="Nelder-Mead").fun for start in starts
        )
        assert fit.distance <= found + 1e-6
        assert fit.distance >= found - 1e-3  # and one of its starts comes near


def test_a_disturbed_cubic_crystal_is_still_nearly_cubic() -> None:
    tensor = full("copper")
    noise = random_tensor("elastic")
    disturbed = turned(
        tensor + 0.01 * np.linalg.norm(tensor) * noise / np.linalg.norm(noise), seed=5
    )
    found = best_class("elastic", disturbed, tolerance=0.02)
    assert found.name == "cubic (m-3m)"
    assert 0.003 < found.distance <= 0.01 + 1e-9
    assert best_class("elastic", disturbed, tolerance=1e-6).name == "triclinic (-1)"


def test_best_setting_finds_axes_again() -> None:
    for name, group in (("quartz", "32"), ("zinc", "6mm"), ("copper", "m-3m"), ("rutile", "4/mmm")):
        distance, setting = best_setting("elastic", turned(full(name), seed=4), group)
        assert distance < 1e-7
        assert distance_to_group("elastic", turned(full(name), seed=4), group, setting) < 1e-7
    piezo = reduction("piezoelectric").convert(
        examples.load("quartz-d").values, source="voigt-compliance", target="full"
    )
    distance, _ = best_setting("piezoelectric", turned(piezo, 2, "piezoelectric"), "32")
    assert distance < 1e-7
    # nothing of it is left under a group that forbids it
    assert best_setting("piezoelectric", piezo, "m-3m")[0] == 1.0
