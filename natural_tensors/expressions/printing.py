"""Expressions as text, LaTeX and SymPy."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from ..exact.notation import LATEX, Notation, signed_sum
from .classes import DELTA, EPSILON
from .terms import Factor, Term

_PART = re.compile(r"(.*)\((\d+),(\d+)\)")
_CAPITALS = frozenset("ΓΔΘΛΞΠΣΦΨΩΥ")
"""Greek capitals that LaTeX has a command for; the others look like Latin ones."""


def sum_text(terms: Sequence[Term], notation: Notation, *, declared: frozenset[str]) -> str:
    """Write a sum of products.

    Args:
        terms: the products.
        notation: the language.
        declared: names of the tensors; a Levi-Civita symbol beside a tensor ε is ``eps``.
    """
    pieces = []
    for term in terms:
        sign = -1 if term.coefficient < 0 else 1
        number = notation.number(abs(term.coefficient))
        factors = []
        for factor, equal in groupby(term.factors):
            text, count = factor_text(factor, notation, declared), len(list(equal))
            factors += [text] * count if factor.indices else [_power(text, count, notation)]
        pieces.append((sign, notation.factors(number, *factors) or "1"))
    return signed_sum(pieces)


def _power(text: str, exponent: int, notation: Notation) -> str:
    if exponent == 1:
        return text
    if notation is LATEX:
        return f"{{{text}}}^{{{exponent}}}"
    return f"{text}^{exponent}"


def factor_text(factor: Factor, notation: Notation, declared: frozenset[str]) -> str:
    """Write a tensor with its indices."""
    if factor.name == DELTA and "δ" not in declared:
        return notation.delta.format(*factor.indices)
    if factor.name == EPSILON and "ε" not in declared:
        return notation.epsilon.format("".join(factor.indices))
    name = {DELTA: "delta", EPSILON: "eps"}.get(factor.name, factor.name)
    if notation is LATEX:
        name = latex_name(name)
        if factor.indices and "^" in name:
            return f"{name}_{{{factor.indices}}}"
    return notation.indexed.format(name, factor.indices) if factor.indices else name


def latex_name(name: str) -> str:
    """Write the name of a tensor in LaTeX: Greek letters as commands, words upright."""
    part = _PART.fullmatch(name)
    if part:
        return f"{latex_name(part[1])}^{{({part[2]},{part[3]})}}"
    bare = name.rstrip("'")
    primes = name[len(bare) :]
    if len(bare) > 1:
        return rf"\mathrm{{{bare}}}{primes}"
    words = unicodedata.name(bare, "").split()
    if words[:1] == ["GREEK"] and len(words) == 4:
        letter = words[3].lower().replace("lamda", "lambda")
        if words[1] == "SMALL" and letter != "omicron":
            return f"\\{letter}{primes}"
        if bare in _CAPITALS:
            return f"\\{letter.capitalize()}{primes}"
    return name


def sympy_sum(terms: Sequence[Term], free: str) -> Any:
    """Return a sum of products in SymPy: indexed symbols, sums over 0, 1, 2 written out."""
    import sympy

    total = sympy.S.Zero
    for term in terms:
        letters = {x: sympy.Symbol(x, integer=True) for x in term.letters}
        product = _rational(term.coefficient)
        for factor in term.factors:
            indices = [letters[x] for x in factor.indices]
            if factor.name == DELTA:
                product *= sympy.KroneckerDelta(*indices)
            elif factor.name == EPSILON:
                product *= sympy.LeviCivita(*indices)
            elif indices:
                product *= sympy.IndexedBase(factor.name)[tuple(indices)]
            else:
                product *= sympy.Symbol(factor.name)
        sums = [(letters[x], 0, 2) for x in term.letters if x not in free]
        total += sympy.Sum(product, *sums) if sums else product
    return total


def _rational(number: Fraction) -> Any:
    import sympy

    return sympy.Rational(number.numerator, number.denominator)
