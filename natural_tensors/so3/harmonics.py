"""Harmonics of a direction: the natural tensor made of one vector, exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Literal, get_args

from numpy.typing import ArrayLike

from .. import arrays
from ..arrays import Array
from ..exact import floats
from ..exact.integers import double_factorial, matchings
from ..exact.notation import TEXT, Notation, Written, spare_letters
from .bases import Polynomial, as_weight, exponents, multinomials, natural_basis
from .packing import unpack_natural

if TYPE_CHECKING:
    import sympy

Normalization = Literal["legendre", "orthonormal", "component"]
NORMALIZATIONS: tuple[Normalization, ...] = get_args(Normalization)


def check_normalization(normalization: str) -> None:
    """Refuse a normalization that does not exist."""
    if normalization not in NORMALIZATIONS:
        known = ", ".join(map(repr, NORMALIZATIONS))
        raise ValueError(f"normalization {normalization!r} is not one of {known}")


def legendre_scale(weight: int) -> Fraction:
    """Return ``(2l-1)!!/l!``: the legendre harmonic over the traceless part of ``n x ... x n``."""
    return Fraction(double_factorial(2 * weight - 1), factorial(weight))


@dataclass(frozen=True, repr=False)
class Harmonic(Written):
    """The harmonic of a direction: ``n x ... x n`` made traceless, with a scale (rule 14).

    Attributes:
        weight: the weight l.
        normalization: ``"legendre"``: contracted with another direction l times it is the Legendre
            polynomial of the angle; ``"orthonormal"``: unit Frobenius norm; ``"component"``: norm
            ``sqrt(2l+1)``.
    """

    weight: int
    normalization: Normalization = "legendre"

    @property
    def squared_scale(self) -> Fraction:
        """Square of the factor in front of the traceless part of ``n x ... x n``."""
        legendre = legendre_scale(self.weight)
        if self.normalization == "legendre":
            return legendre**2
        return legendre * (1 if self.normalization == "orthonormal" else 2 * self.weight + 1)

    @property
    def squared_norm(self) -> Fraction:
        """Squared Frobenius norm of the harmonic of a unit vector."""
        return self.squared_scale / legendre_scale(self.weight)

    def exact(self) -> tuple[tuple[Polynomial, Fraction], ...]:
        """Return, for each m, a polynomial in x, y, z and the radicand of its factor.

        Packed component m of the solid harmonic is ``sqrt(radicand) * polynomial``; on the unit
        sphere it is the harmonic of the direction.
        """
        basis = natural_basis(self.weight)
        return tuple(
            (basis.polynomial(m), self.squared_scale / norm) for m, norm in enumerate(basis.norms)
        )

    def to_sympy(self) -> sympy.Matrix:
        """Return the packed solid harmonic as a SymPy column in x, y, z."""
        import sympy

        x, y, z = sympy.symbols("x y z", real=True)
        rows = [
            sympy.sqrt(sympy.Rational(radicand.numerator, radicand.denominator))
            * sympy.Add(*(k * x**a * y**b * z**c for (a, b, c), k in polynomial.items()))
            for polynomial, radicand in self.exact()
        ]
        return sympy.Matrix(rows)

    def formula(self, notation: Notation = TEXT) -> str:
        """Return the harmonic of a unit vector ``n`` as a Cartesian formula."""
        letters = spare_letters("", self.weight)
        groups = []
        for pairs in range(self.weight // 2 + 1):
            share = Fraction(
                (-1) ** pairs * double_factorial(2 * (self.weight - pairs) - 1),
                double_factorial(2 * self.weight - 1),
            )
            terms = []
            for deltas, free in _pairings(self.weight, pairs):
                factors = [notation.indexed.format("n", letters[i]) for i in free]
                factors += [notation.delta.format(letters[a], letters[b]) for a, b in deltas]
                terms.append((1, notation.factors(*factors)))
            groups.append((share, terms))
        return notation.combination(groups, self.squared_scale)

    def __repr__(self) -> str:
        return f"<Harmonic of weight {self.weight}, {self.normalization}: {self}>"

    def __call__(self, vectors: ArrayLike, *, solid: bool = False, packed: bool = True) -> Array:
        """Evaluate at vectors, shape ``batch + (3,)``.

        Args:
            vectors: NumPy array or PyTorch tensor; need not be of unit length.
            solid: multiply by the length to the power of the weight.
            packed: return ``batch + (2l+1,)``, else the natural tensor ``batch + (3,)*weight``.

        Raises:
            ValueError: for a shape that does not end in 3, or a vector of length zero, which has
                no direction (unless ``solid``).
        """
        r = arrays.as_floating(vectors)
        if r.ndim < 1 or r.shape[-1] != 3:
            raise ValueError(f"vectors end in the shape (3,), got {tuple(r.shape)}")
        if not solid:
            r = arrays.unit_vectors(r)
        basis = natural_basis(self.weight)
        scale = floats.square_roots([self.squared_scale / norm for norm in basis.norms])
        table = (basis.values * multinomials(self.weight)) * scale[:, None]
        monomials = arrays.monomials(r, exponents(self.weight))
        result = monomials @ arrays.like(table.T.astype(scale.dtype), r)
        if packed:
            return result
        return unpack_natural(result, self.weight)


def _pairings(count: int, pairs: int) -> list[tuple[tuple[tuple[int, int], ...], list[int]]]:
    """Return every choice of some disjoint pairs out of indices, with the indices left over."""
    choices = []
    for free in combinations(range(count), count - 2 * pairs):
        rest = [i for i in range(count) if i not in free]
        choices += [(deltas, list(free)) for deltas in matchings(rest)]
    return choices


def harmonic(weight: int, normalization: Normalization = "legendre") -> Harmonic:
    """Return the harmonic of a weight.

    Raises:
        TypeError: when the weight is no integer.
        ValueError: for a negative weight or an unknown normalization.
    """
    check_normalization(normalization)
    return _harmonic(as_weight(weight), normalization)


@lru_cache(maxsize=64)
def _harmonic(weight: int, normalization: Normalization) -> Harmonic:
    return Harmonic(weight, normalization)
