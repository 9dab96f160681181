"""What is drawn against direction: the properties of a crystal, and the directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from natural_tensors import pictures
from natural_tensors.crystals.tensor import CrystalTensor
from natural_tensors.pictures.directional import contract, sphere
from tests.helpers.example_crystals import (
    copper,
    dielectric,
    example,
    quartz,
    unstable,
)
from tests.helpers.plotly_figures import decoded

DIAGONAL = np.ones(3) / np.sqrt(3)


def test_contraction_is_the_sum_over_all_indices() -> None:
    generator = np.random.default_rng(0)
    values, directions = generator.normal(size=(3, 3, 3)), generator.normal(size=(4, 5, 3))
    expected = np.einsum("ijk,abi,abj,abk->ab", values, directions, directions, directions)
    np.testing.assert_allclose(contract(values, directions), expected, atol=1e-12)


def test_sphere_is_of_unit_vectors_and_meets_the_main_directions() -> None:
    ball = sphere()
    directions = ball.directions
    np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, atol=1e-14)
    for wanted in (*np.eye(3), [np.sqrt(0.5), np.sqrt(0.5), 0], [0.5, 0, np.sqrt(0.75)]):
        assert np.linalg.norm(directions - wanted, axis=-1).min() < 1e-12


def test_a_stable_crystal_has_moduli_and_one_with_density_velocities() -> None:
    names = [entry.name for entry in pictures.properties(quartz())]
    moduli = [
        "youngs",
        "linear-compressibility",
        "shear-min",
        "shear-max",
        "poisson-min",
        "poisson-max",
    ]
    sound = ["velocity-longitudinal", "velocity-fast", "velocity-slow"]
    assert names == moduli + sound
    assert [entry.name for entry in pictures.properties(copper())] == moduli


def test_an_unstable_crystal_has_no_property_with_poles() -> None:
    names = [entry.name for entry in pictures.properties(unstable())]
    assert names == ["longitudinal-stiffness", "linear-compressibility"]
    for entry in pictures.properties(unstable()):
        assert np.isfinite(entry.values(sphere(9).directions)).all()


def test_velocities_of_copper_along_a_cube_edge() -> None:
    crystal = CrystalTensor(
        "elastic", copper().values, "GPa", copper().frame, "copper", density_kg_m3=8960.0
    )
    found = {
        entry.name: float(entry.values(np.eye(3)[0])) for entry in pictures.properties(crystal)
    }
    # km/s: √(C11/ρ) and √(C44/ρ)
    assert found["velocity-longitudinal"] == pytest.approx(np.sqrt(168.4 / 8.96), rel=1e-12)
    assert found["velocity-fast"] == pytest.approx(np.sqrt(75.4 / 8.96), rel=1e-12)
    assert found["velocity-slow"] == pytest.approx(np.sqrt(75.4 / 8.96), rel=1e-12)


def test_triangles_cover_the_sphere_once_and_look_outwards() -> None:
    ball = sphere(25)
    first, second, third = (ball.directions[ball.triangles[:, leg]] for leg in range(3))
    volumes = np.einsum("ij,ij->i", first, np.cross(second, third)) / 6
    assert (volumes > 0).all()
    assert volumes.sum() == pytest.approx(4 * np.pi / 3, rel=0.01)
    corners = len(ball.directions)
    edges = {
        frozenset((row[leg], row[leg - 1])) for row in ball.triangles.tolist() for leg in range(3)
    }
    assert corners - len(edges) + len(ball.triangles) == 2  # Euler


def test_the_index_ellipsoid_has_the_indices_as_half_axes() -> None:
    index, fast, slow, permittivity = pictures.properties(dielectric())
    np.testing.assert_allclose(index.values(np.eye(3)), [1.5, 1.6, 1.8])
    # along an axis, light is polarized along the two others
    np.testing.assert_allclose(fast.values(np.eye(3)), [1.6, 1.5, 1.5])
    np.testing.assert_allclose(slow.values(np.eye(3)), [1.8, 1.8, 1.6])
    np.testing.assert_allclose(permittivity.values(np.eye(3)), [1.5**2, 1.6**2, 1.8**2])
    # 1/n² is the mean of those of the axes, not n² of the permittivity
    between = float(index.values(DIAGONAL))
    assert between**-2 == pytest.approx((1.5**-2 + 1.6**-2 + 1.8**-2) / 3)


def test_a_metal_has_no_index_ellipsoid() -> None:
    metal = replace(dielectric(), values=np.diag([-2.0, 3.0, 4.0]))
    assert [entry.name for entry in pictures.properties(metal)] == ["permittivity"]
    np.testing.assert_allclose(
        decoded(pictures.surface(metal).data[0].intensity).min(), -2, rtol=1e-6
    )


@pytest.mark.parametrize("name", ["quartz-d", "quartz-e"])
def test_the_longitudinal_response_changes_sign_with_the_direction(name: str) -> None:
    crystal = example(name, "32")
    (along,) = pictures.properties(crystal)
    assert crystal.voigt is not None
    first = crystal.voigt[0, 0]
    axes = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 0, 1], [0.5, np.sqrt(0.75), 0]])
    np.testing.assert_allclose(along.values(axes), [first, -first, 0, -first], atol=1e-12)
    assert along.unit == {"quartz-d": "pC/N", "quartz-e": "C/m²"}[name]


@pytest.mark.parametrize(
    ("crystal", "name", "message"),
    [
        (copper(), "yungs", "did you mean 'youngs'"),
        (copper(), "velocity-slow", "velocities of sound need a density"),
        (unstable(), "youngs", "the crystal is not stable"),
    ],
)
def test_a_property_that_is_not_there_says_why(
    crystal: CrystalTensor, name: str, message: str
) -> None:
    with pytest.raises(pictures.NoPictureError, match=message):
        pictures.surface(crystal, name)
