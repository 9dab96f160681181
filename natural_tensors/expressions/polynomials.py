"""Components of an expression as polynomials in the independent components of its factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..decomposition.symmetry import IndexSymmetry, SignedPermutation
from ..exact.orbits import Integers
from .classes import BUILT_IN, ComponentTable, symbol_table
from .problems import ExpressionError
from .symmetries import PRIME, signed_symmetries
from .terms import Classes, Term

MOST_ROWS = 2_000_000
"""Products of components that an expression is written out in at most."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """The independent components of all tensors of an expression, numbered.

    Attributes:
        labels: name of each, such as ``"C_xxyy"``.
        first: number of the first of each tensor.
        classes: class of each tensor.
    """

    labels: tuple[str, ...]
    first: Mapping[str, int]
    classes: Classes

    @classmethod
    def of(cls, classes: Classes) -> Quantities:
        """Number the components of some tensors, in their order."""
        labels: list[str] = []
        first: dict[str, int] = {}
        for name, tensor_class in classes.items():
            first[name] = len(labels)
            labels += [f"{name}_{label}" if label else name for label in tensor_class.labels]
        return cls(tuple(labels), first, classes)

    def table(self, name: str) -> ComponentTable:
        """Return every component of a factor, in the numbers of these quantities."""
        if name in BUILT_IN:
            return symbol_table(name)
        table = self.classes[name].table
        return ComponentTable(table.starts, table.monomials + self.first[name], table.values)

    def range_of(self, name: str) -> range:
        """Return the numbers of the components of a tensor."""
        return range(self.first[name], self.first[name] + self.classes[name].dimension)


@dataclass(frozen=True, eq=False, repr=False)
class Polynomials:
    """A tensor each of whose components is a polynomial, exact and in canonical form.

    Row r adds ``numerators[r] / denominator`` times the product of the quantities
    ``monomials[r]`` (ascending, filled with -1 from the left) to the flat component ``places[r]``.
    Rows are sorted and distinct, none is zero; so equal tensors have equal arrays.

    Attributes:
        free: an index letter for each slot.
        labels: names of the quantities.
        places: shape ``(rows,)``.
        monomials: shape ``(rows, degree)``.
        numerators: shape ``(rows,)``.
        denominator: positive, without a common factor with the numerators.
    """

    free: str
    labels: tuple[str, ...]
    places: Integers
    monomials: Integers
    numerators: NDArray[Any]
    denominator: int

    @classmethod
    def collected(
        cls,
        free: str,
        labels: tuple[str, ...],
        places: Integers,
        monomials: Integers,
        numerators: NDArray[Any],
        denominator: int,
    ) -> Polynomials:
        """Return the canonical form of rows in any order, alike ones added."""
        monomials = np.sort(monomials, axis=1)
        keys, totals = _added(np.column_stack([places, monomials]), numerators)
        common = gcd(denominator, *map(int, totals)) or 1
        used = np.flatnonzero((keys[:, 1:] >= 0).any(axis=0))
        width = keys.shape[1] - 1 - int(used[0]) if used.size else 0
        return cls(
            free,
            labels,
            keys[:, 0],
            keys[:, keys.shape[1] - width :],
            totals // common,
            denominator // common,
        )

    @property
    def rank(self) -> int:
        """Number of free indices."""
        return len(self.free)

    @property
    def vanishes(self) -> bool:
        """Whether every component is zero."""
        return not self.places.size

    @property
    def degree(self) -> int:
        """Largest number of quantities in a product."""
        return int(self.monomials.shape[1])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Polynomials):
            return NotImplemented
        return (
            self.free == other.free
            and self.labels == other.labels
            and self.denominator == other.denominator
            and np.array_equal(self.places, other.places)
            and np.array_equal(self.monomials, other.monomials)
            and np.array_equal(self.numerators, other.numerators)
        )

    def __hash__(self) -> int:
        return hash((self.free, self.labels, self.places.tobytes(), self.monomials.tobytes()))

    def widened(self, width: int) -> Integers:
        """Return the monomials with as many columns as asked for."""
        return _widened(self.monomials, width)

    def relettered(self, free: str) -> Polynomials:
        """Return the same tensor with other letters for its indices."""
        return replace(self, free=free)

    def permuted(self, element: SignedPermutation) -> Polynomials:
        """Return ``sign`` times the tensor with its indices rearranged: equal under a symmetry."""
        images = np.argsort(element.component_map(), kind="stable")
        return Polynomials.collected(
            self.free,
            self.labels,
            images[self.places],
            self.monomials,
            element.sign * self.numerators,
            self.denominator,
        )

    def has(self, element: SignedPermutation) -> bool:
        """Say, exactly, whether a signed permutation of the indices leaves the tensor unchanged."""
        return self.permuted(element) == self

    def residues(self) -> NDArray[np.int64]:
        """Return the numerators' value at one fixed random point, modulo a prime."""
        point = np.random.default_rng(2024).integers(1, PRIME, len(self.labels) + 1)
        point[-1] = 1
        total = np.array(self.numerators % PRIME, dtype=np.int64)
        for column in self.monomials.T:
            total = total * point[column] % PRIME
        values = np.zeros(3**self.rank, dtype=np.int64)
        np.add.at(values, self.places, total)  # 2**31 times the rows stay within int64
        return values % PRIME

    @cached_property
    def generators(self) -> tuple[SignedPermutation, ...]:
        """Signed permutations that generate all those that leave the tensor unchanged.

        Values at a random point rule out what is no symmetry; each generator that is left is
        proved on the polynomials.
        """
        return signed_symmetries(self.residues().reshape((3,) * self.rank), self.has)

    def symmetry(self, axial: bool) -> IndexSymmetry:
        """Return the index symmetry of the tensor."""
        return IndexSymmetry(self.free, self.generators, axial)

    def to_sympy(self) -> Any:
        """Return the components as a SymPy array, an expression for rank 0; symbols are real."""
        import sympy

        symbols = [sympy.Symbol(label, real=True) for label in self.labels]
        sums: list[list[Any]] = [[] for _ in range(3**self.rank)]
        for place, row, numerator in zip(
            self.places.tolist(), self.monomials.tolist(), self.numerators.tolist(), strict=True
        ):
            number = sympy.Rational(numerator, self.denominator)
            sums[place].append(sympy.Mul(number, *(symbols[n] for n in row if n >= 0)))
        entries = [sympy.Add(*terms) for terms in sums]
        if not self.rank:
            return entries[0]
        return sympy.ImmutableDenseNDimArray(entries, (3,) * self.rank)

    def __repr__(self) -> str:
        shape = "x".join("3" * self.rank) or "scalar"
        return (
            f"<Polynomials {self.free} ({shape}): {len(self.places)} products of degree "
            f"{self.degree} in {len(self.labels)} quantities>"
        )


def _added(keys: Integers, values: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
    """Return distinct rows in order with the sums of their values, zero sums left out."""
    if not len(keys):
        return keys, values
    packed = _packed(keys)
    if packed is not None:
        _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
        rows = keys[first]
    else:
        rows, inverse = np.unique(keys, axis=0, return_inverse=True)
    totals = np.zeros(len(rows), dtype=values.dtype)
    np.add.at(totals, inverse.reshape(-1), values)
    kept = np.flatnonzero(totals)
    return rows[kept], totals[kept]


def _packed(keys: Integers) -> Integers | None:
    """Return a number for each row that sorts alike, where one fits; entries are -1 and above."""
    sizes = [int(size) + 2 for size in keys.max(axis=0)]
    total = 1
    for size in sizes:
        total *= size
    if total >= 2**62:
        return None
    packed = np.zeros(len(keys), dtype=np.int64)
    for size, column in zip(sizes, keys.T, strict=True):
        packed = packed * size + (column + 1)
    return packed


def written_out(
    terms: Sequence[Term],
    free: str,
    quantities: Quantities,
    tables: Mapping[str, ComponentTable] | None = None,
) -> Polynomials:
    """Return the components of a sum of products as polynomials.

    Args:
        terms: the products; every one has the free indices.
        free: the free indices, in order.
        quantities: the numbers of the independent components.
        tables: components of factors that are no tensor of the quantities, by name.

    Raises:
        ExpressionError: when there are more than `MOST_ROWS` products of components.
    """
    denominator = lcm(*(term.coefficient.denominator for term in terms))
    pieces = []
    for term in terms:
        factor = int(term.coefficient * denominator)
        if factor:
            places, monomials, values = _product(term, free, quantities, tables or {})
            if factor != 1:
                largest = int(np.abs(values).max(initial=0)) * abs(factor)
                values = values if largest < 2**62 else values.astype(object)
                values = values * factor
            pieces.append((places, monomials, values))
    width = max((monomials.shape[1] for _, monomials, _ in pieces), default=0)
    if not pieces:
        nothing = np.zeros(0, dtype=np.int64)
        return Polynomials(free, quantities.labels, nothing, nothing.reshape(0, 0), nothing, 1)
    return Polynomials.collected(
        free,
        quantities.labels,
        np.concatenate([places for places, _, _ in pieces]),
        np.concatenate([_widened(monomials, width) for _, monomials, _ in pieces]),
        np.concatenate([values for _, _, values in pieces]),
        denominator,
    )


def _widened(monomials: Integers, width: int) -> Integers:
    missing = np.full((len(monomials), width - monomials.shape[1]), -1, dtype=np.int64)
    return np.concatenate([missing, monomials], axis=1)


def _in_order(term: Term) -> Iterable[Any]:
    """Yield the factors so that each, where possible, shares indices with those before it."""
    left = sorted(term.factors, key=lambda factor: factor.name not in BUILT_IN)
    seen: set[str] = set()
    while left:
        best = min(left, key=lambda factor: len(set(factor.indices) - seen))
        left.remove(best)
        seen |= set(best.indices)
        yield best


def _product(
    term: Term, free: str, quantities: Quantities, tables: Mapping[str, ComponentTable]
) -> tuple[Integers, Integers, NDArray[Any]]:
    """Multiply the factors of a term, one after another, over all values of their indices.

    An index is forgotten, and alike rows are added, as soon as its two places are filled.
    """
    digits: dict[str, Integers] = {}
    monomials = np.zeros((1, 0), dtype=np.int64)
    values: NDArray[Any] = np.ones(1, dtype=np.int64)
    pending = "".join(factor.indices for factor in term.factors)
    for factor in _in_order(term):
        fresh = [letter for letter in dict.fromkeys(factor.indices) if letter not in digits]
        if len(values) * 3 ** len(fresh) > MOST_ROWS:
            raise ExpressionError(
                f"the product {' '.join(f.name.lstrip('#') for f in term.factors)} has more than "
                f"{MOST_ROWS} products of components; take it apart"
            )
        for letter in fresh:
            count = len(values)
            digits = {x: np.repeat(column, 3) for x, column in digits.items()}
            digits[letter] = np.tile(np.arange(3), count)
            monomials, values = np.repeat(monomials, 3, axis=0), np.repeat(values, 3)
        flat = np.zeros(len(values), dtype=np.int64)
        for letter in factor.indices:
            flat = 3 * flat + digits[letter]
        table = tables[factor.name] if factor.name in tables else quantities.table(factor.name)
        counts = table.starts[flat + 1] - table.starts[flat]
        rows = np.repeat(np.arange(len(values)), counts)
        steps = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        entries = table.starts[flat][rows] + steps
        digits = {x: column[rows] for x, column in digits.items()}
        monomials = np.column_stack([monomials[rows], table.monomials[entries]])
        values = values[rows] * table.values[entries]
        for letter in factor.indices:
            pending = pending.replace(letter, "", 1)
        done = [x for x in digits if x not in free and x not in pending]
        if done:
            kept = [x for x in digits if x not in done]
            width = len(kept)
            keys = np.column_stack([*(digits[x] for x in kept), np.sort(monomials, axis=1)])
            if keys.shape[1]:
                keys, values = _added(keys, values)
            elif len(values):
                keys, values = keys[:1], values.sum(keepdims=True)
            digits = {x: keys[:, column] for column, x in enumerate(kept)}
            monomials = keys[:, width:]
    places = np.zeros(len(values), dtype=np.int64)
    for letter in free:
        places = 3 * places + digits[letter]
    return places, monomials, values


def derivative_rows(
    polynomials: Polynomials, variables: range
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Return the derivatives by some quantities as a sparse matrix.

    Returns:
        Values, row numbers and columns (quantities less the first); a row stands for a component
        and a product of the quantities that are left.
    """
    values, keys, columns = [], [], []
    for position in range(polynomials.degree):
        column = polynomials.monomials[:, position]
        rows = np.flatnonzero((column >= variables.start) & (column < variables.stop))
        rest = np.delete(polynomials.monomials[rows], position, axis=1)
        keys.append(np.column_stack([polynomials.places[rows], rest]))
        values.append(polynomials.numerators[rows])
        columns.append(column[rows] - variables.start)
    if not values:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing
    every = np.concatenate(keys)
    packed = _packed(every) if len(every) else None
    if packed is not None:
        _, numbers = np.unique(packed, return_inverse=True)
    else:
        _, numbers = np.unique(every, axis=0, return_inverse=True)
    return np.concatenate(values), numbers.reshape(-1), np.concatenate(columns)
