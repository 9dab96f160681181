"""Complete contractions of natural tensors: which there are, and which are independent.

Every polynomial that no rotation changes is a sum of complete contractions of its natural tensors
(H. Weyl, The Classical Groups (1946), II.9): an even number of indices is joined in pairs, an odd
number takes one Levi-Civita symbol. A natural tensor is traceless, so indices of one factor are
never joined, and symmetric, so that only the number of indices shared by two factors matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from random import Random

import numpy as np
from numpy.typing import NDArray

from ..exact import linear
from ..exact.orbits import Integers
from ..so3.bases import natural_basis
from ..so3.blocks import block_size
from .characters import joint_invariants
from .evaluation import contract, nodes_of

SPARE_POINTS = 2
"""Random points beyond the number of invariants: more tell independent ones apart more surely."""


@dataclass(frozen=True)
class Contraction:
    """Natural tensors multiplied, and their indices joined.

    Attributes:
        weights: of each factor, none of them 0.
        edges: ``(i, j, n)`` where factors i < j share n indices.
        epsilon: the three factors that a Levi-Civita symbol takes an index of; none if even.
    """

    weights: tuple[int, ...]
    edges: tuple[tuple[int, int, int], ...]
    epsilon: tuple[int, ...] = ()

    @cached_property
    def components(self) -> tuple[tuple[int, ...], ...]:
        """The factors that are connected, in order."""
        number = list(range(len(self.weights)))
        joined = [(i, j) for i, j, _ in self.edges]
        joined += list(combinations(self.epsilon, 2))
        for i, j in joined:
            low, high = sorted((number[i], number[j]))
            number = [low if each == high else each for each in number]
        return tuple(
            tuple(i for i, each in enumerate(number) if each == first)
            for first in sorted(set(number))
        )


def contractions(weights: tuple[int, ...]) -> list[Contraction]:
    """Return every complete contraction of factors of given weights, products first.

    >>> len(contractions((2, 2, 2, 2))), contractions((1, 2, 2))
    (6, [Contraction(weights=(1, 2, 2), edges=((1, 2, 1),), epsilon=(0, 1, 2))])
    """
    triples: list[tuple[int, ...]] = [()]
    if sum(weights) % 2:
        triples = list(combinations(range(len(weights)), 3))
    result = [
        Contraction(weights, edges, triple)
        for triple in triples
        for edges in _joined([weight - (i in triple) for i, weight in enumerate(weights)], 0)
    ]
    return sorted(result, key=lambda each: -len(each.components))


def _joined(free: list[int], first: int) -> Iterator[tuple[tuple[int, int, int], ...]]:
    """Yield every way to join the free indices of the factors from `first` on in pairs."""
    if first == len(free):
        yield ()
        return
    if sum(free[first + 1 :]) < free[first]:
        return
    for shared in _shares(free[first], free[first + 1 :]):
        rest = [
            *free[: first + 1],
            *(a - b for a, b in zip(free[first + 1 :], shared, strict=True)),
        ]
        own = tuple((first, first + 1 + k, n) for k, n in enumerate(shared) if n)
        for others in _joined(rest, first + 1):
            yield own + others


def _shares(number: int, most: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield every way to deal a number of indices to factors that can take so many."""
    if not most:
        if not number:
            yield ()
        return
    for n in range(min(number, most[0]), -1, -1):
        for others in _shares(number - n, most[1:]):
            yield (n, *others)


@lru_cache(maxsize=4096)
def independent_contractions(factors: tuple[tuple[int, int], ...]) -> tuple[Contraction, ...]:
    """Return a basis of the invariants of given degree in each of several natural tensors.

    The number is known from the characters. The contractions are evaluated at random tensors
    modulo a prime; rows that are independent there belong to independent polynomials, so that as
    many as the number are a basis, certainly. Products are taken before connected ones.

    Args:
        factors: weight of each natural tensor, not 0, and the degree in it.
    """
    count = joint_invariants(factors)
    if not count:
        return ()
    weights = tuple(weight for weight, degree in factors for _ in range(degree))
    candidates = contractions(weights)
    points = count + SPARE_POINTS
    random = Random(str(factors))
    tensors = [
        tensor
        for weight, degree in factors
        for tensor in [_random_tensors(weight, points, random)] * degree
    ]
    rows = np.array([_values(candidate, tensors) for candidate in candidates])
    return tuple(candidates[row] for row in linear.independent_rows(rows, count))


def _random_tensors(weight: int, points: int, random: Random) -> NDArray[np.int64]:
    """Return natural tensors modulo the prime at their monomials, shape ``(points, monomials)``."""
    basis = natural_basis(weight)
    entries = [
        [random.randrange(linear.PRIME) for _ in range(block_size(weight))] for _ in range(points)
    ]
    values = (basis.values.astype(object) % linear.PRIME).astype(np.int64)
    return np.array(entries, dtype=np.int64) @ values % linear.PRIME


def _values(contraction: Contraction, tensors: Sequence[Integers]) -> Integers:
    nodes = nodes_of(contraction.weights, contraction.edges, contraction.epsilon)
    return np.asarray(contract(nodes, tensors, linear.PRIME))
