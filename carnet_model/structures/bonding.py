"""How atoms hold together: what bonds join, what only touches, and how many bonds an atom has.

Two atoms are as far apart as a bond when their distance is the sum of their covalent radii (Cordero
et al. 2008, Dalton Trans., 2832). The *slack* of a pair is how much farther apart they are. Atoms
with a slack up to `BONDED` are joined by metallic, ionic, covalent and hydrogen bonds; layers,
chains and molecules of known crystals touch each other with a slack up to `VACUUM`. What is
joined repeats along so many directions: three in a crystal, two in a layer, one in a chain, none
in a molecule (after Larsen et al. 2019, Phys. Rev. Materials 3, 034003).

>>> from .conversion import geometry
>>> copper = geometry({"numbers": [29], "positions": [[0, 0, 0]],
...                    "lattice": [[0, 1.81, 1.81], [1.81, 0, 1.81], [1.81, 1.81, 0]]})
>>> extent(copper, BONDED), bond_orders(copper).round(1)
(3, array([15.5]))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from natural_tensors.arrays import Floats, Integers

from .geometry import Geometry

BONDED = 1.0
"""Largest slack of a bond, angstrom.

Of 2,754 crystals of elastic data such bonds do not hold together 56 in three directions, all of
them made of layers, chains or molecules; hydrogen bonds of ice have 0.8, the gap of Bi2Te3 1.3."""

STRONG = 0.4
"""Largest slack within a molecule, angstrom: bonds of O2 to those of OsO4, none between two."""

IONS = (3, 4, 11, 12, 19, 20, 37, 38, 55, 56)
"""Metals that molecules and complex ions hold by their charge alone: of the first two groups."""

VACUUM = 3.0
"""Slack beyond which two parts no longer touch, angstrom: there is vacuum between them.

The layers of graphite have 1.8, up to 2.7 as PBE relaxes them; one crystal of the 2,754 has more.
"""

DECAY = 0.37
"""Angstrom over which the order of a bond falls by e (Brown and Altermatt 1985, Acta Cryst. B41,
244)."""

REACH = 2.2
"""Slack up to which bonds are counted, angstrom: there the order is 0.003."""

MARGIN = 1.2
"""Factor beyond the range of bond orders in known crystals that counts as within it."""

EXTREME = 0.02
"""Share of the crystals with an element that its range leaves out at either end: data err."""

LEAST = 1e-9
"""Sums of bond orders below this are taken for this."""

KNOWN_FROM = 10
"""An element in fewer known crystals than this has no range."""


class Range(NamedTuple):
    """The sums of bond orders of an element in known crystals.

    Attributes:
        crystals: how many hold the element.
        low: the least sum of an atom, but for the share `EXTREME` of the crystals.
        high: the largest, likewise.
    """

    crystals: int
    low: float
    high: float


def radii(numbers: Integers) -> Floats:
    """Return covalent radii, angstrom, of the shape of the atomic numbers."""
    return np.asarray(_radii()[numbers], dtype=np.float64)


@cache
def _radii() -> Floats:
    return np.array(_table()["radii"], dtype=np.float64)


@cache
def _table() -> dict[str, Any]:
    text = files(__package__).joinpath("bonding.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def bond_reach(structure: Geometry) -> float:
    """Return the distance up to which the bonds of a structure are looked for, angstrom."""
    return 2 * float(radii(structure.numbers).max()) + REACH


def _pairs(structure: Geometry, slack: float) -> tuple[Integers, Integers, Integers, Floats]:
    """Return the pairs of atoms up to a slack: first, second, cell shift, slack."""
    own = radii(structure.numbers)
    first, second, shifts, distances = structure.neighbours(2 * float(own.max()) + slack)
    gaps = distances - own[first] - own[second]
    near = gaps <= slack
    return first[near], second[near], shifts[near], gaps[near]


def bond_orders(structure: Geometry) -> Floats:
    """Return the sum of the orders of all bonds of each atom, shape ``(atoms,)``.

    The order of a bond is exp(-slack/0.37 Å) (Pauling 1947, J. Am. Chem. Soc. 69, 542): 1 at the
    sum of the covalent radii. The sum is near the valence in covalent crystals, larger in metals.
    """
    first, _, _, gaps = _pairs(structure, REACH)
    orders = np.exp(-gaps / DECAY)
    return np.bincount(first, orders, minlength=len(structure)).astype(np.float64)


def extent(structure: Geometry, slack: float) -> int:
    """Return along how many directions the largest part repeats that pairs up to a slack join.

    0 where all parts are finite, 3 where one holds together a crystal.
    """
    first, second, shifts, _ = _pairs(structure, slack)
    return max(part.directions for part in _parts(len(structure), first, second, shifts))


def molecules(structure: Geometry) -> tuple[Integers, Floats] | None:
    """Return which atoms are of one molecule, and the molecules whole.

    Atoms are of one molecule when pairs with a slack up to `STRONG` join them; the metals `IONS`
    are on their own, and so is any atom without such a pair.

    Returns:
        The number of the molecule of each atom, shape ``(atoms,)``, and positions where none is
        cut by the cell, angstrom, shape ``(atoms, 3)``; None when one of them repeats, or none has
        two atoms.
    """
    first, second, shifts, _ = _pairs(structure, STRONG)
    inner = ~np.isin(structure.numbers[first], IONS) & ~np.isin(structure.numbers[second], IONS)
    parts = list(_parts(len(structure), first[inner], second[inner], shifts[inner]))
    if len(parts) == len(structure) or any(part.directions for part in parts):
        return None
    groups = np.zeros(len(structure), dtype=np.int64)
    whole = structure.positions.copy()
    for number, part in enumerate(parts):
        groups[part.atoms] = number
        whole[part.atoms] += part.cells @ structure.cell
    return groups, whole


class _Part(NamedTuple):
    """Atoms that pairs join.

    Attributes:
        atoms: their numbers.
        cells: in which cell the part meets each of them, in lattice vectors.
        directions: along how many it repeats.
    """

    atoms: list[int]
    cells: Integers
    directions: int


def _parts(size: int, first: Integers, second: Integers, shifts: Integers) -> Iterator[_Part]:
    """Yield what pairs of so many atoms join; pairs are there from either end."""
    order = np.argsort(first, kind="stable")
    starts = np.searchsorted(first[order], np.arange(size + 1))
    ends, steps = second[order].tolist(), shifts[order]
    seen = np.zeros(size, dtype=bool)
    cells = np.zeros((size, 3), dtype=np.int64)
    for root in range(size):
        if seen[root]:
            continue
        seen[root], atoms, loops = True, [root], set[tuple[int, ...]]()
        for atom in atoms:  # grows while it is walked
            span = slice(starts[atom], starts[atom + 1])
            for end, cell in zip(ends[span], cells[atom] + steps[span], strict=True):
                if not seen[end]:
                    seen[end], cells[end] = True, cell
                    atoms.append(end)
                else:
                    loops.add(tuple((cell - cells[end]).tolist()))
        rank = int(np.linalg.matrix_rank(np.array(sorted(loops)))) if loops else 0
        yield _Part(atoms, cells[atoms], rank)


def has_bonds(structure: Geometry) -> bool:
    """Say whether any two atoms are bonded."""
    return len(_pairs(structure, BONDED)[0]) > 0


@lru_cache(maxsize=1)  # warnings and strangeness of a structure ask in turn
def excesses(structure: Geometry) -> Floats:
    """Return how far the bonds of each atom are outside of known crystals, shape ``(2, atoms)``.

    The logarithms of the least sum of bond orders of its element over that of the atom, and of that
    of the atom over the largest: negative within the range, NaN for an element without one.
    """
    known = known_ranges()
    unknown = Range(0, np.nan, np.nan)
    ranges = [known.get(number, unknown) for number in structure.numbers.tolist()]
    low, high = (np.array([each[end] for each in ranges], dtype=np.float64) for end in (1, 2))
    sums = np.maximum(bond_orders(structure), LEAST)
    shares = np.stack([low / sums, sums / high])
    return np.asarray(np.log(shares), dtype=np.float64)


def strangeness(structure: Geometry) -> float | None:
    """Return the share of unseen crystals in which atoms have more usual bonds, 0 to 1.

    It goes by the atom whose bonds are farthest outside of known crystals (`excesses`); 1 is beyond
    them all, None is said of elements without a range alone. The unseen crystals are 900 or so of
    compositions that are not among those of `known_ranges`; ``bonding.json`` holds their quantiles.
    """
    found = excesses(structure)
    if np.isnan(found).all():
        return None
    usual = np.array(_table()["unseen"], dtype=np.float64)
    return float(np.interp(np.nanmax(found), usual, np.linspace(0, 1, len(usual))))


@cache
def known_ranges() -> dict[int, Range]:
    """Return the range of the sums of bond orders by atomic number, of `KNOWN_FROM` crystals on.

    From 2,521 crystals of the training part of the elastic data of de Jong et al. (2015) and of the
    Materials Project, relaxed by DFT (PBE); ``bonding.json`` holds them.
    """
    rows = {int(number): Range(*row) for number, row in _table()["elements"].items()}
    return {number: row for number, row in rows.items() if row.crystals >= KNOWN_FROM}


def quantiles_of(structures: Iterable[Geometry], count: int = 51) -> list[float]:
    """Return evenly spaced quantiles of the largest excess of each structure that has one."""
    found = [excesses(structure) for structure in structures]
    largest = [float(np.nanmax(each)) for each in found if not np.isnan(each).all()]
    return [float(each) for each in np.quantile(largest, np.linspace(0, 1, count))]


def ranges_of(structures: Iterable[Geometry]) -> dict[int, Range]:
    """Return the range of the sums of bond orders of every element in structures."""
    ends: dict[int, list[tuple[float, float]]] = {}
    for structure in structures:
        sums = bond_orders(structure)
        for number in np.unique(structure.numbers).tolist():
            own = sums[structure.numbers == number]
            ends.setdefault(number, []).append((float(own.min()), float(own.max())))
    found = {}
    for number, pairs in sorted(ends.items()):
        low, high = (sorted(column) for column in zip(*pairs, strict=True))
        out = int(EXTREME * len(pairs))
        found[number] = Range(len(pairs), low[out], high[-1 - out])
    return found
