"""The one place where exact numbers become float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .surds import GUARD, Surd

FOUR_PI = 4 * math.pi


def to_float(
    numerators: NDArray[Any] | Fraction, denominator: int, radicand: Fraction
) -> NDArray[np.float64]:
    """Return ``numerators / denominator * sqrt(radicand)`` in float64."""
    scale = math.sqrt(radicand.numerator * radicand.denominator)
    scale /= denominator * radicand.denominator
    return np.asarray(numerators).astype(np.float64) * scale


def rationals(rows: Sequence[Sequence[Fraction]]) -> NDArray[np.float64]:
    """Return a matrix of fractions in float64, each rounded once."""
    return np.array([[float(entry) for entry in row] for row in rows], dtype=np.float64)


def square_roots(values: Sequence[Fraction | int]) -> NDArray[np.float64]:
    """Return the square roots of exact numbers in float64."""
    return np.array([math.sqrt(value) for value in values], dtype=np.float64)


def surd_to_float(number: Surd) -> float:
    """Return the float64 nearest to an exact sum of roots."""
    return float(Fraction(number.scaled(), 1 << GUARD))


def root_of_two(halves: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``2**(halves/2)``."""
    return np.exp2(halves / 2.0)
