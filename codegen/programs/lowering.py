"""From exact operators to straight-line programs: shared subexpressions, no work for zeros."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from itertools import combinations
from typing import TypeAlias

from natural_tensors.exact.surds import Surd

from .program import (
    Argument,
    Linear,
    Matrix,
    Operation,
    Output,
    Product,
    Program,
    Reciprocal,
    Ref,
    Root,
    Sign,
    Step,
    renumbered,
)

ONE, ZERO, MINUS = Surd(1), Surd(0), Surd(-1)

PAIR_LIMIT = 30_000
"""Pairs of terms beyond which sharing is not searched: it would take longer than it saves."""


@dataclass
class Builder:
    """Collects the values of a program; equal values are computed once.

    Attributes:
        arguments: the arrays read.
    """

    arguments: tuple[Argument, ...]
    steps: list[Step] = field(default_factory=list)
    _known: dict[Operation, Ref] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stops = [0]
        for argument in self.arguments:
            stops.append(stops[-1] + len(argument.labels))
        self._stops = stops

    def copy(self) -> Builder:
        """Return a builder with the same values, to try something out."""
        return Builder(self.arguments, list(self.steps), dict(self._known))

    def multiplications(self) -> int:
        """Count the multiplications of all values, wanted or not."""
        return Program("", "", self.arguments, tuple(self.steps), (), "").counts().multiplications

    def components(self, argument: int) -> list[Ref]:
        """Return the components of an argument."""
        return list(range(self._stops[argument], self._stops[argument + 1]))

    def _value(self, operation: Operation, name: str) -> Ref:
        if operation not in self._known:
            self._known[operation] = self._stops[-1] + len(self.steps)
            self.steps.append(Step(name, operation))
        return self._known[operation]

    def _operation(self, ref: Ref) -> Operation | None:
        number = ref - self._stops[-1]
        return self.steps[number].operation if number >= 0 else None

    def constant(self, value: Surd | int) -> Ref:
        """Return a constant."""
        return self._value(Linear((), value if isinstance(value, Surd) else Surd(value)), "")

    def known_constant(self, ref: Ref) -> Surd | None:
        """Return the number a value is, where it is one."""
        operation = self._operation(ref)
        if isinstance(operation, Linear) and not operation.terms:
            return operation.offset
        return None

    def linear(self, terms: Iterable[tuple[Surd, Ref]], name: str = "") -> Ref:
        """Return a linear combination."""
        total: dict[Ref, Surd] = {}
        offset = ZERO
        for coefficient, ref in terms:
            constant = self.known_constant(ref)
            if constant is not None:
                offset = offset + coefficient * constant
            else:
                total[ref] = total[ref] + coefficient if ref in total else coefficient
        kept = tuple((c, ref) for ref, c in sorted(total.items()) if c)
        if not offset and len(kept) == 1 and kept[0][0] == ONE:
            return kept[0][1]
        return self._value(Linear(kept, offset), name)

    def product(self, left: Ref, right: Ref, name: str = "") -> Ref:
        """Return a product; with a constant it is a linear combination."""
        for constant, other in ((left, right), (right, left)):
            number = self.known_constant(constant)
            if number is not None:
                return self.linear([(number, other)], name)
        return self._value(Product(min(left, right), max(left, right)), name)

    def reciprocal(self, value: Ref, name: str = "") -> Ref:
        """Return one over a value."""
        return self._value(Reciprocal(value), name)

    def sign(self, value: Ref, name: str = "") -> Ref:
        """Return the sign of a value, +1 at zero."""
        return self._value(Sign(value), name)

    def root(self, value: Ref, name: str = "") -> Ref:
        """Return the square root of a value."""
        return self._value(Root(value), name)

    def apply(self, matrix: Matrix, columns: Sequence[Ref], names: Sequence[str] = ()) -> list[Ref]:
        """Return a sparse matrix times values, with shared sums computed once."""
        rows = [{columns[column]: c for column, c in row.items() if c} for row in matrix]
        rows = [
            {ref: c for ref, c in row.items() if self.known_constant(ref) != ZERO} for row in rows
        ]
        self._share(rows)
        labels = names or [""] * len(rows)
        return [
            self.linear([(c, ref) for ref, c in row.items()], name)
            for row, name in zip(rows, labels, strict=True)
        ]

    def _share(self, rows: list[dict[Ref, Surd]]) -> None:
        """Replace pairs ``a + ratio b`` that occur in several rows by one value, often first."""
        if sum(len(row) * (len(row) - 1) // 2 for row in rows) > PAIR_LIMIT:
            return
        table = _PairTable(rows)
        while (best := table.most_frequent()) is not None:
            first, second, ratio = best
            shared = self.linear([(ONE, first), (table.coefficients[ratio], second)])
            table.replace(best, shared)

    def program(self, name: str, summary: str, outputs: Sequence[Output], returns: str) -> Program:
        """Return the finished program: dead values left out, every value named."""
        needed = {ref for output in outputs for ref in output.entries}
        base = self._stops[-1]
        for number in range(len(self.steps) - 1, -1, -1):
            if base + number in needed:
                needed.update(self.steps[number].operation.operands)
        kept = [number for number in range(len(self.steps)) if base + number in needed]
        renumber = {ref: ref for ref in range(base)}
        renumber.update({base + number: base + place for place, number in enumerate(kept)})
        taken = {label for argument in self.arguments for label in argument.labels}
        taken |= {argument.name for argument in self.arguments}
        steps = []
        for place, number in enumerate(kept):
            step = self.steps[number]
            label = step.name if step.name and step.name not in taken else f"t{place}"
            taken.add(label)
            steps.append(Step(label, renumbered(step.operation, renumber)))
        return Program(
            name,
            summary,
            self.arguments,
            tuple(steps),
            tuple(
                replace(output, entries=tuple(renumber[ref] for ref in output.entries))
                for output in outputs
            ),
            returns,
        )


class Sums:
    """Linear combinations that are collected term by term.

    Args:
        built: collects the values.
        size: how many combinations.
    """

    def __init__(self, built: Builder, size: int) -> None:
        self._built = built
        self._rows: list[list[tuple[Surd, Ref]]] = [[] for _ in range(size)]

    def add(self, row: int, value: Ref, coefficient: Surd = ONE) -> None:
        """Add a value, times a coefficient, to one combination."""
        self._rows[row].append((coefficient, value))

    def values(self) -> list[Ref]:
        """Return the combinations."""
        return [self._built.linear(row) for row in self._rows]


Pair: TypeAlias = tuple[Ref, Ref, int]
"""Two values and the number of the ratio of their coefficients."""


class _PairTable:
    """Which rows hold which pair of terms, kept up to date while pairs are replaced.

    Coefficients are numbered, so that comparing two is comparing integers.
    """

    def __init__(self, rows: list[dict[Ref, Surd]]) -> None:
        self.rows = rows
        self.coefficients: list[Surd] = []
        self._numbers: dict[Surd, int] = {}
        self._ratios: dict[tuple[int, int], int] = {}
        self._rows = [{ref: self._number(c) for ref, c in row.items()} for row in rows]
        self.places: dict[Pair, set[int]] = {}
        for number, row in enumerate(self._rows):
            for first, second in combinations(sorted(row), 2):
                self._enter(number, first, second)
        self.heap = [(-len(places), p) for p, places in self.places.items() if len(places) > 1]
        heapify(self.heap)

    def _number(self, coefficient: Surd) -> int:
        number = self._numbers.setdefault(coefficient, len(self.coefficients))
        if number == len(self.coefficients):
            self.coefficients.append(coefficient)
        return number

    def _pair(self, row: dict[Ref, int], first: Ref, second: Ref) -> Pair:
        if first > second:
            first, second = second, first
        key = row[second], row[first]
        ratio = self._ratios.get(key)
        if ratio is None:
            ratio = self._number(self.coefficients[key[0]] / self.coefficients[key[1]])
            self._ratios[key] = ratio
        return first, second, ratio

    def _enter(self, number: int, first: Ref, second: Ref) -> Pair:
        pair = self._pair(self._rows[number], first, second)
        self.places.setdefault(pair, set()).add(number)
        return pair

    def most_frequent(self) -> Pair | None:
        """Return the pair in most rows, the earliest of several; None when all are single."""
        while self.heap:
            count, pair = heappop(self.heap)
            if -count == len(self.places[pair]):
                return pair
            if len(self.places[pair]) > 1:  # it lost rows since it was entered
                heappush(self.heap, (-len(self.places[pair]), pair))
        return None

    def replace(self, pair: Pair, shared: Ref) -> None:
        """Put one value in the place of a pair, in every row that holds it."""
        first, second, _ = pair
        fresh: set[Pair] = set()
        for number in sorted(self.places[pair]):
            row, numbers = self.rows[number], self._rows[number]
            for ref in {first, second, shared} & numbers.keys():
                for other in numbers:
                    if other != ref:
                        self.places[self._pair(numbers, ref, other)].discard(number)
            total = row.pop(first) + row.pop(shared, ZERO)
            for ref in (second, *([shared] if shared in numbers else []), first):
                numbers.pop(ref)
            del row[second]
            if total:
                row[shared], numbers[shared] = total, self._number(total)
                fresh.update(
                    self._enter(number, shared, other) for other in numbers if other != shared
                )
        for entered in fresh:
            if len(self.places[entered]) > 1:
                heappush(self.heap, (-len(self.places[entered]), entered))
