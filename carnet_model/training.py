"""From a configuration to a trained network.

A run is a folder: ``config.json`` and ``run.json`` say what it is, ``metrics.csv`` has a line for
each epoch, ``resume.safetensors`` is the state after the last finished epoch, ``model`` is the
checkpoint that predicts, ``learning-curve.png`` shows how it went.

A run that was cut off goes on after its last finished epoch and ends, on a CPU, with exactly the
weights of a run that was not: the order of an epoch and its random numbers follow from the seed
and the number of the epoch, everything else is part of the state.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import logging
import math
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Checkpoint as CheckpointCallback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import CheckpointIO
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Sampler

from natural_tensors.files import write_bytes

from . import checkpoint
from .compiling import compile_kernels
from .config import Config, ConfigError, elastic
from .dataset import Fingerprints
from .graph import Batch, collate
from .losses import Labels, PotentialLabels, PotentialLoss, TensorLabels, TensorLoss, join
from .model import CarNet
from .samples import Sample, Samples, prepare
from .starting import begin, network_of
from .validation import error_names, errors, predicted, prefix

STATE = "resume.safetensors"

VALIDATION_BATCH = 64
"""Structures predicted at once."""

PATIENCE_WITH_NAN = 20
"""Steps in a row whose gradient is not finite before training gives up."""

Batches = tuple[Batch, dict[str, Labels]]


class TrainingError(RuntimeError):
    """A run that cannot start, go on or end."""


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


# --- data -----------------------------------------------------------------------------------------


class EpochOrder(Sampler[int]):
    """Order of the training set: a permutation that follows from the seed and the epoch.

    With several processes each takes every so many, and all the same number.

    Args:
        size: number of structures.
        seed: of the run.
        rank: number of this process.
        processes: how many there are.
    """

    def __init__(self, size: int, seed: int, rank: int = 0, processes: int = 1) -> None:
        self.size, self.seed, self.rank, self.processes = size, seed, rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next permutation."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        order = np.resize(order, len(self) * self.processes)  # the first again, where it is uneven
        yield from order[self.rank :: self.processes].tolist()

    def __len__(self) -> int:
        return math.ceil(self.size / self.processes)


def joined(samples: Sequence[Sample]) -> Batches:
    """Join samples into a batch."""
    return (
        collate([sample.graph for sample in samples]),
        {key: join([sample.labels[key] for sample in samples]) for key in samples[0].labels},
    )


class Data(pl.LightningDataModule):
    """The samples in batches.

    Args:
        samples: both sets.
        config: batch size and seed.
    """

    def __init__(self, samples: Samples, config: Config) -> None:
        super().__init__()
        self.samples, self.config = samples, config

    def train_dataloader(self) -> Any:
        """Return the training set in the order of the epoch; the last batch may be smaller."""
        rank, processes = self.trainer.global_rank, self.trainer.world_size
        return DataLoader(
            list(self.samples.train),
            batch_size=self.config.batch,
            sampler=EpochOrder(len(self.samples.train), self.config.seed, rank, processes),
            collate_fn=joined,
            generator=torch.Generator(),  # leave the global one alone
        )

    def val_dataloader(self) -> Any:
        """Return the share of this process in the validation set."""
        rank, processes = self.trainer.global_rank, self.trainer.world_size
        return DataLoader(
            list(self.samples.val)[rank::processes],
            batch_size=VALIDATION_BATCH,
            collate_fn=joined,
            generator=torch.Generator(),
        )


# --- learning -------------------------------------------------------------------------------------


class Learner(pl.LightningModule):
    """The network with its loss, optimizer and average.

    Args:
        config: of the run.
        samples: gives statistics and sizes.
    """

    def __init__(self, config: Config, samples: Samples) -> None:
        super().__init__()
        self.config = config
        network = config.network
        if network.neighbours is None:
            network = network.model_copy(update={"neighbours": samples.neighbours})
        self.model = CarNet(network, *config.targets)
        self.notices: list[str] = []
        for output in self.model.outputs:
            assembly, scales = output.assembly, samples.scales[output.target.key]
            assembly.mean.copy_(torch.from_numpy(scales.mean))
            assembly.scale.copy_(torch.from_numpy(scales.scale))
            if scales.reference is not None:
                assembly.reference.table.copy_(torch.from_numpy(scales.reference))
        if config.start is not None:
            self.notices += begin(self.model, config.start, samples)
        notice = compile_kernels(self.model, config.compile)
        self.notices += [notice] if notice else []
        self.average: AveragedModel | None = None
        if config.ema:
            self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
            self.average.requires_grad_(False)
        self.size = len(samples.train)
        self.measured = len(samples.val) > 0
        self.scales = samples.scales
        self.losses = {
            output.target.key: self._loss(output, settings.weight)
            for output, settings in zip(self.model.outputs, config.target, strict=True)
        }
        self.history: list[dict[str, float]] = []
        self.errors: dict[str, list[Tensor]] = {}
        self.total, self.seen, self.bad = 0.0, 0, 0
        self.started, self.seconds = time.perf_counter(), 0.0

    def _loss(self, output: Any, weight: float) -> TensorLoss | PotentialLoss:
        """Return the loss of one target."""
        target, settings = output.target, self.config.loss
        scales = self.scales[target.key].loss
        if target.potential:
            terms = {name: weight * getattr(settings, name) for name in scales}
            return PotentialLoss(scales=scales, **terms)
        return TensorLoss(
            output.assembly.packing,
            elastic=target.positive and elastic(target),
            tensor=weight * settings.tensor,
            moduli=weight * settings.moduli,
            log_moduli=weight * settings.log_moduli,
            coordinates=weight * settings.coordinates,
            tensor_scale=settings.tensor_scale or scales["tensor"],
            moduli_scale=settings.moduli_scale or scales["moduli"],
        )

    @property
    def best(self) -> CarNet:
        """The network that validates and predicts: the average, where there is one."""
        model = self.model if self.average is None else self.average.module
        assert isinstance(model, CarNet)
        return model

    def on_train_epoch_start(self) -> None:
        """Start the random numbers and the clock of the epoch."""
        _seed(self.config.seed, self.current_epoch)
        self.total, self.seen = 0.0, 0
        self.started = time.perf_counter()
        self.seconds = 0.0

    def training_step(self, batch: Batches, batch_index: int) -> Tensor:
        """Return the loss of a batch; every parameter takes part in it."""
        graphs, labels = batch
        found = predicted(self.model, graphs, labels, learn=True)
        loss = torch.zeros((), device=self.device)
        for key, term in self.losses.items():
            known = labels[key]
            if isinstance(term, PotentialLoss):
                assert isinstance(known, PotentialLabels)
                loss = loss + term(found.energies, found.forces, found.by_strain, known)
            else:
                assert isinstance(known, TensorLabels)
                loss = loss + term(found.tensors[key], found.learned[key], known, graphs.graphs)
        value = float(loss.detach())
        self.total += value * graphs.graphs
        self.seen += graphs.graphs
        self.log("loss", value, prog_bar=True, batch_size=graphs.graphs)
        everyone = torch.stack([
            parameter.sum() for parameter in self.model.parameters() if parameter.requires_grad
        ]).sum()  # fmt: skip
        return loss + 0.0 * everyone

    def configure_gradient_clipping(
        self,
        optimizer: Any,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient; leave a step out whose gradient is not finite."""
        limit = self.config.optimizer.clip or math.inf
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), limit))
        if math.isfinite(norm):
            self.bad = 0
            return
        self.bad += 1
        if self.bad >= PATIENCE_WITH_NAN:
            raise TrainingError(
                f"the gradient was not finite in {self.bad} steps in a row; choose a smaller "
                f"optimizer.lr than {self.config.optimizer.lr:g}, or look for labels of an "
                "unlikely size"
            )
        optimizer.zero_grad()

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Let the average follow."""
        if self.average is not None:
            self.average.update_parameters(self.model)

    def on_validation_epoch_start(self) -> None:
        """Stop the clock of training."""
        self._stop_clock()
        self.errors = {}

    def _stop_clock(self) -> None:
        if not self.seconds:
            self.seconds = time.perf_counter() - self.started

    def validation_step(self, batch: Batches, batch_index: int) -> None:
        """Collect the errors of every structure."""
        graphs, labels = batch
        found = predicted(self.best, graphs, labels)
        for name, values in errors(self.best, found, labels).items():
            self.errors.setdefault(name, []).append(values)

    def validation_summary(self) -> dict[str, float]:
        """Return the mean of each error over all structures that have it, whatever their batch."""
        summary = {}
        for name in error_names(self.model.targets):
            values = torch.cat([torch.zeros(0), *self.errors.get(name, [])]).double()
            values = values[torch.isfinite(values)]
            sums = torch.tensor([values.sum(), len(values)], device=self.device)
            if self.trainer.world_size > 1:
                sums = self.all_gather(sums).sum(dim=0)
            if sums[1]:
                summary[name] = float(sums[0] / sums[1])
        score = self._score(summary)
        if score is not None:
            summary["score"] = score
        return summary

    def _score(self, summary: Mapping[str, float]) -> float | None:
        """Return the errors of all targets in units of their size: by it epochs are chosen.

        None when no tensor, energy or force validates.
        """
        total, found = 0.0, False
        for target in self.model.targets:
            scales = self.scales[target.key].loss
            sizes = {"component_mae": scales.get("tensor", 1.0)}
            sizes |= {
                "energy_mae": scales.get("energy", 1.0),
                "forces_mae": scales.get("forces", 1.0),
            }
            names = {name: f"{prefix(self.model.targets, target)}{name}" for name in sizes}
            shares = [summary[full] / sizes[n] for n, full in names.items() if full in summary]
            total += sum(shares) / max(len(shares), 1)
            found = found or bool(shares)
        return total if found else None

    def on_train_epoch_end(self) -> None:
        """Note how the epoch went."""
        self._stop_clock()
        summary = self.validation_summary()
        record: dict[str, float] = {
            "epoch": self.current_epoch + 1,
            "loss": self.total / max(self.seen, 1),
            "lr": float(self.optimizers().param_groups[0]["lr"]),
            **summary,
            "seconds": self.seconds,
            "crystals_per_second": self.size / self.seconds,
        }
        self.history.append(record)
        for name, value in summary.items():
            self.log(name, value, prog_bar=name == "score", rank_zero_only=True)

    def configure_optimizers(self) -> Any:
        """Return AdamW with its schedule, a step of which follows each step."""
        settings = self.config.optimizer
        parameters = [value for value in self.model.parameters() if value.requires_grad]
        groups = [
            {
                "params": [parameter for parameter in parameters if parameter.dim() > 1],
                "weight_decay": settings.weight_decay,
            },
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas, fused=True)
        share = math.ceil(self.size / self.trainer.world_size)
        steps = math.ceil(share / self.config.batch) * self.config.epochs
        warmup, end = min(settings.warmup_steps, steps // 5), settings.final_lr_fraction

        def factor(step: int) -> float:
            cosine = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
            value: float = min(1.0, (step + 1) / max(warmup, 1)) * (end + (1 - end) * cosine)
            return value

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store what is not a parameter."""
        checkpoint["history"] = self.history
        checkpoint["bad"] = self.bad

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what is not a parameter."""
        self.history = list(checkpoint["history"])
        self.bad = checkpoint["bad"]

    @property
    def chosen(self) -> int:
        """Place in the history of the epoch with the least error; the last without validation."""
        values = [record.get("score", math.nan) for record in self.history]
        if not np.isfinite(values).any():
            return len(values) - 1
        return int(np.nanargmin(values))

    @property
    def exhausted(self) -> bool:
        """Whether validation has not gained for as long as early stopping allows."""
        patience = self.config.early_stopping
        return patience is not None and len(self.history) - 1 - self.chosen >= patience


def _seed(seed: int, epoch: int) -> None:
    """Start all random numbers from the seed of the run and the number of the epoch."""
    number = int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002  # libraries may still use the global one
    torch.manual_seed(number)


# --- what is written ------------------------------------------------------------------------------


class StateIO(CheckpointIO):
    """The state of a training as safetensors: nothing is pickled."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a state, the whole file or nothing."""
        from .checkpoint import save_state

        save_state(path, checkpoint)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a state."""
        from .checkpoint import load_state

        state: dict[str, Any] = load_state(path)
        return state

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a state."""
        Path(path).unlink(missing_ok=True)


class Keeper(CheckpointCallback):
    """Writes model, state and metrics at the end of each epoch, and says how it went.

    Args:
        folder: of the run.
        samples: what the model was trained on.
        talk: print a line for each epoch.
    """

    def __init__(self, folder: Path, samples: Samples, *, talk: bool) -> None:
        self.folder, self.samples, self.talk = folder, samples, talk
        prints = Fingerprints.of(sample.example for sample in samples.train)
        self.arrays = checkpoint.arrays_of(prints)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Do not go on with a run that had stopped."""
        trainer.should_stop = trainer.should_stop or pl_module.exhausted

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Write everything; the state last, so that it never is ahead of the model."""
        learner: Learner = pl_module
        if trainer.is_global_zero:
            last = len(learner.history) - 1
            if learner.config.keep == "last" or learner.chosen == last:
                self.write_model(learner)
            write_metrics(self.folder / "metrics.csv", learner.history)
            if self.talk:
                print(_line(learner.history[-1], learner.config.epochs), flush=True)
        trainer.save_checkpoint(self.folder / STATE)
        if learner.exhausted:
            trainer.should_stop = True

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave a model behind even when the first epoch was not finished."""
        if isinstance(exception, KeyboardInterrupt) and trainer.is_global_zero:
            self.leave_model(pl_module)

    def leave_model(self, learner: Learner) -> None:
        """Write the model as it is, unless there is one of a finished epoch."""
        if not (self.folder / "model").exists():
            self.write_model(learner)

    def write_model(self, learner: Learner) -> None:
        """Write the network that predicts."""
        config = learner.config
        metrics = dict(learner.history[-1]) if learner.history else {}
        record = {
            "elements": self.samples.elements,
            "fingerprint": self.samples.fingerprint,
            "structures": {"train": len(self.samples.train), "val": len(self.samples.val)},
            "metrics": metrics,
            "config": _portable(config),
            "seeds": [config.seed],
            "torch": torch.__version__,
        }
        checkpoint.save(self.folder / "model", [learner.best], record, self.arrays)


def _portable(config: Config) -> dict[str, Any]:
    """Return settings without the folders of this machine."""
    values = config.model_dump(mode="json")
    for source in values["data"]:
        source["path"] = Path(source["path"]).name
    values["output"] = Path(values["output"]).name
    if values["start"]:
        values["start"]["model"] = Path(values["start"]["model"]).name
    return values


def _line(record: Mapping[str, float], epochs: int) -> str:
    scores = ", ".join(
        f"{name.removesuffix('_mae')} {record[name]:.4g}" for name in record if name.endswith("mae")
    )
    return (
        f"epoch {record['epoch']}/{epochs}: loss {record['loss']:.4f}"
        f"{f'; validation errors: {scores}' if scores else ''}; "
        f"{record['crystals_per_second']:.3g} crystals/s"
    )


def write_metrics(path: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write the history as CSV, a line for each epoch."""
    names = list(dict.fromkeys(name for record in history for name in record))
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, names, lineterminator="\n")
    table.writeheader()
    table.writerows(history)
    write_bytes(str(path), buffer.getvalue().encode())


def plot_history(path: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Draw loss and validation errors over the epochs.

    Raises:
        ImportError: without matplotlib.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in history[-1] if name.endswith("_mae")]
    panels = 1 + len(names)
    figure = Figure(figsize=(3.2 * panels, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [record["epoch"] for record in history]
    for place, name in enumerate(["loss", *names]):
        axes = figure.add_subplot(1, panels, place + 1)
        axes.plot(epochs, [record.get(name, math.nan) for record in history], color=f"C{place}")
        what = "training loss" if name == "loss" else f"validation: {name.removesuffix('_mae')}"
        axes.set(title=what, xlabel="epoch", yscale="log")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    write_bytes(str(path), buffer.getvalue())


# --- a run ----------------------------------------------------------------------------------------


def train(config: Config, *, resume: bool | None = None, progress: bool = True) -> Run:
    """Train a network, or go on with a run that was cut off.

    Args:
        config: as from `read_config`.
        resume: True goes on with the run in the output folder; False starts anew and replaces it;
            None goes on with an unfinished run and refuses to replace a finished one.
        progress: show a bar on a terminal, a line for each epoch elsewhere.

    Returns:
        What came out.

    Raises:
        DatasetError: when the data cannot be read.
        TrainingError: when the folder holds another run, or training fails.
        TrainingInterrupted: when it was stopped from outside; it can go on.
    """
    folder = Path(config.output)
    if config.start is not None:
        network = network_of(config.start, config.network)
        config = config.model_copy(update={"network": network})
    going_on = _check_folder(folder, config, resume)
    with _own_settings(config.threads), _quiet():
        _say(progress, "reading the data")
        samples = prepare(config)
        if not samples.val and (config.early_stopping is not None or config.keep == "best"):
            raise ConfigError(
                "early_stopping and keep: best need validation, and no structure validates; "
                "give a source the role val, or change split"
            )
        for remark in samples.remarks:
            _say(progress, remark)
        _check_data(folder, samples, going_on=going_on)
        _seed(config.seed, 0)
        learner = Learner(config, samples)
        size = sum(parameter.numel() for parameter in learner.model.parameters())
        _say(
            progress,
            f"{len(samples.train)} structures for training, {len(samples.val)} for validation; "
            f"{size:,} parameters, {samples.neighbours:.3g} neighbours of an atom",
        )
        for notice in learner.notices:
            _say(progress, notice)
        if not going_on:
            _start_folder(folder, config, samples)
        _fit(learner, samples, folder, going_on=going_on, progress=progress)
        return _finish(learner, samples, folder, progress=progress)


def _say(progress: bool, text: str) -> None:
    if progress:
        print(text, file=sys.stderr, flush=True)


def _check_folder(folder: Path, config: Config, resume: bool | None) -> bool:
    """Say whether to go on with the run in the folder."""
    there = folder / "run.json"
    if resume is False or not there.is_file():
        if resume:
            raise TrainingError(
                f"{folder}: holds no run to go on with; leave --resume out to start one"
            )
        return False
    try:
        stored = Config.model_validate_json((folder / "config.json").read_bytes())
        finished = json.loads(there.read_bytes())["finished"]
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{folder}: the run in it cannot be read: {str(error).splitlines()[0]}; choose "
            "another output, or start anew with resume=False"
        ) from None
    differences = config.differences(stored)
    if differences:
        raise TrainingError(
            f"{folder}: holds a run with other settings: {'; '.join(differences)}; choose another "
            "output, or the same settings"
        )
    if finished and resume is None:
        raise TrainingError(
            f"{folder}: holds a finished run with these settings; choose another output or seed"
        )
    return (folder / STATE).is_file()


def _check_data(folder: Path, samples: Samples, *, going_on: bool) -> None:
    if not going_on:
        return
    stored = json.loads((folder / "run.json").read_bytes()).get("fingerprint")
    if stored != samples.fingerprint:
        raise TrainingError(
            f"{folder}: the training data have changed since the run began (fingerprint "
            f"{stored}, now {samples.fingerprint}); restore them, or choose another output"
        )


def _start_folder(folder: Path, config: Config, samples: Samples) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (STATE, "metrics.csv", "learning-curve.png", "model/model.json"):
        (folder / name).unlink(missing_ok=True)
    if (folder / "model").is_dir():
        (folder / "model" / checkpoint.WEIGHTS).unlink(missing_ok=True)
        (folder / "model").rmdir()
    _write_json(folder / "config.json", config.model_dump(mode="json"))
    _write_run(folder, config, samples, finished=False)


def _write_run(folder: Path, config: Config, samples: Samples, **more: Any) -> None:
    _write_json(
        folder / "run.json",
        {
            "seed": config.seed,
            "fingerprint": samples.fingerprint,
            "train": len(samples.train),
            "val": len(samples.val),
            "remarks": list(samples.remarks),
            **more,
        },
    )


def _write_json(path: Path, values: Any) -> None:
    write_bytes(str(path), json.dumps(values, indent=1, ensure_ascii=False).encode() + b"\n")


def _fit(
    learner: Learner, samples: Samples, folder: Path, *, going_on: bool, progress: bool
) -> None:
    config = learner.config
    bar = progress and sys.stdout.isatty()
    keeper = Keeper(folder, samples, talk=progress and not bar)
    callbacks: list[Any] = [keeper]
    if bar:
        from lightning.pytorch.callbacks import RichProgressBar

        callbacks.append(RichProgressBar())
    loggers: list[Any] = []
    if importlib.util.find_spec("tensorboard"):
        loggers.append(
            TensorBoardLogger(folder, name="", version="tensorboard", default_hp_metric=False)
        )
    trainer = pl.Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        max_epochs=config.epochs,
        callbacks=callbacks,
        logger=loggers or False,
        plugins=[StateIO()],
        default_root_dir=folder,
        enable_progress_bar=bar,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if samples.val else 0,
        log_every_n_steps=10,
        use_distributed_sampler=False,
        inference_mode=False,  # forces are gradients, in validation too
    )
    data = Data(samples, config)
    state = folder / STATE if going_on else None
    in_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT) if in_main else None
    try:
        trainer.fit(learner, datamodule=data, ckpt_path=state, weights_only=None)
    except SystemExit:  # what Lightning makes of Ctrl-C and of a termination
        if trainer.is_global_zero:
            keeper.leave_model(learner)
        done = len(learner.history)
        raise TrainingInterrupted(
            f"{folder}: interrupted after {done} of {config.epochs} epochs; the model so far is in "
            f"{folder / 'model'}; the same command with --resume goes on"
        ) from None
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)


def _finish(learner: Learner, samples: Samples, folder: Path, *, progress: bool) -> Run:
    config, history = learner.config, learner.history
    try:
        plot_history(folder / "learning-curve.png", history)
    except ImportError:
        _say(progress, "no learning curve is drawn: matplotlib is not installed")
    metrics = history[learner.chosen if config.keep == "best" else -1]
    seconds = sum(record["seconds"] for record in history)
    speed = len(samples.train) * len(history) / seconds
    _write_run(folder, config, samples, finished=True, metrics=metrics, crystals_per_second=speed)
    _say(progress, f"the model is in {folder / 'model'}; {speed:.3g} crystals/s in training")
    return Run(folder, folder / "model", metrics, tuple(history))


@contextmanager
def _own_settings(threads: int | None) -> Iterator[None]:
    """Choose the number of threads; afterwards restore it and the global random numbers."""
    before = torch.get_num_threads()
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


QUIET = (
    "does not have many workers",  # batches are joined in no time
    "smaller than the logging interval",
    "GPU available but not used",
    "MPS available but not used",
    "Checkpoint directory",
    "exists and is not empty",
    "isinstance(treespec, LeafSpec)",
    "Found 1 module(s) in eval mode",
)
"""Remarks of Lightning that say nothing about the run."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep remarks of Lightning that say nothing about the run from the screen."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for text in QUIET:
                warnings.filterwarnings("ignore", message=f".*{_escaped(text)}.*")
            yield
    finally:
        log.setLevel(level)


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "()." else letter for letter in text)
