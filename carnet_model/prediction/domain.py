"""What a network was trained on, and whether a structure lies within."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from natural_tensors.arrays import Floats

from ..data.fingerprints import Fingerprints
from ..structures.geometry import Geometry
from ..structures.signature import signature

RARE = 10
"""An element in fewer training structures than this is remarked upon."""


VOLUME = 1.02
"""Factor beyond the range of volumes per atom that is not remarked upon."""


SHELL = 0.02
"""Share of the range of pair counts beyond it that is not remarked upon."""


@dataclass(frozen=True, eq=False)
class Domain:
    """Where the training set lies, as far as a structure can be told to be outside.

    Attributes:
        elements: atomic numbers that the weights know; empty when nothing is known.
        counts: number of training structures that hold an element, by symbol.
        low: least of each number of the training signatures (`dataset.signature`), shape ``(16,)``;
            None when they did not travel with the weights.
        high: the same, largest.
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

    def unknown(self, numbers: NDArray[np.int64]) -> tuple[str, ...]:
        """Return the symbols of elements that the weights do not know."""
        if not self.elements:
            return ()
        present = np.unique(numbers).tolist()
        return tuple(_symbol(number) for number in present if number not in self.elements)

    @property
    def known(self) -> str:
        """Symbols of the elements that the weights know."""
        return " ".join(_symbol(number) for number in sorted(self.elements))

    def remarks(self, thing: Geometry, degrees: NDArray[np.int64]) -> list[str]:
        """Return what is unusual about a structure.

        Args:
            thing: the structure.
            degrees: number of neighbours of each atom, shape ``(atoms,)``.
        """
        found = []
        symbols = [_symbol(number) for number in np.unique(thing.numbers).tolist()]
        rare = [f"{name} ({self.counts[name]})" for name in symbols if name in self.counts]
        rare = [text for text in rare if self.counts[text.partition(" ")[0]] < RARE]
        if rare:
            found.append(f"few training structures hold {', '.join(rare)}")
        if self.crystals and not all(thing.periodic):
            found.append(
                f"it repeats along {sum(thing.periodic)} directions only, and this is a property "
                "of crystals"
            )
        lonely = np.flatnonzero(degrees == 0)
        if len(lonely):
            found.append(
                f"{len(lonely)} of {len(thing)} atoms have no neighbour within the cutoff, "
                f"the first is atom {lonely[0]} ({_symbol(int(thing.numbers[lonely[0]]))})"
            )
        return found + self._outside(thing)

    def _outside(self, thing: Geometry) -> list[str]:
        if self.low is None or self.high is None:
            return []
        numbers = signature(thing)
        found = []
        ends = np.exp([self.low[0], self.high[0]])
        volume = None if thing.volume is None else thing.volume / len(thing)
        if volume is not None and not ends[0] / VOLUME <= volume <= ends[1] * VOLUME:
            found.append(
                f"volume per atom {volume:.3g} Å^3 is outside {ends[0]:.3g} to {ends[1]:.3g} Å^3, "
                "the range of the training set"
            )
        shells = slice(1, 1 + (len(numbers) - 1) // 3)  # counts of all pairs, at five distances
        low, high, here = self.low[shells], self.high[shells], numbers[shells]
        beyond = np.maximum(here - high, low - here) - SHELL * (high - low)
        if (beyond > 0).any():
            where = int(np.argmax(beyond))
            words = "more" if here[where] > high[where] else "fewer"
            found.append(
                f"it has {words} pairs of atoms at some distance than any training structure "
                f"({here[where]:.2g} times an even distribution, there {low[where]:.2g} to "
                f"{high[where]:.2g})"
            )
        return found


_ELEMENT = re.compile(r"[A-Z][a-z]?")


@cache
def _symbol(number: int) -> str:
    from pymatgen.core import Element

    return str(Element.from_Z(number).symbol)
