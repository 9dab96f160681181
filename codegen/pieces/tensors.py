"""Operators of a symmetry class as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from natural_tensors.decomposition.base import ReductionBase
from natural_tensors.decomposition.copies import Basis, WeightSpace
from natural_tensors.exact.surds import Surd
from natural_tensors.so3.bases import natural_basis

from ..programs.program import Matrix

Integers: TypeAlias = NDArray[np.int64] | NDArray[np.object_]
"""Whole numbers, of any size where they are objects."""


def _copy_blocks(
    reduction: ReductionBase,
    space: WeightSpace,
    rows: Sequence[tuple[tuple[Fraction, ...], Fraction]],
) -> list[tuple[Surd, Integers]]:
    """Return, for each copy, a factor and integers by component and basis element.

    The coefficients of a copy are their products, combined from those of the orbits.
    """
    values = space.values(reduction.components)
    largest = max(int(np.abs(values).max()), 1)
    blocks = []
    for row, radicand in rows:
        denominator = lcm(*(coefficient.denominator for coefficient in row))
        numerators = [int(coefficient * denominator) for coefficient in row]
        exact = values if sum(map(abs, numerators)) * largest < 2**62 else values.astype(object)
        total = np.tensordot(exact, np.array(numerators, dtype=exact.dtype), axes=(1, 0))
        blocks.append((Surd.root(radicand, Fraction(1, denominator)), total))
    return blocks


def _times(factor: Surd, integers: Integers) -> list[dict[int, Surd]]:
    """Return the rows of a matrix of integers times a factor, its nonzero entries by column.

    A product is computed once for each integer: large matrices hold few different ones.
    """
    rows: list[dict[int, Surd]] = [{} for _ in integers]
    products: dict[int, Surd] = {}
    places = np.argwhere(integers != 0).tolist()
    for (row, column), integer in zip(places, integers[integers != 0].tolist(), strict=True):
        if integer not in products:
            products[integer] = factor * integer
        rows[row][column] = products[integer]
    return rows


def packing_matrix(reduction: ReductionBase) -> list[dict[int, Surd]]:
    """Return components to orthonormal packed coordinates: a row for each coordinate."""
    return _orthonormal_rows(reduction, reduction.components.orbits.sizes)


def unpacking_matrix(reduction: ReductionBase) -> list[dict[int, Surd]]:
    """Return orthonormal packed coordinates to components: a row for each component."""
    rows: list[dict[int, Surd]] = [{} for _ in range(reduction.dimension)]
    for coordinate, entries in enumerate(_orthonormal_rows(reduction, 1)):
        for component, coefficient in entries.items():
            rows[component][coordinate] = coefficient
    return rows


def _orthonormal_rows(
    reduction: ReductionBase, sizes: NDArray[np.int64] | int
) -> list[dict[int, Surd]]:
    """Return a row for each coordinate, over components that each count so many times."""
    rows: list[dict[int, Surd]] = []
    for space in reduction.spaces:
        combos = [space.embedding_row(c, "orthonormal") for c in range(space.multiplicity)]
        for factor, integers in _copy_blocks(reduction, space, combos):
            counted = np.multiply(integers.T.astype(object), sizes)
            for m, norm in enumerate(space.natural.norms):
                rows += _times(factor * Surd.root(Fraction(1, norm)), counted[m : m + 1])
    return rows


def extraction_matrix(reduction: ReductionBase, space: WeightSpace, basis: Basis) -> list[Matrix]:
    """Return, for each copy, components to the distinct entries of the natural tensor."""
    natural = space.natural
    common = lcm(*(int(norm) for norm in natural.norms))
    shares = np.array([common // int(norm) for norm in natural.norms], dtype=object)
    entries = natural.values.T.astype(object) * shares
    sizes = reduction.components.orbits.sizes
    combos = [space.extraction_row(c, basis) for c in range(space.multiplicity)]
    return [
        _times(factor * Fraction(1, common), np.dot(entries, integers.T.astype(object) * sizes))
        for factor, integers in _copy_blocks(reduction, space, combos)
    ]


def embedding_matrix(reduction: ReductionBase, space: WeightSpace, basis: Basis) -> list[Matrix]:
    """Return, for each copy, the distinct entries of a natural tensor to components.

    Read off the delta/epsilon patterns themselves: on a natural tensor this is the embedding, with
    far fewer terms than after the projection of any tensor onto natural ones.
    """
    rows = _pattern_rows(reduction, space)
    matrices: list[Matrix] = []
    for copy in range(space.multiplicity):
        coefficients, radicand = space.embedding_row(copy, basis)
        block: list[dict[int, Surd]] = []
        for component in range(reduction.dimension):
            total: dict[int, Fraction] = {}
            for q, coefficient in enumerate(coefficients):
                if coefficient:
                    for entry, number in rows[q][component].items():
                        total[entry] = total.get(entry, Fraction(0)) + coefficient * number
            block.append({e: Surd.root(radicand, total[e]) for e in sorted(total) if total[e]})
        matrices.append(block)
    return matrices


def _pattern_rows(reduction: ReductionBase, space: WeightSpace) -> list[list[dict[int, int]]]:
    """Return, for each orbit of patterns and component, distinct entry to integer coefficient."""
    orbits = reduction.components.orbits
    monomials = space.natural.monomials
    onehot = np.eye(int(monomials.max()) + 1, dtype=np.int64)[monomials]
    result = []
    for orbit in space.orbits:
        places, values = space.placed(orbit[0][0], reduction.rank, onehot)
        table = orbits.orbit_sum(places, values, len(orbit))
        result.append([{e: int(row[e]) for e in np.flatnonzero(row).tolist()} for row in table])
    return result


def unpacking_natural(weight: int) -> list[dict[int, Surd]]:
    """Return packed coordinates to the distinct entries of a natural tensor."""
    natural = natural_basis(weight)
    roots = [Surd.root(Fraction(1, norm)) for norm in natural.norms]
    return [
        {m: roots[m] * int(value) for m, value in enumerate(column) if value}
        for column in natural.values.T.tolist()
    ]
