"""Grids of rotations and of directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from .. import arrays
from ..arrays import Floats, Integers
from ..exact.integers import as_integer

TIE = 1e-6
"""Components closer than this, relative to the largest, count as equally large."""


def oriented(vectors: ArrayLike) -> Floats:
    """Return vectors with the sign that makes the largest component positive.

    A vector of the last axis that means the same as its negative (an axis, an eigenvector) gets one
    of the two signs: of the components within 1e-6 of the largest magnitude the first is positive.

    Args:
        vectors: shape ``(..., n)``.
    """
    values = np.array(vectors, dtype=np.float64)
    sizes = np.abs(values)
    large = sizes >= (1 - TIE) * sizes.max(axis=-1, keepdims=True, initial=0)
    first = np.take_along_axis(values, large.argmax(axis=-1)[..., None], axis=-1)
    result: Floats = np.where(first < 0, -values, values)
    return result


SPIRAL = 1.533751168755204288118041
"""The positive root of x^4 = x + 4: second winding number of the spirals, the first is √2."""


RING, NEIGHBOURS = 6, 24
"""Nearest points of a grid that a peak exceeds; and those too near to start from as well."""


MARGIN = 0.15
"""How far below the highest point of a grid, over the range of values, a climb may begin."""


def rotation_grid(count: int) -> Floats:
    """Return rotations spread nearly uniformly over SO(3), the identity first.

    Super-Fibonacci spirals: with ``t = (i + 1/2) / count`` and ``s = 2π (i + 1/2)``, the
    quaternions ``(√t sin(s/√2), √t cos(s/√2), √(1-t) sin(s/ψ), √(1-t) cos(s/ψ))`` with
    ``ψ^4 = ψ + 4``, all multiplied by the inverse of the first. The widest gap is some
    ``210° / count^(1/3)``.

    Args:
        count: how many, 1 or more.

    Returns:
        Shape ``(count, 3, 3)``.

    Raises:
        ValueError: when the count is not positive.

    Source: M. Alexa 2022, CVPR, p. 8281, algorithm 1.
    """
    steps = np.arange(positive_count(count)) + 0.5
    inner, outer = np.sqrt(steps / count), np.sqrt(1 - steps / count)
    first, second = 2 * np.pi * steps / np.sqrt(2), 2 * np.pi * steps / SPIRAL
    quaternions = np.stack(
        [
            inner * np.sin(first),
            inner * np.cos(first),
            outer * np.sin(second),
            outer * np.cos(second),
        ],
        axis=-1,
    )
    matrices = _rotation_of(quaternions)
    grid = matrices @ matrices[0].T
    grid[0] = np.eye(3)  # which it is up to rounding
    return np.asarray(grid, dtype=np.float64)


def direction_grid(count: int) -> Floats:
    """Return directions spread nearly uniformly over half a sphere, ``z > 0``.

    A Fibonacci lattice: ``z = (i + 1/2) / count``, azimuth ``π (3 - √5) i``. With their negatives
    they cover the sphere.

    Args:
        count: how many, 1 or more.

    Returns:
        Unit vectors, shape ``(count, 3)``.

    Raises:
        ValueError: when the count is not positive.

    Source: R. Swinbank and R. J. Purser 2006, Q. J. R. Meteorol. Soc. 132, 1769.
    """
    steps = np.arange(positive_count(count))
    height = (steps + 0.5) / count
    azimuth = np.pi * (3 - np.sqrt(5.0)) * steps
    radius = np.sqrt(1 - height**2)
    points = [radius * np.cos(azimuth), radius * np.sin(azimuth), height]
    return np.asarray(np.stack(points, axis=-1), dtype=np.float64)


def positive_count(value: object) -> int:
    """Return a number of points; refuse what is no positive integer."""
    count = as_integer(value, "count")
    if count < 1:
        raise ValueError(f"count {count} is not positive; a grid has 1 point or more")
    return count


def _rotation_of(quaternions: Floats) -> Floats:
    """Return the rotation matrices of unit quaternions (x, y, z, w), shape ``(..., 3, 3)``."""
    vector, scalar = quaternions[..., :3], quaternions[..., 3, None, None]
    outer = vector[..., :, None] * vector[..., None, :]
    length = (vector**2).sum(axis=-1)[..., None, None]
    result: Floats = (scalar**2 - length) * np.eye(3) + 2 * outer + 2 * scalar * _cross(vector)
    return result


def _cross(vectors: Floats) -> Floats:
    """Return the matrices that take the cross product from the left, shape ``(..., 3, 3)``."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def exponential(vectors: ArrayLike) -> Floats:
    """Return the rotations about axes, by angles that are their lengths in radians.

    Args:
        vectors: shape ``(..., 3)``.

    Returns:
        Shape ``(..., 3, 3)``.

    Source: O. Rodrigues 1840, J. Math. Pures Appl. 5, 380.
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = _cross(vectors)
    sine, versine = np.sinc(angle / np.pi), np.sinc(angle / (2 * np.pi)) ** 2 / 2
    result: Floats = np.eye(3) + sine * cross + versine * (cross @ cross)
    return result


def unit_directions(directions: ArrayLike) -> Floats:
    """Return directions, shape ``(..., 3)``, with length 1 in float64.

    Raises:
        ValueError: when the last axis is not 3, or a direction is zero, infinite or NaN.
    """
    values = np.asarray(directions, dtype=np.float64)
    if values.ndim < 1 or values.shape[-1] != 3:
        raise ValueError(f"directions end in the shape (3,), got an array of shape {values.shape}")
    unit: Floats = arrays.unit_vectors(values)
    return unit


def frames(directions: ArrayLike) -> Floats:
    """Return rotations that take directions to x: the rows are n, and two unit vectors across it.

    Args:
        directions: shape ``(..., 3)``, not zero.

    Returns:
        Right-handed, shape ``(..., 3, 3)``. The second row is perpendicular to the coordinate axis
        that is farthest from n.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.
    """
    first = unit_directions(directions)
    far = np.eye(3)[np.abs(first).argmin(axis=-1)]
    second = np.cross(far, first)
    second /= np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-2)


@dataclass(frozen=True, eq=False)
class Grid:
    """Points of a grid and the nearest others of each.

    Attributes:
        points: rotations, shape ``(count, 3, 3)``, or directions, shape ``(count, 3)``.
        neighbours: numbers of the nearest points, shape ``(count, neighbours)``.
    """

    points: Floats
    neighbours: Integers

    def starts(self, values: Floats, count: int) -> Integers:
        """Return points from which to climb to the maximum of a function.

        First the peaks, which exceed the six nearest points, the highest first; then, since a
        narrow ridge hides its peaks between the points, the highest other points. None is a
        neighbour of another, and none lower than the highest by more than MARGIN of the range.

        Args:
            values: the function on the grid, shape ``batch + (points,)``; NaN counts as lowest.
            count: how many; where there are fewer, the first fills up.

        Returns:
            Numbers of points, shape ``batch + (count,)``.
        """
        shape = values.shape[:-1]
        heights = values.reshape(-1, len(self.points))
        lowest = np.where(np.isfinite(heights), heights, np.inf).min(axis=-1)
        heights = np.where(np.isnan(heights), -np.inf, heights)
        around = np.full_like(heights, -np.inf)
        for column in self.neighbours.T[:RING]:
            np.maximum(around, heights[:, column], out=around)
        top = heights.max(axis=-1)
        with np.errstate(invalid="ignore"):  # where nothing is finite
            span = top - lowest
            left = np.where(heights >= (top - MARGIN * span)[:, None], heights, -np.inf)
        left += np.where(heights >= around, 2 * span[:, None], 0)
        rows = np.arange(len(heights))
        chosen = np.empty((len(heights), count), dtype=np.int64)
        for pick in range(count):
            place = left.argmax(axis=-1)
            chosen[:, pick] = np.where(left[rows, place] > -np.inf, place, chosen[:, 0])
            left[rows, place] = -np.inf
            left[rows[:, None], self.neighbours[place]] = -np.inf
        return chosen.reshape((*shape, count))


@lru_cache(maxsize=8)
def rotation_mesh(count: int) -> Grid:
    """Return :func:`rotation_grid` with its neighbours."""
    points = rotation_grid(count)
    flat = points.reshape(count, 9)
    return _mesh(points, flat @ flat.T)


@lru_cache(maxsize=8)
def direction_mesh(count: int) -> Grid:
    """Return :func:`direction_grid` with its neighbours, n and -n being one point."""
    points = direction_grid(count)
    return _mesh(points, np.abs(points @ points.T))


def _mesh(points: Floats, closeness: Floats) -> Grid:
    np.fill_diagonal(closeness, -np.inf)
    near = min(NEIGHBOURS, len(points) - 1)
    neighbours = np.argpartition(closeness, -near, axis=1)[:, len(points) - near :]
    order = np.argsort(-np.take_along_axis(closeness, neighbours, axis=1), axis=1)
    neighbours = np.take_along_axis(neighbours, order, axis=1)
    for array in (points, neighbours):
        array.setflags(write=False)
    return Grid(points, neighbours)
