"""One polynomial invariant of a tensor: a product of complete contractions of natural parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import ascii_letters

import numpy as np

from .. import arrays
from ..arrays import Array
from ..exact.notation import TEXT, Notation, Written
from ..so3.bases import component_monomials
from .contractions import Contraction
from .evaluation import contract, nodes_of

Key = tuple[int, int]
"""Weight and copy of a natural part."""


@dataclass(frozen=True, repr=False)
class Invariant(Written):
    """A polynomial in the components of a tensor that no rotation changes.

    >>> from natural_tensors import invariant_basis
    >>> basis = invariant_basis("elastic", degree=3)
    >>> print(basis.members[3], "|", basis.of_degree(2)[-1], "|", basis.of_degree(3)[-1])
    X(0,0) X(0,1) | X(4,0)_abcd X(4,0)_abcd | X(4,0)_abcd X(4,0)_abef X(4,0)_cdef

    Attributes:
        scalars: its factors of weight 0.
        parts: its natural parts of higher weight, in the order of `contraction`.
        contraction: how the indices of `parts` are joined.
        parity: sign under inversion.
    """

    scalars: tuple[Key, ...]
    parts: tuple[Key, ...]
    contraction: Contraction
    parity: int

    @property
    def degree(self) -> int:
        """Its degree as a polynomial in the components of the tensor."""
        return len(self.scalars) + len(self.parts)

    @property
    def is_product(self) -> bool:
        """Whether it is the product of invariants of lower degree."""
        return len(self.factors) > 1

    @cached_property
    def factors(self) -> tuple[tuple[tuple[Key, ...], Contraction], ...]:
        """The pieces it is a product of: natural parts and how their indices are joined."""
        alone: list[tuple[tuple[Key, ...], Contraction]] = [
            ((key,), Contraction((), ())) for key in self.scalars
        ]
        whole = self.contraction
        for component in whole.components:
            number = {factor: place for place, factor in enumerate(component)}
            edges = tuple((number[i], number[j], n) for i, j, n in whole.edges if i in number)
            epsilon = tuple(number[i] for i in whole.epsilon if i in number)
            piece = Contraction(tuple(whole.weights[i] for i in component), edges, epsilon)
            alone.append((tuple(self.parts[i] for i in component), piece))
        return tuple(alone)

    def formula(self, notation: Notation = TEXT) -> str:
        """Return it as a contraction of natural parts ``X(weight,copy)``, Einstein's convention."""
        letters = iter(ascii_letters)
        legs = ["".join(next(letters) for _ in self.contraction.epsilon)]
        indices = [""] * len(self.parts)
        for factor, leg in zip(self.contraction.epsilon, legs[0], strict=True):
            indices[factor] += leg
        for i, j, shared in self.contraction.edges:
            names = "".join(next(letters) for _ in range(shared))
            indices[i] += names
            indices[j] += names
        symbol = notation.epsilon.format(legs[0]) if legs[0] else ""
        scalars = [notation.part(weight, copy, "") for weight, copy in self.scalars]
        tensors = [
            notation.part(weight, copy, text)
            for (weight, copy), text in zip(self.parts, indices, strict=True)
        ]
        return notation.factors(*scalars, symbol, *tensors)

    def __repr__(self) -> str:
        kind = "invariant" if self.parity > 0 else "pseudoscalar"
        return f"<{kind} of degree {self.degree}: {self}>"


def at_monomials(part: Array, weight: int) -> Array:
    """Return natural tensors, shape ``batch + (3,)*weight``, as rows of distinct entries.

    Shape ``(tensors, monomials)``: one component for each monomial of degree `weight`.
    """
    _, first = np.unique(component_monomials(weight), return_index=True)
    rows = part.reshape((-1, 3**weight))
    return arrays.take(rows, arrays.like(first, rows))


def evaluated(tensors: Mapping[Key, Array], members: Sequence[Invariant]) -> list[Array]:
    """Return the value of each invariant, shape ``(tensors,)``; pieces of products only once.

    Args:
        tensors: every natural part, as :func:`at_monomials` returns it.
        members: the invariants.
    """
    known: dict[tuple[tuple[Key, ...], Contraction], Array] = {}
    values = []
    for member in members:
        total = None
        for piece in member.factors:
            if piece not in known:
                known[piece] = _value(piece, tensors)
            total = known[piece] if total is None else total * known[piece]
        values.append(total)
    return values


def _value(piece: tuple[tuple[Key, ...], Contraction], tensors: Mapping[Key, Array]) -> Array:
    keys, contraction = piece
    factors = [tensors[key] for key in keys]
    if not contraction.weights:
        return factors[0][:, 0]
    nodes = nodes_of(contraction.weights, contraction.edges, contraction.epsilon)
    return contract(nodes, factors)
