"""A search of settings on Optuna: trials are trained on folds, the mean score decides.

A search is a folder: ``journal.log`` holds what Optuna knows, ``trials`` the runs, ``trials.csv`` a
line for each trial, ``best.yaml`` the configuration that did best. A search that was cut off
goes on with the epoch it was in, and proposes what an uninterrupted one would have: the random
numbers of a proposal follow from the seed and the number of trials before it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import yaml
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from natural_tensors.files.saving import make_folder, to_csv, write_bytes

from ..network.settings import ConfigError
from ..network.targets import TargetError
from ..training.config import Config, TuneSettings
from ..training.learner import TrainingError
from ..training.run import TrainingInterrupted, train
from ..training.run_folder import finished_metrics
from ..training.sample_cache import digest_of_files
from .space import changed, changed_values, folds_of, space_of, suggested

JOURNAL, TRIALS, TABLE, BEST = "journal.log", "trials", "trials.csv", "best.yaml"
"""What the folder holds."""

RANDOM_FIRST = 10
"""Trials drawn at random before the others follow from them; half of a shorter search."""

PRUNE_FROM = 5
"""Trials that are never given up, so that there is a median of folds to compare with."""

STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "given up",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Tried:
    """A trial that has ended.

    Attributes:
        choices: values by the place of the setting.
        state: ``"done"``, ``"given up"`` after a fold that was worse than the median, ``"failed"``.
        score: mean over the folds that were trained; None when it failed.
        remark: why it failed.
    """

    choices: Mapping[str, Any]
    state: str
    score: float | None
    remark: str = ""


@dataclass(frozen=True)
class Search:
    """A finished search.

    Attributes:
        folder: of the search.
        best: the file of the best configuration.
        trials: all that were tried, in their order.
    """

    folder: Path
    best: Path
    trials: Sequence[Tried]

    @property
    def winner(self) -> Tried:
        """The trial with the least score of those that were trained on all folds."""
        return _winner(self.trials)


def tune(config: Config, *, progress: bool = True) -> Search:
    """Search settings, or go on with a search that was cut off.

    Args:
        config: as from `read_config`, with ``tune``; the search is in its output with ``-tune``.
        progress: print a line for each trial.

    Raises:
        ConfigError: when nothing is to be varied, or a value is refused.
        DatasetError: when the data cannot be read.
        TrainingError: when the folder holds another search, or no trial could be trained.
        TrainingInterrupted: when it was stopped from outside; it can go on.
    """
    space = space_of(config)
    folder = Path(f"{config.output}-tune")
    make_folder(folder)
    with _quiet():
        study = _study(folder, config, space)
        for trial in study.get_trials(states=(TrialState.RUNNING,)):  # of a process that ended
            study.enqueue_trial(trial.params)
            study.tell(trial.number, state=TrialState.FAIL)
        while (done := len(_tried(study))) < space.trials:
            study.sampler = _sampler(config.seed, done, space.trials)
            _try(study, study.ask(), config, space)
            tried = _tried(study)
            _write(folder, config, tried)
            if progress:
                print(f"trial {len(tried)} of {space.trials}: {_line(tried[-1])}", file=sys.stderr)
        tried = _tried(study)
    if not any(each.state == "done" for each in tried):
        raise TrainingError(f"{folder}: no trial could be trained: {tried[-1].remark}")
    return Search(folder, folder / BEST, tried)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Optuna says of each trial from the screen: `tune` says it."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(level)


def _study(folder: Path, config: Config, space: TuneSettings) -> optuna.Study:
    """Open the search of a folder, or begin it.

    Raises:
        TrainingError: when it is another one.
    """
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(folder / JOURNAL))),
        study_name="tune",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=PRUNE_FROM),
    )
    asked = {
        "config": changed_values(config, {}),
        "tune": space.model_dump(mode="json", exclude={"trials"}),
        "data": digest_of_files(source.path for source in config.data).hex(),
    }
    text = json.dumps(asked, sort_keys=True)
    if study.user_attrs.get("asked", text) != text:
        raise TrainingError(
            f"{folder}: holds a search with other settings or data; choose another output, or "
            "remove it"
        )
    study.set_user_attr("asked", text)
    return study


def _sampler(seed: int, done: int, trials: int) -> optuna.samplers.BaseSampler:
    """Return what proposes the next trial; its random numbers follow from seed and number."""
    first = min(RANDOM_FIRST, max(trials // 2, 1))
    number = int(np.random.SeedSequence((seed, done)).generate_state(1)[0])
    return optuna.samplers.TPESampler(seed=number, n_startup_trials=first)


def _try(study: optuna.Study, trial: optuna.Trial, config: Config, space: TuneSettings) -> None:
    """Train a trial on each fold, and tell how it went."""
    choices = suggested(trial, space)
    name = hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest()[:12]
    scores: list[float] = []
    try:
        for fold, split in enumerate(folds_of(config, space.folds)):
            output = Path(f"{config.output}-tune") / TRIALS / name / f"fold-{fold}"
            scores.append(_score(changed(config, choices, split=split, output=str(output))))
            trial.report(float(np.mean(scores)), fold)
            if fold < space.folds - 1 and trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                return
    except TrainingInterrupted:
        raise
    except (TrainingError, TargetError) as error:
        trial.set_user_attr("remark", str(error))
        study.tell(trial, state=TrialState.FAIL)
        return
    study.tell(trial, float(np.mean(scores)))


def _score(config: Config) -> float:
    """Train, go on with what was begun, or take what is finished; return the score."""
    metrics = finished_metrics(Path(config.output))
    if metrics is None:
        metrics = train(config, progress=False, loggers=[]).metrics
    if "score" not in metrics:
        raise ConfigError("tune: nothing validates; give a source the role val, or change split")
    return float(metrics["score"])


def _tried(study: optuna.Study) -> list[Tried]:
    """Return the trials that have ended, but for those whose process ended."""
    trials = study.get_trials(deepcopy=False, states=tuple(STATES))
    return [_ended(trial) for trial in trials if not _cut_off(trial)]


def _cut_off(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.FAIL and "remark" not in trial.user_attrs


def _ended(trial: FrozenTrial) -> Tried:
    reported = trial.intermediate_values
    score = reported[max(reported)] if reported and trial.state != TrialState.FAIL else None
    return Tried(trial.params, STATES[trial.state], score, trial.user_attrs.get("remark", ""))


def _winner(tried: Sequence[Tried]) -> Tried:
    done = [each for each in tried if each.state == "done" and each.score is not None]
    return min(done, key=lambda each: each.score or 0.0)


def _line(tried: Tried) -> str:
    values = ", ".join(f"{name} {as_text(value)}" for name, value in tried.choices.items())
    score = "" if tried.score is None else f", score {tried.score:.4g}"
    return f"{values}: {tried.state}{score}"


def as_text(value: object) -> str:
    """Return a value of a setting as it is printed."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _write(folder: Path, config: Config, tried: Sequence[Tried]) -> None:
    """Write the table of trials, and the best configuration so far."""
    rows = [
        {
            "trial": number,
            **each.choices,
            "state": each.state,
            "score": "" if each.score is None else each.score,
            "remark": each.remark,
        }
        for number, each in enumerate(tried, start=1)
    ]
    write_bytes(str(folder / TABLE), to_csv(list(rows[0]), rows).encode())
    if any(each.state == "done" for each in tried):
        best = changed_values(config, _winner(tried).choices, output=f"{config.output}-best")
        text = yaml.safe_dump(best, sort_keys=False, allow_unicode=True)
        write_bytes(str(folder / BEST), text.encode())
