"""Checkpoints: trained networks as files of numbers and text only; nothing pickled is ever read.

A checkpoint is a folder with ``model.json`` (everything that is known about it) and
``weights.safetensors`` (one or several members of an ensemble, float32 or rounded to float16, and
whatever arrays travel with them).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.errors import translated
from natural_tensors.files.saving import leftovers, make_folder, remove_leftovers, temporary

from ..data.fingerprints import Fingerprints
from ..network.model import CarNet
from ..network.settings import NetworkSettings
from ..network.targets import Target
from .arrays import HEAD, Arrays, fingerprints_from
from .record import (
    FORMAT,
    MODEL,
    WEIGHTS,
    CheckpointError,
    check_record,
    misfit_error,
    read_record,
    read_weights,
    targets_of,
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Trained networks and what is known about them.

    Attributes:
        models: the members of the ensemble, ready for prediction.
        record: what ``model.json`` holds.
        arrays: what travels with them.
    """

    models: tuple[CarNet, ...]
    record: Mapping[str, Any]
    arrays: Arrays

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is predicted."""
        return self.models[0].targets

    @property
    def elements(self) -> frozenset[int]:
        """Atomic numbers seen in training."""
        return frozenset(self.record["elements"])

    @property
    def fingerprints(self) -> Fingerprints | None:
        """Signatures of the structures seen in training, if they travel with it."""
        return fingerprints_from(self.arrays)

    def __repr__(self) -> str:
        size = sum(value.numel() for value in self.models[0].parameters())
        members = f"{len(self.models)} members of " if len(self.models) > 1 else ""
        names = ", ".join(target.key for target in self.targets)
        return f"Checkpoint({names}: {members}{size:,} parameters)"


def save(
    folder: str | Path,
    models: Sequence[CarNet],
    record: Mapping[str, Any],
    arrays: Arrays | None = None,
    *,
    half: bool = False,
) -> None:
    """Write a checkpoint, the whole folder or nothing.

    Args:
        folder: created, or replaced when it holds a checkpoint.
        models: the members, at least one, all of the same targets.
        record: what else is known: ``elements`` (atomic numbers seen in training), ``closest``
            (the shortest distances between them there, `Closest.to_dict`), ``fingerprint`` (of the
            training data), ``metrics``, ``config``, ``seeds`` and any other key; JSON values.
        arrays: travel with the weights.
        half: round parameters to half precision, which halves the file; they compute in single
            precision when they are read again.

    Raises:
        CheckpointError: when the members do not fit together, the folder holds other files, or a
            parameter is too large for half precision.
    """
    if not models:
        raise CheckpointError(f"{folder}: got no models; give at least one")
    targets = models[0].targets
    if any(model.targets != targets for model in models):
        names = ", ".join(sorted({repr(model.targets) for model in models}))
        raise CheckpointError(
            f"{folder}: members of one ensemble have the same targets; got {names}"
        )
    tensors = {
        f"{number}.{key}": _as_stored(key, value, torch.float16 if half else torch.float32)
        for number, model in enumerate(models)
        for key, value in model.state_dict().items()
    }
    for name, array in (arrays or {}).items():
        tensors[f"{HEAD}{name}"] = torch.from_numpy(np.ascontiguousarray(array))
    weights = save_tensors(tensors)
    document = {
        "format": FORMAT,
        "version": __version__,
        "conventions": CONVENTIONS,
        "targets": [
            {
                "tensor": target.tensor,
                "axial": target.axial,
                "pooling": target.pooling,
                "positive": target.positive,
                "title": target.title,
                "unit": target.unit,
                "symmetry": target.symmetry,
            }
            for target in targets
        ],
        "members": len(models),
        "networks": [model.settings.model_dump() for model in models],
        "elements": [],
        "fingerprint": "",
        "metrics": {},
        "config": {},
        "seeds": [],
        **record,
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, default=_as_json).encode()
    _write_folder(Path(folder), {WEIGHTS: weights, MODEL: text + b"\n"})


def _as_stored(key: str, value: Tensor, precision: torch.dtype) -> Tensor:
    """Return a parameter in the precision of the file; energies of the elements are exact.

    Raises:
        CheckpointError: when it is finite and its rounded value is not.
    """
    value = value.detach().cpu()
    exact = key.endswith(".reference.table") or not value.is_floating_point()
    rounded = value if exact else value.to(precision)
    if not torch.equal(rounded.isfinite(), value.isfinite()):
        raise CheckpointError(
            f"{key} reaches {value.abs().max():.4g}, beyond the {torch.finfo(precision).max:g} of "
            f"{precision}: store it in single precision"
        )
    return rounded.contiguous().clone()


def _as_json(value: object) -> object:
    """Return NumPy numbers and arrays as JSON values."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no JSON value: {value!r}")


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that holds these files only, replacing a checkpoint as a whole."""
    present = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in present if name not in (MODEL, WEIGHTS)]
    if others or (folder.exists() and not folder.is_dir()):
        raise CheckpointError(
            f"{folder}: holds {', '.join(others[:4]) or 'no folder'}; a checkpoint replaces its "
            "whole folder: choose another, or one that does not exist"
        )
    make_folder(folder.parent)
    fresh, old = temporary(folder, "new"), temporary(folder, "old")
    try:
        for place in (fresh, old):
            shutil.rmtree(place, ignore_errors=True)
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        if folder.is_dir():
            os.replace(folder, old)
        os.replace(fresh, folder)
    except BaseException as error:  # an interruption as well: there is always one of the two
        if old.is_dir() and not folder.exists():
            os.replace(old, folder)
        if isinstance(error, OSError):
            raise CheckpointError(f"{folder}: cannot be written: {error.strerror}") from error
        raise
    finally:
        for place in (fresh, old):
            shutil.rmtree(place, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put back a checkpoint that a process was replacing when it was killed; remove what it left.

    Args:
        folder: of the checkpoint, which may be absent.
    """
    for old in leftovers(folder.parent, folder.name, "old"):
        if not folder.exists():
            os.replace(old, folder)
    remove_leftovers(folder.parent, folder.name)


def load(folder: str | Path) -> Checkpoint:
    """Read a checkpoint.

    Args:
        folder: as written by `save`.

    Raises:
        CheckpointError: when a file is missing or damaged, or a newer version wrote it.
    """
    place = Path(folder)
    record = read_record(place)

    raw = read_weights(place, record)

    def misfit(reason: str) -> CheckpointError:
        return misfit_error(place, record, reason)

    with translated(misfit, keep=CheckpointError):
        tensors = load_tensors(raw)
        return _assembled(record, _renamed(tensors) if record["format"] == 1 else tensors)


OUTPUT = ("readouts", "atomic", "importance", "head", "assembly")
"""Parts of a network that belong to a target; format 1, of one target, did not list them."""


def _renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of format 1 by the names of today."""
    renamed = {}
    for key, value in tensors.items():
        member, _, place = key.partition(".")
        inner = place.partition(".")[0] in OUTPUT and member != "arrays"
        renamed[f"{member}.outputs.0.{place}" if inner else key] = value
    return renamed


def _assembled(record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Checkpoint:
    check_record(record)
    targets = targets_of(record)
    models = []
    for number in range(record["members"]):
        # random initial weights are replaced at once; random numbers go on as if none were drawn
        with torch.random.fork_rng(devices=[]):
            model = CarNet(NetworkSettings(**record["networks"][number]), *targets)
        head = f"{number}."
        state = {key[len(head) :]: value for key, value in tensors.items() if key.startswith(head)}
        model.load_state_dict(state)
        models.append(model.eval().requires_grad_(False))
    arrays = {
        key[len(HEAD) :]: value.numpy() for key, value in tensors.items() if key.startswith(HEAD)
    }
    return Checkpoint(tuple(models), record, arrays)
