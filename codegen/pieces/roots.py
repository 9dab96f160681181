"""Square roots in expressions: each under a name of its own, and radicands as sums of squares."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from natural_tensors.exact.surds import Surd
from natural_tensors.exact.symbols import Expression, same_draws

LARGEST_RADICAND = 60
"""Terms of a radicand beyond which it is not searched for sums of squares."""


def exact_number(value: Expression) -> Surd | None:
    """Return a rational number or the root of one, exactly; None for anything else."""
    if value.is_Rational:
        return Surd(Fraction(int(value.p), int(value.q)))
    if value.is_Pow and value.base.is_Rational and value.base > 0 and (2 * value.exp).is_Integer:
        base, twice = Fraction(int(value.base.p), int(value.base.q)), int(2 * value.exp)
        return Surd.root(base if twice > 0 else 1 / base) if abs(twice) == 1 else None
    return None


def has_rational_numbers(value: Expression) -> bool:
    """Say whether no root of a number stands in an expression."""
    import sympy

    return all(power.is_Rational for power in value.atoms(sympy.Pow) if power.is_number)


class Roots:
    """Square roots that occur in expressions, each under a name of its own.

    Attributes:
        radicands: the name of each root by what it is the root of; an inner root before the outer.
    """

    def __init__(self) -> None:
        self.radicands: dict[Expression, Expression] = {}

    def named(self, value: Expression) -> Expression:
        """Return an expression with the names of roots in their places."""
        import sympy

        if isinstance(value, sympy.Determinant):
            return value.func(value.arg.applyfunc(self.named))
        if value.is_Atom or exact_number(value) is not None:
            return value
        if value.is_Pow and not value.exp.is_Integer:
            radicand = self.named(value.base)
            if radicand not in self.radicands:
                self.radicands[radicand] = sympy.Dummy(f"root{len(self.radicands)}")
            return self.radicands[radicand] ** (2 * value.exp)
        return value.func(*map(self.named, value.args))


def as_squares(radicand: Expression) -> Expression | None:
    """Return a radicand that is a sum of squares as one, or a product with such sums; else None.

    Rounding cannot bring a sum of squares below zero, where the root is not a number: under the
    root of a symmetric block ``[[a, b], [b, c]]`` stands ``(a - c)² + 4 b²``, which is near zero
    where eigenvalues meet. Squares are completed one symbol at a time (Lagrange's reduction).
    """
    import sympy

    above, below = sympy.fraction(sympy.together(radicand))
    symbols = sorted(radicand.free_symbols, key=str)
    if not symbols or not has_rational_numbers(radicand):
        return None
    if not above.is_polynomial(*symbols) or not below.is_Rational:
        return None
    if len(sympy.Add.make_args(sympy.expand(above))) > LARGEST_RADICAND:
        return None
    with same_draws():
        number, factors = sympy.Poly(above, *symbols, domain="QQ").factor_list()
    written = [sympy.Rational(number) / below]
    for factor, power in factors:
        squares = _completed(factor) if factor.total_degree() == 2 else None
        if squares is None and power % 2:
            return None
        written.append((factor.as_expr() if squares is None else squares) ** power)
    return sympy.Mul(*written) if written[0] > 0 else None


def _completed(quadratic: Expression) -> Expression | None:
    """Return a polynomial of degree 2 as a sum of squares; None where it is none."""
    import sympy

    total = list(_squares(quadratic))
    if any(number <= 0 for number, _ in total):
        return None
    return sympy.Add(*(number * sympy.expand(base) ** 2 for number, base in total))


def _squares(quadratic: Expression) -> Iterator[tuple[Expression, Expression]]:
    """Yield numbers and the polynomials of degree 1 whose squares they multiply; -1 at an end."""
    import sympy

    left = quadratic
    for symbol in quadratic.gens:
        number = left.coeff_monomial(symbol**2)
        if number == 0:
            continue
        base = sympy.Poly(left.diff(symbol).as_expr() / (2 * number), *left.gens, domain="QQ")
        yield sympy.Rational(number), base.as_expr()
        left = left - number * base**2
    if not left.is_zero:
        rest = sympy.Rational(left.coeff_monomial(1))
        yield (rest if left.total_degree() == 0 else sympy.Integer(-1)), sympy.S.One
