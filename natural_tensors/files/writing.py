"""Tensors and their parts to files."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..decomposition.base import ReductionBase
from ..decomposition.components import Form
from ..version import CONVENTIONS, __version__
from .records import Values, times
from .saving import check_suffix, file_error, to_json, write_bytes

ARRAY_SUFFIXES = (".json", ".npy", ".csv", ".txt")


def about(
    reduction: ReductionBase, form: Form, unit: str | None, name: str | None
) -> dict[str, Any]:
    """Return what every file of ours says about the tensor in it; ``plane`` where it lies there."""
    in_plane = {"plane": True} if reduction.components.axes == 2 else {}
    return in_plane | {
        "natural_tensors": __version__,
        "conventions": CONVENTIONS,
        "name": name,
        "class": reduction.name,
        "symmetry": str(reduction.symmetry),
        "axial": reduction.symmetry.axial,
        "unit": unit,
        "form": form,
    }


def write_json(path: str, document: Mapping[str, Any]) -> None:
    """Write an object as JSON, the whole file or nothing.

    Raises:
        FileError: when the file cannot be written.
    """
    write_bytes(path, (to_json(document) + "\n").encode())


def write_tensor(path: str, document: Mapping[str, Any], values: Values) -> None:
    """Write a tensor in the format that the suffix names, the whole file or nothing.

    Args:
        path: ends in .json, .npy, .csv or .txt.
        document: what JSON holds; a table says it in its first line.
        values: the numbers, for the other formats.

    Raises:
        FileError: when the format is unknown, cannot hold the array, or writing fails.
    """
    check_suffix(path, ARRAY_SUFFIXES)
    suffix = Path(path).suffix.lower()
    if suffix == ".json":
        write_json(path, document)
    elif suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, values)
        write_bytes(path, buffer.getvalue())
    else:
        write_bytes(path, _as_table(path, document, values, ", " if suffix == ".csv" else " "))


def _as_table(path: str, document: Mapping[str, Any], values: Values, between: str) -> bytes:
    if values.ndim > 3:
        raise file_error(
            path,
            f"a table cannot hold an array of shape {times(values.shape)}",
            "write .json or .npy, or choose a form with fewer indices by --form",
        )
    stated = [
        f"{key} {document[key]}"
        for key in ("name", "class", "symmetry", "form", "unit")
        if document.get(key)
    ]
    matrices = values.reshape((-1, *values.shape[-2:])) if values.ndim > 1 else [[values.ravel()]]
    blocks = [
        "\n".join(between.join(repr(float(entry)) for entry in row) for row in matrix)
        for matrix in matrices
    ]
    return ("# " + ", ".join(stated) + "\n" + "\n\n".join(blocks) + "\n").encode()
