"""A basis of the polynomial invariants of a class of tensors under a point group.

On products of suitable coordinates the group acts by permutations and phases
(:mod:`.coordinates`), so the mean of a product over the group is the sum over its orbit, or zero.
Different orbits have no product in common: their sums are a basis, as many as Molien's series says.
Source: B. Sturmfels, Algorithms in Invariant Theory (1993), sec. 2.1-2.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import comb, prod
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import arrays
from ..arrays import Array, TensorLike
from ..crystals.forms import form as form_of
from ..crystals.point_groups import PointGroup
from ..decomposition.application import Invalid
from ..decomposition.components import Form
from ..decomposition.reductions import Reduction
from ..exact import linear, symbols
from ..exact.orbits import Integers
from . import polynomials
from .coordinates import Coordinates, Monomial, Polynomial
from .counts import space_of
from .evaluation import constant
from .family import Basis, check_size
from .molien import invariants_of_group

if TYPE_CHECKING:
    import sympy

SPARE_POINTS = 2
"""Random points beyond the number of invariants: more tell independent ones apart more surely."""

CHUNK = 64
"""Tensors evaluated at once."""


@dataclass(frozen=True, repr=False)
class GroupInvariant:
    """A polynomial in the components of a tensor that a point group leaves alone.

    Attributes:
        terms: an integer for each product of coordinates.
        names: of the coordinates.
        parity: sign under inversion.
        is_product: whether products of members of lower degree make it unnecessary.
    """

    terms: tuple[tuple[Monomial, int], ...]
    names: tuple[str, ...]
    parity: int
    is_product: bool

    @property
    def degree(self) -> int:
        """Its degree as a polynomial in the components of the tensor."""
        return len(self.terms[0][0])

    def to_sympy(self) -> sympy.Expr:
        """Return it as a polynomial in real symbols with the names of the coordinates."""
        import sympy

        known = [sympy.Symbol(name, real=True) for name in self.names]
        return sympy.Add(
            *(number * sympy.Mul(*(known[n] for n in places)) for places, number in self.terms)
        )

    def latex(self) -> str:
        """Return the formula in LaTeX, without dollar signs."""
        import sympy

        return str(sympy.latex(self.to_sympy()))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __str__(self) -> str:
        return str(self.to_sympy())

    def __repr__(self) -> str:
        return f"<invariant of degree {self.degree}: {self}>"


@dataclass(frozen=True, eq=False, repr=False)
class GroupInvariantBasis(Basis[GroupInvariant]):
    """A basis under a point group; obtain it from :func:`natural_tensors.invariant_basis`.

    Attributes:
        reduction: the class of tensors.
        group: the point group, in its standard axes.
        degree: the highest degree.
        members: the invariants, degrees ascending.
        coordinates: each coordinate of the formulas as a sum of the independent components: of
            one that has the name of a component, that in its written form.
    """

    reduction: Reduction
    group: PointGroup
    degree: int
    members: tuple[GroupInvariant, ...]
    coordinates: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def symbol(self) -> str:
        """The symbol of the group."""
        return self.group.symbol

    @cached_property
    def definitions(self) -> dict[str, sympy.Expr]:
        """What each coordinate stands for that is no component itself."""
        import sympy

        general = form_of(self.reduction, "1")
        components = self._components(general.to_sympy(), general.written_as, "ignore", True)
        names = self.members[0].names if self.members else ()
        values = {
            name: sympy.Add(*(n * components[place] for place, n in row))
            for name, row in zip(names, self.coordinates, strict=False)
        }
        return {name: value for name, value in values.items() if str(value) != name}

    def evaluate(
        self,
        tensor: TensorLike,
        *,
        form: Form = "full",
        invalid: Invalid = "raise",
        exact: bool = False,
    ) -> Array:
        """Return the value of every member; see :meth:`Basis.evaluate`."""
        components = self._components(tensor, form, invalid, exact)
        if exact or symbols.is_exact(tensor):
            return self._exact(self.members, components)
        batch = components.shape[:-1]
        rows = components.reshape((-1, self.reduction.dimension))
        result = arrays.in_chunks(lambda _, chunk: self._values(chunk), rows, CHUNK)
        return result.reshape((*batch, len(self.members)))

    def in_components(self, member: GroupInvariant) -> sympy.Expr:
        """Return a member as a polynomial in components; see :meth:`Basis.in_components`."""
        general = form_of(self.reduction, "1")
        components = self._components(general.to_sympy(), general.written_as, "ignore", True)
        return self._exact([member], components)[0]

    def _components(self, tensor: Any, form: Form, invalid: Invalid, exact: bool) -> Any:
        return self.reduction.convert(
            tensor, source=form, target="components", invalid=invalid, exact=exact
        )

    def _exact(self, members: Sequence[GroupInvariant], components: Any) -> Any:
        entries = symbols.expressions(components)
        ring = polynomials.Ring(entries.reshape(-1).tolist())
        flat = polynomials.objects(ring.polynomials).reshape((-1, self.reduction.dimension))
        rows = []
        for row in flat:
            known = [sum((n * row[place] for place, n in terms), 0 * row[0])
                     for terms in self.coordinates]  # fmt: skip
            rows += [
                ring.expression(
                    sum((number * prod(known[n] for n in places)
                         for places, number in member.terms), 0 * row[0])
                )
                for member in members
            ]  # fmt: skip
        return symbols.as_result(rows, (*entries.shape[:-1], len(members)))

    @cached_property
    def _table(self) -> tuple[list[tuple[Integers, Integers, Integers]], Integers]:
        """Return for each degree places, numbers and first terms of the members, and the rows."""
        table = []
        for degree in range(1, self.degree + 1):
            terms = [member.terms for member in self.of_degree(degree)]
            places = np.array([key for each in terms for key, _ in each], dtype=np.int64)
            numbers = np.array([n for each in terms for _, n in each], dtype=np.int64)
            starts = np.cumsum([0, *map(len, terms)])[:-1]
            if terms:
                table.append((places, numbers, starts))
        matrix = np.zeros((self.reduction.dimension,) * 2, dtype=np.int64)
        for row, entries in enumerate(self.coordinates):
            for place, number in entries:
                matrix[place, row] = number
        return table, matrix

    def _values(self, components: Array) -> Array:
        table, matrix = self._table
        coordinates = components @ constant(matrix, components)
        found = []
        for places, numbers, starts in table:
            products = constant(numbers, components)
            for column in places.T:
                products = products * arrays.take(coordinates, arrays.like(column, coordinates))
            found.append(arrays.segment_sums(products, starts))
        return arrays.concatenate(found)


def basis_under_group(
    reduction: Reduction, degree: int, group: PointGroup, limit: int
) -> GroupInvariantBasis:
    """Return a basis of the invariants under a crystallographic, limiting or magnetic group.

    Args:
        reduction: the class.
        degree: the highest degree.
        group: any but those of all rotations.
        limit: members of one degree that are too many.

    Raises:
        InvariantsError: when a degree has more members than `limit`.
    """
    counts = invariants_of_group(space_of(reduction), group, degree)[1:]
    size = reduction.dimension
    products = [comb(size + d - 1, d) for d in range(1, degree + 1)]
    check_size(
        counts,
        limit,
        [f"A basis would be the sums over the orbits of {n} products of components"
         for n in products],
    )  # fmt: skip
    members, coordinates = _members(reduction, reduction.name, group, degree)
    if tuple(sum(m.degree == d for m in members) for d in range(1, degree + 1)) != counts:
        raise ArithmeticError(f"the orbits under {group} are not as many as the characters say")
    return GroupInvariantBasis(reduction, group, degree, members, coordinates)


@lru_cache(maxsize=32)
def _members(
    reduction: Reduction, name: str | None, group: PointGroup, degree: int
) -> tuple[tuple[GroupInvariant, ...], tuple[tuple[tuple[int, int], ...], ...]]:
    # classes of one symmetry are equal; their names differ, and with them signs and factors of 2
    found = Coordinates(reduction, group, space_of(reduction).time_reversal)
    names, rows = found.names, found.rows
    values = _Values(reduction.dimension, f"{reduction.symmetry} {group}")
    members: list[GroupInvariant] = []
    for d in range(1, degree + 1):
        each = found.invariants(d)
        needed = values.generators(d, each)
        parity = reduction.parity**d
        members += [
            GroupInvariant(tuple(polynomial.items()), names, parity, n not in needed)
            for n, polynomial in enumerate(each)
        ]
    return tuple(members), tuple(tuple(sorted(row.items())) for row in rows)


class _Values:
    """Values of invariants and their products at random points modulo a prime.

    Args:
        size: number of coordinates.
        seed: of the points.
    """

    def __init__(self, size: int, seed: str) -> None:
        self._size, self._random = size, Random(seed)
        self._generators: list[tuple[int, Polynomial]] = []

    def generators(self, degree: int, members: Sequence[Polynomial]) -> set[int]:
        """Return which members of a degree are needed beside products of those of lower degree."""
        if not members:
            return set()
        points = np.array(
            [[self._random.randrange(linear.PRIME) for _ in range(self._size)]
             for _ in range(len(members) + SPARE_POINTS)]
        )  # fmt: skip
        known = [(d, _evaluated(polynomial, points)) for d, polynomial in self._generators]
        rows = [*_products(known, degree), *(_evaluated(each, points) for each in members)]
        first = len(rows) - len(members)
        kept = linear.independent_rows(np.array(rows), len(members))
        needed = {row - first for row in kept if row >= first}
        self._generators += [(degree, members[n]) for n in sorted(needed)]
        return needed


def _evaluated(polynomial: Polynomial, points: Integers) -> Integers:
    total = np.zeros(len(points), dtype=np.int64)
    for places, number in polynomial.items():
        value = np.full(len(points), number % linear.PRIME)
        for place in places:
            value = value * points[:, place] % linear.PRIME
        total += value
    return np.asarray(total % linear.PRIME)


def _products(
    known: Sequence[tuple[int, Integers]], degree: int, first: int = 0, least: int = 2
) -> Iterator[Integers]:
    """Yield the products of at least so many known values, from a place on, that have a degree."""
    for number in range(first, len(known)):
        own, values = known[number]
        if own == degree and least < 2:
            yield values
        elif own < degree:
            for others in _products(known, degree - own, number, 1):
                yield values * others % linear.PRIME
