"""How near atoms of two elements come in a set of structures, and which atoms come nearer.

>>> from .conversion import geometry
>>> salt = geometry({"numbers": [11, 17], "positions": [[0, 0, 0], [2.8, 0, 0]],
...                  "lattice": [[0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]]})
>>> first, second, _, distances = salt.neighbours(5.0)
>>> known = Closest.of(salt.numbers, first, second, distances)
>>> known.to_dict()
{'Na-Na': 3.959, 'Na-Cl': 2.8, 'Cl-Cl': 3.959}
>>> print(known.nearest(salt.numbers, first, second, distances / 1.4))
atoms 0 (Na) and 1 (Cl) are 2 Å apart, 0.71 of 2.8 Å
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

import numpy as np

from natural_tensors.arrays import Floats, Integers

from .bonding import radii
from .periodic_table import SYMBOLS, number_of

_PAIR = re.compile(r"([A-Z][a-z]?)-([A-Z][a-z]?)")

DIGITS = 3
"""Decimals of a distance that travels with weights; it is rounded down."""


class Pair(NamedTuple):
    """Two atoms, and how near they are beside a distance that is known.

    Attributes:
        first, second: the atoms.
        elements: their symbols.
        distance: angstrom.
        known: the shortest distance known of these elements, angstrom.
    """

    first: int
    second: int
    elements: tuple[str, str]
    distance: float
    known: float

    @property
    def share(self) -> float:
        """Distance over known distance."""
        return self.distance / self.known

    def __str__(self) -> str:
        first, second = self.elements
        return (
            f"atoms {self.first} ({first}) and {self.second} ({second}) are {self.distance:.3g} Å "
            f"apart, {self.share:.2f} of {self.known:.3g} Å"
        )


def _nowhere() -> Floats:
    return np.full((len(SYMBOLS), len(SYMBOLS)), np.inf)


@dataclass(frozen=True, eq=False)
class Closest:
    """The shortest distance of every two elements in a set of structures.

    Attributes:
        distances: angstrom, by two atomic numbers, symmetric, shape ``(119, 119)``; infinite where
            no structure has the two within reach of each other.
    """

    distances: Floats = field(default_factory=_nowhere)

    @classmethod
    def of(cls, numbers: Integers, first: Integers, second: Integers, distances: Floats) -> Closest:
        """Return the shortest distances among pairs of atoms.

        Args:
            numbers: atomic numbers, shape ``(atoms,)``.
            first: an atom of each pair, shape ``(pairs,)``.
            second: the other one.
            distances: angstrom, shape ``(pairs,)``.
        """
        table = _nowhere()
        np.minimum.at(table, (numbers[first], numbers[second]), distances)
        return cls(np.minimum(table, table.T))

    @classmethod
    def of_radii(cls, share: float) -> Closest:
        """Return a share of the sum of the covalent radii, for all elements."""
        own = radii(np.arange(len(SYMBOLS)))
        return cls(share * (own[:, None] + own))

    @classmethod
    def from_dict(cls, stated: Mapping[str, float]) -> Closest:
        """Read what `to_dict` wrote.

        Raises:
            ValueError: for a key that is no pair of elements, or a distance that is no number.
        """
        table = _nowhere()
        for key, distance in stated.items():
            match = _PAIR.fullmatch(key)
            first, second = map(number_of, match.groups()) if match else (None, None)
            number = type(distance) in (int, float) and 0 < distance < np.inf
            if first is None or second is None or not number:
                raise ValueError(
                    f"{key!r}: {distance!r} is no distance of two elements in angstrom"
                )
            table[first, second] = table[second, first] = distance
        return cls(table)

    def to_dict(self) -> dict[str, float]:
        """Return the distances by ``"Na-Cl"``, the lighter element first, rounded down."""
        first, second = np.nonzero(np.triu(np.isfinite(self.distances)))
        size = 10.0**DIGITS
        return {
            f"{SYMBOLS[one]}-{SYMBOLS[other]}": float(np.floor(size * distance + 1e-6) / size)
            for one, other, distance in zip(
                first.tolist(), second.tolist(), self.distances[first, second].tolist(), strict=True
            )
        }

    @staticmethod
    def in_any(sets: Iterable[Closest]) -> Closest:
        """Return the shortest distances in several sets together."""
        return Closest(reduce(np.minimum, [each.distances for each in sets], _nowhere()))

    @staticmethod
    def in_each(sets: Iterable[Closest]) -> Closest:
        """Return the distances that are reached in every one of several sets, at least one."""
        return Closest(reduce(np.maximum, [each.distances for each in sets]))

    def or_else(self, other: Closest) -> Closest:
        """Return these distances, and another's where none is known."""
        return Closest(np.where(np.isfinite(self.distances), self.distances, other.distances))

    def largest(self, numbers: Integers) -> float:
        """Return the largest of the distances known of the elements of some atoms, 0 for none."""
        present = np.unique(numbers)
        known = self.distances[np.ix_(present, present)]
        return float(known.max(where=np.isfinite(known), initial=0.0))

    def nearest(
        self, numbers: Integers, first: Integers, second: Integers, distances: Floats
    ) -> Pair | None:
        """Return the pair whose distance is the smallest share of the one known, if any is known.

        Args:
            numbers: as in `of`.
            first: as in `of`.
            second: as in `of`.
            distances: as in `of`.
        """
        known = self.distances[numbers[first], numbers[second]]
        if not np.isfinite(known).any():
            return None
        place = int(np.argmin(np.where(np.isfinite(known), distances / known, np.inf)))
        low, high = sorted((int(first[place]), int(second[place])))
        symbols = SYMBOLS[int(numbers[low])], SYMBOLS[int(numbers[high])]
        return Pair(low, high, symbols, float(distances[place]), float(known[place]))

    def __bool__(self) -> bool:
        return bool(np.isfinite(self.distances).any())

    def __repr__(self) -> str:
        known = int(np.triu(np.isfinite(self.distances)).sum())
        return f"Closest({known} pairs of elements)"
