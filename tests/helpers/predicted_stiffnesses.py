"""Stiffnesses of the shipped crystals and a noisy prediction of them, GPa, for evaluations."""

from __future__ import annotations

import numpy as np

from natural_tensors import examples
from natural_tensors.arrays import Floats

_CRYSTALS = [examples.load(name) for name in examples.names()]
_CRYSTALS = [crystal for crystal in _CRYSTALS if crystal.tensor == "elastic"]
TRUTH: Floats = np.array([crystal.values for crystal in _CRYSTALS])
SYSTEMS = [crystal.crystal_system for crystal in _CRYSTALS]


def guessed(seed: int = 0) -> Floats:
    """Return the stiffnesses 10 % too large, with noise of about 1 GPa."""
    noise = np.random.default_rng(seed).normal(size=TRUTH.shape)
    return np.asarray(TRUTH * 1.1 + noise + noise.swapaxes(1, 2))


GUESS = guessed()
