"""Structures worth computing: what the networks know is left out, copies are not chosen twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from carnet_model.data.fingerprints import Fingerprints
from carnet_model.network.batch import collate
from carnet_model.prediction.predictor import Predictor
from carnet_model.prediction.result import Prediction
from carnet_model.selection.pool import SelectionError, described, select
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build
from carnet_model.structures.signature import signature
from tests.helpers.tiny_checkpoints import SALT, network, record


def variants(count: int) -> list[Geometry]:
    return [
        replace(SALT, cell=SALT.cell * a, positions=SALT.positions * a, name=f"{a:.2f}")
        for a in np.linspace(0.8, 1.3, count)
    ]


def predictor(**options: object) -> Predictor:
    models = [network(seed) for seed in range(3)]
    return Predictor(models, record=record(), **options)  # type: ignore[arg-type]


def test_the_chosen_are_uncertain_and_none_is_known() -> None:
    pool = variants(12)
    plain = select(predictor(), pool, 5)
    predicted = [each for each in predictor().predict(pool) if isinstance(each, Prediction)]
    spreads = {each.name: each.uncertainty["relative"] for each in predicted}
    assert plain.chosen[0].name == max(spreads, key=lambda name: spreads[name])
    assert plain.left[0] == pytest.approx(plain.uncertainty[0])
    assert (np.diff(plain.left) <= 1e-12).all()
    assert (plain.left <= plain.uncertainty + 1e-12).all()
    assert len({each.name for each in plain.chosen}) == 5
    first = next(each for each in pool if each.name == plain.chosen[0].name)
    seen = Fingerprints(("seen",), (first.formula,), np.array([signature(first)], dtype=np.float16))
    other = select(predictor(seen=seen), pool, 12)
    assert other.known == 1
    assert first.name not in {each.name for each in other.chosen}


def test_copies_in_another_cell_are_described_alike_and_chosen_once() -> None:
    double = replace(
        SALT,
        numbers=np.tile(SALT.numbers, 2),
        positions=np.concatenate([SALT.positions, SALT.positions + SALT.cell[0]]),
        cell=SALT.cell * np.array([[2.0], [1.0], [1.0]]),
        name="double",
    )
    rows = described(predictor(), [SALT, double, variants(2)[1]])
    assert np.allclose(rows[0], rows[1], rtol=1e-5, atol=1e-6)
    assert not np.allclose(rows[0], rows[2], rtol=1e-3)
    model = network(0)
    expected = model.representation(collate([build(SALT, 3.5)])).detach().numpy()
    assert np.allclose(rows[:1], expected, rtol=1e-5, atol=1e-6)


def test_one_network_and_a_pool_of_nothing_are_refused() -> None:
    with pytest.raises(SelectionError, match="one network has no uncertainty"):
        select(Predictor([network(0)], record=record()), variants(2), 1)
    uranium = replace(SALT, numbers=np.array([92, 92]), name="uranium")
    with pytest.raises(SelectionError, match=r"1 cannot be predicted; the first: uranium"):
        select(predictor(), [uranium], 1)
