"""The packed orthonormal basis of a weight: real harmonics, exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from math import comb, factorial, gcd, perm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exact.integers import as_integer
from ..exact.orbits import Integers

Polynomial = dict[tuple[int, int, int], int]
"""Exponents of x, y, z to integer coefficient."""


def integer_array(values: Any) -> NDArray[Any]:
    """Return an int64 array where every value and every square fits, Python integers otherwise."""
    array = np.array(values, dtype=object)
    largest = max((abs(int(value)) for value in array.reshape(-1)), default=0)
    return array.astype(np.int64) if largest < 2**31 else array


@cache
def exponents(degree: int) -> Integers:
    """Return the exponents of the monomials of a degree, shape ``(monomials, 3)``, x highest first.

    A symmetric tensor of that rank has one independent component for each of them.
    """
    return np.array(
        [(a, b, degree - a - b) for a in range(degree, -1, -1) for b in range(degree - a, -1, -1)],
        dtype=np.int64,
    )


def monomial_number(powers: Integers) -> Integers:
    """Return the place of exponents, shape ``(..., 3)``, in the list of :func:`exponents`."""
    rest = powers[..., 1] + powers[..., 2]
    return rest * (rest + 1) // 2 + powers[..., 2]


@cache
def multinomials(degree: int) -> NDArray[Any]:
    """Return ``degree!/(a! b! c!)``: how many components of a tensor are one monomial's."""
    return integer_array(
        [
            factorial(degree) // (factorial(a) * factorial(b) * factorial(c))
            for a, b, c in exponents(degree).tolist()
        ]
    )


@cache
def component_monomials(rank: int) -> Integers:
    """Return the monomial of each of the ``3**rank`` flat components of a symmetric tensor."""
    powers = np.zeros((1, 3), dtype=np.int64)
    for _ in range(rank):
        powers = (powers[:, None, :] + np.eye(3, dtype=np.int64)).reshape(-1, 3)
    return monomial_number(powers)


@dataclass(frozen=True, eq=False)
class NaturalBasis:
    """An orthogonal basis of the natural tensors of a weight, in integers (rule 11).

    Element m is a real harmonic with polar axis y and azimuth from z towards x, in the order
    ``m = -l .. l`` of e3nn, scaled to the smallest integers with the sign that makes its leading
    coefficient positive. The packed basis is ``values[m] / sqrt(norms[m])``.

    Attributes:
        weight: the weight l.
        values: tensor components at the monomials of degree l, shape ``(2l+1, monomials)``.
        norms: squared Frobenius norm of each element, shape ``(2l+1,)``.
    """

    weight: int
    values: NDArray[Any]
    norms: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a natural tensor as an array."""
        return (3,) * self.weight

    @property
    def monomials(self) -> Integers:
        """The monomial of each flat component."""
        return component_monomials(self.weight)

    def tensors(self) -> NDArray[Any]:
        """Return the elements as full arrays, shape ``(2l+1, 3**l)``."""
        return np.asarray(self.values[:, self.monomials])

    def polynomial(self, m: int) -> Polynomial:
        """Return element ``m`` (0-based) as a homogeneous harmonic polynomial."""
        coefficients = self.values[m].astype(object) * multinomials(self.weight)
        return {
            (a, b, c): int(coefficient)
            for (a, b, c), coefficient in zip(
                exponents(self.weight).tolist(), coefficients, strict=True
            )
            if coefficient
        }


def _zonal(weight: int, order: int) -> Polynomial:
    """Return the polar factor: an associated Legendre polynomial in y made homogeneous by r^2.

    Source: Varshalovich, Quantum Theory of Angular Momentum (1988), 5.2.
    """
    result: Polynomial = {}
    for k in range((weight - order) // 2 + 1):
        power = weight - 2 * k
        scale = (-1) ** k * comb(weight, k) * comb(2 * (weight - k), weight) * perm(power, order)
        for a in range(k + 1):  # r^(2k) expanded by the trinomial theorem
            for b in range(k - a + 1):
                c = k - a - b
                key = (2 * a, 2 * b + power - order, 2 * c)
                trinomial = factorial(k) // (factorial(a) * factorial(b) * factorial(c))
                result[key] = result.get(key, 0) + scale * trinomial
    return result


def _azimuthal(order: int, sine: bool) -> Polynomial:
    """Return the real or imaginary part of ``(z + i x)**order``."""
    return {
        (k, 0, order - k): (-1) ** (k // 2) * comb(order, k)
        for k in range(order + 1)
        if (k % 2 == 1) == sine
    }


def as_weight(value: object, name: str = "weight") -> int:
    """Return an argument as a weight.

    Raises:
        TypeError: when it is no integer.
        ValueError: when it is negative.
    """
    weight = as_integer(value, name)
    if weight < 0:
        raise ValueError(f"{name} {weight} is negative; a weight is 0, 1, 2, ...")
    return weight


@lru_cache(maxsize=64)
def natural_basis(weight: int) -> NaturalBasis:
    """Return the exact orthogonal basis of a weight."""
    rows = []
    for m in range(-weight, weight + 1):
        row = [0] * len(exponents(weight))
        azimuthal = _azimuthal(abs(m), sine=m < 0)
        for (a, b, c), left in _zonal(weight, abs(m)).items():
            for (d, e, f), right in azimuthal.items():
                powers = (a + d, b + e, c + f)
                # a tensor component is the coefficient divided by its multinomial
                share = left * right * factorial(powers[0]) * factorial(powers[1])
                row[int(monomial_number(np.array(powers)))] += share * factorial(powers[2])
        divisor = gcd(*row)
        rows.append([value // divisor for value in row])
    counts = multinomials(weight).tolist()
    norms = tuple(
        sum(count * value * value for count, value in zip(counts, row, strict=True)) for row in rows
    )
    return NaturalBasis(weight, integer_array(rows), norms)
