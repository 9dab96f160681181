"""What expressions turn into: derivatives, averages over orientations, natural parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from ..decomposition.patterns import Pattern, natural_projector_terms
from ..decomposition.reductions import reduction
from .classes import DELTA, EPSILON, TensorClass, natural_class
from .parsing import spare_indices
from .polynomials import Quantities, written_out
from .terms import Classes, Factor, Term, simplified


def derivative(
    terms: Sequence[Term], free: str, classes: Classes, name: str, letters: str
) -> tuple[Term, ...]:
    """Return the derivative of a sum by a tensor, which has the symmetry of that tensor.

    It is the D with ``dE = D_ab.. dT_ab..`` for every change of T within its class.

    Args:
        terms: the products; no summed index is one of the new ones.
        free: their free indices.
        classes: class of each tensor.
        name: the tensor T.
        letters: indices a, b, .. of the derivative, which follow the free ones.
    """
    differentiated = []
    for term in terms:
        for number, factor in enumerate(term.factors):
            if factor.name == name:
                rest = (*term.factors[:number], *term.factors[number + 1 :])
                links = tuple(
                    Factor(DELTA, old + new)
                    for old, new in zip(factor.indices, letters, strict=True)
                )
                differentiated += projected(
                    Term(term.coefficient, (*rest, *links)), classes[name], letters
                )
    return simplified(differentiated, free + letters, classes)


def projected(term: Term, tensor_class: TensorClass, letters: str) -> list[Term]:
    """Return the part of a product that has, in some indices, the symmetry of a class."""
    if tensor_class.natural:
        inner = spare_indices({*letters, *term.letters}, len(letters))
        moved = term.renamed(dict(zip(letters, inner, strict=True)))
        points = [*letters, *inner]
        return [
            Term(
                share * moved.coefficient,
                (*moved.factors, *(Factor(DELTA, points[a] + points[b]) for a, b in pairs)),
            )
            for share, pairs in natural_projector_terms(len(letters))
        ]
    share = Fraction(1, len(tensor_class.elements))
    return [
        Term(term.coefficient * share * element.sign, term.factors).renamed(
            {letter: letters[slot] for letter, slot in zip(letters, element.slots, strict=True)}
        )
        for element in tensor_class.elements
    ]


@dataclass(frozen=True)
class Split:
    """A product in two: the factors that rotate, with their open indices, and the others.

    Attributes:
        rotating: the product of the factors that rotate, coefficient 1.
        letters: its indices that are not summed within it.
        rest: the other factors with the coefficient.
    """

    rotating: Term
    letters: str
    rest: Term


def split(term: Term, names: Collection[str]) -> Split:
    """Return a product in two: the factors of some names, and the others."""
    inside = tuple(f for f in term.factors if f.name in names)
    outside = tuple(f for f in term.factors if f.name not in names)
    text = "".join(f.indices for f in inside)
    letters = "".join(x for x in dict.fromkeys(text) if text.count(x) == 1)
    return Split(Term(Fraction(1), inside), letters, Term(term.coefficient, outside))


def isotropic(
    terms: Sequence[Term], free: str, classes: Classes, names: Collection[str]
) -> tuple[Term, ...]:
    """Return the average over all orientations of some tensors, which rotate together.

    The product of the rotating factors goes to its isotropic part, ``sum_pq F_p (g^-1)_pq F_q^T``
    over the isotropic tensors F of its index symmetry (rule 9 with weight 0).
    """
    quantities = Quantities.of(classes)
    averaged = []
    for term in (each.without_deltas(free) for each in terms):
        parts = split(term, names)
        components = written_out([parts.rotating], parts.letters, quantities)
        if components.vanishes:
            continue
        if not parts.letters:
            averaged.append(term)
            continue
        target = reduction(components.symmetry(axial=False))
        taken = {*term.letters, *free}
        inner = dict(zip(parts.letters, spare_indices(taken, len(parts.letters)), strict=True))
        other = parts.rotating.renamed(inner)
        for copy in range(target.multiplicities.get(0, 0)):
            outer = target.embedding(0, copy).combination
            extraction = target.extraction(0, copy).combination
            for (a, placed), (b, taken_out) in product(outer, extraction):
                # every pattern of an orbit contracts a tensor of the class to the same number
                contracted = pattern_factors(taken_out[0][0], "".join(inner.values()), "")
                for pattern, sign in placed:
                    factors = pattern_factors(pattern, parts.letters, "")
                    averaged.append(
                        Term(
                            parts.rest.coefficient * a * sign * b * len(taken_out),
                            (*parts.rest.factors, *factors, *other.factors, *contracted),
                        )
                    )
    return simplified(averaged, free, classes)


def pattern_factors(pattern: Pattern, letters: str, dummy: str) -> tuple[Factor, ...]:
    """Return the deltas and the Levi-Civita symbol of a pattern as factors."""
    symbols = [Factor(DELTA, letters[a] + letters[b]) for a, b in pattern.deltas]
    if pattern.epsilon:
        legs = "".join(letters[slot] for slot in pattern.epsilon)
        symbols.append(Factor(EPSILON, legs + (dummy if len(legs) == 2 else "")))
    return tuple(symbols)


def natural_parts(
    terms: Sequence[Term],
    free: str,
    classes: Classes,
    name: str,
    parts: Collection[tuple[int, int]],
) -> tuple[tuple[Term, ...], Mapping[str, TensorClass]]:
    """Return a sum with a tensor replaced by its natural parts, and the classes of the parts."""
    tensor_class = classes[name]
    target = tensor_class.reduction
    added = {
        part_name(name, *key): natural_class(key[0], target.parity, tensor_class.time_reversal)
        for key in parts
    }
    pieces = [
        (coefficient, key, pattern)
        for key in parts
        for coefficient, pattern in target.embedding(*key).terms()
    ]
    every = [name_ for name_ in classes if name_ != name]
    place = list(classes).index(name)
    order = [*every[:place], *added, *every[place:]]
    merged = {each: added[each] if each in added else classes[each] for each in order}
    decomposed: list[Term] = []
    remaining = list(terms)
    while remaining:
        term = remaining.pop()
        number = next((i for i, f in enumerate(term.factors) if f.name == name), None)
        if number is None:
            decomposed.append(term)
            continue
        factor = term.factors[number]
        rest = (*term.factors[:number], *term.factors[number + 1 :])
        (dummy,) = spare_indices({*term.letters, *free}, 1)
        for coefficient, key, pattern in pieces:
            indices = "".join(factor.indices[slot] for slot in pattern.natural)
            if len(pattern.epsilon) == 2:
                indices = dummy + indices
            part = Factor(part_name(name, *key), indices)
            factors = (*rest, part, *pattern_factors(pattern, factor.indices, dummy))
            remaining.append(Term(term.coefficient * coefficient, factors))
    return simplified(decomposed[::-1], free, merged), merged


def part_name(name: str, weight: int, copy: int) -> str:
    """Return what the natural part of a tensor is called in an expression."""
    return f"{name}({weight},{copy})"
