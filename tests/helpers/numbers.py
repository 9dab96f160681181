"""Random numbers, tolerances and classes that the tests of the exact side share."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from natural_tensors import Harmonic, IndexSymmetry
from natural_tensors.arrays import Floats
from tests.helpers.oracles import BASES, CLASSES

PROMISE = 1e-13
"""Relative error promised in float64; see test_application."""

EPS = float(np.finfo(np.float64).eps)
EPS32 = float(np.finfo(np.float32).eps)

SCALAR = IndexSymmetry.general(0)
ELASTIC = "ijkl=jikl=klij"
PIEZO = "ijk=ikj"

each_basis = pytest.mark.parametrize("basis", BASES)
each_class = pytest.mark.parametrize("case", CLASSES, ids=repr)
each_normalization = pytest.mark.parametrize(
    "normalization", ["legendre", "orthonormal", "component"]
)

ROTATIONS: dict[str, Floats] = {
    "proper": Rotation.random(rng=3).as_matrix(),
    "improper": -Rotation.random(rng=4).as_matrix(),
    "inversion": -np.eye(3),
    "mirror": np.diag([1.0, -1.0, 1.0]),
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def directions(count: int, seed: int = 0) -> Floats:
    """Return unit vectors, shape ``(count, 3)``."""
    n = rng(seed).standard_normal((count, 3))
    return np.asarray(n / np.linalg.norm(n, axis=1, keepdims=True))


def relative(result: ArrayLike, expected: ArrayLike) -> Any:
    """Return the largest difference over the largest norm of one tensor."""
    first, second = np.asarray(result), np.asarray(expected)
    assert first.shape == second.shape
    return np.abs(first - second).max() / np.linalg.norm(second)


def evaluated(piece: Harmonic, point: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """Return the exact polynomials of a harmonic at a rational point, with their radicands."""
    x, y, z = point
    return [
        (
            sum((k * x**a * y**b * z**c for (a, b, c), k in polynomial.items()), Fraction(0)),
            radicand,
        )
        for polynomial, radicand in piece.exact()
    ]
