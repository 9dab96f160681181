"""The folder of a run: when a run in it may go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carnet_model.training.learner import TrainingError
from carnet_model.training.run import TrainingInterrupted, train
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
    (tmp_path / "crystals.json").write_text(json.dumps(RECORDS[1:]))
    with pytest.raises(TrainingError, match="data have changed"):
        train(config, progress=False)
    assert len(train(config, resume=False, progress=False).history) == 3


def test_resume_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to go on with"):
        train(crystal_config(tmp_path, output="none"), resume=True, progress=False)
