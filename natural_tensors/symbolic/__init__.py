"""Crystal physics in symbols, exactly: elasticity, dielectrics and piezoelectricity."""

from .dielectric import SymbolicDielectric, dielectric
from .piezoelectric import SymbolicPiezoelectric, piezoelectric
from .stability import Stability, stability, under_load
from .stiffness import SymbolicModuli, SymbolicStiffness, stiffness
from .waves import WaveModes

__all__ = [
    "Stability",
    "SymbolicDielectric",
    "SymbolicModuli",
    "SymbolicPiezoelectric",
    "SymbolicStiffness",
    "WaveModes",
    "dielectric",
    "piezoelectric",
    "stability",
    "stiffness",
    "under_load",
]
