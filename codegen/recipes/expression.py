"""An index expression: its components and their gradients, from independent components."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from natural_tensors import Expression, expression
from natural_tensors.exact.surds import Surd
from natural_tensors.expressions.terms import Term, simplified

from ..pieces.contractions import Contraction, Values
from ..pieces.factoring import MOST_PRODUCTS, Monomial, factored
from ..programs.lowering import ZERO, Builder
from ..programs.program import Argument, Output, Program, Ref
from ..programs.reverse import GRADIENT, vjp
from .recipe import Recipe

_KEYWORDS = """
    T V Any Tensor np torch at begin count end item load store add total threads result
    double float int char auto const void this new delete long short signed unsigned struct
    union enum switch case default do goto namespace operator private protected public
    register template typename using virtual volatile bool inline extern static sizeof throw
    catch friend
"""
RESERVED = frozenset({GRADIENT, *_KEYWORDS.split()})
"""Words that generated code has another use for."""


@dataclass(frozen=True)
class ExpressionRecipe(Recipe):
    """The components of an index expression, and their gradients.

    Every tensor comes as its independent components, in the order of rule 3
    (``reduction(...).components.labels``), and so does the result; a scalar has no axis of its own.
    Arguments stand in the order in which the expression names them first. Batches may have any
    shape, and broadcast. ``evaluate_vjp`` pulls a gradient back to each argument.

    Attributes:
        expression: as :func:`natural_tensors.expression` reads it.
        tensors: name and declaration of each tensor; a mapping becomes a tuple of pairs.

    Raises:
        ExpressionError: when the expression cannot be read, or vanishes.

    Example:
        >>> energy = ExpressionRecipe("1/2 C_ijkl e_ij e_kl", {"C": "elastic", "e": "strain"})
        >>> print(energy.functions()[0].counts())
        36 multiplications, 20 additions
    """

    expression: str
    tensors: Mapping[str, str] | tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        pairs: Iterable[tuple[str, str]] = (
            self.tensors.items() if isinstance(self.tensors, Mapping) else self.tensors
        )
        object.__setattr__(self, "tensors", tuple((name, declared) for name, declared in pairs))
        _ = self.read.reduction  # one that vanishes is refused

    @classmethod
    def of(cls, given: Expression) -> ExpressionRecipe:
        """Return the recipe of an expression, such as a derivative or an average."""
        return cls(str(given), {name: str(declared) for name, declared in given.tensors.items()})

    @property
    def read(self) -> Expression:
        """The expression."""
        return _read(self.expression, tuple(self.tensors))

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        given = ", ".join(f"{name}: {declared}" for name, declared in self.read.tensors.items())
        return f"{self.read} with {given}."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        return _functions(self)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The arrays that the functions take: a tensor each, under a name that code can have."""
        listed: list[Argument] = []
        taken: set[str] = set(RESERVED)
        for name, declared in self.read.tensors.items():
            word = identifier(name)
            while word in taken:
                word += "_"
            taken.add(word)
            labels = tuple(f"{word}_{label or 'value'}" for label in declared.labels)
            shape = (len(labels),) if declared.rank else ()
            meaning = str(declared)
            if declared.rank:
                meaning = f"{declared}, components {', '.join(declared.labels)}"
            listed.append(Argument(word, shape, labels, False, meaning))
        return tuple(listed)


@lru_cache(maxsize=64)
def _read(text: str, tensors: tuple[tuple[str, str], ...]) -> Expression:
    return expression(text, **dict(tensors))


def identifier(name: str) -> str:
    """Return an ASCII identifier for the name of a tensor: Greek letters in words."""
    word = ""
    for char in name.replace("'", "_prime"):
        if char.isascii():
            word += char if char.isalnum() or char == "_" else "_"
        else:
            known = unicodedata.name(char, "letter").split()
            letter = (
                known[-1].lower().replace("lamda", "lambda")
                if known[0] == "GREEK"
                else f"u{ord(char):x}"
            )
            word += letter.capitalize() if "CAPITAL" in known else letter
    word = word.strip("_")
    number_only = word[0] == "t" and word[1:].isdigit()  # what unnamed values are called
    return word + "_" if keyword.iskeyword(word) or number_only else word


@lru_cache(maxsize=64)
def _functions(recipe: ExpressionRecipe) -> tuple[Program, ...]:
    trials = [_by_contraction(recipe)]
    if len(recipe.read.polynomials.places) <= MOST_PRODUCTS:
        trials += [_by_factoring(recipe, pairs) for pairs in (True, False)]
    best = min(
        trials, key=lambda program: (program.counts().multiplications, program.counts().additions)
    )
    return best, vjp(best)


def _finished(recipe: ExpressionRecipe, built: Builder, values: list[Ref]) -> Program:
    target = recipe.read.reduction
    shape = (target.dimension,) if target.rank else ()
    labels = ", ".join(target.components.labels)
    returns = "a scalar, shape (...)."
    if target.rank:
        returns = f"the independent components {labels}, shape (..., {target.dimension})."
    output = Output("result", shape, tuple(values), broadcast=True)
    return built.program("evaluate", f"Return {recipe.read}.", [output], returns)


def _by_factoring(recipe: ExpressionRecipe, pairs: bool) -> Program:
    """Write the result as polynomials and take out common factors."""
    built = Builder(recipe.arguments)
    polynomials = recipe.read.polynomials
    places = recipe.read.reduction.components.orbits.representatives.tolist()
    number = {place: row for row, place in enumerate(places)}
    rows: list[dict[Monomial, Fraction]] = [{} for _ in places]
    columns = (polynomials.places, polynomials.monomials, polynomials.numerators)
    for place, monomial, numerator in zip(*(c.tolist() for c in columns), strict=True):
        if place in number:
            key = tuple(ref for ref in monomial if ref >= 0)
            rows[number[place]][key] = Fraction(numerator, polynomials.denominator)
    return _finished(recipe, built, factored(built, rows, pairs=pairs))


def _by_contraction(recipe: ExpressionRecipe) -> Program:
    """Contract each product two factors at a time, and add the products."""
    read = recipe.read
    built = Builder(recipe.arguments)
    target = read.reduction
    pieces: list[tuple[Term, Values | None]] = []
    for term in simplified(read.terms, read.free, read.tensors):
        if not term.factors:
            pieces.append((term, None))
            continue
        contraction = Contraction(term, read.free, read.tensors, read.quantities.first)
        pieces.append((term, contraction.lowered(built, contraction.best_splits())))
    values = []
    for place in target.components.orbits.representatives.tolist():
        digits = {x: place // 3 ** (read.rank - 1 - slot) % 3 for slot, x in enumerate(read.free)}
        terms: list[tuple[Surd, Ref]] = []
        for term, contracted in pieces:
            entry = ((None, 1),) if contracted is None else contracted.at(digits)
            for ref, coefficient in entry:
                value = built.constant(1) if ref is None else ref
                terms.append((Surd(term.coefficient * coefficient), value))
        values.append(built.linear(terms) if terms else built.constant(ZERO))
    return _finished(recipe, built, values)
