"""Families of directions that share a value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from natural_tensors import elasticity, from_voigt
from natural_tensors.arrays import Floats
from natural_tensors.crystals.equivalents import TIE, Family, Symmetry, family, symmetry_of
from natural_tensors.crystals.frames import matrices
from natural_tensors.crystals.point_groups import point_group
from natural_tensors.crystals.tensor import CrystalTensor
from natural_tensors.pictures.directional import stiffness_of
from tests.helpers.example_crystals import auxetic, copper, example, quartz

CUBIC = Symmetry(matrices(point_group("m-3m")), np.eye(3))


def quartic(n: Floats, _: Floats) -> Floats:
    """Largest along the cubic axes, smallest along the body diagonals."""
    return np.asarray((n**4).sum(axis=-1), dtype=np.float64)


@pytest.mark.parametrize(
    ("direction", "count", "first"),
    [
        ((0, 0, -1), 3, (1, 0, 0)),
        ((1, -1, -1), 4, (1, 1, 1)),
        ((0, -1, 1), 6, (1, 1, 0)),
        ((2, -1, 0), 12, (2, 1, 0)),
        ((-3, 1, 2), 24, (3, 2, 1)),
    ],
)
def test_cubic_directions_have_the_multiplicity_of_their_form(
    direction: tuple[int, int, int], count: int, first: tuple[int, int, int]
) -> None:
    unit = np.array(direction) / np.linalg.norm(direction)
    found = family(quartic, unit, None, CUBIC)
    assert (found.kind, found.count) == ("points", count)
    np.testing.assert_allclose(found.direction, np.array(first) / np.linalg.norm(first))


def test_a_direction_found_with_an_error_lies_on_the_axis_near_it() -> None:
    unit = np.array([3e-4, -2e-4, 1.0])
    found = family(quartic, unit / np.linalg.norm(unit), None, CUBIC)
    assert found.count == 3
    np.testing.assert_allclose(found.direction, [1, 0, 0], atol=1e-15)


def test_directions_that_do_not_agree_are_no_family() -> None:
    """A group that the numbers violate makes nothing equal."""

    def value(n: Floats, m: Floats) -> Floats:
        return quartic(n, m) + 2 * TIE * n[:, 2] ** 2

    assert family(value, np.array([0.0, 0, 1]), None, CUBIC).count == 1
    assert family(value, np.array([0.0, 1, 0]), None, CUBIC).count == 2


def test_opposite_directions_of_a_polar_property_differ() -> None:
    def value(n: Floats, _: Floats) -> Floats:
        return np.asarray(n[:, 0] * n[:, 1] * n[:, 2], dtype=np.float64)

    symmetry = Symmetry(matrices(point_group("-43m")), np.eye(3))
    unit = np.array([1.0, -1, -1]) / np.sqrt(3)
    assert family(value, unit, None, symmetry, polar=True).count == 4
    np.testing.assert_allclose(
        family(value, unit, None, symmetry, polar=True).direction, np.ones(3) / np.sqrt(3)
    )


def families(crystal: CrystalTensor) -> list[Family]:
    """Of the smallest and the largest E, compressibility, G and ratio of Poisson."""
    matrix, symmetry = stiffness_of(crystal), symmetry_of(crystal)
    values = (
        lambda n, m: elasticity.youngs_modulus(matrix, n),
        lambda n, m: elasticity.linear_compressibility(matrix, n),
        lambda n, m: elasticity.shear_modulus(matrix, n, m),
        lambda n, m: elasticity.poisson_ratio(matrix, n, m),
    )
    extremes = elasticity.extremes(matrix)
    return [
        family(
            value,
            getattr(entry, f"{end}_direction"),
            getattr(entry, f"{end}_transverse"),
            symmetry,
            exchange=entry is extremes.shear,
        )
        for entry, value in zip(extremes, values, strict=True)
        for end in ("minimum", "maximum")
    ]


CUBIC_FAMILIES = [
    ("points", 3), ("points", 4), ("all", 1), ("all", 1), ("points", 3), ("circles", 3),
    ("points", 6), ("points", 6),
]  # fmt: skip
UNIAXIAL_FAMILIES = [
    ("points", 1), ("circles", 1), ("circles", 1), ("points", 1), *[("circles", 1)] * 4,
]  # fmt: skip


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_rotated_crystal_without_a_group_has_the_same_families(seed: int | None) -> None:
    turn = np.eye(3) if seed is None else Rotation.random(random_state=seed).as_matrix()
    for crystal, expected in (
        (copper(), CUBIC_FAMILIES),
        (example("zinc", "6/mmm"), UNIAXIAL_FAMILIES),
    ):
        turned = replace(crystal, group=None, setting=None).turned(crystal.frame, turn)
        assert [(found.kind, found.count) for found in families(turned)] == expected


def test_the_families_of_quartz() -> None:
    found = families(quartz())
    # its compressibility is the same all around z, and three of everything else but that along z
    assert [(entry.kind, entry.count) for entry in found] == [
        ("points", 3), ("points", 3), ("points", 1), ("circles", 1), *[("points", 3)] * 4,
    ]  # fmt: skip
    assert found[3].axis is not None
    np.testing.assert_allclose(np.abs(found[3].axis), [0, 0, 1], atol=1e-7)


def test_an_isotropic_body_has_no_directions_of_its_own() -> None:
    assert {entry.kind for entry in families(auxetic())} == {"all"}


def test_what_is_shown_takes_the_extreme_value() -> None:
    for crystal in (copper(), quartz(), example("rutile", "4/mmm"), example("forsterite", "mmm")):
        matrix = stiffness_of(crystal)
        least, most = families(crystal)[:2]
        extremes = elasticity.extremes(matrix).youngs
        for found, value in ((least, extremes.minimum), (most, extremes.maximum)):
            shown = elasticity.youngs_modulus(matrix, found.direction)
            np.testing.assert_allclose(shown, value, rtol=1e-6)
            assert abs(found.direction @ found.transverse) < 1e-9


def test_a_stated_group_counts_where_the_numbers_are_a_little_off() -> None:
    measured = copper().voigt
    assert measured is not None
    shaken = measured.copy()
    shaken[2, 2] *= 1 + 1e-5
    crystal = replace(
        copper(), values=from_voigt(shaken), group=point_group("m-3m"), setting=np.eye(3)
    )
    assert families(crystal)[0].count == 3
    assert families(replace(crystal, group=None, setting=None))[0].count < 3
