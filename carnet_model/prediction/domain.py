"""The domain of a network: what it was trained on, and whether a structure lies within.

A property of crystals is refused to what is none: molecules and boxes of gas. What is far from
known crystals gets warnings: vacuum, layers, chains and molecules, unusual environments, and
distances far from equilibrium. Thresholds are in `carnet_model.structures.bonding`; how often they
warn of known crystals and of distorted ones stands in ``docs/predicting.md``.

>>> domain = Domain.of([6, 14], None, crystals=True)
>>> domain.known, domain.unknown(np.array([14, 92]))
('C Si', ('U',))
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from natural_tensors.arrays import Floats, Integers

from ..data.fingerprints import DUPLICATE, Fingerprints, Nearest
from ..structures.bonding import (
    BONDED,
    MARGIN,
    VACUUM,
    bond_orders,
    bond_reach,
    excesses,
    extent,
    has_bonds,
    known_ranges,
    strangeness,
)
from ..structures.closest import Closest
from ..structures.geometry import Geometry
from ..structures.periodic_table import SYMBOLS
from ..structures.signature import SHELL_CENTRES, signature, signature_reach

_ELEMENT = re.compile(r"[A-Z][a-z]?")

RARE = 10
"""An element in fewer training structures than this is warned of."""

VOLUME = 1.02
"""Factor beyond the range of volumes per atom that is not warned of."""

SAME_VOLUME = 0.04
"""Relative difference of volumes up to which a known crystal is known: experiment and PBE rarely
differ by more. The bulk modulus changes by four to five times as much."""

DOUBTFUL = ("vacuum", "no bonds", "far from equilibrium", "it repeats along")
"""First words of the warnings after which nothing is said of stability."""

SEPARATE = (
    f"separate molecules or atoms with vacuum between them: no two of them are within {VACUUM:g} Å "
    "of the length of a bond"
)
"""Why a box of gas has no property of a crystal."""

EMPTY = f"vacuum: {SEPARATE}"
"""The warning of it."""

PARTS = {2: "layers", 1: "chains", 0: "molecules"}
"""What repeats along so many directions."""

NEARER = 0.95
"""Share of the shortest distance of two elements in the training set below which a pair is warned
of. Structures that are put aside from the sets of the shipped potentials, and molecular dynamics
of silicon at 1200 K, stay above 1.0 of it; the second shortest of a set is up to 6 % above.
"""

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
        closest: the shortest distances between elements in the training set, where they are known.
    """

    elements: frozenset[int] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    low: Floats | None = None
    high: Floats | None = None
    crystals: bool = False
    closest: Closest = field(default_factory=Closest)

    @classmethod
    def of(
        cls,
        elements: Iterable[int],
        seen: Fingerprints | None,
        crystals: bool,
        closest: Mapping[str, float] | None = None,
    ) -> Domain:
        """Describe a training set.

        Args:
            elements: atomic numbers that occur.
            seen: fingerprints of its structures.
            crystals: whether the property is one of crystals.
            closest: the shortest distances between elements, as `Closest.to_dict` writes them.
        """
        known = frozenset(int(number) for number in elements)
        near = Closest.from_dict(closest or {})
        if seen is None or not len(seen):
            return cls(known, crystals=crystals, closest=near)
        counts = Counter(
            symbol for formula in seen.formulas for symbol in set(_ELEMENT.findall(formula))
        )
        rows = np.asarray(seen.signatures, dtype=np.float64)
        return cls(known, counts, rows.min(axis=0), rows.max(axis=0), crystals, near)

    def unknown(self, numbers: Integers) -> tuple[str, ...]:
        """Return the symbols of elements that the weights do not know."""
        if not self.elements:
            return ()
        present = np.unique(numbers).tolist()
        return tuple(SYMBOLS[number] for number in present if number not in self.elements)

    @property
    def known(self) -> str:
        """Symbols of the elements that the weights know."""
        return " ".join(SYMBOLS[number] for number in sorted(self.elements))

    def warnings_for(self, structure: Geometry, degrees: Integers) -> list[str]:
        """Return what is unusual about a structure, as sentences for a reader.

        Args:
            structure: the structure.
            degrees: number of neighbours of each atom, shape ``(atoms,)``.
        """
        warnings = self.arrangement(structure) if self.crystals else []
        symbols = [SYMBOLS[number] for number in np.unique(structure.numbers).tolist()]
        rare = [f"{name} ({self.counts[name]})" for name in symbols if name in self.counts]
        rare = [text for text in rare if self.counts[text.partition(" ")[0]] < RARE]
        if rare:
            warnings.append(f"few training structures hold {', '.join(rare)}")
        if self.crystals and not all(structure.periodic):
            warnings.append(
                f"it repeats along {sum(structure.periodic)} directions only, and this is a "
                "property of crystals"
            )
        warnings += self.too_near(structure)
        isolated = np.flatnonzero(degrees == 0)
        if len(isolated):
            first = int(isolated[0])
            warnings.append(
                f"{len(isolated)} of {len(structure)} atoms have no neighbour within the cutoff, "
                f"the first is atom {first} ({SYMBOLS[int(structure.numbers[first])]})"
            )
        empty = any(warning.startswith("vacuum") for warning in warnings)
        return warnings if empty else warnings + self._outside(structure)

    @staticmethod
    def refusal(warnings: Iterable[str]) -> str:
        """Say from its warnings why a structure has no such property; nothing where it may have."""
        return SEPARATE if EMPTY in warnings else ""

    def reach(self, structure: Geometry) -> float:
        """Return how far `warnings_for` looks in most structures, angstrom."""
        bonds = bond_reach(structure) if self.crystals else 0.0
        return bonds if self.low is None else max(bonds, signature_reach(structure))

    def arrangement(self, structure: Geometry) -> list[str]:
        """Say how atoms are arranged as in no, or few, crystals; the first words name the kind."""
        held = extent(structure, BONDED)
        touching = 3 if held == 3 else extent(structure, VACUUM)
        warnings = []
        if touching == 0:
            warnings.append(EMPTY)
        elif touching < sum(structure.periodic):
            warnings.append(
                f"vacuum: its {PARTS[touching]} are more than {VACUUM:g} Å beyond the length of a "
                "bond apart, and per volume the empty space counts as part of the body"
            )
        elif held == 0 and not has_bonds(structure):
            warnings.append(f"no bonds: all atoms are {BONDED:g} Å or more beyond a bond apart")
        elif held < sum(structure.periodic):
            warnings.append(
                f"{PARTS[held]}: bonds hold it together along {held} directions only, and of what "
                f"holds the {PARTS[held]} to each other DFT (PBE) has too little"
            )
        return [*warnings, *_environments(structure)]

    def strangeness(self, structure: Geometry, warnings: Iterable[str]) -> float | None:
        """Return the share of unseen crystals that are more usual than a structure, 0 to 1.

        1 of what has vacuum in it or no bonds, None of what is no crystal or has elements without a
        known range alone. The same whatever runs the networks: it asks only where atoms are.

        Args:
            structure: the structure.
            warnings: those of it.
        """
        if not self.crystals or not all(structure.periodic):
            return None
        if any(warning.startswith(("vacuum", "no bonds")) for warning in warnings):
            return 1.0
        return strangeness(structure)

    def too_near(self, structure: Geometry) -> list[str]:
        """Say which atoms are nearer to each other than any of their elements in training."""
        reach = NEARER * self.closest.largest(structure.numbers)
        if not reach:
            return []
        # the search takes long over much less than an angstrom
        first, second, _, distances = structure.neighbours(max(reach, 1.0))
        pair = self.closest.nearest(structure.numbers, first, second, distances)
        if pair is None or pair.share >= NEARER:
            return []
        return [f"{pair}, the shortest distance of these elements in the training set"]

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


def known_crystal(nearest: Nearest | None) -> tuple[str | None, list[str]]:
    """Return the training crystal that a structure is, if it is one, and what to warn of.

    Args:
        nearest: the training structure that is most like it.
    """
    if nearest is None or nearest.shape > DUPLICATE:
        return None, []
    if abs(nearest.volume) <= SAME_VOLUME:
        return nearest.identifier, []
    words = f"{100 * abs(nearest.volume):.1f} % {'larger' if nearest.volume > 0 else 'smaller'}"
    return None, [
        f"far from equilibrium: its volume is {words} than that of {nearest.identifier} of the "
        "training set, the same crystal, and the tensor follows the volume"
    ]


def _environments(structure: Geometry) -> list[str]:
    """Say which atoms have neighbours as in no known crystal: too near or many, too far or few."""
    beyond = excesses(structure)
    if np.isnan(beyond).all() or np.nanmax(beyond) <= np.log(MARGIN):
        return []
    side, atom = np.unravel_index(int(np.nanargmax(beyond)), beyond.shape)
    worst, far = known_ranges()[int(structure.numbers[atom])], side == 0
    if 2 * int((beyond[side] > np.log(MARGIN)).sum()) > len(structure):
        kind = f"far from equilibrium: it is {'stretched' if far else 'compressed'}"
    else:
        kind = "unusual environment"
    symbol, orders = SYMBOLS[int(structure.numbers[atom])], bond_orders(structure)[atom]
    return [
        f"{kind}: neighbours of {symbol} (atom {atom}) are too "
        f"{'far or few' if far else 'near or many'}: the orders of its bonds add up to "
        f"{orders:.3g}, in known crystals with {symbol} to {worst.low:.3g} .. {worst.high:.3g}"
    ]
