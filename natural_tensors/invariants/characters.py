"""How many invariant polynomials a space of tensors has under all rotations, by characters.

A space is the list of weights of its natural tensors. On the coordinate of magnetic number m a
rotation by the angle a is ``z**m`` with ``z = exp(i a)``, so the character of the polynomials of
degree d is the coefficient of ``t**d`` in ``product 1/(1 - t z**m)`` over all coordinates
(T. Molien, Sitzungsber. Akad. Berlin 1897, 1152). Weyl's integral over SO(3) with the density
``1 - z`` takes the coefficient of ``z**0`` less that of ``z**1`` (H. Weyl, The Classical Groups
(1946), VII.4). All numbers are integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from flint import fmpz_poly

Series = tuple[int, ...]
"""How many invariants of the degrees 0, 1, 2, ..."""


def magnetic_numbers(weights: Iterable[int]) -> Iterator[int]:
    """Yield the magnetic number of each coordinate of natural tensors of given weights."""
    for weight in weights:
        yield from range(-weight, weight + 1)


def _powers(numbers: Iterable[int], degree: int, largest: int) -> list[fmpz_poly]:
    """Return the characters of the polynomials of degree 0 to `degree`.

    Entry d is a polynomial in z that stands for itself times ``z**(-d * largest)``, so that no
    exponent is negative. The factor ``1/(1 - t z**m)`` is a recursion in the degree.
    """
    rows = [fmpz_poly([1])] + [fmpz_poly() for _ in range(degree)]
    for number in numbers:
        for d in range(1, degree + 1):
            rows[d] += rows[d - 1].left_shift(number + largest)
    return rows


@lru_cache(maxsize=256)
def axial_and_next(weights: tuple[int, ...], degree: int) -> tuple[Series, Series]:
    """Return how many polynomials of degree 0, 1, ... have the magnetic number 0, and 1."""
    largest = max(weights, default=0)
    rows = _powers(magnetic_numbers(weights), degree, largest)
    middle = [(int(row[d * largest]), int(row[d * largest + 1])) for d, row in enumerate(rows)]
    return tuple(zero for zero, _ in middle), tuple(one for _, one in middle)


def rotation_invariants(weights: tuple[int, ...], degree: int) -> Series:
    """Return the number of polynomials of degree 0 to `degree` that no rotation changes.

    >>> rotation_invariants((0, 0, 2, 2, 4), 4)  # the elasticity tensor
    (1, 2, 7, 22, 63)
    """
    zero, one = axial_and_next(weights, degree)
    return tuple(a - b for a, b in zip(zero, one, strict=True))


def axis_invariants(weights: tuple[int, ...], degree: int) -> Series:
    """Return the number of polynomials that no rotation about one axis changes."""
    return axial_and_next(weights, degree)[0]


@lru_cache(maxsize=4096)
def joint_invariants(factors: Sequence[tuple[int, int]]) -> int:
    """Return the number of invariants of given degree in each of several natural tensors.

    Args:
        factors: weight of each natural tensor and the degree in it, in a tuple.

    >>> joint_invariants(((2, 2), (4, 2)))
    3
    """
    total, shift = fmpz_poly([1]), 0
    for weight, degree in factors:
        total *= _powers(magnetic_numbers([weight]), degree, weight)[degree]
        shift += weight * degree
    return int(total[shift]) - int(total[shift + 1])
