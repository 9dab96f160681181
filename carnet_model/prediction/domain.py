"""The domain of a network: what it was trained on, and whether a structure lies within.

>>> domain = Domain.of([6, 14], None, crystals=True)
>>> domain.known, domain.unknown(np.array([14, 92]))
('C Si', ('U',))
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from natural_tensors.arrays import Floats, Integers

from ..data.fingerprints import Fingerprints
from ..structures.geometry import Geometry
from ..structures.signature import SHELL_CENTRES, signature

_ELEMENT = re.compile(r"[A-Z][a-z]?")

RARE = 10
"""An element in fewer training structures than this is warned of."""

VOLUME = 1.02
"""Factor beyond the range of volumes per atom that is not warned of."""

SHELL = 0.02
"""Share of the range of pair counts beyond it that is not warned of."""


@dataclass(frozen=True, eq=False)
class Domain:
    """Where the training set lies, as far as a structure can be told to be outside.

    Attributes:
        elements: atomic numbers that the weights know; empty when nothing is known.
        counts: number of training structures that hold an element, by symbol.
        low: the least of each number in the signatures of the training structures, shape ``(16,)``
            (`structures.signature`); None when they did not travel with the weights.
        high: the largest, likewise.
        crystals: whether the property is one of crystals, which need three directions and a volume.
    """

    elements: frozenset[int] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    low: Floats | None = None
    high: Floats | None = None
    crystals: bool = False

    @classmethod
    def of(cls, elements: Iterable[int], seen: Fingerprints | None, crystals: bool) -> Domain:
        """Describe a training set by its elements and the fingerprints of its structures."""
        known = frozenset(int(number) for number in elements)
        if seen is None or not len(seen):
            return cls(known, crystals=crystals)
        counts = Counter(
            symbol for formula in seen.formulas for symbol in set(_ELEMENT.findall(formula))
        )
        rows = np.asarray(seen.signatures, dtype=np.float64)
        return cls(known, counts, rows.min(axis=0), rows.max(axis=0), crystals)

    def unknown(self, numbers: Integers) -> tuple[str, ...]:
        """Return the symbols of elements that the weights do not know."""
        if not self.elements:
            return ()
        present = np.unique(numbers).tolist()
        return tuple(_symbol(number) for number in present if number not in self.elements)

    @property
    def known(self) -> str:
        """Symbols of the elements that the weights know."""
        return " ".join(_symbol(number) for number in sorted(self.elements))

    def warnings_for(self, structure: Geometry, degrees: Integers) -> list[str]:
        """Return what is unusual about a structure, as sentences for a reader.

        Args:
            structure: the structure.
            degrees: number of neighbours of each atom, shape ``(atoms,)``.
        """
        warnings = []
        symbols = [_symbol(number) for number in np.unique(structure.numbers).tolist()]
        rare = [f"{name} ({self.counts[name]})" for name in symbols if name in self.counts]
        rare = [text for text in rare if self.counts[text.partition(" ")[0]] < RARE]
        if rare:
            warnings.append(f"few training structures hold {', '.join(rare)}")
        if self.crystals and not all(structure.periodic):
            warnings.append(
                f"it repeats along {sum(structure.periodic)} directions only, and this is a "
                "property of crystals"
            )
        isolated = np.flatnonzero(degrees == 0)
        if len(isolated):
            first = int(isolated[0])
            warnings.append(
                f"{len(isolated)} of {len(structure)} atoms have no neighbour within the cutoff, "
                f"the first is atom {first} ({_symbol(int(structure.numbers[first]))})"
            )
        return warnings + self._outside(structure)

    def _outside(self, structure: Geometry) -> list[str]:
        """Say how volume and distances leave the range of the training set."""
        if self.low is None or self.high is None:
            return []
        numbers = signature(structure)
        warnings = []
        ends = np.exp([self.low[0], self.high[0]])
        volume = None if structure.volume is None else structure.volume / len(structure)
        if volume is not None and not ends[0] / VOLUME <= volume <= ends[1] * VOLUME:
            warnings.append(
                f"volume per atom {volume:.3g} Å^3 is outside {ends[0]:.3g} to {ends[1]:.3g} Å^3, "
                "the range of the training set"
            )
        shells = slice(1, 1 + len(SHELL_CENTRES))  # counts of all pairs, at five distances
        low, high, here = self.low[shells], self.high[shells], numbers[shells]
        beyond = np.maximum(here - high, low - here) - SHELL * (high - low)
        if (beyond > 0).any():
            where = int(np.argmax(beyond))
            words = "more" if here[where] > high[where] else "fewer"
            warnings.append(
                f"it has {words} pairs of atoms at some distance than any training structure "
                f"({here[where]:.2g} times an even distribution, there {low[where]:.2g} to "
                f"{high[where]:.2g})"
            )
        return warnings


@cache
def _symbol(number: int) -> str:
    from pymatgen.core import Element

    return str(Element.from_Z(number).symbol)
