"""Evaluation of complete contractions on arrays of any kind of number.

A symmetric tensor is held by its components at monomials. Where two factors share n indices the
sum over them is one over the monomials of degree n, each with its multinomial coefficient; a factor
of weight 4 that shares two indices with each of two others is then a 6 x 6 matrix instead of 9 x 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from .. import arrays
from ..arrays import Array
from ..exact.integers import LEVI_CIVITA
from ..exact.orbits import Integers
from ..so3.bases import exponents, monomial_number, multinomials

EPSILON = np.zeros((3, 3, 3), dtype=np.int64)
for _digits, _sign in LEVI_CIVITA:
    EPSILON[_digits] = _sign


@dataclass(frozen=True, eq=False)
class Node:
    """One factor of a contraction as an array with an axis for each factor it shares indices with.

    Attributes:
        factor: which tensor; -1 for the Levi-Civita symbol.
        axes: number of the bond on each axis; a bond occurs on two nodes.
        places: monomial of each entry; for the Levi-Civita symbol, nothing.
        counts: factor of each entry: multinomial coefficients of the bonds that begin
            here, or the values of the Levi-Civita symbol.
    """

    factor: int
    axes: tuple[int, ...]
    places: Integers
    counts: Integers


@lru_cache(maxsize=16384)
def nodes_of(
    weights: tuple[int, ...], edges: tuple[tuple[int, int, int], ...], epsilon: tuple[int, ...]
) -> tuple[Node, ...]:
    """Return the factors of a contraction with their bonds."""
    bonds: list[list[tuple[int, int, bool]]] = [[] for _ in weights]  # number, indices, whose
    for number, (i, j, shared) in enumerate(edges):
        bonds[i].append((number, shared, True))
        bonds[j].append((number, shared, False))
    for number, factor in enumerate(epsilon, len(edges)):
        bonds[factor].append((number, 1, False))
    nodes = [_node(factor, own) for factor, own in enumerate(bonds)]
    if epsilon:
        axes = tuple(range(len(edges), len(edges) + 3))
        nodes.append(Node(-1, axes, np.zeros(0, dtype=np.int64), EPSILON))
    return tuple(nodes)


def _node(factor: int, own: list[tuple[int, int, bool]]) -> Node:
    powers = np.zeros((1, 3), dtype=np.int64)
    counts = np.ones(1, dtype=np.int64)
    for _, shared, begins in own:
        powers = (powers[:, None, :] + exponents(shared)).reshape(-1, 3)
        factors = multinomials(shared) if begins else np.ones(len(exponents(shared)), np.int64)
        counts = (counts[:, None] * factors).reshape(-1)
    shape = tuple(len(exponents(shared)) for _, shared, _ in own)
    axes = tuple(number for number, _, _ in own)
    return Node(factor, axes, monomial_number(powers).reshape(shape), counts.reshape(shape))


def contract(nodes: Sequence[Node], tensors: Sequence[Array], modulus: int = 0) -> Array:
    """Return the value of a contraction.

    Args:
        nodes: of :func:`nodes_of`.
        tensors: components of each factor at its monomials, shape ``(batch, monomials)``: NumPy
            arrays of floats, integers or exact numbers, or PyTorch tensors.
        modulus: where not 0, integers are taken modulo it after each product.

    Returns:
        Shape ``(batch,)``.
    """
    pieces = [_filled(node, tensors) for node in nodes]
    if modulus:
        pieces = [(array % modulus, axes) for array, axes in pieces]
    while len(pieces) > 1:
        first, second = _next_pair([axes for _, axes in pieces])
        right, left = pieces.pop(second), pieces.pop(first)
        array, axes = _product(left, right)
        pieces.append((array % modulus if modulus else array, axes))
    return pieces[0][0]


def _filled(node: Node, tensors: Sequence[Array]) -> tuple[Array, tuple[int, ...]]:
    if node.factor < 0:
        return constant(node.counts[None], tensors[0]), node.axes
    tensor = tensors[node.factor]
    array = arrays.take(tensor, arrays.like(node.places.reshape(-1), tensor))
    array = array * constant(node.counts.reshape(-1), tensor)
    return array.reshape((tensor.shape[0], *node.counts.shape)), node.axes


def constant(integers: Integers, tensor: Array) -> Array:
    """Return integers in the type of a tensor."""
    if arrays.is_torch(tensor):
        return arrays.like(integers, tensor).to(tensor.dtype)
    return integers.astype(tensor.dtype)


def _next_pair(axes: Sequence[tuple[int, ...]]) -> tuple[int, int]:
    """Return the two pieces that share most bonds; of those, the two with the fewest others."""
    pairs = [(i, j) for j in range(len(axes)) for i in range(j)]
    return min(
        pairs,
        key=lambda ij: (
            -len(set(axes[ij[0]]) & set(axes[ij[1]])),
            len(axes[ij[0]]) + len(axes[ij[1]]),
        ),
    )


def _product(
    left: tuple[Array, tuple[int, ...]], right: tuple[Array, tuple[int, ...]]
) -> tuple[Array, tuple[int, ...]]:
    """Return the product of two pieces, summed over the bonds they share."""
    shared = [axis for axis in left[1] if axis in right[1]]
    ours = [axis for axis in left[1] if axis not in shared]
    theirs = [axis for axis in right[1] if axis not in shared]
    a, b = _ordered(*left, [*ours, *shared]), _ordered(*right, [*shared, *theirs])
    middle = prod(a.shape[1 + len(ours) :])
    shape = (*a.shape[1 : 1 + len(ours)], *b.shape[1 + len(shared) :])
    product = a.reshape((a.shape[0], -1, middle)) @ b.reshape((b.shape[0], middle, -1))
    return product.reshape((product.shape[0], *shape)), (*ours, *theirs)


def _ordered(array: Array, axes: tuple[int, ...], wanted: Sequence[int]) -> Array:
    places = [0, *(1 + axes.index(axis) for axis in wanted)]
    return array.permute(places) if arrays.is_torch(array) else array.transpose(places)
