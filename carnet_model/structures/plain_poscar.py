"""Plain POSCAR files, read without pymatgen, to the same structure.

Plain is what VASP 5 and later write: symbols of the elements in line 6, one line of them, and their
numbers in line 7. Whatever else there is, or is wrong, is left to pymatgen.
"""

from __future__ import annotations

import re

import numpy as np

from natural_tensors.arrays import Floats

from .periodic_table import number_of
from .plain_cif import Sites

_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def plain_poscar(text: str) -> Sites | None:
    """Return the structure of a POSCAR, as pymatgen reads it; None unless it is plain."""
    head, _, rest = text.rstrip().partition("\n")
    lines = [line.strip() for line in rest.split("\n")]
    if not head.strip() or len(lines) < 8 or "#" in rest or "!" in rest:
        return None
    scale, cell = _floats(lines[:1], 1), _floats(lines[1:4], 3)
    numbers = [number_of(symbol) for symbol in lines[4].split()]
    counts = [int(word) for word in lines[5].split() if word.isdecimal() and len(word) < 10]
    selective = lines[6][:1] in ("s", "S")
    kind = lines[6 + selective][:1]
    known = [number for number in numbers if number is not None]
    if (
        scale is None
        or cell is None
        or len(known) < len(numbers)
        or not len(known) == len(counts) == len(lines[5].split()) > 0
        or min(counts) < 1
        or kind not in ("d", "D", "c", "C", "k", "K")
    ):
        return None
    factor, first, total = float(scale[0, 0]), 7 + selective, sum(counts)
    places = _floats(lines[first : first + total], 3, more=True)
    if places is None or len(places) < total:
        return None
    further = lines[first + total :]  # nothing, or velocities after a blank line
    if further and (further[0] or _floats(further[1:], 3) is None):
        return None
    if factor < 0:
        if kind in "cCkK":
            return None
        cell *= (-factor / abs(np.linalg.det(cell))) ** (1 / 3)
    else:
        cell *= factor
    if not abs(np.linalg.det(cell)) > 0:
        return None
    fractions = places if kind in "dD" else (places * factor) @ np.linalg.inv(cell)
    elements = [number for number, count in zip(known, counts, strict=True) for _ in range(count)]
    return Sites(np.array(elements, dtype=np.int64), fractions @ cell, cell)


def _floats(lines: list[str], columns: int, *, more: bool = False) -> Floats | None:
    """Return lines of so many numbers, with other words behind them or none; None otherwise."""
    rows = []
    for line in lines:
        words = line.split()
        if len(words) < columns or (len(words) > columns and not more):
            return None
        if not all(map(_FLOAT.fullmatch, words[:columns])):
            return None
        rows.append([float(word) for word in words[:columns]])
    return np.array(rows, dtype=np.float64).reshape(len(rows), columns)
