"""Elasticity in symbols, exactly: moduli, directions, waves, stability of any group or matrix."""

from .stability import Stability, stability, under_load
from .stiffness import SymbolicModuli, SymbolicStiffness, stiffness
from .waves import WaveModes

__all__ = [
    "Stability",
    "SymbolicModuli",
    "SymbolicStiffness",
    "WaveModes",
    "stability",
    "stiffness",
    "under_load",
]
