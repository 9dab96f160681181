"""Directional properties: closed forms, and what was measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors import elasticity, examples
from natural_tensors.so3.grids import direction_grid, frames
from tests.helpers.stiffnesses import (
    ALBITE,
    cubic,
    random_stable,
    stiffness,
)

Floats = NDArray[np.float64]


AXES = np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 1]])


def full_compliance(matrix: Floats) -> Floats:
    return np.asarray(nt.from_voigt(elasticity.compliance(matrix), form="voigt-compliance"))


def perpendicular_pairs(count: int, seed: int) -> tuple[Floats, Floats]:
    rows = Rotation.random(count, random_state=seed).as_matrix()
    return rows[:, 0], rows[:, 1]


# --- pointwise ------------------------------------------------------------------------------------


def test_definitions_by_the_full_compliance() -> None:
    matrix, (n, m) = random_stable(4, seed=1), perpendicular_pairs(7, seed=2)
    soft = full_compliance(matrix)
    along = np.einsum("bijkl,di,dj,dk,dl->bd", soft, n, n, n, n)
    across = np.einsum("bijkl,di,dj,dk,dl->bd", soft, n, n, m, m)
    shear = np.einsum("bijkl,di,dj,dk,dl->bd", soft, n, m, n, m)
    line = np.einsum("bijkk,di,dj->bd", soft, n, n)
    assert np.allclose(elasticity.youngs_modulus(matrix, 3 * n), 1 / along, rtol=1e-11)
    assert np.allclose(elasticity.poisson_ratio(matrix, n, -m), -across / along, rtol=1e-10)
    assert np.allclose(elasticity.shear_modulus(matrix, n, 2 * m), 1 / (4 * shear), rtol=1e-11)
    assert np.allclose(elasticity.linear_compressibility(matrix, n), 1000 * line, rtol=1e-10)


@given(bulk=st.floats(1, 1000), shear=st.floats(1, 1000))
def test_isotropic_bodies_in_every_direction(bulk: float, shear: float) -> None:
    body, (n, m) = elasticity.isotropic(bulk, shear), perpendicular_pairs(5, seed=3)
    hill = elasticity.moduli(body)
    assert elasticity.youngs_modulus(body, n) == pytest.approx(hill.youngs_hill, rel=1e-9)
    assert elasticity.shear_modulus(body, n, m) == pytest.approx(shear, rel=1e-9)
    assert elasticity.poisson_ratio(body, n, m) == pytest.approx(hill.poisson_hill, abs=1e-9)
    assert elasticity.linear_compressibility(body, n) == pytest.approx(1000 / (3 * bulk), rel=1e-9)


@pytest.mark.parametrize("c", [(168.4, 121.4, 75.4), (165.64, 63.94, 79.51), (50.0, -10.0, 5.0)])
def test_cubic_crystals_along_their_axes(c: tuple[float, float, float]) -> None:
    c11, c12, c44 = c
    s11 = (c11 + c12) / ((c11 - c12) * (c11 + 2 * c12))
    s12 = -c12 / ((c11 - c12) * (c11 + 2 * c12))
    excess = s11 - s12 - 1 / (2 * c44)  # Nye 1985, p. 145: 1/E = s11 - 2 excess (n1² n2² + ...)
    expected = [1 / (s11 - 2 * excess * share) for share in (0, 1 / 4, 1 / 3)]
    assert elasticity.youngs_modulus(cubic(*c), AXES) == pytest.approx(expected)
    compressibility = 1000 / (c11 + 2 * c12)
    assert elasticity.linear_compressibility(cubic(*c), AXES) == pytest.approx(compressibility)
    low, high = elasticity.shear_range(cubic(*c), AXES)
    in_the_plane = sorted([c44, (c11 - c12) / 2])
    octahedral = 3 / (1 / c44 + 2 / ((c11 - c12) / 2))
    assert low == pytest.approx([c44, in_the_plane[0], octahedral])
    assert high == pytest.approx([c44, in_the_plane[1], octahedral])
    along, across = elasticity.poisson_ratio(cubic(*c), [1, 0, 0], [[0, 1, 0], [0, 1, 1]])
    assert along == pytest.approx(-s12 / s11)
    assert across == pytest.approx(-s12 / s11)


def test_ranges_bound_every_transverse_direction() -> None:
    matrix, n = random_stable(6, seed=5), direction_grid(9)
    _, first, second = np.moveaxis(frames(n), -2, 0)
    angle = np.linspace(0, np.pi, 721)[:, None, None]
    m = np.cos(angle) * first + np.sin(angle) * second
    for values, (low, high) in (
        (elasticity.shear_modulus(matrix, n, m), elasticity.shear_range(matrix, n)),
        (elasticity.poisson_ratio(matrix, n, m), elasticity.poisson_range(matrix, n)),
    ):
        smallest, largest = values.min(axis=1), values.max(axis=1)
        size = np.abs(values).max(axis=1)
        assert (smallest >= low - 1e-12 * size).all()
        assert (largest <= high + 1e-12 * size).all()
        # a quarter of a degree off the extreme of a quadratic form of m
        assert (smallest - low <= 1e-3 * size).all()
        assert (high - largest <= 1e-3 * size).all()


def test_compressibilities_of_three_directions_add_up() -> None:
    matrix = random_stable(5, seed=6)
    frame = Rotation.random(random_state=7).as_matrix()
    total = elasticity.linear_compressibility(matrix, frame).sum(axis=-1)
    assert total == pytest.approx(1000 / elasticity.moduli(matrix).bulk_reuss)


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 3)])
@pytest.mark.parametrize("directions", [(), (0,), (4,), (2, 5)])
def test_shapes(batch: tuple[int, ...], directions: tuple[int, ...]) -> None:
    matrix = np.broadcast_to(examples.load("quartz").values, (*batch, 6, 6))
    n = np.broadcast_to([1.0, 2, 2], (*directions, 3))
    m = np.array([2.0, 1, -2])
    shape = batch + directions
    assert np.shape(elasticity.youngs_modulus(matrix, n)) == shape
    assert np.shape(elasticity.linear_compressibility(matrix, n)) == shape
    assert np.shape(elasticity.shear_modulus(matrix, n, m)) == shape
    assert np.shape(elasticity.poisson_ratio(matrix, n, m)) == shape
    for bounds in (elasticity.shear_range(matrix, n), elasticity.poisson_range(matrix, n)):
        assert [np.shape(bound) for bound in bounds] == [shape, shape]


def test_an_unstable_crystal_has_infinite_moduli_somewhere() -> None:
    soft = cubic(100.0, 120.0, 50.0)  # C11 < C12
    assert elasticity.youngs_modulus(soft, [1, 0, 0]) < 0 < elasticity.youngs_modulus(soft, AXES[2])
    assert np.isnan(elasticity.shear_range(soft, [1, 1, 0])).all()
    # the two shears of (110) that differ in sign: C44 and (C11 - C12) / 2
    both = elasticity.shear_modulus(soft, [1, 1, 0], [[0, 0, 1], [1, -1, 0]])
    assert both == pytest.approx([50, -10])


def test_a_singular_stiffness_is_nan_in_every_direction() -> None:
    batch = [cubic(100.0, 100.0, 50.0), examples.load("quartz").values]
    for values in (
        elasticity.youngs_modulus(batch, AXES),
        elasticity.linear_compressibility(batch, AXES),
        *elasticity.shear_range(batch, AXES),
        *elasticity.poisson_range(batch, AXES),
    ):
        assert np.isnan(values[0]).all()
        assert np.isfinite(values[1]).all()


@pytest.mark.parametrize(
    ("n", "m", "message"),
    [
        ([1, 0, 0], [1, 1, 0], r"the pair of directions is not perpendicular: the cosine .* 0.707"),
        (np.eye(3), [1, 0, 0], r"pair 0 of directions is not perpendicular"),
        ([0, 0, 0], [1, 0, 0], "vector 0 has no direction"),
        ([1, 0], [1, 0], r"directions end in the shape \(3,\), got an array of shape \(2,\)"),
    ],
)
def test_directions_are_checked(n: Any, m: Any, message: str) -> None:
    for function in (elasticity.shear_modulus, elasticity.poisson_ratio):
        with pytest.raises(ValueError, match=message):
            function(examples.load("copper").values, n, m)


# --- what was measured ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # M. A. Hopcroft, W. D. Nix and T. W. Kenny 2010, J. Microelectromech. Syst. 19, 229
        ("silicon", [130, 169, 188]),
        # T. H. Courtney 2000, Mechanical Behavior of Materials, table 2.2 (no E<110> there)
        ("copper", [66.7, None, 191.1]),
        ("aluminium", [63.7, None, 76.1]),
        # C. A. Klein and G. F. Cardinale 1993, Diamond Relat. Mater. 2, 918
        ("diamond", [1050, None, 1207]),
    ],
)
def test_youngs_moduli_of_the_literature(name: str, expected: list[float | None]) -> None:
    for value, known in zip(
        elasticity.youngs_modulus(stiffness(name), AXES), expected, strict=True
    ):
        # constants of different authors differ by a percent
        assert known is None or value == pytest.approx(known, rel=0.01)


def test_albite_is_softest_across_b_and_c() -> None:
    # J. M. Brown et al. 2016, Phys. Chem. Minerals 43, 21, of plagioclase: "a* (the direction
    # perpendicular to the b- and c-axes) is the softest direction by a factor of 3 in albite";
    # a* is x in their axes
    compressibility = elasticity.extremes(ALBITE).linear_compressibility
    assert compressibility.maximum_direction[0] > np.cos(np.radians(15))
    assert compressibility.ratio == pytest.approx(3, rel=0.2)
