"""The average of the weights: what a short run exports has learnt as much as its last weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from carnet_model.training.averaging import average_of, kept_share, short_run
from carnet_model.training.run import Run, train
from tests.helpers.tiny_models import RECORDS, network
from tests.helpers.trainings import STIFFNESS, crystal_config

pytestmark = pytest.mark.usefixtures("own_graph_cache")


def judged_on_what_it_learnt(folder: Path, ema: float) -> Run:
    """Train for 12 epochs on forty-one crystals, which also validate under other names."""
    copies = [{**crystal, "id": f"again {crystal['id']}"} for crystal in RECORDS]
    (folder / "again.json").write_text(json.dumps(copies))
    data = [
        {"path": "crystals.json", "labels": STIFFNESS},
        {"path": "again.json", "role": "val", "labels": STIFFNESS},
    ]
    split = {"by": "formula", "validation": [100, 100]}
    changes = {"data": data, "split": split, "epochs": 12, "ema": ema, "output": str(ema)}
    return train(crystal_config(folder, **changes))


def test_a_short_run_exports_trained_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last = judged_on_what_it_learnt(tmp_path, 0.0)
    assert "short run" not in capsys.readouterr().err
    averaged = judged_on_what_it_learnt(tmp_path, 0.997)
    said = capsys.readouterr().err
    assert "the weights are averaged over about its last 9 of 72 steps, not over 333" in said
    # the steps are the same; the average trails them by the last epoch, which the schedule makes
    # nearly still. An average from the first step on is 60 % off in the bulk modulus here.
    assert [r["loss"] for r in averaged.history] == [r["loss"] for r in last.history]
    for name in ("component_mae", "bulk_mae", "shear_mae"):
        assert averaged.metrics[name] == pytest.approx(last.metrics[name], rel=0.05)


def test_the_average_is_that_of_the_formula() -> None:
    model = network()
    average = average_of(model, 0.75)
    (name, weights), *_ = model.named_parameters()
    expected = None
    for step in range(60):
        with torch.no_grad():
            weights.fill_(np.sin(step))
        average.update_parameters(model)
        share = 0.0 if expected is None else min(0.75, (1 + step) / (10 + step))
        expected = share * (expected or 0.0) + (1 - share) * np.sin(step)
        found = average.module.get_parameter(name)
        torch.testing.assert_close(found, torch.full_like(found, expected), rtol=1e-5, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in average.parameters())


@pytest.mark.parametrize(("ema", "long"), [(0.9, 80), (0.997, 2990), (0.0, 0)])
def test_a_run_is_short_until_the_average_remembers_all(ema: float, long: int) -> None:
    assert short_run(ema, long) is None
    assert kept_share(ema, long) == pytest.approx(ema)
    if long:
        said = short_run(ema, long - 1)
        assert said is not None
        assert f"{long - 1} steps" in said
