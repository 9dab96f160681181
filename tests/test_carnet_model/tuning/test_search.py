"""A search: what it tries, on which folds, and that it goes on where it stopped."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from carnet_model.network.settings import ConfigError
from carnet_model.training import run
from carnet_model.training.config import Config
from carnet_model.training.config_reading import make_config, read_config
from carnet_model.training.learner import TrainingError
from carnet_model.training.run import Run, TrainingInterrupted
from carnet_model.tuning import search
from carnet_model.tuning.search import tune
from carnet_model.tuning.space import changed, folds_of
from tests.helpers.trainings import crystal_config

SPACE = {
    "optimizer.lr": {"low": 1e-3, "high": 0.1, "log": True},
    "network.channels": {"low": 2, "high": 5},
    "loss.tensor": [0.5, 1.0],
}


def tuned(folder: Path, **changes: Any) -> Config:
    settings = {"settings": SPACE, "trials": 4, "folds": 2, **changes.pop("tune", {})}
    return crystal_config(folder, epochs=1, tune=settings, **changes)


class Trainings:
    """Stands in for training: the score is that of a bowl, the smaller the nearer to its bottom."""

    def __init__(self, fail_at: int | None = None, error: type[Exception] = TrainingError) -> None:
        self.seen: list[Config] = []
        self.fail_at, self.error = fail_at, error

    def __call__(self, config: Config, **options: Any) -> Run:
        self.seen.append(config)
        if len(self.seen) - 1 == self.fail_at:
            raise self.error("stopped")
        score = abs(config.optimizer.lr - 0.02) + abs(config.network.channels - 3)
        score += config.split.validation[0] / 1000
        return Run(Path(config.output), Path(config.output), {"score": score}, ())


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    stand_in = Trainings()
    monkeypatch.setattr(search, "train", stand_in)
    return stand_in


def test_trials_are_trained_on_each_fold_and_the_best_is_written(
    tmp_path: Path, trainings: Trainings
) -> None:
    config = tuned(tmp_path)
    found = tune(config, progress=False)
    assert len(found.trials) == 4
    assert len(trainings.seen) == 8
    for first, second in zip(trainings.seen[::2], trainings.seen[1::2], strict=True):
        assert (first.split.validation, second.split.validation) == ((10, 55), (55, 100))
        assert first.optimizer == second.optimizer
        assert first.tune is None
        assert 2 <= first.network.channels <= 5
        assert first.network.cutoff == config.network.cutoff
    scores = [each.score for each in found.trials]
    assert found.winner.score == min(score for score in scores if score is not None)
    best = read_config(found.best)
    assert best.optimizer.lr == found.winner.choices["optimizer.lr"]
    assert best.network.channels == found.winner.choices["network.channels"]
    assert best.split == config.split
    assert best.output == f"{config.output}-best"
    rows = list(csv.DictReader((found.folder / "trials.csv").read_text().splitlines()))
    assert [float(row["score"]) for row in rows] == pytest.approx(scores)


@pytest.mark.parametrize("error", [TrainingInterrupted, MemoryError])
def test_a_search_that_was_cut_off_tries_what_an_uninterrupted_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """More trials than are random, so that proposals follow from what was found before."""
    monkeypatch.setattr(search, "RANDOM_FIRST", 3)
    settings = {"trials": 7, "folds": 1}
    monkeypatch.setattr(search, "train", Trainings())
    whole = tune(tuned(tmp_path, output="whole", tune=settings), progress=False)
    config = tuned(tmp_path, output="parts", tune=settings)
    monkeypatch.setattr(search, "train", Trainings(fail_at=5, error=error))
    with pytest.raises(error):
        tune(config, progress=False)
    monkeypatch.setattr(search, "train", Trainings())
    parts = tune(config, progress=False)
    assert [each.choices for each in parts.trials] == [each.choices for each in whole.trials]
    assert len({each.choices["optimizer.lr"] for each in parts.trials}) == 7
    more = tune(tuned(tmp_path, output="parts", tune={**settings, "trials": 9}), progress=False)
    assert list(more.trials[:7]) == list(parts.trials)
    with pytest.raises(TrainingError, match="a search with other settings"):
        tune(tuned(tmp_path, output="parts", tune=settings, seed=5), progress=False)
    Path(config.data[0].path).write_text("[]")
    with pytest.raises(TrainingError, match="other settings or data"):
        tune(config, progress=False)


def test_a_trial_that_cannot_be_trained_costs_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "train", Trainings(fail_at=2))
    found = tune(tuned(tmp_path), progress=False)
    assert [each.state for each in found.trials] == ["done", "failed", "done", "done"]
    assert found.trials[1].remark == "stopped"


def test_real_trainings_go_on_with_the_folds_that_are_done(
    tmp_path: Path, own_graph_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tuned(tmp_path, tune={"trials": 1, "settings": {"optimizer.lr": [0.01, 0.02]}})
    real = run.train
    stopped = Trainings(fail_at=0, error=MemoryError)

    def train(config: Config, **options: Any) -> Run:
        trains = "fold-0" in config.output
        return real(config, **options) if trains else stopped(config, **options)

    monkeypatch.setattr(search, "train", train)
    with pytest.raises(MemoryError):
        tune(config, progress=False)
    stopped.fail_at = None

    def second_only(config: Config, **options: Any) -> Run:
        assert "fold-1" in config.output
        return real(config, **options)

    monkeypatch.setattr(search, "train", second_only)
    (trial,) = tune(config, progress=False).trials
    assert trial.state == "done"
    assert trial.score is not None


def test_folds_divide_all_formulas_but_the_reserved(tmp_path: Path) -> None:
    config = crystal_config(tmp_path)
    for count in (2, 3, 7, 10):
        ends = [fold["validation"] for fold in folds_of(config, count)]
        assert ends[0][0] == 10
        assert ends[-1][1] == 100
        assert all(one[1] == two[0] for one, two in pairwise(ends))
    assert make_config(changed(config, {}, split=folds_of(config, 1)[0]).model_dump())


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"optimizer.rate": [1, 2]}, "unknown key 'optimizer.rate'"),
        ({"optimizer.lr": {"low": -1.0, "high": 1.0}}, "optimizer.lr: got -1.0"),
        ({"optimizer.lr": {"low": 1.0, "high": 0.5}}, "low is below high"),
        ({"optimizer.lr": {"low": 0, "high": 0.5, "log": True}}, "above 0 with log"),
        ({"split.share": [0.5, 1.0]}, "split.share cannot vary"),
        ({"ema": [0.9]}, "list two values or more"),
    ],
)
def test_what_cannot_vary_is_refused_before_any_training(
    tmp_path: Path, trainings: Trainings, space: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        tune(tuned(tmp_path, tune={"settings": space}), progress=False)
    assert not trainings.seen


def test_nothing_to_vary_and_several_devices_are_refused(
    tmp_path: Path, trainings: Trainings
) -> None:
    with pytest.raises(ConfigError, match="tune: is missing"):
        tune(crystal_config(tmp_path))
    with pytest.raises(ConfigError, match="each training is one process"):
        tune(tuned(tmp_path, devices=2))
    assert not trainings.seen
