"""Directions in the words of crystallography."""

from __future__ import annotations

from functools import cache
from math import gcd

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ..arrays import Floats

LARGEST_INDEX = 4
NEAR = 0.5
"""Degrees within which a direction is called by a lattice direction without saying how far."""


@cache
def _rows() -> NDArray[np.int64]:
    """Return coprime triples, the simplest first, and of a pair of opposites the positive one."""
    span = range(-LARGEST_INDEX, LARGEST_INDEX + 1)
    triples = [
        (u, v, w)
        for u in span
        for v in span
        for w in span
        if gcd(u, v, w) == 1 and (u, v, w) > (0, 0, 0)
    ]
    # fewer and smaller indices, then fewer minus signs, then u before v before w
    return np.array(
        sorted(triples, key=lambda t: (sum(map(abs, t)), sum(i < 0 for i in t), [-i for i in t]))
    )


def nearest(direction: Floats, lattice: Floats) -> tuple[tuple[int, int, int], float]:
    """Return the simplest lattice direction [uvw] within half a degree, or else the nearest.

    Opposite directions count as one.

    Args:
        direction: shape ``(3,)``, Cartesian.
        lattice: rows are the lattice vectors in the same axes.

    Returns:
        ``(u, v, w)`` up to 4 and how far it is off, in degrees.
    """
    along = _rows() @ lattice
    across = np.linalg.norm(np.cross(along, direction), axis=1)
    degrees = np.degrees(np.arctan2(across, np.abs(along @ direction)))
    near = np.flatnonzero(degrees < NEAR)
    best = int(near[0]) if len(near) else int(np.argmin(degrees))
    u, v, w = _rows()[best].tolist()
    return (u, v, w), float(degrees[best])


def symbol(direction: Floats, lattice: Floats) -> Markup:
    """Return ``[1 1 0]`` with bars for minus signs, and how far it is off where that matters."""
    indices, degrees = nearest(direction, lattice)
    row = Markup(" ").join(
        Markup('<span class="bar">{}</span>').format(-index) if index < 0 else str(index)
        for index in indices
    )
    off = f" ({degrees:.1f}° off)" if degrees >= NEAR else ""
    return Markup("[{}]{}").format(row, off)
