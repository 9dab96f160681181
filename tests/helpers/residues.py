"""Residues modulo a prime, with square roots: exact values of formulas that hold roots.

Sums, products and quotients of roots are checked here where no other exact number would do: a root
of a root is a residue as any other. Two formulas of degree d in different roots agree at a random
point with a chance of about d / PRIME.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy

from natural_tensors.exact.surds import Surd

PRIME = 2**61 + 1599
"""3 modulo 4, so that a power is the root; 2, 3, 5 and 7 have roots."""


class NoRootError(ArithmeticError):
    """The residue is no square; another point will do."""


class Residue:
    """A residue; its root is its power (PRIME + 1) / 4, so that roots of products are products."""

    def __init__(self, value: int) -> None:
        self.value = value % PRIME

    def __add__(self, other: Any) -> Residue:
        return Residue(self.value + residue(other).value)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Residue:
        return Residue(self.value * residue(other).value)

    __rmul__ = __mul__

    def __rtruediv__(self, other: Any) -> Residue:
        return residue(other) * Residue(pow(self.value, -1, PRIME))

    def __pow__(self, exponent: Fraction) -> Residue:
        if exponent.denominator == 2:
            root = pow(self.value, (PRIME + 1) // 4, PRIME)
            if root * root % PRIME != self.value:
                raise NoRootError(self.value)
            return Residue(root) ** Fraction(exponent.numerator)
        assert exponent.denominator == 1
        return Residue(pow(self.value, exponent.numerator, PRIME))

    def __eq__(self, other: object) -> bool:
        return self.value == residue(other).value

    def __hash__(self) -> int:
        return hash(self.value)


def residue(number: Any) -> Residue:
    """Return an exact number as a residue."""
    if isinstance(number, Residue):
        return number
    if isinstance(number, Surd):
        roots = (Residue(n) ** Fraction(1, 2) * residue(q) for n, q in number.terms.items())
        return sum(roots, start=Residue(0))
    fraction = Fraction(number)
    return Residue(fraction.numerator * pow(fraction.denominator, -1, PRIME))


def value_of(given: Any, at: dict[Any, Residue]) -> Residue:
    """Return the value of a SymPy expression, part by part as it stands."""
    if given in at:
        return at[given]
    if given.is_Rational:
        return residue(Fraction(int(given.p), int(given.q)))
    if given.is_Add:
        return sum((value_of(part, at) for part in given.args), start=Residue(0))
    if given.is_Mul:
        total = Residue(1)
        for part in given.args:
            total = total * value_of(part, at)
        return total
    assert given.is_Pow
    exponent = sympy.Rational(given.exp)
    return value_of(given.base, at) ** Fraction(int(exponent.p), int(exponent.q))
