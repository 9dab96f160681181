"""Couplings: two natural tensors into a third, exact, with the sign of e3nn's ``wigner_3j``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import arrays
from ..arrays import Array
from ..exact import floats
from ..exact.integers import LEVI_CIVITA
from ..exact.notation import TEXT, Notation, Written, spare_letters
from ..exact.orbits import Integers
from .bases import as_weight, exponents, monomial_number, multinomials, natural_basis
from .harmonics import Normalization, check_normalization, legendre_scale
from .packing import coordinates

if TYPE_CHECKING:
    import sympy

AXES = np.eye(3, dtype=np.int64)


def contraction_table(weights: tuple[int, int, int]) -> NDArray[Any]:
    """Contract the integer bases of three weights completely, with one Levi-Civita if odd.

    ``X_ac Y_cb Z_ab`` (multi-indices a, b, c), or ``eps_pqr X_pac Y_qcb Z_rab`` for an odd sum.

    Returns:
        Integers, shape ``(2 l1 + 1, 2 l2 + 1, 2 l3 + 1)``.
    """
    odd = sum(weights) % 2
    half = (sum(weights) - 3 * odd) // 2
    shared = [half - weight + odd for weight in weights]  # indices the other two have in common
    bases = [natural_basis(weight) for weight in weights]
    counts = [multinomials(degree) for degree in shared]
    largest = int(np.prod([int(np.abs(b.values).max()) for b in bases], dtype=object))
    largest *= 3 ** (half + 2 * odd)  # as many products as there are index values in a sum
    kind = np.int64 if largest < 2**62 else object
    x, y, z = (basis.values.astype(kind) for basis in bases)
    n_a, n_b, n_c = (counts[i].astype(kind) for i in (1, 0, 2))  # a: X and Z, b: Y and Z, c: X, Y
    e_a, e_b, e_c = (exponents(shared[i]) for i in (1, 0, 2))

    def numbers(first: Integers, second: Integers, leg: int | None) -> Integers:
        powers = first[:, None, :] + second[None, :, :]
        return monomial_number(powers if leg is None else powers + AXES[leg])

    legs: list[tuple[tuple[int | None, ...], int]] = [((None, None, None), 1)]
    if odd:
        legs = list(LEVI_CIVITA)
    total = np.zeros([2 * weight + 1 for weight in weights], dtype=kind)
    for (p, q, r), sign in legs:
        left = x[:, numbers(e_a, e_c, p)] * n_c  # (m1, a, c)
        middle = y[:, numbers(e_c, e_b, q)] * n_b  # (m2, c, b)
        right = z[:, numbers(e_a, e_b, r)] * n_a[:, None]  # (m3, a, b)
        product = np.tensordot(left, middle, axes=(2, 1))  # (m1, a, m2, b)
        total += sign * np.tensordot(product, right, axes=((1, 3), (1, 2)))
    return total


@dataclass(frozen=True, repr=False)
class Coupling(Written):
    """The equivariant product of a weight-l1 and a weight-l2 natural tensor in weight l3 (rule 15).

    ``Z = scale * natural part of X_ac Y_cb``, contracting ``(l1+l2-l3)/2`` indices; when
    ``l1+l2+l3`` is odd, ``eps_dpq X_pac Y_qcb`` instead, one contraction fewer.

    Attributes:
        weights: ``(l1, l2, l3)``.
        normalization: ``"legendre"``, ``"orthonormal"`` (unit Frobenius norm: e3nn's
            ``wigner_3j``) or ``"component"`` (times ``sqrt(2 l3 + 1)``).
    """

    weights: tuple[int, int, int]
    normalization: Normalization = "legendre"

    @property
    def odd(self) -> bool:
        """Whether the coupling contains a Levi-Civita symbol."""
        return sum(self.weights) % 2 == 1

    @property
    def contractions(self) -> int:
        """Number of index pairs contracted between the two factors."""
        l1, l2, l3 = self.weights
        return (l1 + l2 - l3 - self.odd) // 2

    @cached_property
    def _table(self) -> NDArray[Any]:
        return contraction_table(self.weights)

    def _norms(self) -> tuple[tuple[int, ...], ...]:
        return tuple(natural_basis(weight).norms for weight in self.weights)

    @cached_property
    def squared_scale(self) -> Fraction:
        """Square of the factor in front of the natural part of the contraction."""
        if self.normalization == "legendre":
            return self._legendre() ** 2
        n1, n2, n3 = self._norms()
        total = sum(
            (
                Fraction(int(self._table[i, j, k]) ** 2, n1[i] * n2[j] * n3[k])
                for i, j, k in np.argwhere(self._table != 0).tolist()
            ),
            Fraction(0),
        )
        return (2 * self.weights[2] + 1 if self.normalization == "component" else 1) / total

    def _legendre(self) -> Fraction:
        """Return the factor that makes harmonics of one direction couple to the harmonic.

        The direction is y, where the harmonic has the component m = 0 only. When the sum of the
        weights is odd that coupling vanishes, and the direction of the second factor is moved a
        little, towards x: the result is then the change of the third harmonic when its direction
        moves by ``y cross x = -z``, which fixes the factor likewise.
        """
        l1, l2, l3 = self.weights
        scales = [legendre_scale(weight) for weight in self.weights]
        bases = [natural_basis(weight) for weight in self.weights]

        def along(which: int, leg: int | None) -> list[Fraction]:
            """Coordinates, in the integer basis, of the harmonic at y or of its derivative."""
            weight, basis = self.weights[which], bases[which]
            powers = np.array([0, weight, 0])
            if leg is not None:
                powers = powers - AXES[1] + AXES[leg]
            number = int(monomial_number(powers))
            factor = scales[which] * (1 if leg is None else weight)
            return [
                factor * Fraction(int(value), norm)
                for value, norm in zip(basis.values[:, number], basis.norms, strict=True)
            ]

        first = along(0, None)
        second = along(1, 0 if self.odd else None)
        third = along(2, 2 if self.odd else None)
        coupled = [
            sum(
                (
                    first[i] * second[j] * int(self._table[i, j, k])
                    for i in range(2 * l1 + 1)
                    if first[i]
                    for j in range(2 * l2 + 1)
                    if second[j]
                ),
                Fraction(0),
            )
            / bases[2].norms[k]
            for k in range(2 * l3 + 1)
        ]
        k = next(k for k in range(2 * l3 + 1) if third[k])
        return abs(third[k] / coupled[k])

    def exact(self) -> dict[tuple[int, int, int], tuple[Fraction, Fraction]]:
        """Return the nonzero packed entries ``rational * sqrt(radicand)`` by ``(m1, m2, m3)``.

        Components are numbered from 0; the sign is in the rational factor.
        """
        n1, n2, n3 = self._norms()
        return {
            (i, j, k): (
                Fraction(int(self._table[i, j, k])),
                self.squared_scale / (n1[i] * n2[j] * n3[k]),
            )
            for i, j, k in np.argwhere(self._table != 0).tolist()
        }

    def to_array(self) -> NDArray[np.float64]:
        """Return the packed coupling in float64, shape ``(2 l1 + 1, 2 l2 + 1, 2 l3 + 1)``."""
        return self._array.copy()

    @cached_property
    def _array(self) -> NDArray[np.float64]:
        result = np.zeros(self._table.shape)
        for place, (number, radicand) in self.exact().items():
            result[place] = floats.to_float(number, 1, radicand)
        return result

    def to_sympy(self) -> sympy.Array:
        """Return the packed coupling as an immutable SymPy array of rationals and roots."""
        import sympy

        entries = {
            place: sympy.sqrt(sympy.Rational(radicand.numerator, radicand.denominator))
            * int(number)
            for place, (number, radicand) in self.exact().items()
        }
        return sympy.ImmutableSparseNDimArray(entries, self._table.shape)

    def formula(self, notation: Notation = TEXT) -> str:
        """Return the Cartesian formula; angle brackets mean the symmetric traceless part."""
        l1, _, l3 = self.weights
        letters = spare_letters("XYZ", l3 + self.contractions + 2)
        free, rest = list(letters[:l3]), list(letters[l3:])
        shared = [rest.pop(0) for _ in range(self.contractions)]
        symbol = ""
        left: list[str] = []
        right: list[str] = []
        if self.odd:
            left, right = [rest.pop(0)], [rest.pop(0)]
            symbol = notation.epsilon.format(free.pop(0) + left[0] + right[0])
        own = l1 - self.contractions - self.odd
        left += free[:own] + shared
        right += shared + free[own:]
        factors = [symbol]
        for name, carried in (("X", left), ("Y", right)):
            text = "".join(carried)
            factors.append(notation.indexed.format(name, text) if text else name)
        body = notation.combination(
            [(Fraction(1), [(1, notation.factors(*factors))])], self.squared_scale
        )
        indices = letters[:l3]
        target = notation.indexed.format("Z", indices) if indices else "Z"
        return f"{target} = {notation.bracketed(body, l3)}"

    def __repr__(self) -> str:
        return f"<Coupling {self.weights}, {self.normalization}: {self}>"

    def __call__(self, first: ArrayLike, second: ArrayLike) -> Array:
        """Couple packed tensors, ``batch + (2 l1 + 1,)`` and ``batch + (2 l2 + 1,)``."""
        x, y = coordinates(first, self.weights[0]), coordinates(second, self.weights[1])
        arrays.same_library(x, y)
        outer = x[..., :, None] * y[..., None, :]
        table = arrays.like(self._array, outer)
        shape = tuple(outer.shape[:-2])
        size = (2 * self.weights[0] + 1) * (2 * self.weights[1] + 1)
        return outer.reshape((*shape, size)) @ table.reshape((size, -1))


def coupling(l1: int, l2: int, l3: int, normalization: Normalization = "legendre") -> Coupling:
    """Return the coupling of weights l1 and l2 to l3.

    Raises:
        TypeError: when a weight is no integer.
        ValueError: when no such coupling exists: the weights must satisfy
            ``|l1 - l2| <= l3 <= l1 + l2``; or for an unknown normalization.
    """
    check_normalization(normalization)
    weights = (as_weight(l1, "l1"), as_weight(l2, "l2"), as_weight(l3, "l3"))
    if not abs(l1 - l2) <= l3 <= l1 + l2:
        raise ValueError(
            f"weights {l1} and {l2} do not couple to {l3}: they reach {abs(l1 - l2)} to {l1 + l2}"
        )
    return _coupling(weights, normalization)


@lru_cache(maxsize=1024)
def _coupling(weights: tuple[int, int, int], normalization: Normalization) -> Coupling:
    return Coupling(weights, normalization)
