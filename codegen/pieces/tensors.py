"""Operators of a symmetry class as matrices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from natural_tensors.decomposition.base import ReductionBase
from natural_tensors.decomposition.copies import Basis, WeightSpace
from natural_tensors.exact.surds import Surd
from natural_tensors.so3.bases import natural_basis

from ..programs.program import Matrix


def _copy_blocks(
    reduction: ReductionBase,
    space: WeightSpace,
    rows: Sequence[tuple[tuple[Fraction, ...], Fraction]],
) -> list[dict[tuple[int, int], Surd]]:
    """Return, for each copy, component and basis element to coefficient, by combining orbits."""
    values = space.values(reduction.components)
    largest = max(int(np.abs(values).max()), 1)
    blocks = []
    for row, radicand in rows:
        denominator = lcm(*(coefficient.denominator for coefficient in row))
        numerators = [int(coefficient * denominator) for coefficient in row]
        exact = values if sum(map(abs, numerators)) * largest < 2**62 else values.astype(object)
        total = np.tensordot(exact, np.array(numerators, dtype=exact.dtype), axes=(1, 0))
        root = Surd.root(radicand, Fraction(1, denominator))
        blocks.append(
            {
                (component, m): root * int(total[component, m])
                for component, m in np.argwhere(total != 0).tolist()
            }
        )
    return blocks


def packing_matrix(reduction: ReductionBase) -> list[dict[int, Surd]]:
    """Return components to orthonormal packed coordinates: a row for each coordinate."""
    sizes = reduction.components.orbits.sizes.tolist()
    return [
        {column: coefficient * sizes[column] for column, coefficient in row.items()}
        for row in _orthonormal_rows(reduction)
    ]


def unpacking_matrix(reduction: ReductionBase) -> list[dict[int, Surd]]:
    """Return orthonormal packed coordinates to components: a row for each component."""
    rows: list[dict[int, Surd]] = [{} for _ in range(reduction.dimension)]
    for coordinate, entries in enumerate(_orthonormal_rows(reduction)):
        for component, coefficient in entries.items():
            rows[component][coordinate] = coefficient
    return rows


def _orthonormal_rows(reduction: ReductionBase) -> list[dict[int, Surd]]:
    rows: list[dict[int, Surd]] = []
    for space in reduction.spaces:
        norms = space.natural.norms
        combos = [space.embedding_row(c, "orthonormal") for c in range(space.multiplicity)]
        for block in _copy_blocks(reduction, space, combos):
            for m, norm in enumerate(norms):
                root = Surd.root(Fraction(1, norm))
                rows.append({c: q * root for (c, n), q in block.items() if n == m})
    return rows


def extraction_matrix(reduction: ReductionBase, space: WeightSpace, basis: Basis) -> list[Matrix]:
    """Return, for each copy, components to the distinct entries of the natural tensor."""
    natural = space.natural
    sizes = reduction.components.orbits.sizes.tolist()
    combos = [space.extraction_row(c, basis) for c in range(space.multiplicity)]
    matrices: list[Matrix] = []
    for block in _copy_blocks(reduction, space, combos):
        rows: list[dict[int, Surd]] = [{} for _ in range(natural.values.shape[1])]
        for (component, m), coefficient in block.items():
            for entry in np.flatnonzero(natural.values[m]).tolist():
                share = Fraction(int(natural.values[m, entry]) * sizes[component], natural.norms[m])
                row = rows[entry]
                row[component] = row.get(component, Surd(0)) + coefficient * share
        matrices.append(rows)
    return matrices


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
