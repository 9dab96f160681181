"""Moduli of polycrystals: closed forms, pymatgen, what was measured."""

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
from tests.helpers.stiffnesses import (
    ALBITE,
    DIOPSIDE,
    MUSCOVITE,
    assert_alike,
    cubic,
    random_stable,
    rotated,
)

ELASTIC = [name for name in examples.names() if examples.load(name).tensor == "elastic"]


# --- moduli ---------------------------------------------------------------------------------------


def test_moduli_agree_with_pymatgen() -> None:
    analysis = pytest.importorskip("pymatgen.analysis.elasticity")
    for name in ELASTIC:
        values = examples.load(name).values
        ours, theirs = elasticity.moduli(values), analysis.ElasticTensor.from_voigt(values)
        expected = {
            "bulk_voigt": theirs.k_voigt,
            "bulk_reuss": theirs.k_reuss,
            "bulk_hill": theirs.k_vrh,
            "shear_voigt": theirs.g_voigt,
            "shear_reuss": theirs.g_reuss,
            "shear_hill": theirs.g_vrh,
            "youngs_hill": theirs.y_mod / 1e9,  # pymatgen gives this one in Pa
            "poisson_hill": theirs.homogeneous_poisson,
            "universal_anisotropy": theirs.universal_anisotropy,
        }
        for field, value in expected.items():
            assert getattr(ours, field) == pytest.approx(value, rel=1e-10, abs=1e-12), (name, field)


def test_compliance_agrees_with_pymatgen() -> None:
    analysis = pytest.importorskip("pymatgen.analysis.elasticity")
    values = examples.load("quartz").values
    theirs = analysis.ElasticTensor.from_voigt(values).compliance_tensor.voigt
    assert np.allclose(elasticity.compliance(values), theirs, rtol=1e-10, atol=1e-15)


@given(bulk=st.floats(1, 1000), shear=st.floats(1, 1000))
def test_isotropic_bodies(bulk: float, shear: float) -> None:
    stiffness = elasticity.isotropic(bulk, shear)
    result = elasticity.moduli(stiffness)
    for average in ("voigt", "reuss", "hill"):
        assert getattr(result, f"bulk_{average}") == pytest.approx(bulk, rel=1e-9)
        assert getattr(result, f"shear_{average}") == pytest.approx(shear, rel=1e-9)
    assert result.youngs_hill == pytest.approx(9 * bulk * shear / (3 * bulk + shear), rel=1e-9)
    lame = bulk - 2 * shear / 3
    assert result.poisson_hill == pytest.approx(lame / (2 * (lame + shear)), rel=1e-9, abs=1e-9)
    assert result.universal_anisotropy == pytest.approx(0, abs=1e-8)
    assert result.log_anisotropy == pytest.approx(0, abs=1e-8)
    kelvin = elasticity.kelvin_moduli(stiffness)
    assert kelvin == pytest.approx(sorted([3 * bulk] + 5 * [2 * shear]), rel=1e-12)
    parts = nt.reduction("elastic").decompose(stiffness, form="voigt")
    assert (parts[0, 0], parts[0, 1]) == pytest.approx((lame, shear), rel=1e-12, abs=1e-10)


@pytest.mark.parametrize("c", [(168.4, 121.4, 75.4), (165.64, 63.94, 79.51), (50.0, -10.0, 5.0)])
def test_cubic_crystals(c: tuple[float, float, float]) -> None:
    c11, c12, c44 = c
    result = elasticity.moduli(cubic(*c))
    assert result.bulk_voigt == pytest.approx((c11 + 2 * c12) / 3)
    assert result.bulk_reuss == pytest.approx((c11 + 2 * c12) / 3)
    voigt = (c11 - c12 + 3 * c44) / 5
    reuss = 5 * c44 * (c11 - c12) / (4 * c44 + 3 * (c11 - c12))
    assert result.shear_voigt == pytest.approx(voigt)
    assert result.shear_reuss == pytest.approx(reuss)
    assert result.universal_anisotropy == pytest.approx(5 * (voigt / reuss - 1))
    zener = 2 * c44 / (c11 - c12)  # Ranganathan and Ostoja-Starzewski 2008, eq. 10
    assert result.universal_anisotropy == pytest.approx(6 / 5 * (zener**0.5 - zener**-0.5) ** 2)
    assert result.log_anisotropy == pytest.approx(5**0.5 * np.log(voigt / reuss))
    kelvin = sorted([c11 + 2 * c12, *[c11 - c12] * 2, *[2 * c44] * 3])
    assert elasticity.kelvin_moduli(cubic(*c)) == pytest.approx(kelvin)


def test_nothing_depends_on_the_frame() -> None:
    stiffness = random_stable(20, seed=1)
    for rotation in Rotation.random(3, random_state=2).as_matrix():
        other = rotated(stiffness, rotation)
        assert_alike(elasticity.moduli(stiffness), elasticity.moduli(other), rel=1e-9)
        kelvin = elasticity.kelvin_moduli(stiffness)
        assert np.allclose(kelvin, elasticity.kelvin_moduli(other), rtol=1e-9)
        assert elasticity.is_stable(other).all()


@given(seed=st.integers(0, 2**32 - 1))
def test_bounds_and_signs_of_stable_crystals(seed: int) -> None:
    stiffness = random_stable(8, seed)
    result = elasticity.moduli(stiffness)
    assert elasticity.is_stable(stiffness).all()
    for kind in ("bulk", "shear"):
        voigt, hill, reuss = (
            getattr(result, f"{kind}_{average}") for average in ("voigt", "hill", "reuss")
        )
        assert (voigt >= hill).all()
        assert (hill >= reuss).all()
        assert (reuss > 0).all()
    assert (result.universal_anisotropy >= 0).all()
    assert (result.log_anisotropy >= 0).all()
    assert (result.poisson_hill > -1).all()
    assert (result.poisson_hill < 0.5).all()
    kelvin = elasticity.kelvin_moduli(stiffness)
    assert (np.diff(kelvin) >= 0).all()
    identity = stiffness @ elasticity.compliance(stiffness)
    assert np.allclose(identity, np.eye(6), atol=1e-9)


# --- what was measured ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stiffness", "bulk", "shear"),
    [
        (examples.load("forsterite").values, 129.5, 81.1),  # J. D. Bass 1995, table 1, as the next
        (examples.load("quartz").values, 37.8, 44.3),
        (DIOPSIDE, 113, 67),
        (MUSCOVITE, 58.2, 35.3),
    ],
)
def test_averages_of_the_handbook(
    stiffness: NDArray[np.float64], bulk: float, shear: float
) -> None:
    result = elasticity.moduli(stiffness)  # printed to three digits
    assert result.bulk_hill == pytest.approx(bulk, rel=5e-3)
    assert result.shear_hill == pytest.approx(shear, rel=5e-3)


def test_a_hexagonal_polycrystal() -> None:
    # zinc, G. V. Samsonov 1968, Handbook of the Physicochemical Properties of the Elements; the
    # bounds of Voigt and Reuss are 20 to 30 % apart, and cast zinc has texture
    result = elasticity.moduli(examples.load("zinc").values)
    assert result.bulk_reuss < 70 < result.bulk_voigt
    assert result.shear_reuss < 43 < result.shear_voigt


@pytest.mark.parametrize("entry", examples.entries("dejong2015"), ids=lambda e: e["id"])
def test_hill_averages_of_the_source_in_six_systems(entry: dict[str, Any]) -> None:
    # M. de Jong et al. 2015 state K and G beside their tensors, to three decimals of GPa
    result = elasticity.moduli(examples.load(entry["id"]).values)
    assert result.bulk_hill == pytest.approx(entry["K_VRH"], abs=0.02)
    assert result.shear_hill == pytest.approx(entry["G_VRH"], abs=0.02)


def test_albite_under_pressure() -> None:
    # 52.3(9) GPa by diffraction, M. Benusa et al. 2005, Am. Mineral. 90, 1115: isothermal, which
    # is 2 % below adiabatic, and the constants have 1 to 3 %
    assert elasticity.moduli(ALBITE).bulk_reuss == pytest.approx(52.3, rel=0.06)
