"""Runs: what they leave behind, and that an interrupted one goes on as if it were not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carnet_model.training.learner import TrainingError
from carnet_model.training.run import TrainingInterrupted, train
from carnet_model.training.run_folder import STATE
from carnet_model.weights import checkpoint
from carnet_model.weights.record import WEIGHTS
from carnet_model.weights.state import load_state
from tests.helpers.tiny_models import RECORDS
from tests.helpers.trainings import NETWORK, crystal_config, interrupted_at

pytestmark = pytest.mark.usefixtures("own_graph_cache")


def test_a_run_learns_and_leaves_everything_behind(tmp_path: Path) -> None:
    config = crystal_config(tmp_path, epochs=6, output="run", keep="best")
    run = train(config, progress=False)
    assert run.history[-1]["loss"] < run.history[0]["loss"]
    assert set(run.metrics) >= {"component_mae", "bulk_mae", "shear_mae", "youngs_mae"}
    names = {"config.json", "run.json", "metrics.csv", "resume.safetensors", "learning-curve.png"}
    assert names <= {entry.name for entry in run.folder.iterdir()}
    assert (run.folder / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    assert len((run.folder / "metrics.csv").read_text().splitlines()) == 7
    assert json.loads((run.folder / "run.json").read_text())["seed"] == 0
    stored = checkpoint.load(run.checkpoint)
    assert stored.record["metrics"]["epoch"] == run.metrics["epoch"]
    assert stored.fingerprints is not None
    assert len(stored.fingerprints) == stored.record["structures"]["train"]
    assert stored.models[0].settings.neighbours is not None
    assert str(tmp_path) not in (run.checkpoint / "model.json").read_text()
    with pytest.raises(TrainingError, match="finished run"):
        train(config, progress=False)


@pytest.mark.parametrize(("error", "method"), [(KeyboardInterrupt, "adamw"), (MemoryError, "muon")])
def test_a_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], method: str
) -> None:
    optimizer = {"lr": 0.01, "method": method}
    whole = train(crystal_config(tmp_path, output="whole", optimizer=optimizer), progress=False)
    config = crystal_config(tmp_path, output="parts", optimizer=optimizer)
    with monkeypatch.context() as patch:
        interrupted_at(patch, 2, error)
        expected = TrainingInterrupted if error is KeyboardInterrupt else error
        with pytest.raises(expected):
            train(config, progress=False)
    parts = train(config, resume=True, progress=False)
    one, other = (load_state(run.folder / STATE) for run in (whole, parts))
    assert_same(untimed(one), untimed(other), "state")
    assert [r["epoch"] for r in parts.history] == [1, 2, 3]
    weights = [(r.checkpoint / WEIGHTS).read_bytes() for r in (whole, parts)]
    assert weights[0] == weights[1]


def untimed(state: dict[str, Any]) -> dict[str, Any]:
    timed = ("seconds", "crystals_per_second")
    history = [{k: v for k, v in r.items() if k not in timed} for r in state["history"]]
    return {**state, "history": history}


def assert_same(one: Any, other: Any, place: str) -> None:
    assert type(one) is type(other), place
    if isinstance(one, dict):
        assert list(one) == list(other), place
        for key in one:
            assert_same(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            assert_same(first, second, f"{place}.{number}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    else:
        assert one == other, place


def test_an_interrupt_in_the_first_epoch_leaves_a_usable_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = crystal_config(tmp_path, output="run")
    with monkeypatch.context() as patch:
        interrupted_at(patch, 0, KeyboardInterrupt)
        with pytest.raises(TrainingInterrupted, match="after 0 of 3 epochs"):
            train(config, progress=False)
    assert checkpoint.load(tmp_path / "run" / "model").models
    assert len(train(config, progress=False).history) == 3


def test_training_works_without_validation_and_without_average(tmp_path: Path) -> None:
    config = crystal_config(
        tmp_path, epochs=1, ema=0, split={"by": "formula", "validation": [100, 100]}
    )
    run = train(config, progress=False)
    assert "component_mae" not in run.metrics
    assert checkpoint.load(run.checkpoint).models


def test_another_class_trains_too(tmp_path: Path) -> None:
    records = []
    for number, crystal in enumerate(RECORDS[:12]):
        polar = np.linspace(0, 1, 18).reshape(3, 6) + 0.1 * number
        tensor = {"piezo": polar.tolist()}
        records.append({key: crystal[key] for key in ("lattice", "numbers", "frac")} | tensor)
    (tmp_path / "piezo.json").write_text(json.dumps(records))
    labels = {"tensor": {"key": "piezo", "form": "voigt"}}
    config = crystal_config(
        tmp_path, epochs=1, target={"symmetry": "ijk=ikj"}, network=NETWORK | {"body_order": 3},
        data=[{"path": "piezo.json", "labels": labels}],
    )  # fmt: skip
    stored = checkpoint.load(train(config, progress=False).checkpoint)
    assert stored.targets[0].dimension == 18
    assert not stored.models[0].outputs[0].assembly.mean.any()  # no true scalar among its parts


def test_settings_of_the_process_are_restored(tmp_path: Path) -> None:
    torch.manual_seed(7)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(crystal_config(tmp_path, epochs=1), progress=False)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads
