"""Directions in the words of crystallography, and the families of those that are equal."""

from __future__ import annotations

from functools import cache
from math import gcd

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ..arrays import Floats
from ..crystals.equivalents import Family
from ..formatting import NOTHING, typeset_fixed
from .blocks import Words

FLAT = 1e-3
"""A cosine below this is that of a right angle."""

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
    return np.array(sorted(triples, key=_order))


def _order(row: tuple[int, int, int]) -> tuple[int, int, list[int]]:
    """Order by fewer and smaller indices, then fewer minus signs, then u before v before w."""
    return sum(map(abs, row)), sum(index < 0 for index in row), [-index for index in row]


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


def symbol(direction: Floats, lattice: Floats, *, family: bool = False) -> Markup:
    """Return ``[1 1 0]`` with bars for minus signs, and how far it is off where that matters.

    Args:
        direction: shape ``(3,)``, Cartesian.
        lattice: rows are the lattice vectors in the same axes.
        family: write ``⟨1 1 0⟩``, for all directions that symmetry makes equal to this one.
    """
    indices, degrees = nearest(direction, lattice)
    row = Markup("\u00a0").join(
        Markup('<span class="bar">{}</span>').format(-index) if index < 0 else str(index)
        for index in indices
    )
    off = f" ({degrees:.1f}° off)" if degrees >= NEAR else ""
    return Markup("⟨{}⟩{}" if family else "[{}]{}").format(row, off)


def vector(components: Floats) -> str:
    """Return a direction as three numbers, which no line break parts."""
    return ",\u00a0".join(typeset_fixed(value, 3) for value in components)


def named(direction: Floats, lattice: Floats | None, *, family: bool = False) -> Words:
    """Return a direction as three numbers and, below, by the lattice; a dash for none."""
    if not np.isfinite(direction).all():
        return NOTHING
    if lattice is None:
        return vector(direction)
    text = symbol(direction, lattice, family=family)
    return Markup("{}<br><small>{}</small>").format(vector(direction), text)


def where(family: Family, lattice: Floats | None, *, across: bool) -> tuple[Words, Words, Words]:
    """Return cells that say along which directions, across which, and how many there are.

    Args:
        family: the directions.
        lattice: rows are the lattice vectors; None when unknown.
        across: whether the direction across matters.
    """
    what = ("pair", "pairs") if across else ("direction", "directions")
    if family.kind == "all":
        return "any", "any" if across else NOTHING, f"all {what[1]}"
    shown = family.members[_simplest(family.members, lattice, across)]
    if family.axis is None:
        equal = family.count > 1
        along, beside = (named(vector, lattice, family=equal) for vector in shown)
        count = f"{family.count} {what[equal]}"
        return along, beside if across else NOTHING, count
    circles = "a circle" if family.count == 1 else f"{family.count} circles"
    axis = named(shown[0], lattice, family=family.count > 1)
    return _around(family, axis), _beside(family, axis) if across else NOTHING, circles


def _simplest(members: Floats, lattice: Floats | None, across: bool) -> int:
    """Return which member of a family has the simplest lattice directions; the first without."""
    if lattice is None:
        return 0
    simple = [
        tuple(_order(nearest(vector, lattice)[0]) for vector in pair[: 1 + across])
        for pair in members
    ]
    return min(range(len(simple)), key=simple.__getitem__)


def _around(family: Family, axis: Words) -> Words:
    """Say how the directions of a circle lie to its axis."""
    assert family.axis is not None
    cosine = abs(float(family.axis @ family.direction))
    if cosine > 1 - FLAT**2:
        return axis
    if cosine < FLAT:
        return Markup("any across {}").format(axis)
    return Markup("any at {:.1f}° from {}").format(np.degrees(np.arccos(cosine)), axis)


def _beside(family: Family, axis: Words) -> Words:
    """Say how the directions across those of a circle lie."""
    assert family.axis is not None
    cosine = abs(float(family.axis @ family.transverse))
    along = abs(float(family.axis @ family.direction))
    if along > 1 - FLAT**2:
        return "any across it"
    if cosine > 1 - FLAT**2:
        return axis
    if cosine < FLAT:
        return "across both"
    if along**2 + cosine**2 > 1 - FLAT:
        return "in the plane of both"
    return Markup("at {:.1f}° from {}").format(np.degrees(np.arccos(cosine)), axis)
