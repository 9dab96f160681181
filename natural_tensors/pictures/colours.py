"""The colours of all pictures: told apart by colour-blind eyes, and in grey print by lightness."""

from __future__ import annotations

import numpy as np

from ..arrays import Floats

INK = "#1f2328"
"""Lines and letters. A page replaces this very colour by its own, so that pictures follow it."""


FAINT = "#8b929b"
"""Axes and rings, legible on white and on dark."""


ACCENT = "#d55e00"
"""Lattice vectors and marks: the vermilion of Okabe and Ito."""


SERIES = ("#0072b2", "#e69f00", "#009e73")
"""Lines of one panel: blue, orange and green of Okabe and Ito."""


COPIES = ("#0072b2", "#5aa7d6", "#a6d0ec")
"""Pieces of one bar, in turn."""


UNSIGNED = "viridis"
"""Map of values without sign, by its name in matplotlib and in plotly."""


SIGNED = (
    *("#67001f", "#b2182b", "#d6604d", "#f4a582", "#fddbc7"),
    "#f7f7f7",
    *("#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061"),
)
"""Map of values with a sign: red is negative (RdBu of ColorBrewer, by C. A. Brewer)."""


def unsigned_stops(count: int = 17) -> list[tuple[float, str]]:
    """Return ``(place from 0 to 1, colour)`` of the map of values without sign.

    Raises:
        ModuleNotFoundError: without matplotlib.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    places = np.linspace(0, 1, count).tolist()
    return [(place, str(to_hex(colormaps[UNSIGNED](place)))) for place in places]


def signed_stops(low: float, high: float) -> list[tuple[float, str]]:
    """Return ``(place from 0 to 1, colour)`` of a map from low < 0 to high, pale at zero.

    Either side goes to its full colour, however short it is.
    """
    half = len(SIGNED) // 2
    if high <= 0:
        return list(zip(np.linspace(0, 1, half + 1).tolist(), SIGNED[: half + 1], strict=True))
    zero = -low / (high - low)
    places = [*np.linspace(0, zero, half + 1), *np.linspace(zero, 1, half + 1)[1:]]
    return [(float(place), colour) for place, colour in zip(places, SIGNED, strict=True)]


def bounds(values: Floats) -> tuple[float, float]:
    """Return the range of a colour map: never empty, and with 0 inside where a value is negative.

    One value has one colour, not the noise of rounding.
    """
    low, high = float(values.min()), float(values.max())
    if low < 0:
        return low, max(high, 0.0)
    middle, half = (low + high) / 2, max(high - low, 1e-3 * high or 1.0) / 2
    return middle - half, middle + half
