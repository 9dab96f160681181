"""Independent components of a symmetry class, and the forms a tensor is written in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, get_args

import numpy as np

from ..errors import SymmetryError
from ..exact.orbits import Integers, SignedOrbits, signed_orbits
from .symmetry import IndexSymmetry, component_orbits

Form = Literal["full", "components", "voigt", "voigt-compliance", "mandel"]
FORMS: tuple[Form, ...] = get_args(Form)

VOIGT_LABELS = ("xx", "yy", "zz", "yz", "xz", "xy")
VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
"""Voigt index of a pair of Cartesian indices (rule 4)."""
PLANE_VOIGT = np.array([[0, 2], [2, 1]])
"""The same in the plane: xx, yy, xy."""
PAIR_NUMBERS = {len(table): table for table in (PLANE_VOIGT, VOIGT)}
"""By the number of axes, the number of a joined pair of indices."""


@dataclass(frozen=True, eq=False)
class EntryLayout:
    """Where the independent components stand in a form, and with which factor.

    Entry ``e`` of the flattened form is ``signs[e] * 2**(halves[e]/2) * component[position[e]]``.

    Attributes:
        shape: shape of one tensor in this form.
        entries: an entry that shows each component, sign +1, shape ``(components,)``.
        position: component shown by each entry.
        signs: its sign; 0 where the symmetry makes the entry zero.
        halves: how many factors sqrt 2 the entry carries.
    """

    shape: tuple[int, ...]
    entries: Integers
    position: Integers
    signs: Integers
    halves: Integers


@dataclass(frozen=True, eq=False, repr=False)
class Components:
    """The independent components of a symmetry class, in the order of rule 3.

    Attributes:
        rank: number of Cartesian indices.
        pairs: adjacent slots the class is symmetric in, which Voigt notation joins.
        orbits: components that are equal up to a sign; a representative is independent.
        axes: how many values an index takes: 3 in space, 2 in the plane.
    """

    rank: int
    pairs: tuple[tuple[int, int], ...]
    orbits: SignedOrbits
    axes: int = 3

    @property
    def dimension(self) -> int:
        """Number of independent components."""
        return len(self.orbits.representatives)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Cartesian names of the independent components, such as ``"xxyz"``."""
        return tuple(
            "".join("xyz"[digit] for digit in np.unravel_index(flat, (self.axes,) * self.rank))
            if self.rank
            else ""
            for flat in self.orbits.representatives
        )

    @cached_property
    def voigt_numbers(self) -> Integers:
        """Flat entry of the Voigt form that shows each flat full component."""
        return _voigt_numbers(self.rank, self.pairs, self.axes)

    @cached_property
    def _layouts(self) -> dict[str, EntryLayout]:
        return {form: self._layout(form) for form in FORMS[: 5 if self.pairs else 2]}

    def layout(self, form: Form) -> EntryLayout:
        """Return how a form shows the independent components.

        Raises:
            ValueError: when the form is unknown.
            SymmetryError: for a Voigt or Mandel form when no adjacent pair is symmetric.
        """
        if form not in FORMS:
            raise ValueError(f"form {form!r} is not one of {', '.join(map(repr, FORMS))}")
        if form not in self._layouts:
            raise SymmetryError(
                f"form {form!r} joins symmetric index pairs and this class has none; "
                "use 'full' or 'components'"
            )
        return self._layouts[form]

    def _layout(self, form: str) -> EntryLayout:
        orbits = self.orbits
        if form == "components":
            every = np.arange(self.dimension)
            ones = np.ones_like(every)
            return EntryLayout((self.dimension,), every, every, ones, 0 * ones)
        if form == "full":
            shape = (self.axes,) * self.rank
            none = np.zeros_like(orbits.signs)
            return EntryLayout(shape, orbits.representatives, orbits.position, orbits.signs, none)
        shape = _voigt_shape(self.rank, self.pairs, self.axes)
        number = self.voigt_numbers
        _, flat = np.unique(number, return_index=True)  # the first component an entry shows
        factors = {"voigt": 0, "mandel": 1, "voigt-compliance": 2}[form]
        halves = factors * _off_diagonal(self.rank, self.pairs, self.axes)[flat]
        entries = number[orbits.representatives]
        return EntryLayout(shape, entries, orbits.position[flat], orbits.signs[flat], halves)


def _digits(rank: int, axes: int) -> Integers:
    """Return the Cartesian indices of each flat component, shape ``(axes**rank, rank)``."""
    flat = np.arange(axes**rank)
    return np.stack([flat // axes ** (rank - 1 - slot) % axes for slot in range(rank)], axis=1)


def _voigt_shape(rank: int, pairs: tuple[tuple[int, int], ...], axes: int) -> tuple[int, ...]:
    seconds = {second for _, second in pairs}
    firsts = {first for first, _ in pairs}
    joined = int(PAIR_NUMBERS[axes].max()) + 1
    return tuple(joined if slot in firsts else axes for slot in range(rank) if slot not in seconds)


def _voigt_numbers(rank: int, pairs: tuple[tuple[int, int], ...], axes: int) -> Integers:
    """Return the flat Voigt entry of each flat full component."""
    if rank == 0:
        return np.zeros(1, dtype=np.int64)
    digits = _digits(rank, axes)
    table = PAIR_NUMBERS[axes]
    joined = dict(pairs)
    number = np.zeros(axes**rank, dtype=np.int64)
    seconds = set(joined.values())
    for slot in range(rank):
        if slot in joined:
            pair = table[digits[:, slot], digits[:, joined[slot]]]
            number = (int(table.max()) + 1) * number + pair
        elif slot not in seconds:
            number = axes * number + digits[:, slot]
    return number


def _off_diagonal(rank: int, pairs: tuple[tuple[int, int], ...], axes: int) -> Integers:
    """Return the number of unequal pairs of each flat full component."""
    digits = _digits(rank, axes)
    count = np.zeros(axes**rank, dtype=np.int64)
    for first, second in pairs:
        count += digits[:, first] != digits[:, second]
    return count


def _symmetric_pairs(symmetry: IndexSymmetry) -> tuple[tuple[int, int], ...]:
    """Return the adjacent symmetric pairs, taken from the right, each slot at most once."""
    orbits = component_orbits(symmetry.rank, symmetry.generators)  # of space: no plane hides any
    flat = np.arange(3**symmetry.rank).reshape((3,) * symmetry.rank)
    pairs: list[tuple[int, int]] = []
    second = symmetry.rank - 1
    while second > 0:
        swapped = flat.swapaxes(second - 1, second).reshape(-1)
        same = (orbits.position[swapped] == orbits.position) | (orbits.signs == 0)
        if np.all(same & (orbits.signs[swapped] == orbits.signs)):
            pairs.append((second - 1, second))
            second -= 1
        second -= 1
    return tuple(reversed(pairs))


@lru_cache(maxsize=256)
def independent_components(symmetry: IndexSymmetry, axes: int = 3) -> Components:
    """Return the independent components of a symmetry class, in space or in the plane."""
    rank = symmetry.rank
    if not symmetry.generators:
        return Components(rank, (), component_orbits(rank, (), axes), axes)
    pairs = _symmetric_pairs(symmetry)
    maps = [(g.component_map(axes), g.sign) for g in symmetry.generators]
    order = np.argsort(_voigt_numbers(rank, pairs, axes), kind="stable")
    return Components(rank, pairs, signed_orbits(maps, axes**rank, order), axes)
