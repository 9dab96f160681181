"""Baselines of stiffness against plain computations."""

from __future__ import annotations

import numpy as np
import pytest

import natural_tensors as nt
from carnet_model.evaluation.baselines import elastic_baselines
from natural_tensors import elasticity
from natural_tensors.arrays import Floats
from tests.helpers.predicted_stiffnesses import SYSTEMS, TRUTH


def test_baselines() -> None:
    train, test = TRUTH[::2], TRUTH[1::2]
    result = elastic_baselines(train, test, SYSTEMS[1::2], draws=20)
    hill = elasticity.moduli(train)
    constant = elasticity.moduli(result.tensors["median moduli"])
    assert constant.bulk_hill == pytest.approx(np.median(hill.bulk_hill))
    assert constant.shear_hill == pytest.approx(np.median(hill.shear_hill))
    for name in ("median tensor", "mean tensor"):
        shares = nt.reduction("elastic").fractions(result.tensors[name], form="voigt")
        assert shares[0] == pytest.approx(1)
    mean = elasticity.moduli(result.tensors["mean tensor"])
    assert mean.bulk_voigt == pytest.approx(elasticity.moduli(train).bulk_voigt.mean())
    table = result.tables["true moduli"]
    assert table["bulk_mae"].value == pytest.approx(0, abs=1e-10)
    assert table["shear_mae"].value == pytest.approx(0, abs=1e-10)
    assert table["component_mae"].value > 1
    assert set(table.groups) == set(SYSTEMS[1::2])
    assert list(result.columns) == list(result.tensors)
    assert result.columns["true moduli"] == table.scores


def test_the_mean_tensor_is_the_best_isotropic_constant() -> None:
    best = elastic_baselines(TRUTH, TRUTH, draws=2).tensors["mean tensor"]

    def loss(tensor: Floats) -> float:
        return float(((elasticity.mandel(tensor) - elasticity.mandel(TRUTH)) ** 2).sum())

    for bulk, shear in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        assert loss(best) < loss(best + elasticity.isotropic(bulk, shear))


@pytest.mark.parametrize(
    ("train", "reference", "message"),
    [
        (TRUTH[:0], TRUTH, "train holds no crystals"),
        (TRUTH, TRUTH * 0, "reference: stiffness 0 is"),
    ],
)
def test_baselines_say_what_they_lack(train: Floats, reference: Floats, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        elastic_baselines(train, reference)
