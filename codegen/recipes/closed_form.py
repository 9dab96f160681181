"""Closed forms in symbols, such as compliances and conditions of stability, and their gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeAlias

from natural_tensors.errors import InputError
from natural_tensors.exact.surds import Surd
from natural_tensors.exact.symbols import Expression, canonical, expression, same_draws

from ..pieces.factoring import MOST_PRODUCTS, Monomial, factored
from ..pieces.roots import Roots, as_squares, exact_number, has_rational_numbers
from ..programs.lowering import ZERO, Builder
from ..programs.program import Argument, Output, Program, Ref
from ..programs.reverse import OF, vjp
from .expression import RESERVED, identifier
from .recipe import Recipe

CONSTANTS = "constants"
"""Name of the one argument where the symbols are not shared out."""

DIVISION = 4
"""Multiplications that a division or a root counts as when programs are compared."""

LARGEST_SPLIT = 60
"""Terms of a polynomial beyond which it is not split into irreducible factors."""

LONGEST_SHOWN = 400
"""Characters of the closed forms that a provenance header holds; a hash stands for the rest."""

Power: TypeAlias = tuple[Expression, int]
"""A polynomial and how often it is multiplied."""


class ClosedFormError(InputError, ValueError):
    """Expressions of which there is no code, or inputs that do not fit them."""


@dataclass(frozen=True)
class ClosedFormRecipe(Recipe):
    """SymPy expressions of symbols: sums, products, quotients and square roots, as a function.

    ``evaluate`` takes the values of the symbols, batches of any shape that broadcast, and returns
    an array of the shape of the expressions; ``evaluate_vjp`` pulls a gradient back. Coefficients
    are rational, or roots of integers; a ``Determinant`` is taken by minors, not written out. A
    square root below zero is not a number, and at zero it has no finite gradient.

    Attributes:
        values: an expression, a SymPy matrix or array, or nested sequences of expressions; becomes
            nested tuples.
        inputs: names of the arrays that the functions take, each with the names of the symbols in
            it, in order; by default one, ``constants``, with all symbols by name.

    Raises:
        ClosedFormError: when something else than sums, products, quotients and square roots
            occurs, no symbol does, or the inputs do not hold every symbol once.
        TypeError: for a float, or what is no expression.

    Example:
        >>> from natural_tensors import symbolic
        >>> recipe = ClosedFormRecipe(symbolic.stiffness("m-3m").universal_anisotropy)
        >>> print(recipe.functions()[0].counts())
        5 multiplications, 3 additions, 1 divisions
    """

    values: Expression
    inputs: Mapping[str, Sequence[str]] | tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _nested(self.values))
        symbols = self.symbols
        if not symbols:
            raise ClosedFormError("there is no symbol in the expressions, so nothing to evaluate")
        pairs = self.arrays or ((CONSTANTS, tuple(symbols)),)
        object.__setattr__(self, "inputs", pairs)
        _check_inputs(pairs, symbols)
        for entry in self.entries:
            _check_operations(entry)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the expressions; empty for a single one."""
        return _shape(self.values)

    @property
    def entries(self) -> tuple[Expression, ...]:
        """The expressions in C order."""
        return tuple(_flat(self.values))

    @property
    def symbols(self) -> dict[str, Expression]:
        """The symbols that occur, by name."""
        found: dict[str, Expression] = {}
        for symbol in sorted({s for entry in self.entries for s in entry.free_symbols}, key=str):
            if str(symbol) in found:
                raise ClosedFormError(
                    f"two symbols with different assumptions are called {symbol}; rename one"
                )
            found[str(symbol)] = symbol
        return found

    @property
    def arrays(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The name of each input with those of the symbols in it."""
        given = self.inputs.items() if isinstance(self.inputs, Mapping) else self.inputs
        return tuple((name, tuple(names)) for name, names in given)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        count = len(self.entries)
        what = "A closed form" if not self.shape else f"{count} closed forms"
        return f"{what} in {', '.join(self.symbols)}."

    def settings(self) -> dict[str, object]:
        """Return the arguments of the recipe, for the provenance header."""
        text = str(self.values)
        if len(text) > LONGEST_SHOWN:
            digest = sha256(text.encode()).hexdigest()
            text = f"{text[:LONGEST_SHOWN]}... sha256 {digest}"
        return {"values": text, "inputs": self.inputs}

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        return _functions(self)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The arrays that the functions take, under names that code can have."""
        found: list[Argument] = []
        taken = {*RESERVED, "result"}

        def unique(name: str) -> str:
            word = identifier(name)
            while word in taken or word + OF in taken:
                word += "_"
            taken.update((word, word + OF))
            return word

        words = [unique(name) for name, _ in self.arrays]
        for word, (_, names) in zip(words, self.arrays, strict=True):
            labels = tuple(unique(name) for name in names)
            found.append(Argument(word, (len(names),), labels, False, ", ".join(names)))
        return tuple(found)


# --- what is given ------------------------------------------------------------------------------


def _nested(values: Any) -> Any:
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, (list, tuple)):
        nested = tuple(_nested(entry) for entry in values)
        if len({_shape(entry) for entry in nested}) > 1:
            raise ClosedFormError(
                "the nested expressions form no array: rows have different lengths"
            )
        return nested
    return expression(values)


def _shape(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple):
        return ()
    return (len(values), *(_shape(values[0]) if values else ()))


def _flat(values: Any) -> Iterable[Expression]:
    if isinstance(values, tuple):
        for entry in values:
            yield from _flat(entry)
    else:
        yield values


def _check_inputs(
    inputs: tuple[tuple[str, tuple[str, ...]], ...], symbols: Mapping[str, Expression]
) -> None:
    names = [name for _, group in inputs for name in group]
    missing = [name for name in symbols if name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing or twice or any(not group for _, group in inputs):
        problem = f"{', '.join(missing)} missing" if missing else "an input is empty"
        problem = f"{', '.join(twice)} twice" if twice else problem
        raise ClosedFormError(
            f"the inputs {dict(inputs)} do not hold every symbol once ({problem}); the symbols are "
            f"{', '.join(symbols)}"
        )


def _check_operations(value: Expression) -> None:
    import sympy

    if isinstance(value, sympy.Determinant):
        for entry in value.arg:
            _check_operations(entry)
        return
    if value.is_Symbol or exact_number(value) is not None:
        return
    power = value.is_Pow and (2 * value.exp).is_Integer
    if not (value.is_Add or value.is_Mul or power):
        raise ClosedFormError(
            f"{value} is no sum, product, quotient or square root of symbols and real exact "
            "numbers; make a symbol of it and compute its values first"
        )
    for part in [value.base] if power else value.args:
        _check_operations(part)


# --- programs -----------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _functions(recipe: ClosedFormRecipe) -> tuple[Program, ...]:
    roots = Roots()
    entries = [roots.named(entry) for entry in recipe.entries]
    squares = {radicand: as_squares(radicand) for radicand in roots.radicands}
    written = _Written(recipe)
    for radicand, name in roots.radicands.items():
        written.name_root(name, written.value(squares[radicand] or radicand))
    trials = [_finished(recipe, written, map(written.value, entries))]
    for split in (False, True):
        radicands = {
            radicand: None if squares[radicand] else _quotient(radicand, split)
            for radicand in roots.radicands
        }
        quotients = [_quotient(entry, split) for entry in entries]
        size = sum(
            len(factor.as_ordered_terms()) if factor.is_Add else 1
            for quotient in (*radicands.values(), *quotients) if quotient is not None
            for factor, _ in (*quotient.above, *quotient.below)
        )  # fmt: skip
        for pairs in (True, False) if size <= MOST_PRODUCTS else (False,):
            written = _Written(recipe)
            for radicand, name in roots.radicands.items():
                whole = squares[radicand] or radicand
                (value,) = _values(written, [radicands[radicand]], [whole], pairs)
                written.name_root(name, value)
            values = _values(written, quotients, entries, pairs)
            trials.append(_finished(recipe, written, values))
    best = min(trials, key=_cost)
    return best, vjp(best)


def _cost(program: Program) -> tuple[int, int]:
    counts = program.counts()
    slow = counts.divisions + counts.roots
    return counts.multiplications + DIVISION * slow, counts.additions


def _finished(recipe: ClosedFormRecipe, written: _Written, values: Iterable[Ref]) -> Program:
    size = ", ".join(["...", *map(str, recipe.shape)])
    return written.built.program(
        "evaluate", f"Return {recipe.title[0].lower()}{recipe.title[1:]}",
        [Output("result", recipe.shape, tuple(values), broadcast=True)],
        f"the values, shape ({size}).",
    )  # fmt: skip


class _Written:
    """Values of expressions in a program, each computed once."""

    def __init__(self, recipe: ClosedFormRecipe) -> None:
        self.recipe = recipe
        self.built = Builder(recipe.arguments)
        symbols = recipe.symbols
        names = [name for _, group in recipe.arrays for name in group]
        self.known = {symbols[name]: ref for ref, name in enumerate(names) if name in symbols}

    def name_root(self, name: Expression, radicand: Ref) -> None:
        """Let a name stand for the square root of a value."""
        self.known[name] = self.built.root(radicand)

    def value(self, given: Expression) -> Ref:
        """Return the value of an expression without roots as it is written."""
        if given not in self.known:
            self.known[given] = self._computed(given)
        return self.known[given]

    def _computed(self, given: Expression) -> Ref:
        import sympy

        number = exact_number(given)
        if number is not None:
            return self.built.constant(number)
        if isinstance(given, sympy.Determinant):
            return self._determinant(given.arg)
        if given.is_Add:
            return self.built.linear([self._term(part) for part in given.args])
        coefficient, value = self._term(given)
        return self.built.linear([(coefficient, value)])

    def _term(self, given: Expression) -> tuple[Surd, Ref]:
        """Return an expression as a number times a value."""
        coefficient = Surd(1)
        above: list[tuple[Expression, int]] = []
        below: list[tuple[Expression, int]] = []
        for part in given.args if given.is_Mul else (given,):
            number = exact_number(part)
            base, exponent = part.as_base_exp()
            if number is not None:
                coefficient = coefficient * number
            else:
                (above if exponent > 0 else below).append((base, abs(int(exponent))))
        value = self.quotient(
            [(self.value(base), power) for base, power in above],
            [(self.value(base), power) for base, power in below],
        )
        return coefficient, value

    def quotient(self, above: Sequence[tuple[Ref, int]], below: Sequence[tuple[Ref, int]]) -> Ref:
        """Return a product of powers over another."""
        value = self._product(above)
        if not below:
            return value
        return self.built.product(value, self.built.reciprocal(self._product(below)))

    def _product(self, powers: Sequence[tuple[Ref, int]]) -> Ref:
        factors = [self._power(ref, power) for ref, power in sorted(powers)]
        value = factors[0] if factors else self.built.constant(1)
        for factor in factors[1:]:
            value = self.built.product(value, factor)
        return value

    def _power(self, ref: Ref, power: int) -> Ref:
        if power == 1:
            return ref
        half = self._power(ref, power // 2)
        square = self.built.product(half, half)
        return self.built.product(square, ref) if power % 2 else square

    def _determinant(self, matrix: Expression) -> Ref:
        """Grow minors row by row over all sets of columns: no division, no product twice."""
        size = matrix.rows
        minors: dict[int, Ref] = {0: self.built.constant(1)}  # by the bits of the columns used
        for row in range(size):
            sums: dict[int, list[tuple[Surd, Ref]]] = {}
            for used, minor in minors.items():
                for column in range(size):
                    if used >> column & 1 or matrix[row, column] == 0:
                        continue
                    sign = Surd((-1) ** (used >> column).bit_count())
                    term = self.built.product(minor, self.value(matrix[row, column]))
                    sums.setdefault(used | 1 << column, []).append((sign, term))
            minors = {used: self.built.linear(terms) for used, terms in sums.items()}
        return minors.get((1 << size) - 1, self.built.constant(ZERO))


@dataclass(frozen=True)
class _Quotient:
    """A number times products of powers of polynomials, one over another."""

    coefficient: Fraction
    above: tuple[Power, ...]
    below: tuple[Power, ...]


def _quotient(value: Expression, split: bool) -> _Quotient | None:
    """Return an expression as a quotient of polynomials; None where it is none over the rationals.

    Args:
        value: the expression.
        split: whether the polynomials are split into irreducible ones.
    """
    import sympy

    if value.has(sympy.Determinant) or not has_rational_numbers(value):
        return None
    if value.is_Rational:
        return _Quotient(Fraction(int(value.p), int(value.q)), (), ())
    above, below = sympy.fraction(value)
    if not (above.is_polynomial() and below.is_polynomial()):
        above, below = sympy.fraction(sympy.together(canonical(value)))
    first, numerator = _powers(above, split)
    second, denominator = _powers(below, split)
    return _Quotient(first / second, numerator, denominator)


def _powers(value: Expression, split: bool) -> tuple[Fraction, tuple[Power, ...]]:
    import sympy

    if value.is_Rational:
        return Fraction(int(value.p), int(value.q)), ()
    polynomial = sympy.Poly(value, *sorted(value.free_symbols, key=str), domain="QQ")
    if split and len(polynomial.terms()) <= LARGEST_SPLIT:
        with same_draws():
            number, factors = polynomial.factor_list()
        powers = tuple((factor.as_expr(), int(power)) for factor, power in factors)
    else:
        content, reduced = polynomial.primitive()
        sign = -1 if reduced.LC() < 0 else 1
        number, powers = content * sign, (((reduced * sign).as_expr(), 1),)
    number = sympy.Rational(number)
    return Fraction(int(number.p), int(number.q)), powers


def _values(
    written: _Written,
    quotients: Sequence[_Quotient | None],
    entries: Sequence[Expression],
    pairs: bool,
) -> list[Ref]:
    """Write quotients with common factors of all their polynomials taken out; others as they are.

    Args:
        written: the program.
        quotients: of each entry, where it is one.
        entries: the expressions.
        pairs: as in :func:`factored`.
    """
    built = written.built
    polynomials = {
        factor: _monomials(factor, written.known)
        for quotient in quotients if quotient is not None
        for factor, _ in (*quotient.above, *quotient.below)
    }  # fmt: skip
    refs = dict(
        zip(polynomials, factored(built, list(polynomials.values()), pairs=pairs), strict=True)
    )
    values = []
    for quotient, entry in zip(quotients, entries, strict=True):
        if quotient is None:
            values.append(written.value(entry))
            continue
        above = [(refs[factor], power) for factor, power in quotient.above]
        below = [(refs[factor], power) for factor, power in quotient.below]
        value = written.quotient(above, below)
        values.append(built.linear([(Surd(quotient.coefficient), value)]))
    return values


def _monomials(value: Expression, known: Mapping[Expression, Ref]) -> dict[Monomial, Fraction]:
    import sympy

    symbols = sorted(value.free_symbols, key=str)
    found: dict[Monomial, Fraction] = {}
    for powers, number in sympy.Poly(value, *symbols, domain="QQ").terms():
        refs = [known[s] for s, power in zip(symbols, powers, strict=True) for _ in range(power)]
        found[tuple(sorted(refs))] = Fraction(int(number.p), int(number.q))
    return found
