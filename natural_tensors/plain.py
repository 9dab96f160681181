"""Plain nested lists from arrays, for JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def plain(values: Any) -> Any:
    """Return numbers, or arrays of them, as nested lists; what is not finite becomes None."""
    array = np.asarray(values)
    if array.ndim:
        return [plain(entry) for entry in array]
    number = array.item()
    return number if math.isfinite(number) else None
