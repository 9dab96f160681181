"""What a structure is here: atoms, a cell, a frame.

Frame. A tensor is stated in the Cartesian axes of `Geometry.cell`. Objects and explicit lattice
vectors (POSCAR, extended XYZ, JSON, databases) keep theirs. A CIF has lengths and angles only: its
frame is pymatgen's, c along z and a in the xz plane.

CIF. Coordinates within 1e-4 of n/3 or n/6 are taken for that fraction, and images of a site within
1e-4 (in fractions of the cell) for one atom: files round 1/3 to 0.3333. The cell is that of the
file, conventional or primitive.

>>> water = Geometry([8, 1, 1], [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]], np.zeros((3, 3)),
...                  (False, False, False))
>>> water, water.formula, water.volume
(Geometry(H2O, 3 atoms, periodic nowhere), 'H2O', None)
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np

from natural_tensors import limits
from natural_tensors.arrays import Floats, Integers
from natural_tensors.errors import InputError
from natural_tensors.formatting import visible

from . import periodic_table
from .neighbours import ADVICE, completed, neighbours, too_many

Flags = tuple[bool, bool, bool]


CLOSEST = 0.3
"""Two atoms nearer than this (angstrom) are one atom listed twice: H2, the shortest bond, is 0.74
long, and files of compressed or colliding atoms rarely go below 0.5."""


FLATTEST = 1e-4
"""A cell whose volume is this fraction of the box of the same edges, or less, is no cell."""


class GeometryError(InputError, ValueError):
    """A structure that cannot be read or cannot exist; its message is ``name: problem``, advice.

    Attributes:
        name: the file, entry or id it came from; empty when unknown.
    """

    def __init__(self, message: str, name: str = "") -> None:
        super().__init__(message)
        self.name = name


def geometry_error(name: str, problem: str, *advice: str) -> GeometryError:
    """Return an error about a structure: what is wrong, then advice, a line each."""
    shown = visible(name)
    lines = "\n".join((f"{shown or 'the structure'}: {problem}", *advice)).split("\n")
    return GeometryError("\n".join(map(visible, lines)), shown)


@contextmanager
def within_limits(name: str = "") -> Iterator[None]:
    """Turn what is said of an exceeded limit into an error about a structure, if it has a name."""
    try:
        yield
    except limits.LimitError as error:
        raise (geometry_error(name, str(error)) if name else GeometryError(str(error))) from None


class _Found(NamedTuple):
    """The pairs of atoms up to a distance; see `Geometry.neighbours`."""

    reach: float
    first: Integers
    second: Integers
    shifts: Integers
    distances: Floats


@dataclass(frozen=True, eq=False)
class Geometry:
    """A crystal, slab, wire or molecule, in its own Cartesian frame.

    Attributes:
        numbers: atomic numbers, shape ``(atoms,)``.
        positions: Cartesian, angstrom, shape ``(atoms, 3)``.
        cell: rows are lattice vectors, angstrom, shape ``(3, 3)``; left-handed cells are allowed;
            a row along which nothing repeats may be zero.
        periodic: for each row, whether the structure repeats along it.
        name: the file or id that messages name; what is not printable in it is escaped.

    Raises:
        GeometryError: without atoms; a wrong shape, a number that is not finite, an atomic number
            outside 1 .. 118, a degenerate cell, or two atoms nearer than `CLOSEST`.
    """

    numbers: Integers
    positions: Floats
    cell: Floats
    periodic: Flags
    name: str = ""
    _found: ClassVar[_Found | None] = None  # a structure has one of its own while it is `searched`

    def __post_init__(self) -> None:
        self._set("name", visible(self.name))
        self._set("numbers", float_array(self.numbers, self.name, "atomic numbers"))
        # first the cell, of which positions are made where a file has multiples of it
        self._set("cell", float_array(self.cell, self.name, "lattice vectors"))
        self._set("positions", float_array(self.positions, self.name, "positions"))
        self._set("periodic", flags(self.periodic, self.name))
        self._check_shapes()
        self._check_numbers()
        self._check_extent()
        self._check_cell()
        self._check_distances()

    def _set(self, field: str, value: object) -> None:
        object.__setattr__(self, field, value)

    def _check_shapes(self) -> None:
        atoms = self.numbers.size
        if not atoms:
            raise geometry_error(
                self.name, "has no atoms", "give at least one atomic number and position"
            )
        with within_limits(self.name or "the structure"):
            limits.check("atoms", atoms, f"has {atoms:,} atoms")
        for what, array, shape in (
            ("atomic numbers", self.numbers, (atoms,)),
            ("positions", self.positions, (atoms, 3)),
            ("lattice vectors", self.cell, (3, 3)),
        ):
            if array.shape != shape:
                raise geometry_error(
                    self.name,
                    f"{what} have shape {array.shape}; {atoms} atoms need {shape}",
                    "rows are atoms, or lattice vectors; columns are x, y, z",
                )
            if not np.isfinite(array).all():
                place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
                raise geometry_error(
                    self.name,
                    f"{what}: entry {place} is {array[place]}",
                    "every number must be finite; look for a run that stopped early",
                )

    def _check_numbers(self) -> None:
        for number in self.numbers:
            if not 1 <= number <= 118 or number != int(number):
                raise geometry_error(
                    self.name,
                    f"atomic number {number:g} is none of 1 .. 118",
                    "replace dummy atoms and vacancies (X, 0) by elements, or leave them out",
                )
        self._set("numbers", self.numbers.astype(np.int64))

    def _check_extent(self) -> None:
        # before any search: libraries end the process where a box is too long
        for what, rows, first in (
            ("the end of lattice vector", self.cell, 1),
            ("atom", self._without_wandering(), 0),
        ):
            lengths = np.linalg.norm(rows, axis=1)
            row = int(np.argmax(lengths))
            with within_limits(self.name or "the structure"):
                limits.check(
                    "extent",
                    float(lengths[row]),
                    f"{what} {row + first} is {lengths[row]:g} Å from the origin",
                    "positions and lattice vectors are in angstrom",
                )

    def _without_wandering(self) -> Floats:
        """Return positions moved into the cell along the directions of repetition.

        In a long simulation atoms wander through any number of cells.
        """
        if not any(self.periodic):
            return self.positions
        box = self.full_cell
        if abs(np.linalg.det(box)) <= FLATTEST * np.prod(np.linalg.norm(box, axis=1)):
            return self.positions  # refused below
        shares = self.positions @ np.linalg.inv(box)
        whole = np.floor(shares) * np.array(self.periodic)
        return np.asarray(self.positions - whole @ box)

    def _check_cell(self) -> None:
        edges = np.linalg.norm(self.cell, axis=1)
        for row in range(3):
            if self.periodic[row] and edges[row] < CLOSEST:
                raise geometry_error(
                    self.name,
                    f"repeats along lattice vector {row + 1}, whose length is {edges[row]:g} Å",
                    "give the lattice vector in angstrom, or set periodic to false for it",
                )
        if any(self.periodic):
            box = self.full_cell
            share = abs(np.linalg.det(box)) / np.prod(np.linalg.norm(box, axis=1))
            if share < FLATTEST:
                raise geometry_error(
                    self.name,
                    f"the lattice vectors {self.cell.tolist()} lie in one plane or line",
                    "give three vectors that span a volume; mark a direction that does not "
                    "repeat as not periodic",
                )

    def _check_distances(self) -> None:
        # on the completed cell a row that does not repeat stands upright on the others
        # (vesin takes long over a cutoff much below an angstrom)
        first, second, shifts, distances = self.neighbours(1.0)
        if distances.min(initial=CLOSEST) < CLOSEST:
            worst = int(np.argmin(distances))
            pair = (int(first[worst]), int(second[worst]))
            image = "" if not shifts[worst].any() else f" (cell shift {shifts[worst].tolist()})"
            raise geometry_error(
                self.name,
                f"atoms {pair[0]} and {pair[1]}{image} are {distances[worst]:.3g} Å apart, "
                f"nearer than {CLOSEST} Å",
                "positions and lattice vectors are in angstrom; remove an atom listed twice, or "
                "write special positions of a CIF with more digits",
            )

    @cached_property
    def full_cell(self) -> Floats:
        """The cell, rows that do not repeat replaced by unit vectors upright on the others."""
        return completed(self.cell, self.periodic)

    def neighbours(
        self, cutoff: float, *, most: limits.Name = "pairs"
    ) -> tuple[Integers, Integers, Integers, Floats]:
        """Return all ordered pairs within a distance, periodic images included.

        Args:
            cutoff: angstrom.
            most: name of the limit on their number.

        Returns:
            First atom, second atom, cell shift of the second, shape ``(pairs, 3)``, distance.

        Raises:
            GeometryError: when there are more pairs, or copies of the cell, than the limits allow.
        """
        with within_limits(self.name or "the structure"):
            found = self._found
            if found is None or cutoff > found.reach:
                found = self._search(cutoff, most)
                return found.first, found.second, found.shifts, found.distances
            near = found.distances < cutoff
            limits.check(most, int(near.sum()), too_many(len(self), cutoff, near.sum()), *ADVICE)
        return found.first[near], found.second[near], found.shifts[near], found.distances[near]

    @contextmanager
    def searched(self, reach: float) -> Iterator[None]:
        """Search neighbours once: inside, what `neighbours` is asked for is chosen from these.

        Where the limits forbid to look so far, every search is one of its own, as it is outside.

        Args:
            reach: the largest cutoff that will be asked for, angstrom.
        """
        with suppress(limits.LimitError):
            self._set("_found", self._search(reach, "pairs"))
        try:
            yield
        finally:
            self._set("_found", None)

    def _search(self, cutoff: float, most: limits.Name) -> _Found:
        pairs = neighbours(self.positions, self.full_cell, self.periodic, cutoff, most=most)
        return _Found(cutoff, pairs.first, pairs.second, pairs.shifts, pairs.distances)

    @cached_property
    def volume(self) -> float | None:
        """Volume of the cell, angstrom^3; None unless it repeats in all three directions."""
        return float(abs(np.linalg.det(self.cell))) if all(self.periodic) else None

    @cached_property
    def formula(self) -> str:
        """Reduced formula as pymatgen writes it, such as ``"SiO2"``."""
        return periodic_table.reduced_formula(Counter(self.numbers.tolist()))

    @property
    def fractional(self) -> Floats:
        """Positions in multiples of the lattice vectors, shape ``(atoms, 3)``.

        Along a row that does not repeat: of a unit vector upright on the others, in angstrom.
        """
        return cast(Floats, np.linalg.solve(self.full_cell.T, self.positions.T).T)

    def to_ase(self, calculator: Any = None) -> Any:
        """Return the structure as Atoms of ASE, in the same axes."""
        from ase import Atoms

        return Atoms(
            numbers=self.numbers,
            positions=self.positions,
            cell=self.cell,
            pbc=self.periodic,
            calculator=calculator,
        )

    def to_pymatgen(self) -> Any:
        """Return a Structure of pymatgen in the same axes, or a Molecule where nothing repeats."""
        from pymatgen.core import Lattice, Molecule, Structure

        if not any(self.periodic):
            return Molecule(self.numbers.tolist(), self.positions)
        lattice = Lattice(self.full_cell, pbc=self.periodic)
        return Structure(lattice, self.numbers.tolist(), self.positions, coords_are_cartesian=True)

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        repeats = "".join(axis for axis, flag in zip("abc", self.periodic, strict=True) if flag)
        name = f"{self.name}: " if self.name else ""
        atoms = "1 atom" if len(self) == 1 else f"{len(self)} atoms"
        return f"Geometry({name}{self.formula}, {atoms}, periodic {repeats or 'nowhere'})"


def float_array(data: object, name: str, what: str) -> Floats:
    """Return an array of floats; the message says what of which structure is none."""
    try:
        return np.array(data, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise geometry_error(
            name, f"the {what} are no table of numbers: {str(data)[:60]}", "write plain numbers"
        ) from None


def flags(stated: object, name: str) -> Flags:
    """Return along which rows a structure repeats, from one flag or one for each row.

    Raises:
        GeometryError: when it is neither.
    """
    given = np.asarray(stated, dtype=object).ravel().tolist()
    if len(given) == 1:
        given *= 3
    if len(given) != 3 or any(flag not in (False, True) for flag in given):
        raise geometry_error(
            name,
            f"periodic is {str(stated)[:60]}",
            "write true, false, or one of them for each lattice vector: [true, true, false]",
        )
    return bool(given[0]), bool(given[1]), bool(given[2])


def reduced_formula(composition: object) -> str:
    """Return the reduced formula of a formula, or of a pymatgen Composition.

    Raises:
        GeometryError: when it is no chemical formula.
    """
    from pymatgen.core import Composition

    with warnings.catch_warnings():
        # noble gases have no electronegativity, which only orders the letters
        warnings.filterwarnings("ignore", message="No Pauling electronegativity")
        try:
            return str(Composition(composition).reduced_formula)
        except (ValueError, TypeError, KeyError) as error:
            raise geometry_error(
                str(composition), f"is no chemical formula: {error}", "write it as SiO2 or Ca(OH)2"
            ) from None


def structure_hash(structure: Geometry) -> str:
    """Return a hash of numbers, positions, cell and flags, to the last bit."""
    digest = hashlib.sha256(np.ascontiguousarray(structure.numbers, dtype="<i8").tobytes())
    for array in (structure.positions, structure.cell):
        digest.update((np.ascontiguousarray(array, dtype="<f8") + 0.0).tobytes())  # -0 is 0
    digest.update(bytes(structure.periodic))
    return digest.hexdigest()[:32]
