"""The folder of a run: when a run in it may go on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from carnet_model.network.settings import ConfigError
from carnet_model.training.learner import TrainingError
from carnet_model.training.run import TrainingInterrupted, train
from natural_tensors.files.saving import FileError
from tests.helpers.processes import dead_process
from tests.helpers.tiny_models import RECORDS
from tests.helpers.trainings import crystal_config, interrupted_at

pytestmark = pytest.mark.usefixtures("own_graph_cache")


def test_a_run_with_other_settings_or_data_is_not_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = crystal_config(tmp_path, output="run")
    with monkeypatch.context() as patch:
        interrupted_at(patch, 1, KeyboardInterrupt)
        with pytest.raises(TrainingInterrupted):
            train(config, progress=False)
    other = crystal_config(tmp_path, output="run", epochs=9, optimizer={"lr": 0.5})
    with pytest.raises(TrainingError, match=r"epochs: 3 there, 9 here; optimizer\.lr: 0\.01 there"):
        train(other, progress=False)
    swapped = [RECORDS[1], RECORDS[0], *RECORDS[2:]]
    wider = [{**RECORDS[0], "lattice": (1.01 * np.array(RECORDS[0]["lattice"])).tolist()}]
    for changed in (RECORDS[1:], swapped, [*wider, *RECORDS[1:]]):
        (tmp_path / "crystals.json").write_text(json.dumps(changed))
        with pytest.raises(TrainingError, match="data have changed"):
            train(config, progress=False)
    assert len(train(config, resume=False, progress=False).history) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"finished": 1', "[" * 5000])
def test_a_damaged_run_is_refused(tmp_path: Path, text: str) -> None:
    config = crystal_config(tmp_path, output="run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text(text)
    (tmp_path / "run" / "config.json").write_text(config.model_dump_json())
    with pytest.raises(TrainingError, match="the run in it cannot be read"):
        train(config, progress=False)


def test_what_cannot_be_written_or_run_is_said_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="no folder can be made there: Not a directory"):
        train(crystal_config(tmp_path, output="file/run"), progress=False)
    with pytest.raises(FileError, match="no folder can be made there: File exists"):
        train(crystal_config(tmp_path, output="file"), progress=False)
    with pytest.raises(FileError, match="holds the character NUL"):
        train(crystal_config(tmp_path, output="a\0b"), progress=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one here")
@pytest.mark.parametrize("name", ["gpu", "cuda", "tpu", "nothing"])
def test_an_accelerator_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"accelerator: got '{name}'.*; cpu always can"):
        train(crystal_config(tmp_path, accelerator=name), progress=False)


def test_what_a_killed_training_left_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = crystal_config(tmp_path, output="run")
    with monkeypatch.context() as patch:
        interrupted_at(patch, 1, KeyboardInterrupt)
        with pytest.raises(TrainingInterrupted):
            train(config, progress=False)
    whole = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert not any(name.endswith(".tmp") for name in whole)
    for name in ("resume.safetensors", "metrics.csv"):
        (tmp_path / "run" / f".{name}.new.{dead_process()}.1.tmp").write_bytes(b"half")
    (tmp_path / "run" / f".model.old.{dead_process()}.1.tmp").mkdir()
    assert len(train(config, resume=True, progress=False).history) == 3
    left = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert left == sorted({*whole, "learning-curve.png"})


def test_resume_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to go on with"):
        train(crystal_config(tmp_path, output="none"), resume=True, progress=False)
