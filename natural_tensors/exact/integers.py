"""Integers as arguments, permutations, matchings and the Levi-Civita symbol."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from math import prod


def double_factorial(number: int) -> int:
    """Return ``number!! = number (number - 2) ...``; 1 for 0 and -1."""
    return prod(range(number, 0, -2))


def permutation_sign(sequence: Sequence[int]) -> int:
    """Return the sign of the permutation that sorts a sequence of distinct numbers."""
    inversions = sum(a > b for a, b in combinations(sequence, 2))
    return -1 if inversions % 2 else 1


LEVI_CIVITA = tuple((digits, permutation_sign(digits)) for digits in permutations(range(3)))
"""The nonzero components of the Levi-Civita symbol: indices and sign."""


def matchings(slots: Sequence[int]) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield every way to pair up an even number of slots."""
    if not slots:
        yield ()
        return
    first, rest = slots[0], slots[1:]
    for chosen, partner in enumerate(rest):
        for others in matchings([*rest[:chosen], *rest[chosen + 1 :]]):
            yield ((first, partner), *others)


def as_integer(value: object, name: str) -> int:
    """Return an argument as a Python integer.

    Raises:
        TypeError: when it is anything else, also True or 2.0.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}={value!r} is a {type(value).__name__}; give an integer")
    return operator.index(value)
