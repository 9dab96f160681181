"""Search over orientations: grids of rotations, their generators, and maxima over SO(3).

A packed tensor t of several weights turns into ``u = D(R) t`` under a rotation R (rule 16). What is
asked of a crystal in some orientation is a smooth function of u: one component, a ratio of two, the
squared norm of a projection. :func:`maximize` finds its largest value over all R.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import arrays
from .basis import as_weight
from .couplings import coupling
from .rotations import rotation
from .symmetry import as_integer

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TIE = 1e-6
"""Components closer than this, relative to the largest, count as equally large."""


def oriented(vectors: Any) -> Floats:
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


# --- grids -------------------------------------------------------------------------------------

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
    steps = np.arange(_as_count(count)) + 0.5
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
    steps = np.arange(_as_count(count))
    height = (steps + 0.5) / count
    azimuth = np.pi * (3 - np.sqrt(5.0)) * steps
    radius = np.sqrt(1 - height**2)
    points = [radius * np.cos(azimuth), radius * np.sin(azimuth), height]
    return np.asarray(np.stack(points, axis=-1), dtype=np.float64)


def _as_count(value: object) -> int:
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


def exponential(vectors: Any) -> Floats:
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


def unit_vectors(directions: Any) -> Floats:
    """Return directions, shape ``(..., 3)``, with length 1 in float64.

    Raises:
        ValueError: when the last axis is not 3, or a direction is zero, infinite or NaN.
    """
    values = np.asarray(directions, dtype=np.float64)
    if values.ndim < 1 or values.shape[-1] != 3:
        raise ValueError(f"directions end in the shape (3,), got an array of shape {values.shape}")
    unit: Floats = arrays.unit_vectors(values)
    return unit


def frames(directions: Any) -> Floats:
    """Return rotations that take directions to x: the rows are n, and two unit vectors across it.

    Args:
        directions: shape ``(..., 3)``, not zero.

    Returns:
        Right-handed, shape ``(..., 3, 3)``. The second row is perpendicular to the coordinate axis
        that is farthest from n.

    Raises:
        ValueError: when a direction is zero, infinite or NaN.
    """
    first = unit_vectors(directions)
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


# --- packed tensors of several weights ---------------------------------------------------------


@lru_cache(maxsize=64)
def generators(weight: int) -> Floats:
    """Return the infinitesimal rotations of a weight about x, y and z.

    ``L_a = d/dt D(exp(t J_a))`` at t = 0, antisymmetric; ``generators(1)`` is J, the cross product
    from the left. ``[L_x, L_y] = L_z``.

    The rotation by a small vector v changes X by ``⟨l ε_apq v_p X_qb..⟩``, which is the coupling
    (1, l, l) of rule 15.

    Args:
        weight: the weight l.

    Returns:
        Shape ``(3, 2l+1, 2l+1)``, read-only.
    """
    weight = as_weight(weight)
    if weight == 0:
        result = np.zeros((3, 1, 1))
    else:
        result = np.array(coupling(1, weight, weight).to_array()).swapaxes(1, 2)
    result.setflags(write=False)
    return result


@dataclass(frozen=True)
class Blocks:
    """The layout of a packed tensor: one block of ``2l+1`` coordinates for each weight.

    Attributes:
        weights: the weight of each block, in order, such as ``(0, 0, 2, 2, 4)`` for elasticity.
    """

    weights: tuple[int, ...]

    def __post_init__(self) -> None:
        for weight in self.weights:
            as_weight(weight)

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return sum(2 * weight + 1 for weight in self.weights)

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each block stands."""
        stops = np.cumsum([0, *(2 * weight + 1 for weight in self.weights)]).tolist()
        return tuple(slice(a, b) for a, b in pairwise(stops))

    @cached_property
    def turns(self) -> NDArray[np.bool_]:
        """Which coordinates a rotation can change: those of weight 1 and higher."""
        return np.array([weight > 0 for weight in self.weights for _ in range(2 * weight + 1)])

    @cached_property
    def generators(self) -> Floats:
        """The generators of all blocks, shape ``(3, size, size)``."""
        result = np.zeros((3, self.size, self.size))
        for weight, where in zip(self.weights, self.slices, strict=True):
            result[:, where, where] = generators(weight)
        return result

    def rotate(self, packed: Any, rotations: Any) -> Floats:
        """Return ``D(R) t``.

        Args:
            packed: t, shape ``batch + (size,)``.
            rotations: R, shape ``batch + (3, 3)``; the batch shapes broadcast.

        Raises:
            ValueError: when a shape does not fit or a matrix is not orthogonal.
        """
        tensor = self.check(packed)
        matrices = {weight: rotation(weight, rotations) for weight in set(self.weights) - {0}}
        batch = np.broadcast_shapes(tensor.shape[:-1], np.shape(rotations)[:-2])
        result = np.broadcast_to(tensor, (*batch, self.size)).copy()
        for weight, where in zip(self.weights, self.slices, strict=True):
            if weight:
                block = matrices[weight] @ tensor[..., where, None]
                result[..., where] = block[..., 0]
        return result

    def check(self, packed: Any) -> Floats:
        """Return packed coordinates as float64.

        Raises:
            ValueError: when the last axis has another length.
        """
        tensor = np.asarray(packed, dtype=np.float64)
        if tensor.ndim < 1 or tensor.shape[-1] != self.size:
            raise ValueError(
                f"packed coordinates of the weights {self.weights} end in the shape "
                f"({self.size},), got an array of shape {tensor.shape}"
            )
        return tensor


# --- what is maximized -------------------------------------------------------------------------


class Objective(ABC):
    """A smooth function of a few linear functionals ``y = rows u`` of a packed tensor u."""

    rows: Floats

    @abstractmethod
    def value(self, y: Floats) -> Floats:
        """Return the function, shape ``batch``, of y, shape ``batch + (functionals,)``."""

    @abstractmethod
    def gradient(self, y: Floats) -> Floats:
        """Return the first derivatives, shape ``batch + (functionals,)``."""

    @abstractmethod
    def hessian(self, y: Floats) -> Floats:
        """Return the second derivatives, shape that broadcasts to ``batch + (functionals,)*2``."""


class Linear(Objective):
    """One functional ``w · u``: a component of the rotated tensor."""

    def __init__(self, functional: Any) -> None:
        self.rows = np.asarray(functional, dtype=np.float64)[None, :]

    def value(self, y: Floats) -> Floats:
        """Return y itself."""
        return y[..., 0]

    def gradient(self, y: Floats) -> Floats:
        """Return 1."""
        return np.ones_like(y)

    def hessian(self, y: Floats) -> Floats:
        """Return 0."""
        return np.zeros((1, 1))


class Ratio(Objective):
    """A quotient of two functionals, ``(w · u) / (v · u)``; the divisor must not change sign."""

    def __init__(self, dividend: Any, divisor: Any) -> None:
        self.rows = np.array([dividend, divisor], dtype=np.float64)

    def value(self, y: Floats) -> Floats:
        """Return ``a / b`` of y = (a, b)."""
        return np.asarray(y[..., 0] / y[..., 1])

    def gradient(self, y: Floats) -> Floats:
        """Return ``(1/b, -a/b²)``."""
        inverse = 1 / y[..., 1]
        return np.stack([inverse, -self.value(y) * inverse], axis=-1)

    def hessian(self, y: Floats) -> Floats:
        """Return ``((0, -1/b²), (-1/b², 2a/b³))``."""
        inverse = 1 / y[..., 1] ** 2
        mixed, second = -inverse, 2 * self.value(y) * inverse
        rows = [[np.zeros_like(mixed), mixed], [mixed, second]]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


class SquaredNorm(Objective):
    """The squared length ``|V u|²``: with orthonormal rows V, of a projection."""

    def __init__(self, matrix: Any) -> None:
        self.rows = np.asarray(matrix, dtype=np.float64)

    def value(self, y: Floats) -> Floats:
        """Return ``y · y``."""
        return np.asarray((y * y).sum(axis=-1))

    def gradient(self, y: Floats) -> Floats:
        """Return ``2 y``."""
        return 2 * y

    def hessian(self, y: Floats) -> Floats:
        """Return twice the unit matrix."""
        return 2 * np.eye(len(self.rows))


# --- maxima over SO(3) -------------------------------------------------------------------------

GRID = 2000
"""Rotations a search without given starts begins with: none is farther than some 17 degrees."""

FLAT = 1e-8
"""Curvature, relative to the size of the change under rotation, that counts as this much."""

LONGEST_STEP = 0.25
"""Radians."""

GAIN = 1e-14
"""A predicted gain below this, relative to the function and its change, ends a climb."""

CLIMBS = 100
"""Newton steps at most; a simple maximum takes some five, a quartic one twenty."""

HALVINGS = 12

FAIR = 1e-4
"""Part of the gain predicted from the slope that a step must bring."""

TABLE = 2**22
"""Numbers in the largest table that a search builds."""

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))


@dataclass(frozen=True, eq=False)
class Maximum:
    """The largest value of a function of orientation, and where it is taken.

    Attributes:
        value: shape ``batch``; NaN where the tensor has a NaN.
        rotation: R, shape ``batch + (3, 3)``.
    """

    value: Floats
    rotation: Floats


def maximize(
    objective: Objective, packed: Any, weights: Sequence[int], *, starts: int | Any = 12,
) -> Maximum:  # fmt: skip
    """Maximize a smooth function of a rotated tensor over all rotations.

    Evaluates ``u = D(R) t`` on a grid of 2000 rotations, takes its peaks and then the highest other
    points, and climbs from each by damped Newton steps on so(3): gradient and Hessian along the
    generators are exact, curvatures are taken negative and bounded from below (so flat directions,
    as of an isotropic crystal, do no harm), steps are at most 0.25 rad and are halved until the
    value rises. The value is that of a stationary point to some 1e-14 of the size of the function,
    and better than 1e-10 where the maximum is quartic.

    That the best stationary point is the global one rests on the grid, not on a proof. For weights
    up to 4 a component or the norm of a projection varies slowly against the 17 degrees of the
    grid, and a search with six times the rotations and five times the climbs found nothing better
    for 300 random crystals. A ratio whose divisor comes near zero has narrow peaks: give it starts.

    Args:
        objective: :class:`Linear`, :class:`Ratio`, :class:`SquaredNorm` or another function.
        packed: t, shape ``batch + (size,)``.
        weights: the weights of the blocks of t.
        starts: how many climbs for each tensor; or the rotations to start from, shape that
            broadcasts to ``batch + (starts, 3, 3)``.

    Raises:
        ValueError: when a shape does not fit, or there is no start.
    """
    blocks = Blocks(tuple(weights))
    tensor = blocks.check(packed)
    if objective.rows.shape[-1] != blocks.size:
        raise ValueError(
            f"the objective reads {objective.rows.shape[-1]} coordinates, but packed tensors of "
            f"the weights {blocks.weights} have {blocks.size}"
        )
    batch = tensor.shape[:-1]
    rows = tensor.reshape(-1, blocks.size)
    lost = np.asarray(~np.isfinite(rows).all(axis=-1))
    rows = np.where(lost[:, None], 0.0, rows)
    if np.ndim(starts) == 0:
        begin = _grid_starts(objective, rows, blocks, _as_count(starts))
    else:
        given = np.asarray(starts, dtype=np.float64)
        if given.ndim < 3 or given.shape[-2:] != (3, 3) or given.shape[-3] == 0:
            raise ValueError(
                f"starts are rotations of shape (starts, 3, 3), got an array of shape {given.shape}"
            )
        begin = np.broadcast_to(given, (*batch, *given.shape[-3:]))
        begin = begin.reshape(len(rows), *given.shape[-3:])
    count = begin.shape[1]
    climbers = _Climbers(objective, blocks, rows.repeat(count, axis=0), begin.reshape(-1, 3, 3))
    repeated = (begin == begin[:, :1]).all(axis=(-1, -2))
    repeated[:, 0] = False
    climbers.climb(np.flatnonzero(~repeated))
    values = climbers.values.reshape(len(rows), count)
    best = np.arange(len(rows)) * count + values.argmax(axis=-1)
    value, turned = climbers.values[best], climbers.turned[best]
    value[lost], turned[lost] = np.nan, np.nan
    return Maximum(value.reshape(batch), turned.reshape((*batch, 3, 3)))


def _grid_starts(objective: Objective, rows: Floats, blocks: Blocks, count: int) -> Floats:
    """Return the rotations at the peaks of the grid, shape ``(tensors, count, 3, 3)``."""
    grid = rotation_mesh(GRID)
    # w · D(R) t = (D(R^-1) w) · t
    functionals = blocks.rotate(objective.rows, grid.points.swapaxes(-1, -2)[:, None])
    table = functionals.reshape(-1, blocks.size).T
    size = max(1, TABLE // table.shape[1])
    chosen = [np.zeros((0, min(count, GRID)), dtype=np.int64)]
    for start in range(0, len(rows), size):
        y = (rows[start : start + size] @ table).reshape(-1, GRID, len(objective.rows))
        with np.errstate(divide="ignore", invalid="ignore"):
            chosen.append(grid.starts(objective.value(y), count))
    return grid.points[np.concatenate(chosen)]


def _derivatives(objective: Objective, blocks: Blocks) -> Floats:
    """Return the functionals, their 3 first and 6 second derivatives along the generators.

    Shape ``(size, 10 * functionals)``: applied to u from the right. The second derivative of
    ``D(exp v) u`` is the symmetric product of two generators.
    """
    turn = blocks.generators
    first = [objective.rows @ turn[a] for a in range(3)]
    second = [objective.rows @ (turn[a] @ turn[b] + turn[b] @ turn[a]) / 2 for a, b in PAIRS]
    return np.concatenate([objective.rows, *first, *second]).T


class _Climbers:
    """Rotations on their way to a maximum, one row for each start of each tensor."""

    def __init__(self, objective: Objective, blocks: Blocks, tensors: Floats, turned: Floats):
        self.objective, self.blocks = objective, blocks
        self.tensors, self.turned = tensors, turned.copy()
        self.states = blocks.rotate(tensors, turned)
        self.values = objective.value(self.states @ objective.rows.T)
        self.table = _derivatives(objective, blocks)
        self.sizes = np.linalg.norm(tensors[:, blocks.turns], axis=-1)

    def climb(self, active: Integers) -> None:
        """Take Newton steps, from the rows that are active, until none gains beyond rounding."""
        for _ in range(CLIMBS):
            if not active.size:
                return
            step, gain, noise = self._step(active)
            moved = self._search(active, step, gain, noise)
            active = active[moved & (gain > noise)]

    def _step(self, active: Integers) -> tuple[Floats, Floats, Floats]:
        """Return the Newton steps, the gain they promise, and what of it would be rounding."""
        objective = self.objective
        y = (self.states[active] @ self.table).reshape(len(active), 10, len(objective.rows))
        gradient, hessian = _chain(objective, y)
        slope = objective.gradient(y[:, 0]) @ (objective.rows * self.blocks.turns)
        scale = np.linalg.norm(slope, axis=-1) * self.sizes[active]
        curvature, axes = np.linalg.eigh(hessian)
        along = (gradient[:, None, :] @ axes)[:, 0]
        # A direction that changes nothing looks curved, by the commutator of the generators, in
        # proportion to the slope: no curvature counts as less than that.
        floor = np.maximum(FLAT * scale, np.linalg.norm(gradient, axis=-1))
        bound = np.maximum(np.abs(curvature), floor[:, None])
        step = np.divide(along, bound, out=np.zeros_like(along), where=bound > 0)
        length = np.linalg.norm(step, axis=-1)[:, None]
        step *= LONGEST_STEP / np.maximum(length, LONGEST_STEP)
        gain = (along * step).sum(axis=-1)
        noise = GAIN * (scale + np.abs(self.values[active]))
        return (axes @ step[..., None])[..., 0], gain, noise

    def _search(
        self, active: Integers, step: Floats, gain: Floats, noise: Floats
    ) -> NDArray[np.bool_]:
        """Halve steps until they bring a fair part of what they promise; say which moved."""
        moved = np.zeros(len(active), dtype=np.bool_)
        left = np.arange(len(active))
        part = 1.0
        for _ in range(HALVINGS):
            rows = active[left]
            turned = exponential(part * step[left]) @ self.turned[rows]
            states = self.blocks.rotate(self.tensors[rows], turned)
            values = self.objective.value(states @ self.objective.rows.T)
            good = values >= self.values[rows] + FAIR * part * gain[left] - noise[left]
            taken = rows[good]
            self.turned[taken], self.states[taken] = turned[good], states[good]
            self.values[taken] = values[good]
            moved[left[good]] = True
            left = left[~good]
            if not left.size:
                break
            part /= 2
        return moved


def _chain(objective: Objective, y: Floats) -> tuple[Floats, Floats]:
    """Return gradient and Hessian on so(3) from the functionals and their derivatives."""
    outer, inner = objective.gradient(y[:, 0]), objective.hessian(y[:, 0])
    first = y[:, 1:4]
    gradient = (first @ outer[..., None])[..., 0]
    curved = (y[:, 4:] @ outer[..., None])[..., 0]
    hessian = first @ inner @ first.swapaxes(-1, -2)
    for number, (a, b) in enumerate(PAIRS):
        hessian[:, a, b] += curved[:, number]
        if a != b:
            hessian[:, b, a] += curved[:, number]
    return gradient, hessian
