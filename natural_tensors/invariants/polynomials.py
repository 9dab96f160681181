"""Invariants of exact and symbolic tensors, and their polynomials, in one polynomial ring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx
from numpy.typing import NDArray

from ..exact import symbols
from ..exact.symbols import Expression
from .invariant import Invariant, Key, at_monomials, evaluated

UNKNOWN = "x"


def exact_values(members: Sequence[Invariant], parts: Mapping[Key, Any]) -> Expression:
    """Return the invariants of exact natural parts as a SymPy array, ``batch + (members,)``.

    Args:
        members: the invariants.
        parts: SymPy expressions and arrays, as ``decompose`` returns them.
    """
    arrays = {key: symbols.expressions(part) for key, part in parts.items()}
    (key, first), *_ = arrays.items()
    batch = first.shape[: first.ndim - key[0]]
    ring = Ring([entry for array in arrays.values() for entry in array.reshape(-1)])
    start, tensors = 0, {}
    for key, array in arrays.items():
        entries = ring.polynomials[start : start + array.size]
        start += array.size
        tensors[key] = at_monomials(objects(entries).reshape(array.shape), key[0])
    columns = evaluated(tensors, members)
    rows = [ring.expression(value) for row in zip(*columns, strict=True) for value in row]
    return symbols.as_result(rows, (*batch, len(members)))


class Ring:
    """Expressions as polynomials over the rationals in their symbols, roots and reciprocals.

    Attributes:
        polynomials: the entries, in order.

    Args:
        entries: canonical expressions.
    """

    def __init__(self, entries: Sequence[Expression]) -> None:
        import sympy
        from sympy.polys.rings import sring

        spare = sympy.Dummy()  # so that there is a symbol
        ring, polynomials = sring([spare, *entries])
        self.generators = ring.symbols
        self.plain = all(generator.is_Symbol for generator in ring.symbols)
        names = [f"{UNKNOWN}{number}" for number in range(len(ring.symbols))]
        self.context = fmpq_mpoly_ctx.get(names, Ordering.lex)
        self.polynomials = [self._polynomial(each) for each in polynomials[1:]]

    def _polynomial(self, polynomial: Any) -> fmpq_mpoly:
        return self.context.from_dict(
            {
                tuple(powers): fmpq(int(q.numerator), int(q.denominator))
                for powers, q in polynomial.terms()
            }
        )

    def expression(self, polynomial: fmpq_mpoly) -> Expression:
        """Return a polynomial as an expanded expression."""
        import sympy

        terms = [
            sympy.Mul(
                sympy.Rational(int(q.p), int(q.q)),
                *(g ** int(n) for g, n in zip(self.generators, powers, strict=True) if n),
            )
            for powers, q in polynomial.to_dict().items()
        ]
        total = sympy.Add(*terms)
        return total if self.plain else symbols.canonical(total)


def objects(entries: Sequence[Any]) -> NDArray[np.object_]:
    """Return an array whose entries stay the objects they are."""
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array
