"""Moduli and stability: closed forms, pymatgen, and what no frame changes."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors import elasticity, examples
from tests.helpers.stiffnesses import ALBITE, DIOPSIDE, MUSCOVITE, cubic, random_stable, rotated

ELASTIC = [name for name in examples.names() if examples.load(name).tensor == "elastic"]
FIELDS = [field.name for field in fields(elasticity.Moduli)]


def assert_alike(one: elasticity.Moduli, other: elasticity.Moduli, rel: float) -> None:
    for name in FIELDS:
        size = rel if "anisotropy" in name else 0.0  # a difference of numbers near 6
        close = np.allclose(getattr(one, name), getattr(other, name), rtol=rel, atol=20 * size)
        assert close, name


# --- moduli ------------------------------------------------------------------------------------


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


# --- stability ---------------------------------------------------------------------------------


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


def test_strains_in_words() -> None:
    strain = np.array([[0.6, 0, -0.1], [0, -0.6, 0], [-0.1, 0, 1e-5]])
    assert elasticity.describe_strain(strain) == "0.600 e_xx - 0.600 e_yy - 0.100 e_xz"
    assert elasticity.describe_strain(np.zeros((3, 3))) == "no strain"
    with pytest.raises(ValueError, match=r"one 3x3 matrix, got an array of shape \(2, 3, 3\)"):
        elasticity.describe_strain(np.zeros((2, 3, 3)))
    with pytest.raises(ValueError, match=r"got a batch of shape \(2,\); take one member"):
        elasticity.weakest_mode(random_stable(2, seed=0))


# --- what was measured -------------------------------------------------------------------------


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


# --- forms and shapes --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["copper", "quartz", "forsterite"])
def test_forms_agree_with_the_exact_core(name: str) -> None:
    values = examples.load(name).values
    assert np.allclose(elasticity.mandel(values), nt.to_voigt(nt.from_voigt(values), form="mandel"))
    soft = nt.from_voigt(elasticity.compliance(values), form="voigt-compliance")
    identity = np.einsum("ijkl,klmn->ijmn", nt.from_voigt(values), soft)
    delta = np.eye(3)
    expected = np.einsum("im,jn->ijmn", delta, delta) + np.einsum("in,jm->ijmn", delta, delta)
    assert np.allclose(identity, expected / 2, atol=1e-12)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (4,), (2, 3)])
def test_batches(batch: tuple[int, ...]) -> None:
    stiffness = random_stable(6, seed=3)[: int(np.prod(batch))].reshape(*batch, 6, 6)
    result = elasticity.moduli(stiffness)
    assert result.shape == batch
    for name in FIELDS:
        assert np.shape(getattr(result, name)) == batch
    assert elasticity.kelvin_moduli(stiffness).shape == (*batch, 6)
    assert np.shape(elasticity.is_stable(stiffness)) == batch
    assert elasticity.compliance(stiffness).shape == (*batch, 6, 6)
    assert elasticity.isotropic(result.bulk_hill, result.shear_hill).shape == (*batch, 6, 6)
    for place in np.ndindex(*batch):
        assert_alike(result[place], elasticity.moduli(stiffness[place]), rel=1e-12)


def test_lists_integers_and_torch_are_read() -> None:
    values = examples.load("copper").values
    expected = elasticity.moduli(values)
    assert_alike(elasticity.moduli(values.tolist()), expected, rel=1e-15)
    assert_alike(elasticity.moduli(torch.tensor(values, dtype=torch.float32)), expected, rel=1e-5)
    assert elasticity.is_stable(np.eye(6, dtype=int))


def test_rounding_is_symmetrized_and_input_left_alone() -> None:
    values = examples.load("copper").values.copy()
    values[0, 1] += 1e-8
    before = values.copy()
    checked = elasticity.check_stiffness(values)
    assert (checked == checked.T).all()
    assert (values == before).all()
    exact = examples.load("quartz").values
    assert (elasticity.check_stiffness(exact) == exact).all()


def test_the_repr_explains() -> None:
    values = examples.load("copper").values
    text = repr(elasticity.moduli(values))
    assert "G = 54.6, 40.0, 47.3 GPa" in text
    assert "batch of shape (2,)" in repr(elasticity.moduli([values, values]))


# --- errors ------------------------------------------------------------------------------------


def spoiled(place: tuple[int, ...], value: float) -> NDArray[np.float64]:
    batch = np.array([examples.load("copper").values] * 3)
    batch[place] = value
    return batch


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.eye(3), ValueError, r"ends in the shape \(6, 6\), got an array of shape \(3, 3\)"),
        (np.zeros(21), ValueError, r"the 21 components"),
        (1.0, ValueError, r"shape \(\)"),
        (spoiled((1, 2, 3), np.nan), ValueError, r"stiffness 1 .*entry \(2, 3\) is nan; remove"),
        (spoiled((0, 0, 0), np.inf)[0], ValueError, r"the stiffness .*entry \(0, 0\) is inf"),
        (spoiled((2, 0, 1), 90.0), nt.SymmetryError,
         r"stiffness 2 is not symmetric: entry \(0, 1\) is 90 but entry \(1, 0\) is 121"),
        (spoiled((2, 0, 1), 90.0)[None], nt.SymmetryError, r"stiffness \(0, 2\) is not"),
        (np.eye(6) * 1j, TypeError, "a stiffness is real, got an array of type complex128"),
        ([["a"] * 6] * 6, TypeError, "expected numbers"),
    ],
)  # fmt: skip
def test_errors_name_what_came_and_what_to_do(
    values: Any, error: type[Exception], message: str
) -> None:
    for function in (elasticity.check_stiffness, elasticity.moduli, elasticity.is_stable):
        with pytest.raises(error, match=message):
            function(values)
