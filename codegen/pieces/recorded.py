"""Numbers that write a program: arithmetic on them records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from natural_tensors.exact.surds import Surd

from ..programs.lowering import Builder
from ..programs.program import Ref


@dataclass(frozen=True, eq=False)
class Recorded:
    """A linear combination of the values of a program; products of two become values of it.

    It stands in arrays of objects where a number would, so that one routine evaluates numbers,
    polynomials, and code. A combination is computed once, when first multiplied, up to its scale:
    what differs by a factor is one value.

    Attributes:
        built: collects the values.
        terms: rational coefficient of each value.
    """

    built: Builder
    terms: Mapping[Ref, Fraction]

    def __add__(self, other: Recorded) -> Recorded:
        total = dict(self.terms)
        for ref, coefficient in other.terms.items():
            total[ref] = total.get(ref, Fraction(0)) + coefficient
        return Recorded(self.built, {ref: q for ref, q in total.items() if q})

    def __mul__(self, other: Recorded | int) -> Recorded:
        if isinstance(other, int):
            scaled = {ref: q * other for ref, q in self.terms.items()} if other else {}
            return Recorded(self.built, scaled)
        if not (self.terms and other.terms):
            return Recorded(self.built, {})
        (p, left), (q, right) = self._scaled_value(), other._scaled_value()
        return Recorded(self.built, {self.built.product(left, right): p * q})

    __rmul__ = __mul__

    def _scaled_value(self) -> tuple[Fraction, Ref]:
        """Return a coefficient and a value whose product it is."""
        first = self.terms[min(self.terms)]
        return first, self.built.linear([(Surd(q / first), ref) for ref, q in self.terms.items()])

    def value(self) -> Ref:
        """Return the combination as a value of the program."""
        return self.built.linear([(Surd(q), ref) for ref, q in self.terms.items()])
