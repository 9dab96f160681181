"""Stiffnesses, GPa, that the tests of elasticity share: random, cubic, and measured ones."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

import natural_tensors as nt
from natural_tensors import elasticity, examples

Floats = NDArray[np.float64]


def random_stable(count: int, seed: int) -> Floats:
    """Return stiffnesses with Kelvin moduli between some 5 and 1000."""
    root = np.random.default_rng(seed).normal(size=(count, 6, 6))
    matrices = 20 * root @ root.swapaxes(1, 2) + 5 * np.eye(6)
    return np.asarray(matrices / elasticity.MANDEL_FACTORS)


def rotated(stiffness: Floats, rotation: Floats) -> Floats:
    full = nt.from_voigt(stiffness)
    rotated = np.einsum("ia,jb,kc,ld,...abcd->...ijkl", *[rotation] * 4, full, optimize=True)
    return np.asarray(nt.to_voigt(rotated))


def cubic(c11: float, c12: float, c44: float) -> Floats:
    matrix = np.diag([c11 - c12] * 3 + [c44] * 3)
    matrix[:3, :3] += c12
    return matrix


def _filled(constants: dict[int, float]) -> Floats:
    matrix = np.zeros((6, 6))
    for place, value in constants.items():
        row, column = divmod(place, 10)
        matrix[row - 1, column - 1] = matrix[column - 1, row - 1] = value
    return matrix


# Monoclinic: L. Levien, D. J. Weidner and C. T. Prewitt 1979, Phys. Chem. Minerals 4, 105.
DIOPSIDE = _filled(
    {11: 223, 22: 171, 33: 235, 44: 74, 55: 67, 66: 66, 12: 77, 13: 81, 23: 57, 15: 17, 25: 7,
     35: 43, 46: 7.3}
)  # fmt: skip

# Monoclinic: M. T. Vaughan and S. Guggenheim 1986, J. Geophys. Res. 91, 4657.
MUSCOVITE = _filled(
    {11: 181.0, 22: 178.4, 33: 58.6, 44: 16.5, 55: 19.5, 66: 72.0, 12: 48.8, 13: 25.6, 23: 21.2,
     15: -14.2, 25: 1.1, 35: 1.0, 46: -5.2}
)  # fmt: skip

# Triclinic: J. M. Brown, E. H. Abramson and R. J. Angel 2006, Phys. Chem. Minerals 33, 256.
ALBITE = _filled(
    {11: 69.9, 22: 183.5, 33: 179.5, 44: 24.9, 55: 26.8, 66: 33.5, 12: 34.0, 13: 30.8, 23: 5.5,
     14: 5.1, 24: -3.9, 34: -8.7, 15: -2.4, 25: -7.7, 35: 7.1, 45: -2.4, 16: -0.9, 26: -5.8,
     36: -9.8, 46: -7.2, 56: 0.5}
)  # fmt: skip

FIELDS = [field.name for field in fields(elasticity.Moduli)]


def stiffness(name: str) -> Floats:
    """Return a mineral measured by acoustics, or a shipped example."""
    known = {"diopside": DIOPSIDE, "muscovite": MUSCOVITE, "albite": ALBITE}
    return known[name] if name in known else examples.load(name).values


def assert_alike(one: elasticity.Moduli, other: elasticity.Moduli, rel: float) -> None:
    for name in FIELDS:
        size = rel if "anisotropy" in name else 0.0  # a difference of numbers near 6
        close = np.allclose(getattr(one, name), getattr(other, name), rtol=rel, atol=20 * size)
        assert close, name
