"""The folder of a run: what is written there, and when it may go on."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Checkpoint as CheckpointCallback
from lightning.pytorch.plugins.io import CheckpointIO

from natural_tensors.errors import translated
from natural_tensors.files.decoding import decode_json, decode_text
from natural_tensors.files.saving import make_folder, remove_leftovers, to_csv, write_bytes

from ..weights import checkpoint
from ..weights.arrays import arrays_of
from ..weights.record import MODEL as RECORD
from ..weights.record import WEIGHTS
from ..weights.state import load_state, save_state
from .config import Config
from .learner import Learner, TrainingError
from .plan import Plan
from .samples import Samples

CONFIG, RUN, METRICS = "config.json", "run.json", "metrics.csv"
STATE, MODEL, CURVE = "resume.safetensors", "model", "learning-curve.png"
"""What the folder holds, see `carnet_model.training.run`."""


class StateIO(CheckpointIO):
    """The state of a training as safetensors: nothing is pickled."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a state, the whole file or nothing."""
        save_state(path, checkpoint)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a state."""
        state: dict[str, Any] = load_state(path)
        return state

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a state."""
        Path(path).unlink(missing_ok=True)


class EpochWriter(CheckpointCallback):
    """Writes model, state and metrics at the end of each epoch, and says how it went.

    Args:
        plan: of the training.
        samples: what the model was trained on.
        talk: print a line for each epoch.
    """

    def __init__(self, plan: Plan, samples: Samples, *, talk: bool) -> None:
        self.plan, self.samples, self.talk = plan, samples, talk
        self.folder = plan.folder
        self.arrays = arrays_of(samples.train.signatures())
        self.closest = samples.train.closest().to_dict()

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Do not go on with a run that had stopped."""
        trainer.should_stop = trainer.should_stop or pl_module.exhausted

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Write everything; the state last, so that it never is ahead of the model."""
        learner: Learner = pl_module
        if trainer.is_global_zero:
            last = len(learner.history) - 1
            if self.plan.config.keep == "last" or learner.chosen == last:
                self.write_model(learner)
            write_metrics(self.folder / METRICS, learner.history)
            if self.talk:
                print(_line(learner.history[-1], self.plan.config.epochs), flush=True)
        trainer.save_checkpoint(self.folder / STATE)
        if learner.exhausted:
            trainer.should_stop = True

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave a model behind even when the first epoch was not finished."""
        if isinstance(exception, KeyboardInterrupt) and trainer.is_global_zero:
            self.leave_model(pl_module)

    def leave_model(self, learner: Learner) -> None:
        """Write the model as it is, unless there is one of a finished epoch."""
        if not (self.folder / MODEL).exists():
            self.write_model(learner)

    def write_model(self, learner: Learner) -> None:
        """Write the network that predicts."""
        config = self.plan.config
        last = learner.history[-1] if learner.history else {}
        metrics = {name: value for name, value in last.items() if math.isfinite(value)}
        record = {
            "elements": self.samples.elements,
            "closest": self.closest,
            "fingerprint": self.samples.fingerprint,
            "structures": {"train": len(self.samples.train), "val": len(self.samples.val)},
            "metrics": metrics,
            "config": _portable(config),
            "seeds": [config.seed],
            "torch": torch.__version__,
        }
        checkpoint.save(self.folder / MODEL, [learner.best], record, self.arrays)


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
    """Return how an epoch went."""
    scores = ", ".join(
        f"{name.removesuffix('_mae')} {record[name]:.4g}" for name in record if name.endswith("mae")
    )
    return (
        f"epoch {record['epoch']}/{epochs}: loss {record['loss']:.4f}"
        f"{f'; validation errors: {scores}' if scores else ''}; "
        f"{record['crystals_per_second']:.3g} structures/s"
    )


def write_metrics(path: Path, history: Sequence[Mapping[str, float]]) -> None:
    """Write the history as CSV, a line for each epoch."""
    names = list(dict.fromkeys(name for record in history for name in record))
    write_bytes(str(path), to_csv(names, history).encode())


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
        title = "training loss" if name == "loss" else f"validation: {name.removesuffix('_mae')}"
        axes.set(title=title, xlabel="epoch", yscale="log")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    write_bytes(str(path), buffer.getvalue())


def check_folder(plan: Plan, resume: bool | None) -> bool:
    """Say whether to go on with the run in the folder of a plan.

    Args:
        plan: of the training.
        resume: True goes on, False starts anew, None goes on with an unfinished run.

    Raises:
        TrainingError: when there is no run to go on with, or one that cannot be read, has other
            settings, or is finished.
    """
    folder = plan.folder
    record = folder / RUN
    if resume is False or not record.is_file():
        if resume:
            raise TrainingError(
                f"{folder}: holds no run to go on with; leave --resume out to start one"
            )
        return False
    with translated(partial(_unreadable, folder), keep=TrainingError):
        stored = Config.model_validate_json((folder / CONFIG).read_bytes())
        finished = decode_json(decode_text(record.read_bytes()))["finished"]
    differences = plan.config.differences(stored)
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


def finished_metrics(folder: Path) -> Mapping[str, float] | None:
    """Return the metrics of a finished run; None where there is none.

    Raises:
        TrainingError: when it cannot be read.
    """
    if not (folder / RUN).is_file():
        return None
    with translated(partial(_unreadable, folder), keep=TrainingError):
        record = decode_json(decode_text((folder / RUN).read_bytes()))
        metrics: Mapping[str, float] | None = record["metrics"] if record["finished"] else None
    return metrics


def _unreadable(folder: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"{folder}: the run in it cannot be read: {reason}; choose another output, or start anew "
        "with resume=False"
    )


def clear_leftovers(plan: Plan) -> None:
    """Remove what a run that was killed while it wrote left behind, the model restored."""
    checkpoint.recover(plan.folder / MODEL)
    remove_leftovers(plan.folder)


def check_data(plan: Plan, samples: Samples) -> None:
    """Refuse to go on with a run whose data, or their order, are others than when it began.

    Raises:
        TrainingError: when they are.
    """
    folder = plan.folder
    with translated(partial(_unreadable, folder), keep=TrainingError):
        stored = decode_json(decode_text((folder / RUN).read_bytes())).get("contents")
    if stored != samples.contents:
        raise TrainingError(
            f"{folder}: the data have changed since the run began (their digest was {stored}, now "
            f"it is {samples.contents}); restore them, or choose another output"
        )


def start_folder(plan: Plan, samples: Samples) -> None:
    """Make the folder of a run, without what an earlier run left there."""
    folder = plan.folder
    make_folder(folder)
    for name in (STATE, METRICS, CURVE, f"{MODEL}/{RECORD}"):
        (folder / name).unlink(missing_ok=True)
    if (folder / MODEL).is_dir():
        (folder / MODEL / WEIGHTS).unlink(missing_ok=True)
        (folder / MODEL).rmdir()
    _write_json(folder / CONFIG, plan.config.model_dump(mode="json"))
    write_record(plan, samples, finished=False)


def write_record(plan: Plan, samples: Samples, **more: object) -> None:
    """Write ``run.json``: seed, data and what more is said, JSON values."""
    record = {
        "seed": plan.config.seed,
        "fingerprint": samples.fingerprint,
        "contents": samples.contents,
        "train": len(samples.train),
        "val": len(samples.val),
        "remarks": list(samples.remarks),
        **more,
    }
    _write_json(plan.folder / RUN, record)


def _write_json(path: Path, values: Mapping[str, object]) -> None:
    write_bytes(str(path), json.dumps(values, indent=1, ensure_ascii=False).encode() + b"\n")
