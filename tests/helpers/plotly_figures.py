"""What a figure of plotly holds, as arrays."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np


def decoded(array: Any) -> np.ndarray:
    """Return an array of a plotly figure, which may be packed in base64."""
    if isinstance(array, dict):
        shape = tuple(int(size) for size in str(array.get("shape", "")).split(",") if size)
        flat = np.frombuffer(base64.b64decode(array["bdata"]), dtype=array["dtype"])
        return flat.reshape(shape) if shape else flat
    return np.asarray(array)


def points(trace: Any) -> np.ndarray:
    return np.stack([decoded(trace[key]) for key in "xyz"], axis=-1)
