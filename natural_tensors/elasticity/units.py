"""Units of a stiffness: conversion to GPa, and numbers that look like another unit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Floats
from .stiffness import check_stiffness

PRESSURES: Mapping[str, float] = MappingProxyType(
    {"GPa": 1.0, "Pa": 1e-9, "MPa": 1e-3, "kbar": 0.1, "Mbar": 100.0, "eV/A^3": 160.2176634}
)
"""GPa in one of each unit."""

SOFTEST, HARDEST = 0.5, 600.0
"""GPa: bulk moduli of crystals lie between; solid neon has 1.1, diamond 443."""


def in_gpa(values: ArrayLike, unit: str) -> Floats:
    """Return a stiffness in GPa.

    Raises:
        ValueError: when the unit is none of pressure.
    """
    if unit not in PRESSURES:
        raise ValueError(f"{unit!r} is no unit of a stiffness; allowed: {', '.join(PRESSURES)}")
    return np.asarray(values, dtype=np.float64) * PRESSURES[unit]


def unit_warning(stiffness: ArrayLike, *, expected_bulk_gpa: float | None = None) -> str | None:
    """Return why numbers that should be GPa look like another unit; None when they do not.

    A bulk modulus (Voigt) below 0.5 or above 600 GPa is that of no crystal at ordinary pressure.
    Beside an expected modulus, a factor of 10 either way is noticed as well.

    Args:
        stiffness: shape ``(6, 6)``, Voigt, taken for GPa.
        expected_bulk_gpa: a bulk modulus from elsewhere, such as a prediction.
    """
    bulk = float(check_stiffness(stiffness)[:3, :3].sum() / 9)
    if bulk <= 0:
        return None
    wrong = not SOFTEST <= bulk <= HARDEST
    reason = f"K = {bulk:.3g} GPa is that of no crystal (soft ones have 1, diamond has 443)"
    if not wrong and expected_bulk_gpa:
        tenfold = abs(abs(np.log10(bulk / expected_bulk_gpa)) - 1) < np.log10(1.5)
        if not tenfold:
            return None
        wrong = True
        reason = f"K = {bulk:.3g} GPa, but {expected_bulk_gpa:.3g} GPa is expected"
    if not wrong:
        return None
    return f"{reason}; {_guess(bulk, expected_bulk_gpa)}"


TYPICAL = 80.0
"""GPa: a bulk modulus in the middle of those of crystals, on a logarithmic scale."""


def _guess(bulk: float, expected: float | None) -> str:
    """Say which unit the numbers look like."""

    def distance(unit: str) -> float:
        return float(abs(np.log10(bulk * PRESSURES[unit] / (expected or TYPICAL))))

    likely = [
        unit
        for unit, size in PRESSURES.items()
        if unit != "GPa"
        and SOFTEST <= bulk * size <= HARDEST
        and (not expected or distance(unit) < np.log10(2.5))
    ]
    if not likely:
        return "check the unit"
    best, *others = sorted(likely, key=distance)
    more = f" (or {' or '.join(others)})" if others else ""
    return f"it looks like {best}{more}: state that unit, or multiply by {PRESSURES[best]:g}"
