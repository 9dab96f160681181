"""Symbols and exact numbers as they come in: recognized, refused where inexact, made canonical.

Exact values are SymPy expressions, fractions and sums of roots. A canonical expression is zero
only as the literal 0: polynomials are expanded, quotients cancelled, and powers of a sine above
the first replaced by ``sin(t)**2 = 1 - cos(t)**2``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from math import prod
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .surds import Surd

Expression: TypeAlias = Any
"""A SymPy expression; SymPy is loaded when the first one is made."""

Expressions: TypeAlias = NDArray[np.object_]
"""An array of SymPy expressions."""


@contextmanager
def same_draws() -> Iterator[None]:
    """Let SymPy draw the same numbers each time, and leave its generator as it was.

    Factorization draws values of the symbols; with some of them it takes hours.
    """
    from sympy.core.random import rng

    before = rng.getstate()
    rng.seed(0)
    try:
        yield
    finally:
        rng.setstate(before)


def is_exact(values: object) -> bool:
    """Say whether values hold a SymPy object, a fraction or a sum of roots.

    Integers alone do not: they are numbers like any other unless a caller says ``exact=True``.
    """
    if isinstance(values, (Fraction, Surd)) or _is_sympy(values):
        return True
    if isinstance(values, np.ndarray):
        return values.dtype == object and any(is_exact(entry) for entry in values.flat)
    if isinstance(values, Mapping):
        return any(is_exact(entry) for entry in values.values())
    return isinstance(values, (list, tuple)) and any(is_exact(entry) for entry in values)


def _is_sympy(value: object) -> bool:
    sympy = sys.modules.get("sympy")
    return sympy is not None and isinstance(value, (sympy.Basic, sympy.MatrixBase, sympy.NDimArray))


def expressions(values: object) -> Expressions:
    """Return exact values as an array of canonical expressions.

    Args:
        values: a SymPy expression, matrix or array, or nested lists or an object array of
            expressions, integers, fractions and sums of roots.

    Raises:
        TypeError: for a float, or what is no number and no commutative expression.
        ValueError: when the lists are ragged or an entry is infinite or undefined.
    """
    nested = _nested(values)
    array = np.array(nested, dtype=object)
    if any(isinstance(entry, list) for entry in array.flat):
        raise ValueError("the nested lists do not form an array: rows have different lengths")
    check_symbols(array.flat)
    return array


def check_symbols(entries: Iterable[Expression]) -> None:
    """Refuse two symbols of one name: they look the same and never cancel.

    Raises:
        ValueError: when symbols of one name have assumptions that contradict each other.
    """
    known: dict[str, Expression] = {}
    for symbol in set().union(*(entry.free_symbols for entry in entries)):
        if known.setdefault(symbol.name, symbol) != symbol:
            raise ValueError(
                f"there are two symbols {symbol} with different assumptions; make one, as in "
                f"{symbol} = sympy.Symbol('{symbol}', real=True), and use it everywhere"
            )


def _nested(values: Any, place: tuple[int, ...] = ()) -> Any:
    sympy = sys.modules.get("sympy")
    if sympy is not None and isinstance(values, (sympy.MatrixBase, sympy.NDimArray)):
        values = values.tolist() if values.shape else values[()]  # SymPy lists no scalar
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, (list, tuple)):
        return [_nested(entry, (*place, number)) for number, entry in enumerate(values)]
    try:
        return canonical(expression(values))
    except (TypeError, ValueError) as error:
        if not place:
            raise
        raise type(error)(f"entry {list(place)}: {error}") from None


def expression(value: object) -> Expression:
    """Return one exact value as an expression, as it stands."""
    import sympy

    if isinstance(value, Integral) and not isinstance(value, (bool, np.bool_)):
        return sympy.Integer(int(value))
    if isinstance(value, Fraction):
        return sympy.Rational(value.numerator, value.denominator)
    if isinstance(value, Surd):
        return sympy.Add(*(expression(q) * sympy.sqrt(n) for n, q in value.terms.items()))
    if not isinstance(value, sympy.Expr):
        raise TypeError(
            f"{value!r} of type {type(value).__name__} stands among exact values; give integers, "
            "fractions or SymPy expressions, such as sympy.Rational('0.5') for 0.5"
        )
    floats = value.atoms(sympy.Float)
    if floats:
        number = min(floats, key=str)
        raise TypeError(
            f"the expression {value} holds the float {number}, which is not exact; write it as "
            f"sympy.Rational('{number}'), or substitute numbers for all symbols first"
        )
    if not value.is_commutative:
        raise TypeError(f"the expression {value} does not commute; entries of a tensor do")
    if value.has(sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
        raise ValueError(f"the entry {value} is infinite or undefined; remove it first")
    return value


# --- canonical form ---------------------------------------------------------------------------


def canonical(value: Expression) -> Expression:
    """Return an expression in the form that shows whether it is zero.

    Equal rational functions of symbols, of roots of integers and of sines and cosines get the same
    form; every other function counts as a symbol.
    """
    import sympy

    if value.is_Atom:
        return value
    quotient = _quotient_of_polynomials(value)
    if quotient is not None:
        return quotient
    turning = value.has(sympy.sin, sympy.cos)
    expanded = sympy.expand(value, trig=True) if turning else sympy.expand(value)
    if not has_quotient(expanded):
        return _reduced(expanded) if turning else expanded
    numerator, denominator = sympy.fraction(sympy.together(expanded))
    numerator, denominator = _reduced(sympy.expand(numerator)), sympy.expand(denominator)
    if numerator == 0:
        return sympy.S.Zero
    if not denominator.free_symbols:
        return sympy.expand(sympy.radsimp(numerator / denominator))
    return sympy.cancel(numerator / _reduced(denominator))


def _quotient_of_polynomials(value: Expression) -> Expression | None:
    """Return a quotient of polynomials in symbols, cancelled; None for anything else.

    Sums and products are taken in a field of fractions, where common factors cancel at every step:
    bringing all terms over one denominator first makes numerators that no computer factors.
    """
    import sympy
    from sympy.polys.fields import field

    if not has_quotient(value):
        return None
    symbols = sorted(value.free_symbols, key=str)
    if not symbols:
        return None
    _, *generators = field(symbols, sympy.ZZ)
    known = dict(zip(symbols, generators, strict=True))
    one = generators[0] ** 0

    def inside(part: Expression) -> Any:
        if part in known:
            return known[part]
        if part.is_Rational:
            return one * int(part.p) / int(part.q)
        if part.is_Add:
            return sum(map(inside, part.args), one - one)
        if part.is_Mul:
            return prod(map(inside, part.args), start=one)
        if part.is_Pow and part.exp.is_Integer:
            return inside(part.base) ** int(part.exp)
        raise ValueError(part)

    try:
        return inside(value).as_expr()
    except ValueError:
        return None


def has_quotient(value: Expression) -> bool:
    """Say whether an expression divides by more than the root of an integer."""
    import sympy

    return any(
        power.exp.could_extract_minus_sign() and not power.base.is_Integer
        for power in value.atoms(sympy.Pow)
    )


def _reduced(value: Expression) -> Expression:
    """Return an expanded expression with at most the first power of each sine."""
    import sympy

    for sine in sorted(value.atoms(sympy.sin), key=str):
        cosine = sympy.cos(sine.args[0])
        polynomial = sympy.Poly(value, sine)
        if polynomial.degree() > 1:
            circle = sympy.Poly(sine**2 + cosine**2 - 1, sine)
            value = sympy.expand(polynomial.rem(circle).as_expr())
    return value


# --- linear maps ------------------------------------------------------------------------------


def combined(
    rows: Sequence[Sequence[int]], denominator: int, entries: Sequence[Expression]
) -> list[Expression]:
    """Return the combinations ``sum_c rows[r][c] entries[c] / denominator``, canonical.

    The entries are canonical. Their terms are collected once, so that a combination is integer
    arithmetic and one sum.
    """
    import sympy

    numbers: dict[Expression, int] = {}
    tables: list[list[tuple[int, Fraction]]] = []
    quotients = False
    for entry in entries:
        quotient = has_quotient(entry)
        quotients |= quotient
        terms = {entry: sympy.S.One} if quotient else entry.as_coefficients_dict()
        tables.append(
            [
                (numbers.setdefault(term, len(numbers)), Fraction(int(q.p), int(q.q)))
                for term, q in terms.items()
                if q
            ]
        )
    terms_in_order = list(numbers)
    results = []
    for row in rows:
        total: dict[int, Fraction] = {}
        for factor, table in zip(row, tables, strict=True):
            if factor:
                for number, q in table:
                    total[number] = total.get(number, Fraction(0)) + int(factor) * q
        result = sympy.Add(
            *(
                sympy.Rational(q.numerator, q.denominator * denominator) * terms_in_order[number]
                for number, q in total.items()
                if q
            )
        )
        results.append(canonical(result) if quotients else result)
    return results


def scaled(values: Iterable[Expression], radicand: Fraction) -> list[Expression]:
    """Return expressions times the root of a fraction, canonical."""
    import sympy

    if radicand == 1:
        return list(values)
    root = sympy.sqrt(sympy.Rational(radicand.numerator, radicand.denominator))
    return [sympy.expand(root * value) for value in values]


# --- rotation ---------------------------------------------------------------------------------


def rotation_matrix(matrix: object, axes: int = 3) -> Expressions:
    """Return an exact or symbolic matrix, shape ``(axes, axes)``, after proving it orthogonal.

    Raises:
        ValueError: when the shape is another, or a product of rows is not provably that of unit
            vectors at right angles.
    """
    entries = expressions(matrix)
    if entries.shape != (axes, axes):
        raise ValueError(f"a rotation has the shape {(axes, axes)}, got {entries.shape}")
    for i in range(axes):
        for j in range(i + 1):
            product = canonical(sum(entries[i, k] * entries[j, k] for k in range(axes)))
            if product != int(i == j):
                raise ValueError(
                    f"rows {j} and {i} of the rotation have the product {product}, not provably "
                    f"{int(i == j)}; use cos and sin of one angle, Cayley parameters or exact roots"
                )
    return entries


def determinant(matrix: Expressions) -> Expression:
    """Return the determinant of a 3x3 or 2x2 matrix, canonical."""
    if matrix.shape == (2, 2):
        return canonical(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])
    (a, b, c), (d, e, f), (g, h, i) = matrix
    return canonical(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))


def rotated(tensor: Expressions, matrix: Expressions) -> Expressions:
    """Return ``R_ia R_jb .. T_ab..`` over all axes of a tensor of any rank, canonical.

    The sums are taken in one polynomial ring over all symbols, sines, cosines, roots and
    reciprocals that occur; powers of sines are replaced after each axis, before they multiply.
    """
    import sympy
    from sympy.polys.rings import sring

    factors = _denominator(tensor, matrix)
    whole = prod(base**power for base, power in factors)
    if factors:
        matrix = _object_array([canonical(e * whole) for e in matrix.reshape(-1)], matrix.shape)
    given = [*tensor.reshape(-1), *matrix.reshape(-1)]
    check_symbols(given)
    angles = sorted(
        {turn.args[0] for entry in given for turn in entry.atoms(sympy.sin, sympy.cos)}, key=str
    )
    circles = [part for angle in angles for part in (sympy.cos(angle), sympy.sin(angle))]
    ring, polynomials = sring([*given, *circles])
    rational = all(generator.is_Symbol or generator in circles for generator in ring.symbols)
    pairs = [
        (ring.symbols.index(cosine), ring.symbols.index(sine))
        for cosine, sine in zip(circles[::2], circles[1::2], strict=True)
    ]
    size = tensor.size
    result = _object_array(polynomials[:size], tensor.shape)
    factor = _object_array(polynomials[size : size + matrix.size], matrix.shape)
    for axis in range(tensor.ndim):
        result = np.moveaxis(np.tensordot(result, factor, axes=([axis], [1])), -1, axis)
        for cosine, sine in pairs:
            entries = [_on_circle(entry, cosine, sine) for entry in result.reshape(-1)]
            result = _object_array(entries, result.shape)
    if factors:
        rank = tensor.ndim
        below = [(ring.from_expr(base), power * rank) for base, power in factors]
        quotients = {entry: _divided(entry, below) for entry in set(result.reshape(-1))}
        return _object_array([quotients[entry] for entry in result.reshape(-1)], tensor.shape)
    flat = [entry.as_expr() for entry in result.reshape(-1)]
    return _object_array(flat if rational else [canonical(e) for e in flat], tensor.shape)


def _denominator(tensor: Expressions, matrix: Expressions) -> list[tuple[Expression, int]]:
    """Return the irreducible factors of what all entries of a rotation are divided by.

    Cayley parameters put one polynomial under every entry, which is taken out and divided by once.
    None where the tensor has quotients itself, or anything but symbols stands below.
    """
    import sympy

    if any(map(has_quotient, tensor.flat)) or not any(map(has_quotient, matrix.flat)):
        return []
    below = [sympy.fraction(sympy.together(entry))[1] for entry in matrix.flat]
    symbols = sorted(set().union(*(entry.free_symbols for entry in below)), key=str)
    if not symbols or not all(entry.is_polynomial(*symbols) for entry in below):
        return []
    with same_draws():
        _, factors = sympy.factor_list(sympy.lcm_list(below), *symbols)
    return list(factors)


def _divided(polynomial: Any, below: Sequence[tuple[Any, int]]) -> Expression:
    """Return a polynomial over irreducible ones with powers, in lowest terms and in integers."""
    left = polynomial.ring.one
    for factor, power in below:
        for number in range(power):
            quotient, rest = polynomial.div(factor)
            if rest:
                left *= factor ** (power - number)
                break
            polynomial = quotient
    scale, above = polynomial.clear_denoms()
    left = left * scale
    common = above.ring.domain.gcd(above.content(), left.content()) if above else 1
    return above.quo_ground(common).as_expr() / left.quo_ground(common).as_expr()


def _on_circle(polynomial: Any, cosine: int, sine: int) -> Any:
    """Replace powers of one generator above the first by ``sine**2 = 1 - cosine**2``."""
    ring = polynomial.ring
    parts: dict[int, dict[tuple[int, ...], Any]] = {}
    for exponents, coefficient in polynomial.terms():
        squares, left = divmod(exponents[sine], 2)
        key = (*exponents[:sine], left, *exponents[sine + 1 :])
        parts.setdefault(squares, {})[key] = coefficient
    if set(parts) <= {0}:
        return polynomial
    square = ring.one - ring.gens[cosine] ** 2
    return sum((ring.from_dict(part) * square**n for n, part in parts.items()), ring.zero)


def _object_array(entries: Sequence[Any], shape: tuple[int, ...]) -> NDArray[np.object_]:
    """Return an array whose entries stay the objects they are."""
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array.reshape(shape)


# --- results ----------------------------------------------------------------------------------


def as_result(values: Sequence[Expression], shape: tuple[int, ...]) -> Expression:
    """Return an expression for the empty shape, an immutable SymPy array for any other."""
    import sympy

    if not shape:
        return values[0]
    return sympy.ImmutableDenseNDimArray(list(values), shape)
