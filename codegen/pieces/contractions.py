"""Products of tensors contracted two at a time, each result in its independent components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product as assignments
from typing import TypeAlias

from natural_tensors.decomposition.components import independent_components
from natural_tensors.decomposition.symmetry import IndexSymmetry
from natural_tensors.exact.orbits import SignedOrbits
from natural_tensors.exact.surds import Surd
from natural_tensors.expressions.contraction import contraction_order
from natural_tensors.expressions.polynomials import Quantities
from natural_tensors.expressions.terms import Classes, Term, Writings

from ..programs.lowering import Builder
from ..programs.program import Ref

Entry: TypeAlias = tuple[tuple[Ref | None, int], ...]
"""A component as a sum of values times integers; None stands for the number 1."""

MOST_OPEN = 7
"""Indices that an intermediate result may have."""

MOST_FACTORS = 8
"""Factors of a product up to which every order is compared on independent components."""


@dataclass(frozen=True)
class Values:
    """A tensor inside a program.

    Attributes:
        letters: an index letter for each slot.
        entries: every component, flat.
    """

    letters: str
    entries: Sequence[Entry]

    def at(self, digits: Mapping[str, int]) -> Entry:
        """Return a component by the values of the indices."""
        place = 0
        for letter in self.letters:
            place = 3 * place + digits[letter]
        return self.entries[place]


Bilinear: TypeAlias = dict[tuple[Ref | None, Ref | None], int]
"""A component of a contraction: a coefficient for each product of a left and a right value."""


@dataclass
class Contraction:
    """One product of tensors, in a program.

    Attributes:
        term: the product, its deltas carried out.
        free: its free indices.
        classes: class of each tensor.
        first: number of the first component of each tensor among the values of the program.
    """

    term: Term
    free: str
    classes: Classes
    first: Mapping[str, Ref]
    _orbits: dict[int, SignedOrbits] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.leaves = [self._leaf(number) for number in range(len(self.term.factors))]

    def _leaf(self, number: int) -> Values:
        factor = self.term.factors[number]
        table = Quantities((), self.first, self.classes).table(factor.name)

        def ref(entry: int) -> Ref | None:
            return int(table.monomials[entry, 0]) if table.monomials.shape[1] else None

        entries: list[Entry] = []
        for place in range(3 ** len(factor.indices)):
            span = range(int(table.starts[place]), int(table.starts[place + 1]))
            entries.append(tuple((ref(e), int(table.values[e])) for e in span))
        return self._traced(factor.indices, entries)

    def _traced(self, indices: str, entries: list[Entry]) -> Values:
        """Sum a factor over an index that it carries twice."""
        whole = Values("".join(dict.fromkeys(indices)), ())
        if len(whole.letters) == len(indices):
            return Values(indices, entries)
        letters = "".join(x for x in whole.letters if indices.count(x) == 1)
        summed = [x for x in whole.letters if x not in letters]
        traced: list[Entry] = []
        for outer in assignments(range(3), repeat=len(letters)):
            total: dict[Ref | None, int] = {}
            for inner in assignments(range(3), repeat=len(summed)):
                digits = dict(zip([*letters, *summed], outer + inner, strict=True))
                place = 0
                for letter in indices:
                    place = 3 * place + digits[letter]
                for ref, coefficient in entries[place]:
                    total[ref] = total.get(ref, 0) + coefficient
            traced.append(tuple((ref, c) for ref, c in total.items() if c))
        return Values(letters, traced)

    # --- parts of the product -------------------------------------------------------------------

    def open_letters(self, part: int) -> str:
        """Return the indices that a part of the factors shares with the rest or the result."""
        inside, outside = "", ""
        for number, factor in enumerate(self.term.factors):
            if part >> number & 1:
                inside += factor.indices
            else:
                outside += factor.indices
        return "".join(x for x in dict.fromkeys(inside) if x in outside or x in self.free)

    def orbits(self, part: int) -> SignedOrbits:
        """Return which components of a part are equal, as the contraction itself shows."""
        if part not in self._orbits:
            letters = self.open_letters(part)
            chosen = tuple(
                factor for number, factor in enumerate(self.term.factors) if part >> number & 1
            )
            writings = Writings(Term(Fraction(1), chosen), letters, self.classes, named=False)
            symmetry = IndexSymmetry(letters, writings.automorphisms()[1:])
            self._orbits[part] = independent_components(symmetry).orbits
        return self._orbits[part]

    def key(self, part: int) -> object:
        """Return what parts have in common that cost the same."""
        chosen = tuple(
            factor for number, factor in enumerate(self.term.factors) if part >> number & 1
        )
        letters = self.open_letters(part)
        return Writings(Term(Fraction(1), chosen), letters, self.classes, named=False).key

    def products(self, left: Values, right: Values, part: int) -> list[Bilinear]:
        """Return each independent component of a part, bilinear in two parts it is made of."""
        letters = self.open_letters(part)
        summed = [x for x in dict.fromkeys(left.letters + right.letters) if x not in letters]
        rank = len(letters)
        rows = []
        for place in self.orbits(part).representatives.tolist():
            digits = {x: place // 3 ** (rank - 1 - slot) % 3 for slot, x in enumerate(letters)}
            total: Bilinear = {}
            for inner in assignments(range(3), repeat=len(summed)):
                digits.update(zip(summed, inner, strict=True))
                ours = left.at(digits)
                if not ours:
                    continue
                for b, second in right.at(digits):
                    for a, first in ours:
                        total[a, b] = total.get((a, b), 0) + first * second
            rows.append({pair: c for pair, c in total.items() if c})
        return rows

    def spread(self, part: int, values: Sequence[Ref]) -> Values:
        """Return a part with all its components, from the independent ones."""
        orbits = self.orbits(part)
        entries: list[Entry] = [
            ((values[position], sign),) if sign else ()
            for position, sign in zip(orbits.position.tolist(), orbits.signs.tolist(), strict=True)
        ]
        return Values(self.open_letters(part), entries)

    # --- the order ------------------------------------------------------------------------------

    def best_splits(self) -> dict[int, int]:
        """Return, for each part, the two parts whose product costs the fewest multiplications.

        Counted on independent components; parts that are written alike are counted once.
        """
        count = len(self.term.factors)
        whole = (1 << count) - 1
        if count > MOST_FACTORS:
            return self._usual_splits()
        cost: dict[int, int] = {1 << number: 0 for number in range(count)}
        splits: dict[int, int] = {}
        prices: dict[object, int] = {}
        keys: dict[int, object] = {}
        dummies: dict[int, Values] = {}
        for part in sorted(range(1, whole + 1), key=int.bit_count):
            if part in cost or (len(self.open_letters(part)) > MOST_OPEN and part != whole):
                continue
            lowest = part & -part
            best: int | None = None
            piece = (part - 1) & part
            while piece:
                other = part ^ piece
                if piece & lowest and piece in cost and other in cost:
                    for one in (piece, other, part):
                        if one not in keys:
                            keys[one] = self.key(one)
                    shared = frozenset(self.open_letters(piece)) & frozenset(
                        self.open_letters(other)
                    )
                    key = (keys[piece], keys[other], keys[part], len(shared))
                    if key not in prices:
                        for one in (piece, other):
                            if one not in dummies:
                                dummies[one] = self._placeholder(one)
                        prices[key] = _price(self.products(dummies[piece], dummies[other], part))
                    total = cost[piece] + cost[other] + prices[key]
                    if best is None or total < best:
                        best, splits[part] = total, piece
                piece = (piece - 1) & part
            if best is not None:
                cost[part] = best
        return splits if whole in splits or count < 2 else self._usual_splits()

    def _usual_splits(self) -> dict[int, int]:
        """Return the order that is cheapest for full arrays."""
        order = contraction_order(self.term, self.free)
        return {
            sum(1 << i for i in (*step.left, *step.right)): sum(1 << i for i in step.left)
            for step in order.steps
        }

    def _placeholder(self, part: int) -> Values:
        """Return a part whose values are numbered only, to count products."""
        if part.bit_count() == 1:
            return self.leaves[part.bit_length() - 1]
        size = len(self.orbits(part).representatives)
        offset = 1_000_000 * part
        return self.spread(part, [offset + number for number in range(size)])

    def lowered(self, built: Builder, splits: Mapping[int, int]) -> Values:
        """Return the product, computed in an order."""

        def visit(part: int) -> Values:
            if part.bit_count() == 1:
                return self.leaves[part.bit_length() - 1]
            left, right = visit(splits[part]), visit(part ^ splits[part])
            return self.spread(part, bilinear(built, self.products(left, right, part)))

        return visit((1 << len(self.term.factors)) - 1)


def _grouped(rows: Sequence[Bilinear], side: int) -> list[dict[Ref | None, dict[Ref | None, int]]]:
    """Return each row by its values on one side, with the sum of the other that each multiplies."""
    grouped = []
    for row in rows:
        groups: dict[Ref | None, dict[Ref | None, int]] = {}
        for pair, coefficient in row.items():
            groups.setdefault(pair[side], {})[pair[1 - side]] = coefficient
        grouped.append(groups)
    return grouped


def _price(rows: Sequence[Bilinear]) -> int:
    """Return how many products rows need at least."""
    return min(_products(rows, side) for side in (0, 1))


def _products(rows: Sequence[Bilinear], side: int) -> int:
    """Return how many products rows need when the sums stand on one side."""
    pairs = [pair for row in _grouped(rows, side) for pair in row.items()]
    return sum(outer is not None and set(inner) != {None} for outer, inner in pairs)


def bilinear(built: Builder, rows: Sequence[Bilinear]) -> list[Ref]:
    """Return the values of bilinear rows, with the sums on the side that multiplies less."""
    trials = []
    for side in (0, 1):
        for divide in (True, False):
            trial = built.copy()
            _lower(trial, rows, side, divide)
            trials.append((trial.multiplications(), side, divide))
    _, side, divide = min(trials)
    return _lower(built, rows, side, divide)


def _lower(built: Builder, rows: Sequence[Bilinear], side: int, divide: bool) -> list[Ref]:
    """Multiply each value of one side by a sum of the other.

    Args:
        built: where the values are computed.
        rows: the rows.
        side: which side stands outside the sums.
        divide: whether the first coefficient of a sum is taken out of it, so that sums which differ
            by a number are one.
    """
    grouped = _grouped(rows, side)
    sums: dict[tuple[tuple[Ref, Fraction], ...], int] = {}
    plans: list[list[tuple[Fraction, Ref | None, int | None]]] = []
    scaled: list[dict[Ref, Fraction]] = []
    for groups in grouped:
        plan: list[tuple[Fraction, Ref | None, int | None]] = []
        for outer, inner in groups.items():
            if None in inner:  # a number of a delta or a Levi-Civita symbol
                plan.append((Fraction(inner[None]), outer, None))
            values = sorted((ref, c) for ref, c in inner.items() if ref is not None)
            if not values:
                continue
            lead = Fraction(values[0][1])
            if not divide:
                lead = Fraction(1 if lead > 0 else -1)
            parts = {ref: c / lead for ref, c in values}
            key = tuple(parts.items())
            if key not in sums:
                sums[key] = len(scaled)
                scaled.append(parts)
            plan.append((lead, outer, sums[key]))
        plans.append(plan)
    columns = sorted({ref for parts in scaled for ref in parts})
    number = {ref: place for place, ref in enumerate(columns)}
    matrix = [{number[ref]: Surd(c) for ref, c in parts.items()} for parts in scaled]
    inner_sums = built.apply(matrix, columns)
    result = []
    for plan in plans:
        terms: list[tuple[Surd, Ref]] = []
        for lead, outer, which in plan:
            if which is None:
                terms.append((Surd(lead), built.constant(1) if outer is None else outer))
            elif outer is None:
                terms.append((Surd(lead), inner_sums[which]))
            else:
                terms.append((Surd(lead), built.product(outer, inner_sums[which])))
        result.append(built.linear(terms))
    return result
