"""From a configuration to a trained network.

A run is a folder: ``config.json`` and ``run.json`` say what it is, ``metrics.csv`` has a line for
each epoch, ``resume.safetensors`` is the state after the last finished epoch, ``model`` is the
checkpoint that predicts, ``learning-curve.png`` shows how it went.

A run that was cut off goes on after its last finished epoch and ends, on a CPU, with exactly the
weights of a run that was not: the order of structures in an epoch and its random numbers follow
from the seed and the number of the epoch, everything else is part of the state.
"""

from __future__ import annotations

import importlib.util
import logging
import random
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from natural_tensors.files.saving import make_folder

from ..network.settings import ConfigError
from .batches import DataModule
from .config import Config
from .learner import Learner, TrainingError, seed_everything
from .plan import Plan, resolve
from .preparation import prepare
from .processes import Layout, Team, connected, is_first, layout_of, trainer_with
from .run_folder import (
    CURVE,
    MODEL,
    STATE,
    EpochWriter,
    StateIO,
    check_data,
    check_folder,
    clear_leftovers,
    plot_history,
    start_folder,
    write_record,
)
from .samples import Samples


class TrainingInterrupted(TrainingError):  # noqa: N818  # not an error of the run
    """A run that was stopped from outside and can go on."""


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        folder: of the run.
        checkpoint: folder of the model.
        metrics: of the last epoch, or the best when that is kept.
        history: of every epoch.
    """

    folder: Path
    checkpoint: Path
    metrics: Mapping[str, float]
    history: Sequence[Mapping[str, float]]


def train(
    config: Config,
    *,
    resume: bool | None = None,
    progress: bool = True,
    callbacks: Sequence[pl.Callback] = (),
    loggers: Sequence[Logger] | None = None,
) -> Run:
    """Train a network, or go on with a run that was cut off.

    Args:
        config: as from `read_config`.
        resume: True goes on with the run in the output folder; False starts anew and replaces it;
            None goes on with an unfinished run and refuses to replace a finished one.
        progress: show a bar on a terminal, a line for each epoch elsewhere.
        callbacks: of Lightning, beside those of the run; their `pl_module` is a `Learner`. The
            state that they keep is of tensors and plain values.
        loggers: of Lightning, in place of TensorBoard's, which is taken where it is installed; an
            empty list logs nothing. The loss and the errors of validation are logged.

    Returns:
        What came out.

    Raises:
        ConfigError: when this machine has no such accelerator, or nothing started the processes on
            other machines.
        DatasetError: when the data cannot be read.
        FileError: when there can be no such folder.
        TrainingError: when the folder holds another run, or training fails.
        TrainingInterrupted: when it was stopped from outside; it can go on.
    """
    plan = resolve(config)
    layout = layout_of(plan.config)
    progress = progress and is_first()
    with (
        _without_idle_remarks(),
        connected(plan.config, layout) as team,
        _process_settings(plan.config),
    ):
        resuming = team.first_does(lambda: _claim_folder(plan, resume))
        samples = team.in_turn(lambda: _prepare(plan, progress=progress))
        if resuming:
            check_data(plan, samples)
        learner = team.in_turn(lambda: _learner(plan, samples, progress=progress))
        if not resuming:
            team.first_does(lambda: start_folder(plan, samples))
        bar = progress and sys.stdout.isatty()
        writer = EpochWriter(plan, samples, talk=progress and not bar)
        if loggers is None:
            loggers = _tensorboard(plan)
        trainer = _trainer(writer, layout, callbacks, loggers, bar=bar)
        _fit(trainer, writer, learner, resuming=resuming)
        return _finish(learner, samples, team, progress=progress)


def _claim_folder(plan: Plan, resume: bool | None) -> bool:
    """Make the folder of a run ready, and say whether to go on with the run in it."""
    resuming = check_folder(plan, resume)
    make_folder(plan.folder)  # what cannot be written or run is said before the work
    clear_leftovers(plan)
    return resuming


def _say(progress: bool, text: str) -> None:
    if progress:
        print(text, file=sys.stderr, flush=True)


def _prepare(plan: Plan, *, progress: bool) -> Samples:
    """Read the data, and say what was left out."""
    _say(progress, "reading the data")
    samples = prepare(plan)
    if not samples.val and (plan.config.early_stopping is not None or plan.config.keep == "best"):
        raise ConfigError(
            "early_stopping and keep: best need validation, and the validation split is empty; "
            "give a source the role val, or change split"
        )
    for remark in samples.remarks:
        _say(progress, remark)
    return samples


def _learner(plan: Plan, samples: Samples, *, progress: bool) -> Learner:
    """Make the network as it starts, and say how large it is."""
    seed_everything(plan.config.seed, 0)
    learner = Learner(plan, samples)
    size = sum(parameter.numel() for parameter in learner.model.parameters())
    _say(
        progress,
        f"{len(samples.train)} structures for training, {len(samples.val)} for validation; "
        f"{size:,} parameters, {samples.neighbours:.3g} neighbours of an atom",
    )
    for notice in learner.notices:
        _say(progress, notice)
    return learner


def _tensorboard(plan: Plan) -> list[Logger]:
    if not importlib.util.find_spec("tensorboard"):
        return []
    return [TensorBoardLogger(plan.folder, name="", version="tensorboard", default_hp_metric=False)]


def _trainer(
    writer: EpochWriter,
    layout: Layout,
    callbacks: Sequence[pl.Callback],
    loggers: Sequence[Logger],
    *,
    bar: bool,
) -> pl.Trainer:
    """Return what trains until the last epoch, or until validation stops improving."""
    plan, bars = writer.plan, list[pl.Callback]()
    if bar:
        from lightning.pytorch.callbacks import RichProgressBar

        bars.append(RichProgressBar())
    return trainer_with(
        plan.config,
        layout,
        max_epochs=plan.config.epochs,
        limit_val_batches=1.0 if len(writer.samples.val) else 0,
        callbacks=[writer, *callbacks, *bars],
        logger=[*loggers] or False,
        enable_checkpointing=True,  # `EpochWriter` does it
        plugins=[StateIO()],
        default_root_dir=plan.folder,
        enable_progress_bar=bar,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
        use_distributed_sampler=False,
        inference_mode=False,  # forces are gradients, in validation too
    )


def _fit(trainer: pl.Trainer, writer: EpochWriter, learner: Learner, *, resuming: bool) -> None:
    """Train, or say how to go on with what was stopped from outside."""
    plan, samples, config = writer.plan, writer.samples, writer.plan.config
    data = DataModule(samples, config)
    state = plan.folder / STATE if resuming else None
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if in_main else None
    try:
        trainer.fit(learner, datamodule=data, ckpt_path=state, weights_only=None)
    except SystemExit:  # what Lightning makes of Ctrl-C and of a termination
        if trainer.is_global_zero:
            writer.leave_model(learner)
        done = len(learner.history)
        raise TrainingInterrupted(
            f"{plan.folder}: interrupted after {done} of {config.epochs} epochs; the model so far "
            f"is in {plan.folder / MODEL}; the same command with --resume goes on"
        ) from None
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)


def _finish(learner: Learner, samples: Samples, team: Team, *, progress: bool) -> Run:
    """Write the learning curve and the record."""
    plan, history = learner.plan, learner.history
    metrics = history[learner.chosen if plan.config.keep == "best" else -1]
    seconds = sum(record["seconds"] for record in history)
    speed = len(samples.train) * len(history) / seconds
    if team.first:
        try:
            plot_history(plan.folder / CURVE, history)
        except ImportError:
            _say(progress, "no learning curve is drawn: matplotlib is not installed")
        write_record(plan, samples, finished=True, metrics=metrics, crystals_per_second=speed)
    model = plan.folder / MODEL
    _say(progress, f"the model is in {model}; {speed:.3g} structures/s in training")
    return Run(plan.folder, model, metrics, tuple(history))


@contextmanager
def _process_settings(config: Config) -> Iterator[None]:
    """Choose threads and precision; afterwards restore them and the global random numbers."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.precision == "mixed":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_float32_matmul_precision(before[1])
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


IDLE_REMARKS = (
    "does not have many workers",  # batches are joined in no time
    "smaller than the logging interval",
    "GPU available but not used",
    "MPS available but not used",
    "Checkpoint directory",
    "exists and is not empty",
    "isinstance(treespec, LeafSpec)",
    "Found 1 module(s) in eval mode",
    "Grad strides do not match bucket view strides",  # of matrices of one row: the same memory
)
"""Remarks of Lightning and PyTorch that say nothing about the run."""


@contextmanager
def _without_idle_remarks() -> Iterator[None]:
    """Keep remarks that say nothing about the run from the screen."""
    logs = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for text in IDLE_REMARKS:
                warnings.filterwarnings("ignore", message=f".*{re.escape(text)}.*")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
