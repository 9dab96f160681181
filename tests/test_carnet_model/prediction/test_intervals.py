"""Intervals around a prediction: powers of what is known, and quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from carnet_model.prediction.intervals import (
    ErrorModel,
    Measure,
    from_record,
    measures,
    uncertainty,
)
from natural_tensors import reduction


def test_the_error_is_a_product_of_powers() -> None:
    model = ErrorModel(np.log(3.0), (0.5, 0.25, 1.0), likely=2.0, sure=7.0)
    likely, sure = model.half_widths(Measure(4.0, 16.0, 5.0))
    assert likely == pytest.approx(2 * 3 * 2 * 2 * 5)
    assert sure == pytest.approx(7 * 3 * 2 * 2 * 5)


def test_what_does_not_spread_has_no_error() -> None:
    model = ErrorModel(0.0, (0.5, 0.5, 0.0), likely=1.0, sure=2.0)
    likely, sure = model.half_widths(Measure(np.array([0.0, 4.0]), 9.0, 1.0))
    np.testing.assert_allclose(likely, [0, 6])
    np.testing.assert_allclose(sure, [0, 12])


def test_a_record_gives_the_models_it_states() -> None:
    entry = {"constant": -1, "powers": [0.5, 0.25, 0], "likely": 2, "sure": 6.5}
    assert from_record({"intervals": {"bulk": entry}}) == {
        "bulk": ErrorModel(-1.0, (0.5, 0.25, 0.0), 2.0, 6.5)
    }
    assert from_record({}) == from_record({"intervals": None}) == {}


def test_measures_of_a_stiffness_are_those_of_its_members() -> None:
    """Two isotropic members: every number follows from two moduli by hand."""
    elastic = reduction("elastic")

    def isotropic(bulk: float, shear: float) -> np.ndarray:
        voigt = np.zeros((6, 6))
        voigt[:3, :3] = bulk - 2 * shear / 3
        voigt[range(3), range(3)] += 2 * shear
        voigt[range(3, 6), range(3, 6)] = shear
        return voigt

    voigt = np.array([isotropic(90.0, 50.0), isotropic(110.0, 50.0)])
    packed = np.array([elastic.pack(one, form="voigt") for one in voigt])
    found = measures(packed, np.asarray(elastic.unpack(packed)), voigt)
    assert set(found) == {"relative", "stiffness", "bulk", "shear", "youngs"}
    # one coordinate alone differs: K times the unit tensor of norm 3
    tensor_spread = 3 * 20 / np.sqrt(2)
    assert found["bulk"] == pytest.approx((20 / np.sqrt(2), tensor_spread, 100.0))
    assert found["shear"].spread == pytest.approx(0.0, abs=1e-9)
    assert found["relative"].size == pytest.approx(np.linalg.norm(packed.mean(axis=0)))
    spread = np.asarray(found["stiffness"].spread)
    assert spread[:3, :3] == pytest.approx(20 / np.sqrt(2))
    assert not spread[3:].any(), "what is zero by symmetry, or equal, has no error"


def test_without_a_model_the_uncertainty_is_the_spread() -> None:
    found = {"relative": Measure(2.0, 2.0, 8.0), "tensor": Measure(np.array([1.0, 0.0]), 2.0, 8.0)}
    plain = uncertainty(found, {})
    assert plain["relative"] == 0.25
    np.testing.assert_array_equal(plain["tensor"], [1.0, 0.0])
    assert set(plain) == {"relative", "tensor"}
    stated = uncertainty(found, {"relative": ErrorModel(0.0, (1.0, 0.0, 0.0), 3.0, 9.0)})
    assert stated["relative"] == 0.75
    assert stated["relative_95"] == 2.25
