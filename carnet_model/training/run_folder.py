"""The folder of a run: what is written there, and when it may go on."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Checkpoint as CheckpointCallback
from lightning.pytorch.plugins.io import CheckpointIO

from natural_tensors.files.saving import write_bytes

from ..data.fingerprints import Fingerprints
from ..weights import checkpoint
from .config import Config
from .learner import Learner, TrainingError
from .samples import Samples

STATE = "resume.safetensors"


class StateIO(CheckpointIO):
    """The state of a training as safetensors: nothing is pickled."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write a state, the whole file or nothing."""
        from ..weights.state import save_state

        save_state(path, checkpoint)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a state."""
        from ..weights.state import load_state

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


def check_folder(folder: Path, config: Config, resume: bool | None) -> bool:
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


def check_data(folder: Path, samples: Samples, *, going_on: bool) -> None:
    """Refuse to go on with a run whose data are others than when it began."""
    if not going_on:
        return
    stored = json.loads((folder / "run.json").read_bytes()).get("fingerprint")
    if stored != samples.fingerprint:
        raise TrainingError(
            f"{folder}: the training data have changed since the run began (fingerprint "
            f"{stored}, now {samples.fingerprint}); restore them, or choose another output"
        )


def start_folder(folder: Path, config: Config, samples: Samples) -> None:
    """Make the folder of a run, without what an earlier run left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (STATE, "metrics.csv", "learning-curve.png", "model/model.json"):
        (folder / name).unlink(missing_ok=True)
    if (folder / "model").is_dir():
        (folder / "model" / checkpoint.WEIGHTS).unlink(missing_ok=True)
        (folder / "model").rmdir()
    _write_json(folder / "config.json", config.model_dump(mode="json"))
    write_run(folder, config, samples, finished=False)


def write_run(folder: Path, config: Config, samples: Samples, **more: Any) -> None:
    """Write ``run.json``: seed, versions, data and what more is said."""
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
