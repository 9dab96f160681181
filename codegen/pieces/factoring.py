"""Polynomials as straight-line programs with few multiplications."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from natural_tensors.exact.surds import Surd

from ..programs.lowering import ONE, ZERO, Builder
from ..programs.program import Ref

Monomial = tuple[Ref, ...]
"""Values that are multiplied, ascending; a power repeats them."""

Polynomial = dict[Monomial, Fraction]
"""A coefficient for each product."""

MOST_PRODUCTS = 1500
"""Products beyond which common factors are not searched."""


def factored(
    built: Builder, polynomials: Sequence[Mapping[Monomial, Fraction]], *, pairs: bool
) -> list[Ref]:
    """Return the values of polynomials.

    Factors are taken out by Horner's rule in several variables, the one that most products share
    first (Ceberio and Kreinovich, SIGSAM Bull. 38, 8, 2004).

    Args:
        built: where the values are computed.
        polynomials: the polynomials.
        pairs: whether products of two values that occur several times are computed first.
    """
    left = [dict(polynomial) for polynomial in polynomials]
    left = _scaled(built, left)
    if pairs:
        _take_pairs(built, left)
    return [_horner(built, polynomial) for polynomial in left]


def _scaled(built: Builder, polynomials: list[Polynomial]) -> list[Polynomial]:
    """Replace values by their double or half where that rids more coefficients than it costs."""
    scales: dict[Ref, Fraction] = {}
    everywhere: dict[Ref, list[tuple[int, Monomial]]] = {}
    for number, polynomial in enumerate(polynomials):
        for monomial in polynomial:
            for ref in set(monomial):
                everywhere.setdefault(ref, []).append((number, monomial))
    current = [dict(polynomial) for polynomial in polynomials]
    for ref, places in everywhere.items():
        for scale in (Fraction(2), Fraction(1, 2)):
            gain = 0
            for number, monomial in places:
                before = current[number][monomial]
                after = before / scale ** monomial.count(ref)
                gain += (abs(before) != 1) - (abs(after) != 1)
            if gain > 1:
                scales[ref] = scales.get(ref, Fraction(1)) * scale
                for number, monomial in places:
                    current[number][monomial] /= scale ** monomial.count(ref)
    names = {ref: built.linear([(Surd(scale), ref)]) for ref, scale in scales.items()}
    return [
        {tuple(sorted(names.get(ref, ref) for ref in monomial)): c for monomial, c in one.items()}
        for one in current
    ]


def _take_pairs(built: Builder, polynomials: list[Polynomial]) -> None:
    """Compute products of two values that occur in several products, the most frequent first."""
    while True:
        counts: Counter[Monomial] = Counter()
        for polynomial in polynomials:
            for monomial in polynomial:
                if len(monomial) > 2:
                    counts.update(set(combinations(monomial, 2)))
        if not counts:
            return
        pair, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
        if count < 2:
            return
        product = built.product(pair[0], pair[1])
        for polynomial in polynomials:
            for monomial in [m for m in polynomial if len(m) > 2]:
                if pair in set(combinations(monomial, 2)):
                    rest = list(monomial)
                    for ref in pair:
                        rest.remove(ref)
                    polynomial[tuple(sorted([*rest, product]))] = polynomial.pop(monomial)


def _horner(built: Builder, polynomial: Polynomial) -> Ref:
    """Take out the value that most products share, and go on with what is left."""
    terms: list[tuple[Surd, Ref]] = []
    left = dict(polynomial)
    while True:
        counts = Counter(ref for monomial in left for ref in set(monomial))
        shared = [(-count, ref) for ref, count in counts.items() if count > 1]
        if not shared:
            break
        _, ref = min(shared)
        inner: Polynomial = {}
        for monomial in [m for m in left if ref in m]:
            rest = list(monomial)
            rest.remove(ref)
            inner[tuple(rest)] = left.pop(monomial)
        common = next(iter(inner.values()))
        if all(abs(value) == abs(common) for value in inner.values()):
            inner = {monomial: value / common for monomial, value in inner.items()}
        else:
            common = Fraction(1)
        terms.append((Surd(common), built.product(ref, _horner(built, inner))))
    for monomial, coefficient in left.items():
        if not monomial:
            terms.append((ONE, built.constant(Surd(coefficient))))
            continue
        value = monomial[0]
        for ref in monomial[1:]:
            value = built.product(value, ref)
        terms.append((Surd(coefficient), value))
    return built.linear(terms) if terms else built.constant(ZERO)
