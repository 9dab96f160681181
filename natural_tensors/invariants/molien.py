"""How many invariant polynomials a space of tensors has under a point group.

The number of invariants of degree d is the mean, over the operations g, of the coefficient of
``t**d`` in ``1/det(1 - t D(g))`` (T. Molien, Sitzungsber. Akad. Berlin 1897, 1152). On natural
tensors of one parity an improper operation is a sign times a rotation, and a rotation by the angle
a has the eigenvalues ``exp(i m a)``. The eigenvalues of m and -m together give the factor
``1 - 2 cos(m a) t + t**2``, whose coefficients are integers for the angles of a crystal: every
series here is one of integers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..crystals.point_groups import Operation, PointGroup
from .characters import Series, axis_invariants, rotation_invariants

FOLD = {3: 1, -1: 2, 0: 3, 1: 4, 2: 6}
"""Trace of a rotation of a crystal to the fold of its axis."""

TWICE_COSINE = {1: (2,), 2: (2, -2), 3: (2, -1, -1), 4: (2, 0, -2, 0), 6: (2, 1, -1, -2, -1, 1)}
"""``2 cos(2 pi m/n)`` for m = 0 .. n-1, by the fold n."""


@dataclass(frozen=True, slots=True)
class Space:
    """Natural tensors and their signs under inversion and time reversal.

    Attributes:
        weights: of each natural tensor.
        parity: sign under inversion, the same for all.
        time_reversal: sign under time reversal.
    """

    weights: tuple[int, ...]
    parity: int
    time_reversal: int = 1

    def sign(self, determinant: int, time: int) -> int:
        """Return the sign by which an operation differs from the rotation in it."""
        return (self.parity if determinant < 0 else 1) * (self.time_reversal if time < 0 else 1)


def invariants_of_group(space: Space, group: PointGroup, degree: int) -> Series:
    """Return the number of polynomials of degree 0 to `degree` that a point group leaves alone."""
    if group.axes:
        return _of_limiting_group(space, group, degree)
    classes = Counter(
        (_fold(operation), space.sign(operation.determinant, operation.time))
        for operation in group.operations
    )
    total = [0] * (degree + 1)
    for (fold, sign), count in classes.items():
        for d, number in enumerate(_inverse_determinant(space.weights, fold, sign, degree)):
            total[d] += count * number
    return _mean(total, len(group.operations))


def _fold(operation: Operation) -> int:
    """Return the fold of the rotation in an operation: that of R, or of -R where R inverts."""
    return FOLD[operation.trace * operation.determinant]


def _mean(total: Iterable[int], count: int) -> Series:
    quotients = [divmod(number, count) for number in total]
    if any(rest for _, rest in quotients):
        raise ArithmeticError("a mean over a group is no integer")
    return tuple(quotient for quotient, _ in quotients)


@lru_cache(maxsize=512)
def _inverse_determinant(weights: tuple[int, ...], fold: int, sign: int, degree: int) -> Series:
    """Return the series of ``1/det(1 - t s D(R))`` for a rotation R by ``2 pi/fold``."""
    series = [1] + [0] * degree
    cosines = TWICE_COSINE[fold]
    for weight in weights:
        for d in range(1, degree + 1):  # m = 0: 1/(1 - s t)
            series[d] += sign * series[d - 1]
        for m in range(1, weight + 1):
            middle = sign * cosines[m % fold]
            for d in range(1, degree + 1):
                series[d] += middle * series[d - 1] - (series[d - 2] if d > 1 else 0)
    return tuple(series)


def _of_limiting_group(space: Space, group: PointGroup, degree: int) -> Series:
    """Average over the connected parts of a limiting group.

    A part is a sign times the rotations about the axis, or times the twofold rotations across it,
    which have all the same eigenvalues; with several axes it is a sign times all rotations.
    """
    spherical = len(group.axes) > 1
    parts = {
        (operation.determinant, operation.time, not spherical and _flips(operation))
        for operation in group.finite_part
    }
    total = [0] * (degree + 1)
    for determinant, time, flips in parts:
        sign = space.sign(determinant, time)
        if flips:
            series = _inverse_determinant(space.weights, 2, sign, degree)
        else:
            of_rotations = rotation_invariants if spherical else axis_invariants
            series = of_rotations(space.weights, degree)
            series = tuple(sign**d * number for d, number in enumerate(series))
        total = [a + b for a, b in zip(total, series, strict=True)]
    return _mean(total, len(parts))


def _flips(operation: Operation) -> bool:
    """Say whether the rotation in an operation reverses the z axis."""
    return operation.matrix[2][2].sign() != operation.determinant
