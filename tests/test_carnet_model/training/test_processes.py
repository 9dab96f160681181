"""Several processes train as one does: the same weights, errors, stops and refusals."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carnet_model.network.settings import ConfigError
from carnet_model.training.processes import Layout, is_first, layout_of
from carnet_model.training.run import train
from carnet_model.training.run_folder import STATE
from carnet_model.weights import checkpoint
from carnet_model.weights.state import load_state
from tests.helpers.several_processes import train_in_processes
from tests.helpers.trainings import alloy_config, crystal_config

pytestmark = pytest.mark.usefixtures("own_graph_cache")

TIMED = ("seconds", "crystals_per_second")
ROUNDING = 1e-6
"""Sums in another order differ by a few units of 6e-8."""


def weights(folder: Path) -> torch.Tensor:
    (model,) = checkpoint.load(folder / "model").models
    return torch.cat([values.detach().flatten().double() for values in model.parameters()])


def untimed(history: Any) -> list[dict[str, float]]:
    return [{key: r[key] for key in r if key not in TIMED} for r in history]


def assert_alike(one: Any, other: Any, tolerance: float) -> None:
    assert len(one) == len(other)
    for first, second in zip(untimed(one), untimed(other), strict=True):
        assert first.keys() == second.keys()
        assert np.allclose([*first.values()], [*second.values()], rtol=tolerance, atol=0)


SETTINGS: dict[str, Any] = {"epochs": 2, "batch": 3, "optimizer": {"lr": 2e-3}}
"""More than twenty steps, the last of each epoch uneven."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return the folder of a run of two processes, and its history."""
    folder = tmp_path_factory.mktemp("whole")
    first, second = train_in_processes(crystal_config(folder, **SETTINGS))
    assert untimed(first) == untimed(second)
    return folder / "run", first


def test_two_processes_are_one_of_the_same_batch(tmp_path: Path, whole: tuple[Path, Any]) -> None:
    folder, history = whole
    alone = train(crystal_config(tmp_path, **SETTINGS), progress=False)
    assert_alike(history, alone.history, 10 * ROUNDING)
    one, two = weights(alone.folder), weights(folder)
    assert (two - one).norm() <= ROUNDING * one.norm()
    steps = [load_state(run / STATE)["global_step"] for run in (alone.folder, folder)]
    assert steps[0] == steps[1] >= 20


def test_a_run_of_two_processes_goes_on_in_two_or_one(
    tmp_path: Path, whole: tuple[Path, Any]
) -> None:
    folder, expected = whole
    config = crystal_config(tmp_path, **SETTINGS)
    assert all(isinstance(each, MemoryError) for each in train_in_processes(config, stop_at=1))
    shutil.copytree(tmp_path / "run", tmp_path / "kept")
    history, _ = train_in_processes(config, resume=True)
    assert untimed(history) == untimed(expected)
    assert torch.equal(weights(tmp_path / "run"), weights(folder))
    resumed = train(
        crystal_config(tmp_path, output="kept", devices=1, **SETTINGS), resume=True, progress=False
    )
    assert_alike(resumed.history, expected, 10 * ROUNDING)
    one, two = weights(tmp_path / "kept"), weights(folder)
    assert (two - one).norm() <= ROUNDING * one.norm()


def test_labels_of_forces_alone_leave_no_parameter_out(tmp_path: Path) -> None:
    data: list[Any] = [{"path": "alloys.xyz", "labels": {"forces": {}}}]
    settings: dict[str, Any] = {"epochs": 1, "data": data, "compile": "never"}
    alone = train(alloy_config(tmp_path, output="one", **settings), progress=False)
    first, second = train_in_processes(alloy_config(tmp_path, output="two", **settings))
    assert untimed(first) == untimed(second)
    assert "forces_mae" in first[0]
    assert "energy_mae" not in first[0]
    assert_alike(first, alone.history, 10 * ROUNDING)


def test_more_processes_than_structures_and_an_early_stop_of_all(tmp_path: Path) -> None:
    """The last step has fewer structures than processes; a rate of nothing never gains."""
    settings: dict[str, Any] = {
        "epochs": 9, "early_stopping": 1, "keep": "best", "ema": 0,
        "split": {"by": "formula", "validation": [10, 16]}, "optimizer": {"lr": 1e-30},
    }  # fmt: skip
    alone = train(crystal_config(tmp_path, output="one", **settings), progress=False)
    histories = train_in_processes(crystal_config(tmp_path, output="two", **settings), processes=3)
    assert len(alone.history) == 2
    for history in histories:
        assert_alike(history, alone.history, ROUNDING)


def test_what_the_first_process_finds_wrong_ends_all(tmp_path: Path) -> None:
    (tmp_path / "crystals.json").write_text("[]")
    answers = train_in_processes(crystal_config(tmp_path))
    assert len({str(answer) for answer in answers}) == 1
    assert all("holds no records" in str(answer) for answer in answers)
    assert not list((tmp_path / "run").iterdir())


def test_the_launcher_says_how_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = crystal_config(tmp_path, devices=2)
    assert layout_of(config) == Layout(2, 1)
    assert is_first()
    with pytest.raises(ConfigError, match=r"nodes: got 3.*torchrun or srun"):
        layout_of(crystal_config(tmp_path, nodes=3))
    with pytest.raises(ConfigError, match="devices: got 9999, and this machine has"):
        layout_of(crystal_config(tmp_path, devices=9999))
    with monkeypatch.context() as patch:
        for key, value in {"SLURM_NTASKS": "6", "SLURM_NTASKS_PER_NODE": "3"}.items():
            patch.setenv(key, value)
        patch.setenv("SLURM_NNODES", "2")
        patch.setenv("SLURM_PROCID", "4")
        assert layout_of(config) == Layout(3, 2, "srun")
        assert not is_first()
    for key, value in {"TORCHELASTIC_RUN_ID": "a", "LOCAL_WORLD_SIZE": "4", "RANK": "7"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert layout_of(config) == Layout(4, 2, "torchrun")
    assert not is_first()
