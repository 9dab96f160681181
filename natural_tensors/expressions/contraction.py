"""In which order the factors of a product are best multiplied, two at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from .terms import Factor, Term

MOST_FACTORS = 12
"""Factors up to which every order is compared; beyond it the cheapest next pair is taken."""


@dataclass(frozen=True, slots=True)
class ContractionStep:
    """One pair of factors, or of what earlier steps gave, multiplied and summed.

    Attributes:
        left: numbers of the factors on the left, as they stand in the term.
        right: numbers of those on the right.
        indices: letters that are left afterwards.
        multiplications: of full arrays, three values for each letter.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    indices: str
    multiplications: int


@dataclass(frozen=True, slots=True)
class ContractionOrder:
    """The cheapest order of one product.

    Attributes:
        term: the product.
        steps: pairs in order.
        dense: multiplications of the sum over all indices at once.
    """

    term: Term
    steps: tuple[ContractionStep, ...]
    dense: int

    @property
    def multiplications(self) -> int:
        """Multiplications of all steps."""
        return sum(step.multiplications for step in self.steps)

    def __str__(self) -> str:
        names = [factor.name.removeprefix("#") for factor in self.term.factors]
        joined = [
            f"({' '.join(names[i] for i in step.left)})({' '.join(names[i] for i in step.right)})"
            for step in self.steps
        ]
        count = f"{self.multiplications} multiplications, {self.dense} in one sum"
        return f"{', then '.join(joined)}: {count}" if joined else "nothing to multiply"


def contraction_order(term: Term, free: str) -> ContractionOrder:
    """Return the order of least multiplications of full arrays.

    Every way to split the factors in two is compared, by dynamic programming over subsets (Lam,
    Sadayappan and Wenger, Parallel Process. Lett. 7, 157, 1997).
    """
    factors = term.factors
    dense = max(len(factors) - 1, 0) * 3 ** len(term.letters)
    if len(factors) < 2:
        return ContractionOrder(term, (), dense)
    if len(factors) > MOST_FACTORS:
        return ContractionOrder(term, _greedy(factors, free), dense)
    whole = (1 << len(factors)) - 1
    open_letters = [_open(factors, mask, free) for mask in range(whole + 1)]
    cost = {1 << i: 0 for i in range(len(factors))}
    split: dict[int, int] = {}
    for mask in sorted(range(1, whole + 1), key=int.bit_count):
        if mask in cost:
            continue
        lowest = mask & -mask
        best = None
        part = (mask - 1) & mask
        while part:
            if part & lowest:
                other = mask ^ part
                price = 3 ** len(open_letters[part] | open_letters[other])
                total = cost[part] + cost[other] + price
                if best is None or total < best:
                    best, split[mask] = total, part
            part = (part - 1) & mask
        assert best is not None
        cost[mask] = best
    steps: list[ContractionStep] = []

    def visit(mask: int) -> None:
        if mask not in split:
            return
        left, right = split[mask], mask ^ split[mask]
        visit(left)
        visit(right)
        letters = "".join(x for x in term.letters if x in open_letters[mask])
        price = 3 ** len(open_letters[left] | open_letters[right])
        steps.append(ContractionStep(_members(left), _members(right), letters, price))

    visit(whole)
    return ContractionOrder(term, tuple(steps), dense)


def _members(mask: int) -> tuple[int, ...]:
    return tuple(i for i in range(mask.bit_length()) if mask >> i & 1)


def _open(factors: Sequence[Factor], mask: int, free: str) -> set[str]:
    """Return the letters that a part of the factors shares with the rest or with the result."""
    inside = {x for i in _members(mask) for x in factors[i].indices}
    outside = {x for i in range(len(factors)) if not mask >> i & 1 for x in factors[i].indices}
    return {x for x in inside if x in outside or x in free}


def _greedy(factors: Sequence[Factor], free: str) -> tuple[ContractionStep, ...]:
    """Return steps that each take the pair of least multiplications."""
    parts = [1 << i for i in range(len(factors))]
    order = "".join(dict.fromkeys("".join(factor.indices for factor in factors)))
    steps = []
    while len(parts) > 1:
        price, left, right = min(
            (3 ** len(_open(factors, a, free) | _open(factors, b, free)), a, b)
            for a, b in combinations(parts, 2)
        )
        parts = [part for part in parts if part not in (left, right)] + [left | right]
        letters = "".join(x for x in order if x in _open(factors, left | right, free))
        steps.append(ContractionStep(_members(left), _members(right), letters, price))
    return tuple(steps)
