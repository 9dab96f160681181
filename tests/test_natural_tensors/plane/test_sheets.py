"""Elastic sheets in numbers against rotations, grids and Vannucci's polar parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from natural_tensors import SymmetryError, reduction
from natural_tensors.plane.elasticity import NumericSheet, sheet
from natural_tensors.plane.forms import form

GRAPHENE = [[352.0, 63.0, 0.0], [63.0, 352.0, 0.0], [0.0, 0.0, 144.5]]
ELASTIC = reduction("elastic", dimension=2)


def turned(matrix: Any, angle: float, kind: Any = "voigt") -> Any:
    c, s = np.cos(angle), np.sin(angle)
    full = ELASTIC.convert(matrix, source=kind, target="full")
    return ELASTIC.convert(ELASTIC.rotate(full, [[c, -s], [s, c]]), target=kind)


def random_sheets(count: int = 6) -> Any:
    roots = np.random.default_rng(7).normal(size=(count, 3, 3))
    return roots @ roots.swapaxes(-1, -2) + 0.5 * np.eye(3)


def numeric(values: Any, **options: Any) -> NumericSheet:
    result = sheet(values, **options)
    assert isinstance(result, NumericSheet)
    return result


def test_an_isotropic_sheet() -> None:
    graphene = numeric(GRAPHENE)
    for modulus in ("area_modulus_voigt", "area_modulus_reuss", "area_modulus"):
        assert getattr(graphene, modulus) == pytest.approx(207.5)
    for modulus in ("shear_modulus_voigt", "shear_modulus_reuss", "shear_modulus"):
        assert getattr(graphene, modulus) == pytest.approx(144.5)
    for angle in (0.0, 0.4, 2.0):
        assert graphene.young(angle) == pytest.approx((352**2 - 63**2) / 352)
        assert graphene.poisson(angle) == pytest.approx(63 / 352)
        assert graphene.shear(angle) == pytest.approx(144.5)
    assert graphene.young_modulus == pytest.approx(graphene.young(0.0))
    assert graphene.poisson_ratio == pytest.approx(63 / 352)
    assert graphene.universal_anisotropy == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(graphene.kelvin_moduli, [289, 289, 415])
    assert graphene.stable


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, 2.5])
def test_directions_are_those_of_the_turned_compliance(angle: float) -> None:
    matrices = random_sheets()
    sheets = numeric(matrices)
    soft = np.linalg.inv(matrices)
    np.testing.assert_allclose(sheets.compliance[4], soft[:, 1, 2], rtol=1e-9)
    moved = turned(soft, -angle, "voigt-compliance")
    np.testing.assert_allclose(sheets.young(angle), 1 / moved[:, 0, 0], rtol=1e-9)
    np.testing.assert_allclose(sheets.poisson(angle), -moved[:, 0, 1] / moved[:, 0, 0], atol=1e-9)
    np.testing.assert_allclose(sheets.shear(angle), 1 / moved[:, 2, 2], rtol=1e-9)


def test_averages_are_those_of_all_orientations() -> None:
    matrices = random_sheets()
    angles = np.pi * np.arange(8) / 8
    stiff = np.mean([turned(matrices, angle) for angle in angles], axis=0)
    soft = np.mean(
        [turned(np.linalg.inv(matrices), angle, "voigt-compliance") for angle in angles], axis=0
    )
    sheets = numeric(matrices)
    np.testing.assert_allclose(sheets.shear_modulus_voigt, stiff[:, 2, 2], rtol=1e-12)
    np.testing.assert_allclose(
        sheets.area_modulus_voigt, (stiff[:, 0, 0] + stiff[:, 0, 1]) / 2, rtol=1e-12
    )
    np.testing.assert_allclose(sheets.shear_modulus_reuss, 1 / soft[:, 2, 2], rtol=1e-9)
    np.testing.assert_allclose(
        sheets.area_modulus_reuss, 1 / (2 * soft[:, 0, 0] + 2 * soft[:, 0, 1]), rtol=1e-9
    )
    assert (sheets.area_modulus_reuss < sheets.area_modulus_voigt).all()
    assert (sheets.shear_modulus_reuss < sheets.shear_modulus_voigt).all()
    assert (sheets.universal_anisotropy > 0).all()


@pytest.mark.parametrize("what", ["young", "poisson", "shear"])
def test_extremes_are_those_of_a_fine_grid(what: str) -> None:
    sheets = numeric(random_sheets())
    extremes = getattr(sheets, f"{what}_extremes")
    grid = np.linspace(0, np.pi, 20001)
    each = NumericSheet(tuple(entry[:, None] for entry in sheets.stiffness))
    values = getattr(each, what)(grid)
    # a parabola between grid points: off by the square of the step
    np.testing.assert_allclose(extremes.smallest, values.min(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(extremes.largest, values.max(axis=1), rtol=1e-5, atol=1e-6)
    assert (extremes.smallest <= values.min(axis=1) + 1e-12).all()
    assert (extremes.largest >= values.max(axis=1) - 1e-12).all()
    np.testing.assert_allclose(getattr(sheets, what)(extremes.smallest_at), extremes.smallest)
    np.testing.assert_allclose(getattr(sheets, what)(extremes.largest_at), extremes.largest)


def test_polar_parameters_turn_as_vannucci_says() -> None:
    matrices = random_sheets()
    before, after = (
        numeric(matrices).polar_parameters,
        numeric(turned(matrices, 0.3)).polar_parameters,
    )
    for name in ("T0", "T1", "R0", "R1"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9)
    for name, period in (("F0", np.pi / 2), ("F1", np.pi)):
        shift = (after[name] - before[name] - 0.3) / period
        np.testing.assert_allclose(shift, np.round(shift), atol=1e-9)
    parts = ELASTIC.decompose(matrices, form="voigt")
    np.testing.assert_allclose(before["T0"], parts[0, 1], rtol=1e-12)
    # a natural tensor of weight l with the components a, b has the squared norm 2^(l-1) (a² + b²)
    norm = np.linalg.norm(parts[4, 0].reshape(6, -1), axis=1)
    np.testing.assert_allclose(before["R0"], norm / np.sqrt(8), rtol=1e-12)
    norm = np.linalg.norm(parts[2, 0].reshape(6, -1), axis=1)
    np.testing.assert_allclose(before["R1"], norm / np.sqrt(8), rtol=1e-12)


def test_stability_is_that_of_the_energy() -> None:
    assert numeric(random_sheets()).stable.all()
    unstable = np.array([[1.0, 2, 0], [2, 1, 0], [0, 0, 1]])
    assert not numeric(unstable).stable
    assert not numeric(np.diag([1.0, 1.0, 0.0])).stable
    assert "not mechanically stable" in repr(numeric(unstable))


def test_a_load_adds_the_wallace_terms() -> None:
    stress = (1.0, 2.0, 0.5)
    loaded = numeric(GRAPHENE).under_load(stress)
    delta, sigma = np.eye(2), np.array([[1.0, 0.5], [0.5, 2.0]])
    full = ELASTIC.convert(GRAPHENE, source="voigt", target="full")
    for pair in ("ik,jl", "il,jk", "jk,il", "jl,ik"):
        full = full + np.einsum(f"{pair}->ijkl", delta, sigma) / 2
    full = (
        full - (np.einsum("ij,kl->ijkl", sigma, delta) + np.einsum("ij,kl->ijkl", delta, sigma)) / 2
    )
    np.testing.assert_allclose(loaded.matrix, ELASTIC.convert(full, target="voigt"), rtol=1e-14)


def test_one_sheet_and_a_batch_in_print() -> None:
    text = repr(numeric(GRAPHENE))
    assert "K = 207.5, G = 144.5, E = 340.724, nu = 0.178977 (Hill)" in text
    assert text.endswith("mechanically stable")
    assert repr(numeric(random_sheets())) == "<6 sheets, 6 of them stable>"


def test_what_is_refused() -> None:
    with pytest.raises(SymmetryError, match="violates"):
        sheet([[1.0, 2, 0], [3, 1, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="3 x 3"):
        sheet(np.eye(6))
    with pytest.raises(ValueError, match="complex"):
        sheet(1j * np.eye(3))
    with pytest.raises(ValueError, match="no stiffness"):
        sheet(form("piezoelectric", "3m"))
