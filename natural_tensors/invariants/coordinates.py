"""Coordinates of a class on which a point group acts by permutations and phases.

The operations of a cubic group, and of any other without three- or sixfold axes, permute x, y, z up
to signs, and so the components. About a single axis z they turn ``x + iy`` by a phase or take it to
``x - iy``; components whose indices are +, - and z then go over into each other. On monomials of
such coordinates the group acts by permutations and phases too, multiples of 30 degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations_with_replacement, product
from math import gcd

from ..crystals.forms import form
from ..crystals.point_groups import IDENTITY, Operation, PointGroup
from ..decomposition.reductions import Reduction
from ..exact.surds import Surd

FULL_TURN = 12
"""Phases are counted in parts of a full turn."""

Gaussian = tuple[int, int]
"""A number ``a + ib``."""

Monomial = tuple[int, ...]
"""Coordinates that are multiplied, ascending."""

Polynomial = dict[Monomial, int]
"""An integer for each product of real coordinates."""

_COSINES = (Surd(1), Surd.root(Fraction(3, 4)), Surd(Fraction(1, 2)), Surd(0))
"""Of 0, 30, 60 and 90 degrees."""


def _cosine(phase: int) -> Surd:
    phase = min(phase % FULL_TURN, -phase % FULL_TURN)
    return _COSINES[phase] if phase <= 3 else -_COSINES[6 - phase]


_PHASES = {(_cosine(phase), _cosine(phase - 3)): phase for phase in range(FULL_TURN)}
"""Cosine and sine to the phase."""


@dataclass(frozen=True)
class Action:
    """What an operation does to coordinates: each goes over into another, times a phase.

    Attributes:
        images: the coordinate that each becomes.
        phases: in twelfths of a full turn.
    """

    images: tuple[int, ...]
    phases: tuple[int, ...]

    def of(self, monomial: Monomial) -> tuple[Monomial, int]:
        """Return what a product of coordinates becomes, and its phase."""
        phase = sum(self.phases[place] for place in monomial) % FULL_TURN
        return tuple(sorted(self.images[place] for place in monomial)), phase


class Coordinates:
    """Coordinates of a class that suit a group; see above.

    Args:
        reduction: the class.
        group: a point group in its standard axes, other than that of all rotations.
        time_reversal: sign of the class under time reversal.
    """

    def __init__(self, reduction: Reduction, group: PointGroup, time_reversal: int) -> None:
        self.reduction = reduction
        self.group = group
        operations = group.finite_part
        self.axial = bool(group.axes) or not all(map(_permutes_axes, operations))
        letters = _turned if self.axial else _permuted
        self.actions = tuple(
            dict.fromkeys(
                self._action(letters(operation), operation, time_reversal)
                for operation in operations
            )
        )

    def _action(
        self, letters: Sequence[tuple[int, int]], operation: Operation, time_reversal: int
    ) -> Action:
        """Return the action on components from that on letters: their images and phases."""
        rank, orbits = self.reduction.rank, self.reduction.components.orbits
        negative = self.reduction.symmetry.axial and operation.determinant < 0
        flips = negative != (operation.time < 0 and time_reversal < 0)
        images, phases = [], []
        for flat in orbits.representatives.tolist():
            digits = [flat // 3 ** (rank - 1 - slot) % 3 for slot in range(rank)]
            place = sum(letters[d][0] * 3 ** (rank - 1 - k) for k, d in enumerate(digits))
            images.append(int(orbits.position[place]))
            half = (int(orbits.signs[place]) < 0) != flips
            phases.append((sum(letters[d][1] for d in digits) + half * FULL_TURN // 2) % FULL_TURN)
        return Action(tuple(images), tuple(phases))

    @cached_property
    def _moments(self) -> tuple[int, ...]:
        """How often each coordinate turns with a rotation about z, where there are all of them."""
        if not self.group.axes:
            return (0,) * self.reduction.dimension
        words = self.reduction.components.labels
        return tuple(word.count("x") - word.count("y") for word in words)

    @cached_property
    def _conjugation(self) -> Action:
        """Coordinates of indices +, - and z to their complex conjugates."""
        return self._action(((1, 0), (0, 0), (2, 0)), IDENTITY, 1)

    # --- real coordinates -------------------------------------------------------------------------

    @cached_property
    def _real(self) -> tuple[tuple[tuple[int, Gaussian], ...], ...]:
        """Each coordinate as a sum of real ones, which are numbered as the coordinates are.

        Of two conjugate coordinates the one of more indices + has the number of the real part, the
        other that of the imaginary part.
        """
        if not self.axial:
            return tuple(((place, (1, 0)),) for place in range(self.reduction.dimension))
        swap = self._conjugation
        found: list[tuple[tuple[int, Gaussian], ...]] = []
        for place, (other, phase) in enumerate(zip(swap.images, swap.phases, strict=True)):
            sign = -1 if phase else 1
            if other == place:
                found.append(((place, (1, 0) if sign > 0 else (0, 1)),))
            elif self._leads(place, other):
                found.append(((place, (1, 0)), (other, (0, 1))))
            else:
                found.append(((other, (sign, 0)), (place, (0, -sign))))
        return tuple(found)

    def _leads(self, place: int, other: int) -> bool:
        labels = self.reduction.components.labels
        return (labels[place].count("x"), other) > (labels[other].count("x"), place)

    @cached_property
    def rows(self) -> tuple[dict[int, int], ...]:
        """Each real coordinate as a sum of the independent components, in integers."""
        if self.axial:
            return tuple(self._row(place) for place in range(self.reduction.dimension))
        return tuple({place: factor} for place, factor in enumerate(self._factors))

    @cached_property
    def _factors(self) -> list[int]:
        """Factor of each component where the class is written, such as 4 of S44."""
        layout = self.reduction.components.layout(form(self.reduction, "1").written_as)
        return [2 ** (int(half) // 2) for half in layout.halves[layout.entries]]

    def _row(self, place: int) -> dict[int, int]:
        rank, orbits = self.reduction.rank, self.reduction.components.orbits
        first, number = next(
            (first, number) for first, terms in enumerate(self._real)
            for target, number in terms if target == place and sum(number) > 0
            and (len(terms) == 1 or (terms[0][1] == (1, 0) and terms[1][1] == (0, 1)))
        )  # fmt: skip
        word = self.reduction.components.labels[first]
        vectors = {"x": ((0, (1, 0)), (1, (0, 1))), "y": ((0, (1, 0)), (1, (0, -1))),
                   "z": ((2, (1, 0)),)}  # fmt: skip
        total: dict[int, int] = {}
        for choice in product(*(vectors[letter] for letter in word)):
            value: Gaussian = (1, 0)
            for _, factor in choice:
                value = _times(value, factor)
            flat = sum(digit * 3 ** (rank - 1 - k) for k, (digit, _) in enumerate(choice))
            wanted = value[1] if number[1] else value[0]
            component = int(orbits.position[flat])
            total[component] = total.get(component, 0) + wanted * int(orbits.signs[flat])
        return {component: n for component, n in total.items() if n}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the real coordinates: of components where they are components."""
        written = form(self.reduction, "1").names
        if not self.axial:
            return written
        names = []
        for place, row in enumerate(self.rows):
            ((component, number), *others) = row.items()
            alone = not others and number == self._factors[component]
            names.append(written[component] if alone else f"U{place + 1}")
        return tuple(names)

    # --- invariants -------------------------------------------------------------------------------

    def invariants(self, degree: int) -> list[Polynomial]:
        """Return a basis of the invariant polynomials of one degree, in real coordinates."""
        seen: set[Monomial] = set()
        found: list[Polynomial] = []
        for monomial in combinations_with_replacement(range(self.reduction.dimension), degree):
            moment = sum(self._moments[place] for place in monomial)
            if monomial in seen or moment:
                continue
            orbit = self._orbit(monomial)
            seen.update(orbit or (monomial,))
            if orbit is None:
                continue
            parts = self._expanded(orbit)
            if self.axial:
                seen.update(self._orbit(self._conjugation.of(monomial)[0]) or ())
            found += [_primitive(part) for part in parts if part]
        return found

    def _orbit(self, monomial: Monomial) -> dict[Monomial, int] | None:
        """Return the monomials that the group makes of one, with phases; None if they cancel."""
        orbit: dict[Monomial, int] = {}
        for action in self.actions:
            image, phase = action.of(monomial)
            if orbit.setdefault(image, phase) != phase:
                return None
        return orbit

    def _expanded(self, orbit: dict[Monomial, int]) -> tuple[Polynomial, Polynomial]:
        """Return real and imaginary part of a sum of products of coordinates."""
        total: dict[Monomial, Gaussian] = {}
        for monomial, phase in orbit.items():
            turns, rest = divmod(phase, FULL_TURN // 4)
            if rest:
                raise ArithmeticError(f"a phase of {phase}/{FULL_TURN} turns is no power of i")
            start = ((1, 0), (0, 1), (-1, 0), (0, -1))[turns]
            for choice in product(*(self._real[place] for place in monomial)):
                value = start
                for _, factor in choice:
                    value = _times(value, factor)
                key = tuple(sorted(place for place, _ in choice))
                a, b = total.get(key, (0, 0))
                total[key] = (a + value[0], b + value[1])
        real = {key: a for key, (a, _) in sorted(total.items()) if a}
        return real, {key: b for key, (_, b) in sorted(total.items()) if b}


def _times(left: Gaussian, right: Gaussian) -> Gaussian:
    (a, b), (c, d) = left, right
    return a * c - b * d, a * d + b * c


def _primitive(polynomial: Polynomial) -> Polynomial:
    """Return a polynomial without common factor, its first coefficient positive."""
    common = gcd(*polynomial.values())
    if next(iter(polynomial.values())) < 0:
        common = -common
    return {monomial: number // common for monomial, number in polynomial.items()}


def _permutes_axes(operation: Operation) -> bool:
    return all(sum(bool(entry) for entry in row) == 1 for row in operation.matrix)


def _permuted(operation: Operation) -> list[tuple[int, int]]:
    """Return the letter that each of x, y, z becomes, and its phase, half a turn for a minus."""
    images = []
    for row in operation.matrix:
        (place,) = (place for place, entry in enumerate(row) if entry)
        images.append((place, 0 if row[place].sign() > 0 else FULL_TURN // 2))
    return images


def _turned(operation: Operation) -> list[tuple[int, int]]:
    """Return the same for the letters x + iy, x - iy and z."""
    (a, b, _), (c, d, _), (_, _, height) = operation.matrix
    phase = _PHASES[a, c]
    straight = 0 if height.sign() > 0 else FULL_TURN // 2
    turns = a == d and b == -c
    plus, minus = (0, 1) if turns else (1, 0)
    return [(plus, phase), (minus, -phase % FULL_TURN), (2, straight)]
