"""Tensors of a stated point group, in its standard axes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from natural_tensors import (
    CrystalTensor,
    Frame,
    examples,
    from_voigt,
    point_group,
    reduction,
)

QUARTZ = examples.load("quartz").values

ELASTIC = reduction("elastic")


def stated(values: Any, group: str | None = "32", tensor: str = "elastic") -> CrystalTensor:
    full = np.asarray(values, dtype=np.float64)
    setting = None if group is None else np.eye(3)
    unit = "GPa" if tensor == "elastic" else ""
    return CrystalTensor(
        tensor, full, unit, Frame("given", np.eye(3)), "it",
        group=None if group is None else point_group(group), setting=setting,
    )  # fmt: skip


def quartz() -> CrystalTensor:
    return stated(from_voigt(QUARTZ, symmetry="elastic"))


def tensor_file(folder: Path, values: Any, **stated: Any) -> str:
    path = folder / "measured.json"
    document = {"tensor": np.asarray(values).tolist(), "class": "elastic", **stated}
    path.write_text(json.dumps(document))
    return str(path)
