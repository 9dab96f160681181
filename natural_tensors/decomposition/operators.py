"""The operators of a reduction: natural tensor to physical tensor and back, exact and readable."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..exact import floats
from ..exact.integers import LEVI_CIVITA
from ..exact.notation import TEXT, Notation, Written, spare_letters
from ..so3.bases import NaturalBasis, natural_basis
from .patterns import Orbit, Pattern, natural_projector_terms

if TYPE_CHECKING:
    import sympy

Term = tuple[Fraction, Pattern]


@dataclass(frozen=True, repr=False)
class Operator(Written):
    """An equivariant map between a physical tensor and one natural tensor inside it.

    The operator is ``sqrt(radicand)`` times a rational combination of orbits of delta/epsilon
    patterns, times the projector onto natural tensors, which is kept as a factor.

    Attributes:
        letters: the index letters of the physical tensor.
        weight: weight of the natural tensor.
        copy: which copy of the weight, from 0.
        combination: coefficient of each orbit of patterns; zeros omitted.
        radicand: the square of the one irrational factor; 1 in the dual basis.
    """

    letters: str
    weight: int
    copy: int
    combination: tuple[tuple[Fraction, Orbit], ...]
    radicand: Fraction

    axes: ClassVar[int] = 3
    """How many values an index takes: 3 in space, 2 in the plane."""

    @property
    def natural(self) -> NaturalBasis:
        """The integer basis of the weight."""
        return natural_basis(self.weight)

    def placed(
        self, pattern: Pattern, tensors: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Evaluate a pattern on natural tensors, see the function of this name."""
        return placed(pattern, self.rank, tensors)

    def projector_terms(self) -> Iterator[tuple[Fraction, tuple[tuple[int, int], ...]]]:
        """Yield the projector onto natural tensors as a sum of products of deltas."""
        return natural_projector_terms(self.weight)

    @property
    def rank(self) -> int:
        """Rank of the physical tensor."""
        return len(self.letters)

    @property
    def natural_letters(self) -> str:
        """Index letters of the natural tensor."""
        return spare_letters(self.letters, self.weight)

    def terms(self) -> Iterator[Term]:
        """Yield every pattern with its rational coefficient; ``sqrt(radicand)`` stands outside."""
        for coefficient, orbit in self.combination:
            for pattern, sign in orbit:
                yield coefficient * sign, pattern

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} of weight {self.weight}, copy {self.copy}, "
            f"rank {self.rank}: {self}>"
        )

    @abstractmethod
    def exact_array(self) -> tuple[NDArray[Any], int, Fraction]:
        """Return integers, a denominator and a radicand.

        The operator is ``integers / denominator * sqrt(radicand)``, the projector onto natural
        tensors included, in the shape stated by :meth:`to_array`.
        """

    def _table(self) -> tuple[NDArray[Any], int]:
        """Return integers, shape ``(3**rank, 3**weight)``, and their common denominator."""
        basis = self.natural
        tensors = basis.tensors().T
        common = lcm(*basis.norms)
        denominator = lcm(*(c.denominator for c, _ in self.combination))
        largest = int(np.abs(tensors).max()) ** 2 * common * len(basis.norms)
        largest *= sum(abs(int(c * denominator)) * len(orbit) for c, orbit in self.combination)
        kind = np.int64 if largest < 2**62 else object  # the bound holds for every partial sum
        total = np.zeros((self.axes**self.rank, len(basis.norms)), dtype=kind)
        for coefficient, pattern in self.terms():
            places, rows = self.placed(pattern, tensors.astype(kind))
            np.add.at(total, places, int(coefficient * denominator) * rows)
        scaled = tensors.astype(kind) * np.array([common // norm for norm in basis.norms], kind)
        return total @ scaled.T, common * denominator

    def to_array(self) -> NDArray[np.float64]:
        """Return the operator as a float64 array, the projector onto natural tensors included.

        Shape ``(3,)*rank + (3,)*weight`` for an embedding, the reverse for an extraction: tensor
        indices and natural indices in their order.
        """
        return floats.to_float(*self.exact_array())

    def to_sympy(self, *, expand: bool = False) -> sympy.Expr:
        """Return the kernel of the operator as a SymPy expression.

        Indices are integer symbols named as in the formulas, 0, 1, 2 for x, y, z. The projector
        onto natural tensors of weight l >= 2 is a factor ``P_l[i.., a..]`` (an indexed symbol), or
        is written out in ``(2l-1)!!`` products of deltas with ``expand=True``.
        """
        import sympy

        left = {s: sympy.Symbol(letter, integer=True) for s, letter in enumerate(self.letters)}
        right = [sympy.Symbol(letter, integer=True) for letter in self.natural_letters]
        dummy = sympy.Symbol(spare_letters(self.letters + self.natural_letters, 1), integer=True)
        projector = sympy.IndexedBase(f"P_{self.weight}")
        total = sympy.S.Zero
        for coefficient, pattern in self.terms():
            number = sympy.Rational(coefficient.numerator, coefficient.denominator)
            deltas = [sympy.KroneckerDelta(left[a], left[b]) for a, b in pattern.deltas]
            legs = [left[slot] for slot in pattern.epsilon]
            carried = [left[slot] for slot in pattern.natural]
            if len(legs) == self.axes - 1:
                carried.insert(0, dummy)
                legs.append(dummy)
            symbol = sympy.LeviCivita(*legs) if legs else sympy.S.One
            factor = number * sympy.Mul(*deltas)
            points = carried + right
            if self.weight <= 1 or expand:
                for share, pairs in self.projector_terms():
                    weightless = sympy.Rational(share.numerator, share.denominator)
                    term, contracted = sympy.S.One, symbol
                    for a, b in pairs:
                        if dummy in (points[a], points[b]):
                            other = points[b] if points[a] == dummy else points[a]
                            contracted = contracted.subs(dummy, other)
                        else:
                            term *= sympy.KroneckerDelta(points[a], points[b])
                    total += factor * weightless * term * contracted
            elif dummy in carried:
                total += factor * sympy.Sum(
                    symbol * projector[tuple(points)], (dummy, 0, self.axes - 1)
                )
            else:
                total += factor * symbol * projector[tuple(points)]
        root = sympy.sqrt(sympy.Rational(self.radicand.numerator, self.radicand.denominator))
        return root * total


class Embedding(Operator):
    """Natural tensor to physical tensor."""

    def exact_array(self) -> tuple[NDArray[Any], int, Fraction]:
        """Return integers, a denominator and a radicand: shape ``(3,)*rank + (3,)*weight``."""
        table, denominator = self._table()
        return table.reshape((self.axes,) * (self.rank + self.weight)), denominator, self.radicand

    def formula(self, notation: Notation = TEXT) -> str:
        """Return the physical tensor made of the natural tensor ``X``."""
        dummy = spare_letters(self.letters, 1)
        groups = []
        for coefficient, orbit in self.combination:
            terms = []
            for pattern, sign in sorted(orbit, key=lambda entry: entry[0].natural):
                slots = [self.letters[slot] for slot in pattern.natural]
                legs = [self.letters[slot] for slot in pattern.epsilon]
                if len(legs) == self.axes - 1:
                    slots.insert(0, dummy)
                    legs.append(dummy)
                factors = [notation.part(self.weight, self.copy, "".join(slots))] if slots else []
                factors += [notation.epsilon.format("".join(legs))] if legs else []
                factors += [
                    notation.delta.format(self.letters[a], self.letters[b])
                    for a, b in pattern.deltas
                ]
                terms.append((sign, notation.factors(*factors)))
            groups.append((coefficient, terms))
        head = "" if self.weight else notation.part(0, self.copy, "")
        return notation.combination(groups, self.radicand, head)


class Extraction(Operator):
    """Physical tensor to natural tensor."""

    def exact_array(self) -> tuple[NDArray[Any], int, Fraction]:
        """Return integers, a denominator and a radicand: shape ``(3,)*weight + (3,)*rank``."""
        table, denominator = self._table()
        shape = (self.axes,) * (self.weight + self.rank)
        return table.T.reshape(shape), denominator, self.radicand

    def formula(self, notation: Notation = TEXT) -> str:
        """Return the natural tensor made of a tensor ``T`` that has its index symmetry.

        Angle brackets mean the symmetric traceless part in the free indices.
        """
        groups = []
        for coefficient, orbit in self.combination:
            pattern = orbit[0][0]
            names = dict(zip(pattern.natural, self._free(pattern), strict=True))
            spare = spare_letters(self.natural_letters, self.rank)
            dummies = iter(letter for letter in spare)
            for pair in pattern.deltas:
                names.update(dict.fromkeys(pair, next(dummies)))
            legs = [next(dummies) for _ in pattern.epsilon]
            names.update(zip(pattern.epsilon, legs, strict=True))
            if len(legs) == self.axes - 1:
                legs.append(self.natural_letters[0])
            indices = "".join(names[slot] for slot in range(self.rank))
            tensor = notation.indexed.format("T", indices) if indices else "T"
            symbol = notation.epsilon.format("".join(legs)) if legs else ""
            # the patterns of an orbit contract a tensor of the class to the same natural tensor
            groups.append((coefficient * len(orbit), [(1, notation.factors(symbol, tensor))]))
        return notation.bracketed(notation.combination(groups, self.radicand), self.weight)

    def _free(self, pattern: Pattern) -> str:
        return self.natural_letters[1 if len(pattern.epsilon) == self.axes - 1 else 0 :]


def placed(
    pattern: Pattern, rank: int, natural: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Evaluate a pattern on natural tensors, yielding only what the pattern does not make zero.

    Args:
        pattern: where the natural tensor, the deltas and the epsilon go.
        rank: rank of the physical tensor.
        natural: tensors as flat columns, shape ``(3**weight, tensors)``.

    Returns:
        Flat component numbers, shape ``(entries,)``, and their values, ``(entries, tensors)``.
    """
    steps = [3 ** (rank - 1 - slot) for slot in range(rank)]
    places = np.zeros(1, dtype=np.int64)
    for slot in pattern.natural:
        places = (places[:, None] + np.arange(3) * steps[slot]).reshape(-1)
    values = natural
    if pattern.epsilon:
        by_leg = natural.reshape((3, -1, natural.shape[1])) if len(pattern.epsilon) == 2 else None
        offsets, parts = [], []
        for digits, sign in LEVI_CIVITA:
            offset = sum(
                digit * steps[slot] for digit, slot in zip(digits, pattern.epsilon, strict=False)
            )
            offsets.append(places + offset)
            parts.append(sign * (natural if by_leg is None else by_leg[digits[2]]))
        places, values = np.concatenate(offsets), np.concatenate(parts)
    for a, b in pattern.deltas:
        places = (places[:, None] + np.arange(3) * (steps[a] + steps[b])).reshape(-1)
        values = np.repeat(values, 3, axis=0)
    return places, values
