"""Exact numbers of the packed basis: sums of rational multiples of square roots."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from numbers import Rational
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sympy


@lru_cache(maxsize=4096)
def square_part(number: int) -> tuple[int, int]:
    """Return ``(f, s)`` with ``number = f*f*s`` and s free of squares, for a positive integer."""
    factor, free, divisor = 1, number, 2
    while divisor * divisor <= free:
        while free % (divisor * divisor) == 0:
            free //= divisor * divisor
            factor *= divisor
        divisor += 1
    return factor, free


def _smallest_prime(number: int) -> int:
    """Return the smallest prime factor of a number above 1."""
    return next(d for d in range(2, number + 1) if number % d == 0)


class Surd:
    """A real number ``sum of q_n sqrt(n)``, q rational and n positive without square factors.

    Such sums form a field, roots of different n being independent over the rationals, so equality
    is exact. Immutable and hashable.
    """

    __slots__ = ("_hash", "_terms")

    def __init__(self, terms: Mapping[int, Fraction] | Rational | int = 0) -> None:
        if not isinstance(terms, Mapping):
            terms = {1: Fraction(terms)}
        total: dict[int, Fraction] = {}
        for number, q in terms.items():
            factor, free = square_part(number)
            total[free] = total.get(free, Fraction(0)) + q * factor
        self._terms = tuple(sorted((n, q) for n, q in total.items() if q))
        rational = not self._terms or (len(self._terms) == 1 and self._terms[0][0] == 1)
        # equal to a rational number, so of the same hash
        self._hash = hash(total.get(1, 0)) if rational else hash(self._terms)

    @classmethod
    def root(cls, radicand: Fraction | int, factor: Fraction | int = 1) -> Surd:
        """Return ``factor * sqrt(radicand)`` for a non-negative rational radicand."""
        radicand = Fraction(radicand)
        if not radicand:
            return cls(0)
        outside, inside = square_part(radicand.numerator * radicand.denominator)
        return cls({inside: Fraction(factor) * Fraction(outside, radicand.denominator)})

    @property
    def terms(self) -> dict[int, Fraction]:
        """The rational coefficient of each root."""
        return dict(self._terms)

    def __add__(self, other: Surd | Rational | int) -> Surd:
        if not isinstance(other, (Surd, Rational)):
            return NotImplemented
        total = dict(self._terms)
        for n, q in _surd(other)._terms:
            total[n] = total.get(n, Fraction(0)) + q
        return Surd(total)

    __radd__ = __add__

    def __neg__(self) -> Surd:
        return Surd({n: -q for n, q in self._terms})

    def __sub__(self, other: Surd | Rational | int) -> Surd:
        if not isinstance(other, (Surd, Rational)):
            return NotImplemented
        return self + -_surd(other)

    def __rsub__(self, other: Surd | Rational | int) -> Surd:
        return (-self) + other

    def __mul__(self, other: Surd | Rational | int) -> Surd:
        if not isinstance(other, (Surd, Rational)):
            return NotImplemented
        total: dict[int, Fraction] = {}
        for n, q in self._terms:
            for m, p in _surd(other)._terms:
                outside, inside = square_part(n * m)
                total[inside] = total.get(inside, Fraction(0)) + q * p * outside
        return Surd(total)

    __rmul__ = __mul__

    def __truediv__(self, other: Surd | Rational | int) -> Surd:
        if not isinstance(other, (Surd, Rational)):
            return NotImplemented
        divisor = _surd(other)
        if not divisor:
            raise ZeroDivisionError("division of a surd by zero")
        return self * divisor._inverse()

    def _inverse(self) -> Surd:
        """Return the reciprocal: multiplied by conjugates until no root is left below the line."""
        prime = next((_smallest_prime(n) for n, _ in self._terms if n > 1), None)
        if prime is None:
            ((_, q),) = self._terms
            return Surd(1 / q)
        # s = a + b with every root in b divisible by sqrt(prime): a^2 - b^2 is free of it
        conjugate = Surd({n: -q if n % prime == 0 else q for n, q in self._terms})
        return conjugate * (self * conjugate)._inverse()

    def __rtruediv__(self, other: Surd | Rational | int) -> Surd:
        return _surd(other) / self

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if isinstance(other, (Surd, Rational)):
            return self._terms == _surd(other)._terms
        return NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def __bool__(self) -> bool:
        return bool(self._terms)

    def scaled(self) -> int:
        """Return the number times ``2**GUARD``, each root rounded towards zero."""
        return sum(_scaled(n, q) for n, q in self._terms)

    def sign(self) -> int:
        """Return -1, 0 or 1; exact for a single root, by the guard bits for a sum."""
        if len(self._terms) == 1:
            return 1 if self._terms[0][1] > 0 else -1
        scaled = self.scaled()
        return (scaled > 0) - (scaled < 0)

    def __abs__(self) -> Surd:
        return -self if self.sign() < 0 else self

    def _sympy_(self) -> sympy.Expr:
        """Return the number as a SymPy expression (SymPy's own protocol)."""
        import sympy

        return sympy.Add(
            *(sympy.Rational(q.numerator, q.denominator) * sympy.sqrt(n) for n, q in self._terms)
        )

    def __str__(self) -> str:
        if not self._terms:
            return "0"
        text = ""
        for n, q in self._terms:
            top = f"{abs(q.numerator)}" if n == 1 else f"√{n}"
            if n > 1 and abs(q.numerator) > 1:
                top = f"{abs(q.numerator)}{top}"
            bottom = f"/{q.denominator}" if q.denominator > 1 else ""
            joint = ("-" if q < 0 else "") if not text else (" - " if q < 0 else " + ")
            text += f"{joint}{top}{bottom}"
        return text

    def __repr__(self) -> str:
        return f"Surd({self})"


GUARD = 192
"""Bits after the point when a root becomes a number; a double has 53 in all."""


def _scaled(n: int, q: Fraction) -> int:
    """Return ``q sqrt(n) * 2**GUARD`` rounded towards zero."""
    size = isqrt((n * q.numerator * q.numerator << (2 * GUARD)) // (q.denominator**2))
    return -size if q < 0 else size


def _surd(value: Surd | Rational | int) -> Surd:
    return value if isinstance(value, Surd) else Surd(value)
