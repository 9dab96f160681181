"""How formulas are written: Unicode text and LaTeX from one description."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from string import ascii_letters

from .surds import square_part

SignedTerms = Sequence[tuple[int, str]]
Groups = Sequence[tuple[Fraction, SignedTerms]]
"""A rational coefficient in front of a sum of signed terms, several times."""


def spare_letters(used: str, count: int) -> str:
    """Return letters for further indices: a, b, c, ... without those in use."""
    return "".join([letter for letter in ascii_letters if letter not in used][:count])


def signed_sum(terms: SignedTerms) -> str:
    """Write a sum of signed terms."""
    text = ""
    for sign, term in terms:
        text += (" - " if sign < 0 else " + ") if text else ("-" if sign < 0 else "")
        text += term
    return text or "0"


@dataclass(frozen=True, slots=True)
class Notation:
    """The words of one typesetting language, as format strings."""

    delta: str
    epsilon: str  # with all its indices
    indexed: str  # a tensor with indices
    natural: str  # the natural tensor of a weight and copy, with indices
    scalar: str  # the same of weight 0
    fraction: str
    root: str
    brackets: tuple[str, str]  # around a symmetric traceless part
    parentheses: tuple[str, str]
    times: str

    def number(self, coefficient: Fraction, radicand: Fraction = Fraction(1)) -> str:
        """Write ``coefficient * sqrt(radicand)``, positive, with no square in the root."""
        coefficient /= radicand.denominator
        inside = radicand.numerator * radicand.denominator
        factor, inside = square_part(inside)
        coefficient *= factor
        top = str(coefficient.numerator)
        if inside > 1:
            top = ("" if top == "1" else top) + self.root.format(inside)
        if coefficient.denominator == 1:
            return top
        return self.fraction.format(top, coefficient.denominator)

    def factors(self, *factors: str) -> str:
        """Write a product, leaving out empty factors and ones."""
        return self.times.join(factor for factor in factors if factor not in ("", "1"))

    def part(self, weight: int, copy: int, indices: str) -> str:
        """Write the natural tensor of a weight and copy."""
        return (self.natural if indices else self.scalar).format(weight, copy, indices)

    def bracketed(self, text: str, weight: int) -> str:
        """Mark the symmetric traceless part, which below weight 2 is the tensor itself."""
        return text if weight < 2 else text.join(self.brackets)

    def combination(self, groups: Groups, radicand: Fraction = Fraction(1), head: str = "") -> str:
        """Write ``sqrt(radicand) * head * sum(coefficient * (sum of terms))``."""
        single = len(groups) == 1
        pieces: list[tuple[int, str]] = []
        for coefficient, terms in groups:
            sign = -1 if coefficient < 0 else 1
            number = self.number(abs(coefficient), radicand if single else Fraction(1))
            factor = self.factors(number, head if single else "")
            if not factor:
                pieces += [(sign * inner, term) for inner, term in terms]
            elif len(terms) == 1:
                inner, term = terms[0]
                pieces.append((sign * inner, self.factors(factor, term)))
            else:
                body = signed_sum(terms).join(self.parentheses)
                pieces.append((sign, self.factors(factor, body)))
        text = signed_sum([(sign, piece or "1") for sign, piece in pieces])
        if single:
            return text
        factor = self.factors(self.number(Fraction(1), radicand), head)
        return self.factors(factor, text.join(self.parentheses)) if factor else text


TEXT = Notation(
    delta="δ_{}{}",
    epsilon="ε_{}",
    indexed="{}_{}",
    natural="X({},{})_{}",
    scalar="X({},{})",
    fraction="{}/{}",
    root="√{}",
    brackets=("⟨", "⟩"),
    parentheses=("(", ")"),
    times=" ",
)
LATEX = Notation(
    delta=r"\delta_{{{}{}}}",
    epsilon=r"\varepsilon_{{{}}}",
    indexed="{}_{{{}}}",
    natural="X^{{({},{})}}_{{{}}}",
    scalar="X^{{({},{})}}",
    fraction=r"\tfrac{{{}}}{{{}}}",
    root=r"\sqrt{{{}}}",
    brackets=(r"\left\langle ", r" \right\rangle"),
    parentheses=(r"\left(", r"\right)"),
    times=r"\,",
)


class Written(ABC):
    """Something that is a formula: shown as text, and in LaTeX in a notebook."""

    @abstractmethod
    def formula(self, notation: Notation = TEXT) -> str:
        """Return the formula."""

    def latex(self) -> str:
        """Return the formula in LaTeX, without dollar signs."""
        return self.formula(LATEX)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __str__(self) -> str:
        return self.formula()
