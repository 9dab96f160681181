"""Signatures: sixteen numbers that describe a structure, whatever its cell and frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors.arrays import Floats

from .geometry import Geometry

SHELL_CENTRES = np.array([0.8, 1.15, 1.5, 1.85, 2.2])
"""Distances at which pairs are counted, in units of the cube root of the volume per atom."""

_WIDTH = 0.175  # of the Gaussian that counts pairs about a distance
_REACH = 2.9  # pairs farther apart count nowhere
_FREE_VOLUME = 20.0  # Å^3 per atom: sets the scale of what has no volume of its own


def signature(structure: Geometry) -> Floats:
    """Return 16 numbers that describe a structure, whatever its cell, frame and order of atoms.

    The first is the logarithm of the volume per atom. The others are smoothed counts of pairs at
    five distances, in units of the cube root of that volume and relative to an even
    distribution: of all pairs, of pairs of one element, and weighted by how far either atomic
    number is above the mean.

    Returns:
        Shape ``(16,)``. Compare them by :func:`distance`, within one formula.
    """
    atoms, volume = len(structure), _volume(structure)
    scale = volume ** (1 / 3)
    first, second, _, distances = structure.neighbours(signature_reach(structure))
    number = structure.numbers.astype(np.float64)
    spread = float(number.std())
    charge = (number - number.mean()) / spread if spread > 0 else np.zeros(atoms)
    weights = np.stack(
        [
            np.ones(len(distances)),
            (structure.numbers[first] == structure.numbers[second]).astype(np.float64),
            charge[first] * charge[second],
        ]
    )
    peaks = np.exp(-0.5 * ((distances[:, None] / scale - SHELL_CENTRES) / _WIDTH) ** 2)
    even = 4 * np.pi * SHELL_CENTRES**2 * _WIDTH * np.sqrt(2 * np.pi)
    counts = weights @ peaks / even / atoms
    return np.concatenate([[np.log(volume)], counts.ravel()])


def signature_reach(structure: Geometry) -> float:
    """Return the distance up to which pairs count, angstrom."""
    return float(_REACH * _volume(structure) ** (1 / 3))


def _volume(structure: Geometry) -> float:
    return structure.volume / len(structure) if structure.volume else _FREE_VOLUME


def distance(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return how far signatures are apart, in counts and, a quarter as much, in volume.

    The root mean square difference of the counts, and a quarter of the difference of the
    logarithms of the volume: methods differ by some percent in the volume of one crystal.

    Args:
        first: shape ``(16,)``.
        second: shape ``(..., 16)``.

    Returns:
        Shape ``(...)``; 0 for the same crystal.
    """
    gap = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    rms = np.sqrt(np.mean(gap[..., 1:] ** 2, axis=-1))
    return np.asarray(np.hypot(rms, gap[..., 0] / 4), dtype=np.float64)
