"""Crystals that nobody has made: elements of known ones changed for others of like chemistry.

A potential for all elements needs to see many pairs of them. Known crystals lend their structures;
an element is changed for one of its group, or for a near one of its row among metals, and the cell
grows or shrinks as the atoms do. What comes of it is near no equilibrium: `carnet data frames
--approach` takes it there.

>>> 31 in alike(13), 16 in alike(13)
(True, False)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.random import Generator

from natural_tensors.arrays import Integers

from ..structures.geometry import Geometry
from ..structures.periodic_table import SYMBOLS
from .examples import dataset_error, split_of

FAMILIES = (
    "Li Na K Rb Cs",
    "Be Mg Ca Sr Ba",
    "Mg Zn Cd Hg",
    "Sc Y La Lu",
    "Ti Zr Hf",
    "V Nb Ta",
    "Cr Mo W",
    "Mn Tc Re",
    "Fe Ru Os",
    "Co Rh Ir",
    "Ni Pd Pt",
    "Cu Ag Au",
    "B Al Ga In Tl",
    "C Si Ge Sn Pb",
    "N P As Sb Bi",
    "O S Se Te",
    "F Cl Br I",
    "Th U Np Pu",
    "Al Si Ga Ge",
    "B C N O",
    "Mg Al",
    "Sc Ti",
    "Ce Th Zr Hf",
)
"""Elements that replace each other in crystals."""

ROWS = (
    "Ti V Cr Mn Fe Co Ni Cu Zn",
    "Zr Nb Mo Tc Ru Rh Pd Ag Cd",
    "Hf Ta W Re Os Ir Pt Au",
    "Y La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Sc",
    "Ac Th Pa U Np Pu",
)
"""Elements that replace those up to two places away."""

CHANGED = 0.65
"""Probability that an element is changed."""

TRIES = 50
"""Attempts for each crystal that is wanted."""

SMALLEST = 3.0
"""Cubic angstrom: no atom has less, whatever the fit says of an element in few crystals."""


@cache
def alike(number: int) -> tuple[int, ...]:
    """Return the elements that an element is changed for, by atomic number."""
    found: set[int] = set()
    for family in FAMILIES:
        members = _numbers(family)
        if number in members:
            found.update(members)
    for row in ROWS:
        members = _numbers(row)
        if number in members:
            at = members.index(number)
            found.update(members[max(at - 2, 0) : at + 3])
    return tuple(sorted(found - {number}))


def _numbers(symbols: str) -> list[int]:
    return [SYMBOLS.index(symbol) for symbol in symbols.split()]


def atomic_volumes(structures: Sequence[Geometry]) -> dict[int, float]:
    """Return the volume of an atom of each element, in least squares of the relative error.

    Args:
        structures: crystals.

    Returns:
        Cubic angstrom, by atomic number.
    """
    present = sorted({number for each in structures for number in each.numbers.tolist()})
    place = {number: column for column, number in enumerate(present)}
    shares = np.zeros((len(structures), len(present)))
    for row, each in zip(shares, structures, strict=True):
        for number in each.numbers.tolist():
            row[place[number]] += 1 / (each.volume or 1.0)
    fitted = np.linalg.lstsq(shares, np.ones(len(structures)), rcond=None)[0]
    return {number: max(float(fitted[place[number]]), SMALLEST) for number in present}


def substitutes(structures: Sequence[Geometry], count: int, seed: int = 0) -> Iterator[Geometry]:
    """Yield crystals with elements changed, none of a composition and size that is given.

    Elements are those of the given crystals. Compositions are of the training part alone, whatever
    was given.

    Args:
        structures: crystals, larger ones are taken less often.
        count: how many; fewer when `TRIES` times as many attempts find no more.
        seed: of the random numbers.

    Raises:
        DatasetError: when there is no crystal of two elements or more.
    """
    parents = [each for each in structures if len(set(each.numbers.tolist())) > 1]
    if not parents:
        raise dataset_error(
            "these structures", "none holds two elements", "name crystals of compounds"
        )
    dice = np.random.default_rng(seed)
    volumes = atomic_volumes(structures)
    shares = np.array([1.0 / len(each) for each in parents])
    shares /= shares.sum()
    taken = {(each.formula, len(each)) for each in structures}
    made = 0
    for _ in range(TRIES * count):
        if made == count:
            return
        found = _changed(parents[dice.choice(len(parents), p=shares)], volumes, dice)
        if found is None or (found.formula, len(found)) in taken:
            continue
        taken.add((found.formula, len(found)))
        if split_of(found.formula) == "train":
            made += 1
            yield replace(found, name=f"{found.formula}-{made}")


def _changed(parent: Geometry, volumes: dict[int, float], dice: Generator) -> Geometry | None:
    """Return a crystal with elements changed; None where two of them become the same."""
    elements = np.unique(parent.numbers).tolist()
    chosen = [number for number in elements if dice.random() < CHANGED]
    chosen = chosen or [elements[dice.integers(len(elements))]]
    becomes = {number: number for number in elements}
    for number in chosen:
        others = [other for other in alike(number) if other in volumes]
        if others:
            becomes[number] = others[dice.integers(len(others))]
    if len(set(becomes.values())) < len(elements):
        return None
    numbers = np.array([becomes[number] for number in parent.numbers.tolist()])
    scale = (_volume(numbers, volumes) / _volume(parent.numbers, volumes)) ** (1 / 3)
    return replace(
        parent, numbers=numbers, cell=parent.cell * scale, positions=parent.positions * scale
    )


def _volume(numbers: Integers, volumes: dict[int, float]) -> float:
    return float(sum(volumes[number] for number in numbers.tolist()))
