"""Plane waves, extremes of their velocities, and Debye temperatures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors import elasticity, examples
from natural_tensors.so3.grids import direction_grid
from tests.helpers.stiffnesses import ALBITE, DIOPSIDE, cubic, random_stable, rotated

AXES = np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 1]])


AVOGADRO = 6.02214076e23


def atoms(density: float, molar_mass_g: float, count: int = 1) -> float:
    return density * AVOGADRO / (molar_mass_g * 1e-3) * count


# --- plane waves ----------------------------------------------------------------------------------


def test_the_christoffel_matrix_by_its_definition() -> None:
    matrix, n = random_stable(3, seed=1), direction_grid(5)
    expected = np.einsum("bijkl,dj,dl->bdik", nt.from_voigt(matrix), n, n)
    assert np.allclose(elasticity.christoffel(matrix, 2 * n), expected, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("c", [(168.4, 121.4, 75.4), (165.64, 63.94, 79.51), (50.0, -10.0, 5.0)])
def test_cubic_crystals_along_their_axes(c: tuple[float, float, float]) -> None:
    c11, c12, c44 = c
    moduli = [  # ρ v², C. Kittel 2005, Introduction to Solid State Physics, ch. 3
        [c44, c44, c11],
        [(c11 - c12) / 2, c44, (c11 + c12 + 2 * c44) / 2],
        [(c11 - c12 + c44) / 3, (c11 - c12 + c44) / 3, (c11 + 2 * c12 + 4 * c44) / 3],
    ]
    expected = np.sqrt(np.sort(moduli, axis=1) * 1e9 / 5000)
    waves = elasticity.sound_velocities(cubic(*c), AXES, 5000.0)
    assert np.allclose(waves.velocities_m_s, expected, rtol=1e-12)
    units = AXES / np.linalg.norm(AXES, axis=1)[:, None]
    along = np.abs(np.einsum("dki,di->dk", waves.polarizations, units))
    assert along.max(axis=1) == pytest.approx(1)  # one wave of each axis is purely longitudinal


def test_velocities_of_diamond() -> None:
    # km/s, from www.ioffe.ru/SVA/NSM/Semicond/Diamond/mechanic.html after H. J. McSkimin and
    # P. Andreatch 1972, J. Appl. Phys. 43, 2944; density 3515 kg/m³
    known = [[12.82, 12.82, 17.52], [11.66, 12.82, 18.32], [12.06, 12.06, 18.58]]
    waves = elasticity.sound_velocities(examples.load("diamond").values, AXES, 3515.0)
    assert np.allclose(waves.velocities_m_s / 1000, known, atol=0.006)


def test_polarizations_are_an_orthonormal_frame_of_solutions() -> None:
    matrix, n = random_stable(4, seed=2), direction_grid(11)
    waves = elasticity.sound_velocities(matrix, n, [1000.0, 2000, 3000, 4000])
    rows = waves.polarizations
    assert np.allclose(rows @ rows.swapaxes(-1, -2), np.eye(3), atol=1e-12)
    assert (rows.max(axis=-1) >= (1 - 2e-6) * np.abs(rows).max(axis=-1)).all()
    forces = np.einsum("bdij,bdkj->bdki", elasticity.christoffel(matrix, n), rows)
    squares = waves.velocities_m_s**2 * np.array([1, 2, 3, 4])[:, None, None] / 1e6
    assert np.allclose(forces, squares[..., None] * rows, atol=1e-10 * squares.max())


def test_the_energy_goes_where_the_phase_velocity_changes_to() -> None:
    # v_group = d(|k| v(k)) / dk: a central difference, of an error of (1e-5)² over the rounding
    matrix, density, step = random_stable(3, seed=3), 3000.0, 1e-5
    n = np.array([0.48, 0.6, 0.64])
    shifted = n + step * np.concatenate([np.eye(3), -np.eye(3)])
    phase = elasticity.sound_velocities(matrix, shifted, density).velocities_m_s
    frequency = phase * np.linalg.norm(shifted, axis=1)[:, None]
    expected = (frequency[:, :3] - frequency[:, 3:]) / (2 * step)
    waves = elasticity.sound_velocities(matrix, n, density)
    group = waves.group_velocities_m_s
    assert np.allclose(group, expected.swapaxes(-1, -2), rtol=1e-6, atol=1e-2)
    assert np.allclose(group @ (n / np.linalg.norm(n)), waves.velocities_m_s, rtol=1e-12)


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 3)])
@pytest.mark.parametrize("directions", [(), (0,), (4,), (2, 5)])
def test_shapes(batch: tuple[int, ...], directions: tuple[int, ...]) -> None:
    matrix = np.broadcast_to(examples.load("quartz").values, (*batch, 6, 6))
    n = np.broadcast_to([1.0, 2, 2], (*directions, 3))
    waves = elasticity.sound_velocities(matrix, n, np.full(batch, 2649.0))
    assert waves.velocities_m_s.shape == (*batch, *directions, 3)
    assert waves.polarizations.shape == (*batch, *directions, 3, 3)
    assert waves.group_velocities_m_s.shape == (*batch, *directions, 3, 3)
    assert elasticity.christoffel(matrix, n).shape == (*batch, *directions, 3, 3)
    found = elasticity.velocity_extremes(matrix, 2649.0)
    assert np.shape(found.slowest_m_s) == np.shape(found.fastest_m_s) == batch
    assert found.slowest_direction.shape == (*batch, 3)
    assert np.shape(elasticity.debye_temperature(matrix, 2649.0, 8e28)) == batch
    assert np.shape(elasticity.debye_temperature_isotropic(matrix, 2649.0, 8e28)) == batch


def test_an_unstable_wave_has_no_velocity() -> None:
    soft = cubic(100.0, 120.0, 50.0)  # C11 < C12: the slower shear wave along [110]
    waves = elasticity.sound_velocities(soft, AXES, 1000.0)
    assert np.isnan(waves.velocities_m_s).tolist() == [
        [False] * 3,
        [True, False, False],
        [False] * 3,
    ]
    batch = [soft, examples.load("quartz").values]
    found = elasticity.velocity_extremes(batch, 1000.0)
    assert np.isnan(found.slowest_m_s).tolist() == [True, False]
    assert np.isnan(elasticity.debye_velocity(batch, 1000.0)).tolist() == [True, False]


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (0.0, "density_kg_m3 is 0.0; it must be positive and finite"),
        ([1.0, np.nan], "density_kg_m3 is nan"),
        ([1.0, 2, 3], r"density_kg_m3 has the shape \(3,\), which does not broadcast to .* \(2,\)"),
    ],
)
def test_densities_are_checked(density: Any, message: str) -> None:
    matrix = random_stable(2, seed=4)
    for function in (
        lambda: elasticity.sound_velocities(matrix, [1, 0, 0], density),
        lambda: elasticity.velocity_extremes(matrix, density),
        lambda: elasticity.debye_velocity(matrix, density),
    ):
        with pytest.raises(ValueError, match=message):
            function()
    with pytest.raises(ValueError, match=r"atoms_per_m3 is -1\.0; it must be positive"):
        elasticity.debye_temperature(matrix, 1000.0, -1.0)


# --- over all directions --------------------------------------------------------------------------


def test_no_direction_of_a_dense_scan_is_faster_or_slower() -> None:
    named = [examples.load(n).values for n in ("zinc", "rutile", "quartz")]
    matrix = np.concatenate([random_stable(40, seed=5), named, [ALBITE, DIOPSIDE]])
    found = elasticity.velocity_extremes(matrix, 3000.0)
    scanned = elasticity.sound_velocities(matrix, direction_grid(4000), 3000.0).velocities_m_s
    low, high = scanned[..., 0].min(axis=-1), scanned[..., 2].max(axis=-1)
    assert (found.slowest_m_s <= low * (1 + 1e-12)).all()
    assert (found.fastest_m_s >= high * (1 - 1e-12)).all()
    assert np.allclose(found.fastest_m_s, high, rtol=0.01)
    for end, value, n in (
        (0, found.slowest_m_s, found.slowest_direction),
        (2, found.fastest_m_s, found.fastest_direction),
    ):
        there = [
            elasticity.sound_velocities(c, direction, 3000.0).velocities_m_s[end]
            for c, direction in zip(matrix, n, strict=True)
        ]
        assert np.allclose(value, there, rtol=1e-10)


def test_isotropic_bodies() -> None:
    body = elasticity.isotropic(100.0, 40.0)
    along, across = np.sqrt((100 + 160 / 3) * 1e9 / 5000), np.sqrt(40e9 / 5000)
    found = elasticity.velocity_extremes(body, 5000.0)
    assert (found.slowest_m_s, found.fastest_m_s) == pytest.approx((across, along), rel=1e-12)
    mean = ((along**-3 + 2 * across**-3) / 3) ** (-1 / 3)
    assert elasticity.debye_velocity(body, 5000.0) == pytest.approx(mean, rel=1e-12)
    both = elasticity.debye_temperature, elasticity.debye_temperature_isotropic
    exact, averaged = (function(body, 5000.0, 8e28) for function in both)
    assert exact == pytest.approx(averaged, rel=1e-12)
    # ħ / k = 7.638233e-12 K s (CODATA 2018)
    assert exact == pytest.approx(7.638233e-12 * (6 * np.pi**2 * 8e28) ** (1 / 3) * mean, rel=1e-6)


@pytest.mark.parametrize(
    ("c", "density", "molar_mass_g", "known"),
    [
        # constants and densities at 0 K: C. Kittel 2005, ch. 3, table 11; temperatures:
        # G. A. Alers 1965, in Physical Acoustics 3B, ch. 1, from the same constants
        ((176.2, 124.9, 81.8), 9018.0, 63.546, 345),
        ((131.5, 97.3, 51.1), 10635.0, 107.868, 226.5),
        ((201.6, 169.7, 45.4), 19488.0, 196.967, 161.7),
        ((114.3, 61.9, 31.6), 2733.0, 26.982, 428),
    ],
    ids=["copper", "silver", "gold", "aluminium"],
)
def test_debye_temperatures_of_metals(
    c: tuple[float, float, float], density: float, molar_mass_g: float, known: float
) -> None:
    found = elasticity.debye_temperature(cubic(*c), density, atoms(density, molar_mass_g))
    assert found == pytest.approx(known, rel=0.01)


@pytest.mark.parametrize(
    ("name", "density", "molar_mass_g", "count", "known"),
    [
        ("silicon", 2329.0, 28.085, 1, 645),  # C. Kittel 2005, ch. 5, table 1
        ("diamond", 3512.0, 12.011, 1, 2235),  # 2230 to 2240 K, from the heat capacity
        ("periclase", 3585.0, 40.304, 2, 941),  # O. L. Anderson and D. G. Isaak 1995 (AGU), 64
    ],
)
def test_debye_temperatures_at_room_temperature(
    name: str, density: float, molar_mass_g: float, count: int, known: float
) -> None:
    matrix = examples.load(name).values
    found = elasticity.debye_temperature(matrix, density, atoms(density, molar_mass_g, count))
    assert found == pytest.approx(known, rel=0.02)


def test_the_average_over_directions_has_converged() -> None:
    names = ("copper", "zinc", "rutile", "quartz", "forsterite")
    matrix = np.array([*(examples.load(name).values for name in names), ALBITE, DIOPSIDE])
    found = elasticity.debye_velocity(matrix, 1000.0)
    # rotated, the nodes fall elsewhere
    rotation = Rotation.random(random_state=6).as_matrix()
    assert np.allclose(
        elasticity.debye_velocity(rotated(matrix, rotation), 1000.0), found, rtol=1e-7
    )
    # and an independent average: the plain mean of a lattice, good to some 1 / count
    values = np.linalg.eigvalsh(elasticity.christoffel(matrix, direction_grid(20_000))) * 1e6
    mean = (values**-1.5).mean(axis=(-2, -1)) ** (-1 / 3)
    assert np.allclose(found, mean, rtol=1e-4)
