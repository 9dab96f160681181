"""What is known of the elements, one row of numbers each: electron shells, measured values."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np

from natural_tensors.arrays import Floats

ELEMENTS = 119
"""Rows of a table by atomic number; row 0 is of no element."""

NOBLE = (2, 10, 18, 36, 54, 86, 118)
"""Atomic numbers of the noble gases, which close the periods."""

LOGARITHMS = ("melting_point", "boiling_point", "density", "bulk_modulus", "shear_modulus")
"""Positive quantities that spread over orders of magnitude: their logarithms are taken."""

RADII = ("atomic", "van_der_waals")


def position(number: int) -> tuple[int, int, tuple[int, int, int, int]]:
    """Return the period of an element, the electrons since the last noble gas, and their shells.

    The shells (s, p, d, f) fill in Madelung's order, so a period of 32 is s2 f14 d10 p6.

    >>> position(26)  # iron
    (4, 8, (2, 0, 6, 0))
    """
    period = next(n for n, last in enumerate(NOBLE, start=1) if number <= last)
    outer = number - (NOBLE[period - 2] if period > 1 else 0)
    length = NOBLE[period - 1] - (NOBLE[period - 2] if period > 1 else 0)
    capacities = {2: (2, 0, 0, 0), 8: (2, 0, 0, 6), 18: (2, 0, 10, 6), 32: (2, 14, 10, 6)}
    left, filled = outer, []
    for capacity in capacities[length]:  # s, f, d, p
        filled.append(min(left, capacity))
        left -= filled[-1]
    s, f, d, p = filled
    return period, outer, (s, p, d, f)


@cache
def descriptors() -> Floats:
    """Return one row of standardized numbers an element, shape (119, columns); row 0 is empty.

    Measured properties come from ``elements.json``; an unknown one is the mean, with a flag.
    """
    table = json.loads(files(__package__).joinpath("elements.json").read_text(encoding="utf-8"))
    names = list(table["columns"])
    known = np.full((ELEMENTS, len(names)), np.nan)
    for number, row in enumerate(table["elements"].values(), start=1):
        known[number] = [np.nan if value is None else value for value in row]
    for name in LOGARITHMS:
        known[:, names.index(name)] = np.log(known[:, names.index(name)])
    shells = np.array(
        [[0.0] * 6] + [[*position(z)[:2], *position(z)[2]] for z in range(1, ELEMENTS)]
    )
    missing = np.isnan(known)
    mean, spread = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    known = np.where(missing, 0.0, (known - mean) / spread)
    shells = (shells - shells[1:].mean(axis=0)) / shells[1:].std(axis=0)
    rare = missing[:, np.isin(names, ["bulk_modulus", "shear_modulus"])]
    rows = np.concatenate([known, shells, rare.astype(np.float64)], axis=1)
    rows[0] = 0.0
    return rows


@cache
def core_radii() -> Floats:
    """Return how far the core of each element reaches, angstrom, shape (119,); entry 0 is 0.

    The atomic radius of ``elements.json``, so that two of them are about a bond; of an element
    without one, half of its van der Waals radius; of one without both, 1.5.
    """
    table = json.loads(files(__package__).joinpath("elements.json").read_text(encoding="utf-8"))
    atomic, outer = (list(table["columns"]).index(f"{kind}_radius") for kind in RADII)
    radii = np.zeros(ELEMENTS)
    radii[1:] = 1.5
    for number, row in enumerate(table["elements"].values(), start=1):
        if row[atomic] is not None:
            radii[number] = row[atomic]
        elif row[outer] is not None:
            radii[number] = row[outer] / 2
    return radii
