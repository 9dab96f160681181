"""Validation: errors are means over structures, and choose an epoch where they may."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from carnet_model.network.settings import ConfigError
from carnet_model.network.targets import Target
from carnet_model.training import batches
from carnet_model.training.label_tensors import TensorLabels
from carnet_model.training.run import train
from carnet_model.training.validation import Predicted, errors
from tests.helpers.trainings import (
    ENERGIES,
    MODULI,
    STIFFNESS,
    alloy_config,
    crystal_config,
    prepared,
)

pytestmark = pytest.mark.usefixtures("own_graph_cache")


def test_components_and_moduli_choose_an_epoch_together(tmp_path: Path) -> None:
    """Each error counts in units of its scale in the training set, and all alike."""
    for labels, names in (
        (STIFFNESS, {"component_mae": "tensor", "bulk_mae": "moduli", "shear_mae": "moduli"}),
        (MODULI, {"bulk_mae": "moduli", "shear_mae": "moduli"}),
    ):
        config = crystal_config(
            tmp_path, data=[{"path": "crystals.json", "labels": labels}], epochs=1,
            output=str(len(names)),
        )  # fmt: skip
        (record,) = train(config, progress=False).history
        scales = prepared(config).scales["elastic"].loss
        assert ("component_mae" in record) == ("component_mae" in names)
        shares = [record[name] / scales[term] for name, term in names.items()]
        assert record["score"] == pytest.approx(sum(shares) / len(shares))


def test_validation_is_even_over_structures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = []
    for size in (2, 64):
        monkeypatch.setattr(batches, "VALIDATION_BATCH", size)
        config = crystal_config(tmp_path, epochs=1, output=str(size))
        values.append(train(config, progress=False).metrics["component_mae"])
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_the_last_partial_batch_counts_as_much_as_it_holds(tmp_path: Path) -> None:
    """Without steps to speak of, loss and errors of an epoch do not depend on the batches."""
    records = []
    for batch in (7, 30):
        config = alloy_config(
            tmp_path, batch=batch, epochs=1, output=str(batch), ema=0.0,
            optimizer={"lr": 1e-12, "warmup_steps": 0},
        )  # fmt: skip
        assert len(prepared(config).train) == 30  # 4 batches of 7, one of 2
        records.append(train(config, progress=False).history[0])
    for name in ("loss", "energy_mae", "forces_mae", "stress_mae"):
        assert records[0][name] == pytest.approx(records[1][name], rel=1e-4), name


def test_early_stopping_counts_epochs_without_gain(tmp_path: Path) -> None:
    # nothing is learnt at this rate, so the first epoch stays the best to rounding
    config = crystal_config(
        tmp_path, epochs=30, early_stopping=1, optimizer={"lr": 5.0, "clip": None}
    )
    run = train(config, progress=False)
    values = [record["component_mae"] for record in run.history]
    assert len(values) < 30
    assert min(values) == values[-2]


def test_early_stopping_needs_validation(tmp_path: Path) -> None:
    config = crystal_config(
        tmp_path, early_stopping=1, split={"by": "formula", "validation": [100, 100]}
    )
    with pytest.raises(ConfigError, match="the validation split is empty"):
        train(config, progress=False)


def test_what_is_no_number_is_no_small_error() -> None:
    """An epoch that predicts no tensor is not chosen for what else it predicts."""
    target = Target("elastic")
    tensors = torch.randn(3, 21, generator=torch.Generator().manual_seed(0)).exp()
    weight = torch.tensor([1.0, 1.0, 0.0])
    labels = TensorLabels(
        tensors=tensors, coordinates=tensors, moduli=torch.full((3, 3), 50.0),
        tensor_weight=weight, coordinates_weight=weight, moduli_weight=torch.zeros(3, 3),
        either_sign=torch.zeros(3),
    )  # fmt: skip
    guess = tensors.clone()
    guess[1:] = torch.nan
    found = errors(
        [target], Predicted({}, {target.key: guess}, torch.zeros(0)), {target.key: labels}
    )
    assert found["component_mae"][0] == 0
    assert found["component_mae"][1] == torch.inf
    assert found["component_mae"][2].isnan()


def test_stresses_choose_an_epoch_where_nothing_else_is_labelled(tmp_path: Path) -> None:
    data = [{"path": "alloys.xyz", "labels": {"stress": ENERGIES["stress"]}}]
    config = alloy_config(tmp_path, epochs=1, data=data)
    (record,) = train(config, progress=False).history
    scale = prepared(config).scales["energy"].loss["stress"]
    assert record["score"] == pytest.approx(record["stress_mae"] / scale)
