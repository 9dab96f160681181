"""The command `tune`: what it prints, and its number of trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from carnet_model.training.config import Config
from carnet_model.training.run import Run
from carnet_model.tuning import search
from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error as error_of
from tests.helpers.tiny_models import write_crystals

pytestmark = pytest.mark.usefixtures("own_folder")


def test_trials_are_ranked_and_the_best_can_be_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(config: Config, **options: Any) -> Run:
        folder = Path(config.output)
        return Run(folder, folder, {"score": config.optimizer.lr}, ())

    monkeypatch.setattr(search, "train", train)
    tuned = {"folds": 2, "settings": {"optimizer.lr": {"low": 0.001, "high": 0.1, "log": True}}}
    data = [{"path": write_crystals(8), "labels": {"elastic": {"key": "C", "form": "upper"}}}]
    values = {"data": data, "output": "mine", "tune": tuned}
    Path("config.yaml").write_text(yaml.safe_dump(values))
    said = run("tune", "config.yaml", "-n", "3")
    assert "trial 3 of 3: optimizer.lr" in said.stderr
    best = yaml.safe_load(Path("mine-tune/best.yaml").read_text())
    scores = [line.split()[0] for line in said.stdout.splitlines() if " done" in line]
    assert [float(score) for score in scores] == sorted(float(score) for score in scores)
    assert float(scores[0]) == pytest.approx(best["optimizer"]["lr"], rel=1e-3)
    assert "carnet train" in said.stdout
    Path("config.yaml").write_text(yaml.safe_dump({"data": data}))
    assert "tune: is missing" in error_of("tune", "config.yaml")
