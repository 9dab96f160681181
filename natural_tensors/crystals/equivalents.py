"""Where a property takes its extreme: not one direction, but all that share the value.

Symmetry makes directions equal, and a search finds one of them, whichever came first. Here the one
found stands for its family: the directions that operations map it to and whose values agree, or a
circle of directions, or all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from ..arrays import Floats
from ..so3.grids import exponential, rotation_grid
from .fitting import NO_DISTANCE
from .frames import matrices
from .point_groups import PointGroup, point_group
from .tensor import CrystalTensor

TIE = 5e-5
"""Values that differ by less, relative, are equal: half a unit of the fourth digit or less. What
networks in single precision predict violates its symmetry by 1e-7 or so, far below."""


SAME_DIRECTION = 5e-3
"""Radians within which two directions are one, 0.3 degrees: where a property is flat in fourth
order, its extreme is found to some 1e-3."""


FINITE: Mapping[str, str] = MappingProxyType(
    {
        "∞": "6", "∞m": "6mm", "∞2": "622", "∞/m": "6/m", "∞/mm": "6/mmm",
        "∞∞": "432", "∞∞m": "m-3m",
    }
)  # fmt: skip
"""A crystallographic subgroup of each limiting group; circles stand for the rest of it."""


ORIENTATIONS, TURNS = 48, 16
"""How many rotations show that a value is the same in all directions, or around an axis."""


Value = Callable[[Floats, Floats], Floats]
"""A property of directions n and of m across them, both of shape ``(count, 3)``."""


@dataclass(frozen=True, eq=False)
class Symmetry:
    """Rotations and rotation-inversions that leave a tensor alone, in its own axes.

    Attributes:
        operations: shape ``(order, 3, 3)``; for a limiting group those of a finite subgroup.
        axes: axes about which a value may be the same in all directions, shape ``(3, 3)``.
    """

    operations: Floats
    axes: Floats


@dataclass(frozen=True, eq=False)
class Family:
    """All directions that share a value, opposite ones counted once unless they differ.

    Attributes:
        kind: ``"points"``, single directions; ``"circles"``, all directions at one angle from an
            axis; ``"all"`` directions.
        direction: n of one of them: of those that symmetry makes equal the one with the largest
            x, then y, then z.
        transverse: m that goes with it.
        count: how many directions (pairs, where m matters) or circles; 1 for all.
        members: of single directions each, n and m, shape ``(members, 2, 3)``; of circles each
            axis, twice; of a shear each pair in both orders.
        axis: the axis of the circle; None for the other kinds.
    """

    kind: Literal["points", "circles", "all"]
    direction: Floats
    transverse: Floats
    count: int
    members: Floats
    axis: Floats | None = None


def symmetry_of(crystal: CrystalTensor) -> Symmetry:
    """Return what leaves a tensor alone: its point group, or the class it is exactly in.

    The tensor of a crystal may have more symmetry than the crystal, and one whose group nobody
    stated has some all the same; the larger of the two groups is taken.
    """
    known: list[tuple[PointGroup, Floats]] = [
        (fit.symmetry.group, fit.setting)
        for fit in crystal.class_fits
        if fit.distance <= NO_DISTANCE
    ]
    if crystal.group is not None:
        known.append((crystal.group, np.eye(3) if crystal.setting is None else crystal.setting))
    if not known:
        return Symmetry(np.eye(3)[None], np.eye(3))
    finite = [(point_group(FINITE.get(group.name, group.name)), turn) for group, turn in known]
    place = max(range(len(known)), key=lambda i: (len(known[i][0].axes), finite[i][0].order or 0))
    group, turn = finite[place]
    return Symmetry(turn.T @ matrices(group) @ turn, turn[[2, 0, 1]])


def family(
    value: Value,
    direction: Floats,
    transverse: Floats | None,
    symmetry: Symmetry,
    *,
    exchange: bool = False,
    polar: bool = False,
    scale: float | None = None,
) -> Family:
    """Return the family of a direction, or of a direction and one across it.

    Args:
        value: the property; it ignores m where that does not matter.
        direction: n, shape ``(3,)``.
        transverse: m, shape ``(3,)``; None where it does not matter.
        symmetry: of the tensor.
        exchange: whether n and m may be exchanged, as in a shear.
        polar: whether opposite directions differ.
        scale: what a difference of values is compared to; the value itself when omitted.
    """
    alone = transverse is None
    pair = np.stack([direction, _across(direction) if transverse is None else transverse])
    best = float(value(pair[:1], pair[1:])[0])
    allowed = TIE * (abs(best) if scale is None else scale)

    def ties(pairs: Floats) -> bool:
        return bool((np.abs(value(pairs[:, 0], pairs[:, 1]) - best) <= allowed).all())

    if ties(np.eye(3)[:2] @ rotation_grid(ORIENTATIONS)):
        return Family("all", pair[0], pair[1], 1, pair[None])
    images = pair @ symmetry.operations.swapaxes(-1, -2)
    equal = np.abs(value(images[:, 0], images[:, 1]) - best) <= allowed
    operations, images = symmetry.operations[equal], images[equal]
    circle = _circle(pair, symmetry.axes, alone, ties)
    if circle is not None:
        axes = circle @ operations.swapaxes(-1, -2)
        found = _distinct(axes[:, None, :], exchange=False, polar=False)
        axis = found[0, 0]
        pair = pair @ operations[np.abs(axes @ axis).argmax()].T
        return Family("circles", pair[0], pair[1], len(found), found[:, [0, 0]], axis)
    found = _distinct(images[:, :1] if alone else images, exchange=exchange, polar=polar)
    if alone:
        found = np.stack([found[:, 0], [_across(row) for row in found[:, 0]]], axis=1)
    count = len(found) // 2 if exchange else len(found)
    return Family("points", found[0, 0], found[0, 1], count, found)


def _across(direction: Floats) -> Floats:
    far = np.eye(3)[np.abs(direction).argmin()]
    found = np.cross(far, direction)
    return np.asarray(found / np.linalg.norm(found), dtype=np.float64)


def _circle(
    pair: Floats, axes: Floats, alone: bool, ties: Callable[[Floats], bool]
) -> Floats | None:
    """Return an axis about which a pair may be rotated without a change of value."""
    angles = 2 * np.pi * (np.arange(TURNS) + 0.5) / TURNS
    candidates = axes if alone else np.concatenate([pair[::-1], axes])
    for axis in candidates:
        if alone and abs(axis @ pair[0]) > np.cos(SAME_DIRECTION):
            continue  # it would not move
        if ties(pair @ exponential(angles[:, None] * axis).swapaxes(-1, -2)):
            return np.asarray(axis, dtype=np.float64)
    return None


def _distinct(images: Floats, *, exchange: bool, polar: bool) -> Floats:
    """Return the images of a direction or a pair that differ, those with the largest x first."""
    if exchange:
        images = np.concatenate([images, images[:, ::-1]])
    left, found = images if polar else _signed(images), []
    while len(left):
        cosines = (left * left[0]).sum(axis=-1)
        sizes = cosines if polar else np.abs(cosines)
        near = (sizes > np.cos(SAME_DIRECTION)).all(axis=-1)
        # what lies on an element of symmetry up to rounding lies on it
        mean = (np.sign(cosines[near])[..., None] * left[near]).sum(axis=0)
        found.append(mean / np.linalg.norm(mean, axis=-1, keepdims=True))
        left = left[~near]
    rows = np.array(found) if polar else _signed(np.array(found))
    order = sorted(range(len(rows)), key=lambda i: (-np.round(rows[i], 3)).ravel().tolist())
    return np.asarray(rows[order], dtype=np.float64)


def _signed(vectors: Floats) -> Floats:
    """Return directions with the first component positive that is not zero."""
    rows = vectors.reshape(-1, 3)
    first = (np.abs(rows) > SAME_DIRECTION).argmax(axis=-1)
    signs = np.where(rows[np.arange(len(rows)), first] < 0, -1.0, 1.0)
    return np.asarray((signs[:, None] * rows).reshape(vectors.shape), dtype=np.float64)
