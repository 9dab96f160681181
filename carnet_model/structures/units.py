"""Units of labels: what a number in them is multiplied by to come into the unit kept.

>>> UNITS["GPa"]["kbar"], UNITS["eV"]["meV"]
(0.1, 0.001)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from natural_tensors.elasticity.units import PRESSURES

HARTREE, BOHR = 27.211386245988, 0.529177210903
"""In eV and angstrom (CODATA 2018)."""

EV_PER_A3 = PRESSURES["eV/A^3"]
"""GPa in one eV/Å^3."""

_ENERGIES = {
    "eV": 1.0,
    "meV": 1e-3,
    "Ha": HARTREE,
    "Ry": HARTREE / 2,
    "kcal/mol": 4184 / 96485.33212,
    "kJ/mol": 1000 / 96485.33212,
    "J": 1 / 1.602176634e-19,
}
_LENGTHS = {"A": 1.0, "Bohr": BOHR}

UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "GPa": PRESSURES,
        "eV": _ENERGIES,
        "eV/A": {
            f"{energy}/{length}": value / size
            for energy, value in _ENERGIES.items()
            for length, size in _LENGTHS.items()
        },
        "eV/A^3": {unit: value / EV_PER_A3 for unit, value in PRESSURES.items()},
    }
)
"""By the unit kept, the units that are converted to it and their size in it."""
