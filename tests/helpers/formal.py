"""Indeterminates that programs run on, and exact references to compare with.

`Formal` is a polynomial with rational coefficients times square roots, so that one run of a linear
program is a run on a whole basis, one run of a bilinear one a run on all pairs, and two polynomials
that are equal are equal at every point. References come from natural_tensors and from
tests.helpers.oracles, never from codegen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, get_args

import flint

from codegen import (
    Program,
)
from codegen.pieces.layout import Parity
from codegen.programs.program import Linear, Product, Reciprocal, Root, Sign
from natural_tensors import Surd, coupling, harmonic
from natural_tensors.exact.surds import square_part
from natural_tensors.so3.harmonics import Normalization

NORMALIZATIONS: tuple[Normalization, ...] = get_args(Normalization)

PARITIES: tuple[Parity, ...] = get_args(Parity)

WEIGHT = 6


class Formal(Surd):
    """A polynomial: for each root ``sqrt(n)`` a polynomial with rational coefficients.

    A subclass of Surd only so that the coefficients of a program, which stand on the left, leave
    the arithmetic to it.
    """

    __slots__ = ("parts", "ring")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, ring: Ring, parts: dict[int, Any]) -> None:
        self.ring = ring
        self.parts = {n: part for n, part in parts.items() if part != 0}

    def __add__(self, other: Any) -> Formal:
        total = dict(self.parts)
        for n, part in self.ring.formal(other).parts.items():
            total[n] = total[n] + part if n in total else part
        return Formal(self.ring, total)

    __radd__ = __add__

    def __neg__(self) -> Formal:
        return Formal(self.ring, {n: -part for n, part in self.parts.items()})

    def __sub__(self, other: Any) -> Formal:
        return self + -self.ring.formal(other)

    def __mul__(self, other: Any) -> Formal:
        if isinstance(other, Formal):
            factors = other.parts
        else:
            terms = other.terms if isinstance(other, Surd) else {1: Fraction(other)}
            factors = {n: flint.fmpq(q.numerator, q.denominator) for n, q in terms.items()}
        total: dict[int, Any] = {}
        for n, left in self.parts.items():
            for m, right in factors.items():
                outside, inside = square_part(n * m)
                part = left * right * outside
                total[inside] = total[inside] + part if inside in total else part
        return self.ring.reduced(Formal(self.ring, total))

    __rmul__ = __mul__

    def __rtruediv__(self, other: Any) -> Formal:
        for value, inverse in self.ring.inverses:
            if self == value:
                result: Formal = inverse * other
                return result
        raise ZeroDivisionError("only what the ring can invert")

    def __ge__(self, other: int) -> bool:
        assert self.ring.positive is not None, "no chart was chosen"
        return self.ring.positive

    def __eq__(self, other: object) -> bool:
        difference = self.ring.reduced(self - self.ring.formal(other))
        return not difference.parts

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __repr__(self) -> str:
        return " + ".join(f"sqrt({n}) ({part})" for n, part in self.parts.items()) or "0"


class Ring:
    """Polynomials in named indeterminates, where wanted modulo one relation.

    Attributes:
        relation: a polynomial that is zero.
        inverses: elements and one over them.
        positive: whether a value whose sign is asked for is positive.
    """

    def __init__(self, *names: str) -> None:
        self.context = flint.fmpq_mpoly_ctx.get(names, flint.Ordering.lex)
        self.zero = self.context.from_dict({})
        self.gens = [Formal(self, {1: gen}) for gen in self.context.gens()]
        self.relation: Any = None
        self.inverses: list[tuple[Formal, Formal]] = []
        self.positive: bool | None = None

    def formal(self, value: Any) -> Formal:
        if isinstance(value, Formal):
            return value
        terms = value.terms if isinstance(value, Surd) else {1: Fraction(value)}
        parts = {n: self.zero + flint.fmpq(q.numerator, q.denominator) for n, q in terms.items()}
        return Formal(self, parts)

    def reduced(self, value: Formal) -> Formal:
        """Return the remainder by the relation: one polynomial is a Groebner basis by itself."""
        if self.relation is None:
            return value
        return Formal(self, {n: divmod(p, self.relation)[1] for n, p in value.parts.items()})

    def linear(self, row: Iterable[int], gens: Sequence[Formal] = ()) -> Formal:
        gens = gens or self.gens
        pairs = [(int(number), gen) for number, gen in zip(row, gens, strict=True) if number]
        return Formal(self, {1: sum((gen.parts[1] * k for k, gen in pairs), self.zero)})


def ring_of(prefix: str, size: int) -> Ring:
    return Ring(*(f"{prefix}{number}" for number in range(size)))


def total(values: Iterable[Any]) -> Any:
    return reduce(lambda a, b: a + b, values, Surd(0))


def function(recipe: Any, name: str) -> Program:
    (found,) = (f for f in recipe.functions() if f.name == name)
    assert isinstance(found, Program)
    return found


def degrees(program: Program) -> dict[Any, list[tuple[int, int]]]:
    """Return the lowest and highest degree of each output, read off the steps."""
    known = [(1, 1)] * program.inputs
    for step in program.steps:
        match step.operation:
            case Linear(terms, offset):
                found = [known[ref] for _, ref in terms] + ([(0, 0)] if offset else [])
                known.append((min(low for low, _ in found), max(high for _, high in found)))
            case Product(left, right):
                (a, b), (c, d) = known[left], known[right]
                known.append((a + c, b + d))
            case Reciprocal() | Sign() | Root():
                raise AssertionError("not a polynomial")
    return {output.key: [known[ref] for ref in output.entries] for output in program.outputs}


def on_the_sphere(s: Any, t: Any, side: int = 1) -> tuple[Fraction, Fraction, Fraction]:
    """Return the rational point whose stereographic image is (s, t)."""
    s, t = Fraction(s), Fraction(t)
    w = 1 / (1 + s * s + t * t)
    return 2 * s * w, side * (2 * w - 1), 2 * t * w


def values_at(weight: int, point: Sequence[Any], normalization: Any) -> list[Surd]:
    result = []
    for ell in range(weight + 1):
        for polynomial, radicand in harmonic(ell, normalization).exact():
            x, y, z = point
            value = sum(k * x**a * y**b * z**c for (a, b, c), k in polynomial.items())
            result.append(Surd.root(radicand, Fraction(value)))
    return result


def coupled_sum(
    triple: tuple[int, int, int], normalization: Any, first: Sequence[Any], second: Sequence[Any]
) -> list[Any]:
    result: list[Any] = [Surd(0)] * (2 * triple[2] + 1)
    for (i, j, k), (number, radicand) in coupling(*triple, normalization).exact().items():
        result[k] = result[k] + first[i] * second[j] * Surd.root(radicand, number)
    return result


def blocks_of(flat: Sequence[Any], weight: int) -> dict[int, list[list[Any]]]:
    result, start = {}, 0
    for ell in range(1, weight + 1):
        size = 2 * ell + 1
        rows = [list(flat[start + k * size : start + (k + 1) * size]) for k in range(size)]
        result[ell] = rows
        start += size * size
    assert start == len(flat)
    return result


POLES = [(0, 1, 0), (0, -1, 0)]

EQUATOR = [(1, 0, 0), (0, 0, -1), on_the_sphere(Fraction(3, 5), Fraction(4, 5))]

DIRECTIONS = [
    *POLES,
    *EQUATOR,
    on_the_sphere(Fraction(1, 2), Fraction(-1, 3)),
    on_the_sphere(Fraction(-2, 5), Fraction(3, 4), -1),
    on_the_sphere(3, Fraction(1, 2)),
]


Block = tuple[bool, int, int]


def layout(weight: int, parity: str) -> list[Block]:
    """Return whether pseudo, weight and start of each block of features."""
    blocks = [(False, ell, ell * ell) for ell in range(weight + 1)]
    if parity == "both":
        blocks += [(True, ell, (weight + 1) ** 2 + ell * ell) for ell in range(weight + 1)]
    return blocks


def allowed(signs: int, weights: tuple[int, int, int], parity: str) -> bool:
    """Say whether the parities (-1)^l, changed for ``signs`` pseudo-tensors, multiply to one."""
    l1, l2, l3 = weights
    inside = abs(l1 - l2) <= l3 <= l1 + l2
    return inside and (parity == "ignored" or (l1 + l2 + l3 + signs) % 2 == 0)
