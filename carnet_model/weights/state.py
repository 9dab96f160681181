"""The state of an unfinished training as one safetensors file: nothing pickled is ever read.

Its header holds, as JSON, what is not an array.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from natural_tensors.errors import translated
from natural_tensors.files.decoding import decode_json
from natural_tensors.files.saving import write_bytes

from .record import CheckpointError

STATE_FORMAT = 1
"""Number of the format; a newer one is refused."""


def save_state(path: str | Path, state: object) -> None:
    """Write nested dicts, lists and tuples of tensors and plain values, the file or nothing.

    Raises:
        CheckpointError: for a value that is none of these.
    """
    tensors: dict[str, Tensor] = {}
    tree = _flattened(state, tensors, "state")
    header = {"format": str(STATE_FORMAT), "tree": json.dumps(tree)}
    # a file without any tensor is no safetensors file to some readers
    tensors["-"] = torch.zeros(1)
    write_bytes(str(path), save_tensors(tensors, metadata=header))


def load_state(path: str | Path) -> Any:
    """Read what `save_state` wrote; exactly the same values.

    Raises:
        CheckpointError: when it is missing, damaged or of a newer version.
    """

    def unreadable(reason: str) -> CheckpointError:
        return CheckpointError(
            f"{path}: cannot be read as the state of a training: {reason}; start the run anew"
        )

    with translated(unreadable, keep=CheckpointError):
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        if int(header["format"]) > STATE_FORMAT:
            raise CheckpointError(
                f"{path}: has format {header['format']}, this version reads up to {STATE_FORMAT}: "
                "install a newer one"
            )
        return _restored(decode_json(header["tree"]), tensors)


def _flattened(value: object, tensors: dict[str, Tensor], place: str) -> object:
    """Return a value as JSON that names its tensors, which are put into `tensors`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    key = str(len(tensors))
    if isinstance(value, Tensor):
        tensors[key] = value.detach().cpu().contiguous().clone()
        return {"tensor": key}
    if isinstance(value, np.ndarray):
        tensors[key] = torch.from_numpy(value.copy())
        return {"array": key}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        parts = [_flattened(part, tensors, f"{place}.{n}") for n, part in enumerate(value)]
        return parts if isinstance(value, list) else {"tuple": parts}
    if isinstance(value, Mapping) and all(isinstance(key, str | int) for key in value):
        return {
            "pairs": [
                [key, _flattened(part, tensors, f"{place}.{key}")] for key, part in value.items()
            ]
        }
    raise CheckpointError(
        f"{place} is {type(value).__name__}, which is not stored: tensors, arrays, numbers, text, "
        "lists, tuples and dicts are"
    )


def _restored(tree: object, tensors: Mapping[str, Tensor]) -> Any:
    """Return the value that `_flattened` was given."""
    if isinstance(tree, list):
        return [_restored(part, tensors) for part in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "array":
        return tensors[content].numpy()
    if kind == "tuple":
        return tuple(_restored(part, tensors) for part in content)
    if kind == "pairs":
        return {key: _restored(part, tensors) for key, part in content}
    raise ValueError(f"{kind!r} is no kind of value")
