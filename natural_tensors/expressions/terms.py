"""Products of tensors: their canonical form, and the automorphisms of their contraction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..decomposition.symmetry import SignedPermutation
from .classes import BUILT_IN, DELTA, TensorClass
from .parsing import spare, spare_indices
from .problems import ExpressionError

MOST_STATES = 50_000
"""Ways to write one product alike that are followed; more than any product of this world has."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A tensor with its indices.

    Attributes:
        name: the tensor, or one of the two isotropic symbols.
        indices: an index letter for each slot.
    """

    name: str
    indices: str

    def renamed(self, letters: Mapping[str, str]) -> Factor:
        """Return the factor with other index letters."""
        return Factor(self.name, "".join(letters.get(x, x) for x in self.indices))


@dataclass(frozen=True, slots=True)
class Term:
    """A rational number times a product of tensors; an index that occurs twice is summed.

    Attributes:
        coefficient: the number.
        factors: the tensors, in the order of writing.
    """

    coefficient: Fraction
    factors: tuple[Factor, ...]

    @property
    def letters(self) -> str:
        """Every index letter, each once, in order of appearance."""
        return "".join(dict.fromkeys("".join(factor.indices for factor in self.factors)))

    def renamed(self, letters: Mapping[str, str]) -> Term:
        """Return the term with other index letters."""
        return Term(self.coefficient, tuple(f.renamed(letters) for f in self.factors))

    def without_deltas(self, free: str) -> Term:
        """Return the term with every delta that carries a summed index carried out."""
        coefficient, factors = self.coefficient, list(self.factors)
        number = 0
        while number < len(factors):
            factor = factors[number]
            if factor.name == DELTA:
                a, b = factor.indices[0], factor.indices[1]
                if a == b:
                    coefficient *= 3
                elif a not in free or b not in free:
                    old, new = (a, b) if a not in free else (b, a)
                    factors = [f.renamed({old: new}) for f in factors]
                else:
                    number += 1
                    continue
                del factors[number]
                number = 0
                continue
            number += 1
        return Term(coefficient, tuple(factors))

    def with_other_sums(self, free: str, taken: Iterable[str]) -> Term:
        """Return the term with summed letters that are not among those taken."""
        used = {*taken, *free, *self.letters}
        clash = [x for x in self.letters if x not in free and x in set(taken)]
        fresh = spare_indices(used, len(clash))
        return self.renamed(dict(zip(clash, fresh, strict=True)))


Classes = Mapping[str, TensorClass]


def class_of(name: str, classes: Classes) -> TensorClass:
    """Return the class of a factor, an isotropic symbol or a declared tensor."""
    return BUILT_IN[name] if name in BUILT_IN else classes[name]


@dataclass(frozen=True, slots=True)
class Vanishing:
    """Why a product is zero: it can be written as minus itself.

    Attributes:
        renaming: letters that are renamed, old to new; none where the writing is the same.
        factor: the tensor whose symmetry shows it, where one alone does.
    """

    renaming: tuple[tuple[str, str], ...]
    factor: str | None = None


@dataclass(frozen=True, slots=True)
class _State:
    """A way to write the first factors: which are written, and the number of each letter."""

    used: int
    numbers: tuple[tuple[str, int], ...]
    sign: int


class Writings:
    """All ways to write a product that give its least text: one canonical form, many symmetries.

    Factors stand in the order of their names, indices as the symmetry of each factor allows, and
    letters count by first appearance. Ways that tie are the automorphisms of the contraction.

    Args:
        term: the product.
        free: its free indices.
        classes: class of each tensor.
        named: whether a free index is written as its letter (for the canonical form) or counted
            like the summed ones (for the automorphisms that permute free indices).
    """

    def __init__(self, term: Term, free: str, classes: Classes, *, named: bool = True) -> None:
        self.term, self.free, self.classes, self.named = term, free, classes, named
        names = list(classes)
        self.order = sorted(
            (factor.name for factor in term.factors),
            key=lambda name: names.index(name) if name in names else len(names) + len(name),
        )
        self.code: list[tuple[tuple[int, int], ...]] = []
        self.vanishing: Vanishing | None = None
        self.states: list[_State] = [_State(0, (), 1)]
        for name in self.order:
            self._write(name)
            if self.vanishing is not None:
                return
        self.vanishing = self._contradiction()

    def _write(self, name: str) -> None:
        """Write one more factor of a name in every way, keeping the least."""
        least: tuple[tuple[int, int], ...] | None = None
        signs: dict[tuple[int, tuple[tuple[str, int], ...]], int] = {}
        elements = class_of(name, self.classes).elements
        for state in self.states:
            known = dict(state.numbers)
            for place, factor in enumerate(self.term.factors):
                if factor.name != name or state.used >> place & 1:
                    continue
                for element in elements:
                    numbers = dict(known)
                    code = tuple(
                        self._coded(factor.indices[slot], numbers) for slot in element.slots
                    )
                    if least is None or code < least:
                        least, signs = code, {}
                    if code == least:
                        key = (state.used | 1 << place, tuple(sorted(numbers.items())))
                        sign = state.sign * element.sign
                        if signs.setdefault(key, sign) != sign:
                            self.vanishing = Vanishing((), name)
                            return
                        if len(signs) > MOST_STATES:
                            raise ExpressionError(
                                f"a product can be written alike in more than {MOST_STATES} ways; "
                                "use fewer factors of one name"
                            )
        assert least is not None
        self.code.append(least)
        self.states = [_State(used, numbers, sign) for (used, numbers), sign in signs.items()]

    def _coded(self, letter: str, numbers: dict[str, int]) -> tuple[int, int]:
        if letter in self.free:
            if self.named:
                return 0, self.free.index(letter)
            return 0, numbers.setdefault(letter, len(numbers))
        return 1, numbers.setdefault(letter, len(numbers))

    def _contradiction(self) -> Vanishing | None:
        """Return two writings that differ in sign only and leave the free indices in place."""
        first = self.states[0]
        places = {number: letter for letter, number in first.numbers}
        for state in self.states[1:]:
            moved = tuple(
                (places[number], letter)
                for letter, number in state.numbers
                if places[number] != letter
            )
            if state.sign != first.sign and not any(old in self.free for old, _ in moved):
                return Vanishing(moved)
        return None

    @property
    def key(self) -> tuple[object, ...]:
        """What two products share when they are equal up to a factor, whatever their writing."""
        return tuple(self.order), tuple(self.code)

    def canonical(self) -> Term:
        """Return the least writing as a term."""
        letters = spare(self.free)
        names: dict[int, str] = {}
        factors = []
        for name, code in zip(self.order, self.code, strict=True):
            text = ""
            for kind, mark in code:
                if kind and mark not in names:
                    names[mark] = next(letters)
                text += names[mark] if kind else self.free[mark]
            factors.append(Factor(name, text))
        return Term(self.term.coefficient * self.states[0].sign, tuple(factors))

    def automorphisms(self) -> tuple[SignedPermutation, ...]:
        """Return the signed permutations of the free indices that the contraction shows.

        Ask it of writings that count free indices (``named=False``).
        """
        first = self.states[0]
        places = {number: letter for letter, number in first.numbers}
        elements = set()
        for state in self.states:
            slots = [0] * len(self.free)
            for letter, number in state.numbers:
                if letter in self.free:
                    slots[self.free.index(places[number])] = self.free.index(letter)
            elements.add(SignedPermutation(tuple(slots), first.sign * state.sign))
        return tuple(sorted(elements, key=lambda element: (element.slots, -element.sign)))


def has_zero_trace(term: Term, classes: Classes) -> bool:
    """Say whether a natural tensor is traced in a product."""
    return any(
        class_of(factor.name, classes).natural and len(set(factor.indices)) < len(factor.indices)
        for factor in term.factors
    )


def simplified(terms: Sequence[Term], free: str, classes: Classes) -> tuple[Term, ...]:
    """Return a sum with like terms joined, vanishing ones left out, deltas carried out."""
    sums: dict[tuple[object, ...], Fraction] = {}
    shown: dict[tuple[object, ...], Term] = {}
    for term in terms:
        reduced = term.without_deltas(free)
        if not reduced.coefficient or has_zero_trace(reduced, classes):
            continue
        writings = Writings(reduced, free, classes)
        if writings.vanishing is not None:
            continue
        canonical = writings.canonical()
        shown.setdefault(writings.key, canonical)
        sums[writings.key] = sums.get(writings.key, Fraction(0)) + canonical.coefficient
    return tuple(Term(total, shown[key].factors) for key, total in sums.items() if total)
