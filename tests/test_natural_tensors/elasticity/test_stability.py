"""Kelvin moduli, stability, and singular stiffnesses."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

import natural_tensors as nt
from natural_tensors import elasticity, examples
from tests.helpers.stiffnesses import (
    FIELDS,
    assert_alike,
    cubic,
    random_stable,
)


def test_an_unstable_crystal_has_moduli_but_no_bounds() -> None:
    soft = cubic(100.0, 120.0, 50.0)  # C11 < C12
    assert not elasticity.is_stable(soft)
    assert elasticity.kelvin_moduli(soft)[:2] == pytest.approx([-20, -20])
    result = elasticity.moduli(soft)
    assert result.shear_voigt == pytest.approx(26)
    assert result.shear_reuss == pytest.approx(5 * 50 * -20 / (200 - 60))
    ratio = result.shear_voigt / result.shear_reuss
    assert result.universal_anisotropy == pytest.approx(5 * ratio - 5)
    assert np.isnan(result.log_anisotropy)


def test_a_singular_stiffness_is_nan_and_leaves_its_neighbours_alone() -> None:
    good = examples.load("quartz").values
    singular = cubic(100.0, 100.0, 50.0)
    batch = np.array([good, singular, np.zeros((6, 6)), good])
    result = elasticity.moduli(batch)
    assert elasticity.is_stable(batch).tolist() == [True, False, False, True]
    for name in FIELDS:
        empty = np.isnan(getattr(result, name)).tolist()
        assert empty == ([False] * 4 if name.endswith("voigt") else [False, True, True, False])
    assert_alike(result[0], elasticity.moduli(good), rel=1e-14)
    assert np.isnan(elasticity.compliance(batch)[1:3]).all()
    assert np.isfinite(elasticity.compliance(batch)[::3]).all()


def test_kelvin_modes_are_strains_proportional_to_their_stress() -> None:
    stiffness = np.concatenate([random_stable(5, seed=4), [examples.load("quartz").values]])
    modes = elasticity.kelvin_modes(stiffness)
    assert np.allclose(modes.moduli_gpa, elasticity.kelvin_moduli(stiffness), rtol=1e-12)
    stress = np.einsum("nijkl,nakl->naij", nt.from_voigt(stiffness), modes.strains)
    expected = modes.moduli_gpa[..., None, None] * modes.strains
    assert np.allclose(stress, expected, atol=1e-10 * modes.moduli_gpa.max())
    inner = np.einsum("naij,nbij->nab", modes.strains, modes.strains)
    assert np.allclose(inner, np.eye(6), atol=1e-12)


def test_the_sign_of_a_kelvin_strain_follows_its_largest_component() -> None:
    swollen = elasticity.kelvin_modes(examples.load("copper").values).strains[5]
    assert np.allclose(swollen, np.eye(3) / 3**0.5, atol=1e-14)
    for modes in (elasticity.kelvin_modes(random_stable(9, seed=seed)) for seed in range(3)):
        weights = np.array([[1, 2**0.5, 2**0.5], [0, 1, 2**0.5], [0, 0, 1]])
        entries = (modes.strains * weights).reshape(9, 6, 9)
        largest = np.abs(entries).argmax(axis=-1)[..., None]
        assert (np.take_along_axis(entries, largest, axis=-1) > 0).all()


@pytest.mark.parametrize(
    ("stiffness", "text"),
    [
        (cubic(100.0, 120.0, 50.0), r"unstable: the strain .* lowers the energy \(modulus -20 GPa"),
        (cubic(100.0, 20.0, -1.0), r"unstable: the strain 0.707 e_\w\w lowers the energy"),
        (np.zeros((6, 6)), "costs no energy"),
        (cubic(168.4, 121.4, 75.4), r"stable: the weakest strain, .* has the modulus 47 GPa"),
    ],
)
def test_the_weakest_mode_in_words(stiffness: NDArray[np.float64], text: str) -> None:
    assert re.search(text, elasticity.weakest_mode(stiffness))


def test_rounding_does_not_choose_the_strains_of_a_multiple_modulus() -> None:
    """What single precision does to a cubic or isotropic stiffness turns no strain."""
    noise = np.random.default_rng(4).normal(size=(20, 6, 6))
    shaken_copper = cubic(168.4, 121.4, 75.4) + 1e-5 * (noise[0] + noise[0].T)
    for exact in (cubic(168.4, 121.4, 75.4), elasticity.isotropic(100.0, 60.0)):
        shaken = elasticity.kelvin_modes(exact + 1e-5 * (noise + noise.swapaxes(-1, -2)))
        expected = elasticity.kelvin_modes(exact)
        np.testing.assert_allclose(
            shaken.strains, np.broadcast_to(expected.strains, (20, 6, 3, 3)), atol=2e-6
        )
    words = [elasticity.describe_strain(e) for e in elasticity.kelvin_modes(shaken_copper).strains]
    assert words[:3] == [
        "0.816 e_xx - 0.408 e_yy - 0.408 e_zz", "0.707 e_yy - 0.707 e_zz", "0.707 e_yz",
    ]  # fmt: skip


def test_strains_in_words() -> None:
    strain = np.array([[0.6, 0, -0.1], [0, -0.6, 0], [-0.1, 0, 1e-5]])
    assert elasticity.describe_strain(strain) == "0.600 e_xx - 0.600 e_yy - 0.100 e_xz"
    assert elasticity.describe_strain(np.zeros((3, 3))) == "no strain"
    with pytest.raises(ValueError, match=r"one 3x3 matrix, got an array of shape \(2, 3, 3\)"):
        elasticity.describe_strain(np.zeros((2, 3, 3)))
    with pytest.raises(ValueError, match=r"got a batch of shape \(2,\); take one member"):
        elasticity.weakest_mode(random_stable(2, seed=0))
