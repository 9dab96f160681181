"""Exact building blocks of the recipes, as matrices of roots or values of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import comb, lcm
from typing import Literal, TypeAlias

import numpy as np

from natural_tensors import coupling, harmonic
from natural_tensors.basis import component_monomials, natural_basis
from natural_tensors.couplings import contraction_table
from natural_tensors.harmonics import Normalization
from natural_tensors.operators import placed
from natural_tensors.reductions import Basis, Reduction, WeightSpace
from natural_tensors.surds import Surd

from .lowering import ONE, Builder
from .program import Argument, Matrix, Output, Program, Ref

Parity = Literal["natural", "both", "ignored"]
Entries: TypeAlias = dict[tuple[int, int, int], Surd]


# --- symmetry classes -------------------------------------------------------------------------


def _copy_blocks(
    reduction: Reduction, space: WeightSpace, rows: Sequence[tuple[tuple[Fraction, ...], Fraction]]
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


def packing_matrix(reduction: Reduction) -> list[dict[int, Surd]]:
    """Return components to orthonormal packed coordinates: a row for each coordinate."""
    sizes = reduction.components.orbits.sizes.tolist()
    return [
        {column: coefficient * sizes[column] for column, coefficient in row.items()}
        for row in _orthonormal_rows(reduction)
    ]


def unpacking_matrix(reduction: Reduction) -> list[dict[int, Surd]]:
    """Return orthonormal packed coordinates to components: a row for each component."""
    rows: list[dict[int, Surd]] = [{} for _ in range(reduction.dimension)]
    for coordinate, entries in enumerate(_orthonormal_rows(reduction)):
        for component, coefficient in entries.items():
            rows[component][coordinate] = coefficient
    return rows


def _orthonormal_rows(reduction: Reduction) -> list[dict[int, Surd]]:
    rows: list[dict[int, Surd]] = []
    for space in reduction.spaces:
        norms = natural_basis(space.weight).norms
        combos = [space.embedding_row(c, "orthonormal") for c in range(space.multiplicity)]
        for block in _copy_blocks(reduction, space, combos):
            for m, norm in enumerate(norms):
                root = Surd.root(Fraction(1, norm))
                rows.append({c: q * root for (c, n), q in block.items() if n == m})
    return rows


def extraction_matrix(reduction: Reduction, space: WeightSpace, basis: Basis) -> list[Matrix]:
    """Return, for each copy, components to the distinct entries of the natural tensor."""
    natural = natural_basis(space.weight)
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


def embedding_matrix(reduction: Reduction, space: WeightSpace, basis: Basis) -> list[Matrix]:
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


def _pattern_rows(reduction: Reduction, space: WeightSpace) -> list[list[dict[int, int]]]:
    """Return, for each orbit of patterns and component, distinct entry to integer coefficient."""
    orbits = reduction.components.orbits
    monomials = component_monomials(space.weight)
    onehot = np.eye(int(monomials.max()) + 1, dtype=np.int64)[monomials]
    result = []
    for orbit in space.orbits:
        places, values = placed(orbit[0][0], reduction.rank, onehot)
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


# --- harmonics --------------------------------------------------------------------------------


def harmonics(
    built: Builder, vector: Sequence[Ref], weight: int, normalization: Normalization, *, solid: bool
) -> list[list[Ref]]:
    """Return the packed harmonics of each weight as values.

    Component m is an azimuthal factor, Re or Im (z + ix)^|m|, times a polar one in y (and r^2),
    both by recursion: the polar factors obey the three-term recursion of associated Legendre
    polynomials, scaled so that no coefficient is needed but one for each term.
    """
    x, y, z = vector
    square = built.constant(1)
    if solid:
        squares = [(ONE, built.product(v, v)) for v in vector]
        square = built.linear(squares, "r2")
    real, imaginary = [built.constant(1)], [built.constant(0)]
    for order in range(1, weight + 1):
        a, b = real[-1], imaginary[-1]
        zz, xx = built.product(z, a), built.product(x, b)
        zx, xz = built.product(z, b), built.product(x, a)
        real.append(built.linear([(ONE, zz), (Surd(-1), xx)], f"real_{order}"))
        imaginary.append(built.linear([(ONE, zx), (ONE, xz)], f"imaginary_{order}"))
    result = [[built.constant(0)] * (2 * ell + 1) for ell in range(weight + 1)]
    for order in range(weight + 1):
        scales = {ell: _polar_scale(ell, order, normalization) for ell in range(order, weight + 1)}
        polar: dict[int, Ref] = {order: built.constant(scales[order])}
        for ell in range(order + 1, weight + 1):
            # (l-m) P_l = (2l-1) y P_(l-1) - (l+m-1) r^2 P_(l-2)
            ahead = scales[ell] / scales[ell - 1] * Fraction(2 * ell - 1, ell - order)
            terms = [(ahead, built.product(y, polar[ell - 1]))]
            if ell - 2 >= order:
                behind = scales[ell] / scales[ell - 2] * Fraction(ell + order - 1, ell - order)
                terms.append((-behind, built.product(square, polar[ell - 2])))
            polar[ell] = built.linear(terms, f"polar_{ell}_{order}")
        for ell, value in polar.items():
            result[ell][ell + order] = built.product(value, real[order], f"Y{ell}_{ell + order}")
            if order:
                result[ell][ell - order] = built.product(
                    value, imaginary[order], f"Y{ell}_{ell - order}"
                )
    return result


def _polar_scale(weight: int, order: int, normalization: Normalization) -> Surd:
    """Return the harmonic's polar factor over the one that the recursion starts from 1.

    Both are compared at the pole, where the recursion gives the binomial (l+m, 2m) and the
    harmonic the coefficient of y^(l-m) z^m.
    """
    polynomial, radicand = harmonic(weight, normalization).exact()[weight + order]
    leading = polynomial[0, weight - order, order]
    return Surd.root(radicand, Fraction(leading, comb(weight + order, 2 * order)))


# --- couplings --------------------------------------------------------------------------------


@cache
def _coupling_entries(l1: int, l2: int, l3: int, normalization: Normalization) -> Entries:
    return {
        place: Surd.root(radicand, number)
        for place, (number, radicand) in coupling(l1, l2, l3, normalization).exact().items()
    }


def couplings(l1: int, l2: int, l3: int, normalization: Normalization) -> Entries:
    """Return the packed entries of a coupling."""
    return _coupling_entries(l1, l2, l3, normalization)


def coupled(
    built: Builder,
    terms: Sequence[tuple[Entries, Sequence[Ref], Sequence[Ref], Ref | None]],
    weight: int,
) -> list[Ref]:
    """Return the sum of coupled pairs in a weight, each times its own factor if it has one.

    The coefficients of one path meet the second factor first: its combinations are shared by the
    rows, and where the second factor carries no channels they cost nothing.
    """
    total: list[list[tuple[Surd, Ref]]] = [[] for _ in range(2 * weight + 1)]
    for entries, first, second, factor in terms:
        columns = sorted({(i, j) for i, j, _ in entries})
        products = [built.product(first[i], second[j]) for i, j in columns]
        rows: list[dict[int, Surd]] = [{} for _ in range(2 * weight + 1)]
        for (i, j, k), coefficient in entries.items():
            rows[k][columns.index((i, j))] = coefficient
        for k, value in enumerate(built.apply(rows, products)):
            total[k].append((ONE, value if factor is None else built.product(value, factor)))
    return [built.linear(row) for row in total]


# --- features and paths -----------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Block:
    """One weight inside packed features.

    Attributes:
        pseudo: whether the parity is opposite to (-1)^weight.
        weight: the weight.
        start: first component.
    """

    pseudo: bool
    weight: int
    start: int

    @property
    def slice(self) -> slice:
        """The components of the block."""
        return slice(self.start, self.start + 2 * self.weight + 1)

    @property
    def label(self) -> str:
        """A short name: the weight, with p for a pseudo-tensor."""
        return f"{self.weight}{'p' if self.pseudo else ''}"


@dataclass(frozen=True)
class Path:
    """Features of one block times a harmonic in another block."""

    source: Block
    l2: int
    target: Block

    @property
    def l1(self) -> int:
        """Weight of the features."""
        return self.source.weight

    @property
    def l3(self) -> int:
        """Weight of the result."""
        return self.target.weight

    @property
    def odd(self) -> bool:
        """Whether the coupling holds a Levi-Civita symbol."""
        return (self.l1 + self.l2 + self.l3) % 2 == 1

    @property
    def label(self) -> str:
        """A short name: the three weights."""
        return f"{self.source.label}_{self.l2}_{self.target.label}"


def feature_blocks(weight: int, parity: Parity) -> tuple[Block, ...]:
    """Return the layout of features: weights ascending, then the pseudo-tensors likewise."""
    size = (weight + 1) ** 2
    natural = [Block(False, ell, ell * ell) for ell in range(weight + 1)]
    pseudo = [Block(True, ell, size + ell * ell) for ell in range(weight + 1)]
    return tuple(natural + pseudo if parity == "both" else natural)


def paths(
    inputs: Sequence[Block], outputs: Sequence[Block], weight: int, parity: Parity
) -> tuple[Path, ...]:
    """Return every path from features and harmonics up to a weight, sorted by target."""
    return tuple(
        Path(source, l2, target)
        for target in outputs
        for source in inputs
        for l2 in range(weight + 1)
        if abs(source.weight - l2) <= target.weight <= source.weight + l2
        and _keeps_parity(source.pseudo, (source.weight + l2 + target.weight) % 2 == 1,
                          target.pseudo, parity)
    )  # fmt: skip


def _keeps_parity(pseudo: bool, odd: bool, target: bool, parity: Parity) -> bool:
    return parity == "ignored" or (pseudo ^ odd) == target


def product_paths(
    blocks: Sequence[Block], parity: Parity
) -> tuple[tuple[Block, Block, Block], ...]:
    """Return every path from two features to a third, sorted by target."""
    return tuple(
        (a, b, c)
        for c in blocks
        for a in blocks
        for b in blocks
        if abs(a.weight - b.weight) <= c.weight <= a.weight + b.weight
        and _keeps_parity(a.pseudo ^ b.pseudo, (a.weight + b.weight + c.weight) % 2 == 1,
                          c.pseudo, parity)
    )  # fmt: skip


def feature_argument(
    name: str, blocks: Sequence[Block], meaning: str, letter: str = "h"
) -> Argument:
    """Return packed features as an argument."""
    labels = tuple(
        f"{letter}{block.label}_{m}" for block in blocks for m in range(2 * block.weight + 1)
    )
    return Argument(name, (len(labels),), labels, True, meaning)


# --- rotations --------------------------------------------------------------------------------


def frame_argument(weight: int) -> Argument:
    """Return the flat rotation matrices of weights 1 .. weight, at least 1, as an argument."""
    labels = tuple(
        f"D{ell}_{row}_{column}"
        for ell in range(1, max(weight, 1) + 1)
        for row in range(2 * ell + 1)
        for column in range(2 * ell + 1)
    )
    return Argument("frames", (len(labels),), labels, False, "rotation matrices")


def split_matrices(values: Sequence[Ref], weight: int) -> list[list[Ref]]:
    """Split flat rotation matrices by weight; weight 0 has none."""
    result: list[list[Ref]] = [[]]
    start = 0
    for ell in range(1, weight + 1):
        stop = start + (2 * ell + 1) ** 2
        result.append(list(values[start:stop]))
        start = stop
    return result


def rotated(
    built: Builder, matrix: Sequence[Ref], values: Sequence[Ref], weight: int, *, back: bool
) -> list[Ref]:
    """Return a rotation matrix, or its transpose, times packed values."""
    if weight == 0:
        return list(values)
    size = 2 * weight + 1
    return [
        built.linear(
            [
                (ONE, built.product(matrix[k * size + m if back else m * size + k], values[k]))
                for k in range(size)
            ]
        )
        for m in range(size)
    ]


@cache
def _recursion(weight: int) -> tuple[list[dict[tuple[int, int], Surd]], ...]:
    """Return ``C`` and a sparse left inverse ``B`` for the coupling of (l-1, 1, l).

    Row m of either maps (component of weight l-1, axis) to a coefficient; ``C`` is an isometry.
    """
    table = contraction_table((weight - 1, 1, weight))
    below, above = natural_basis(weight - 1).norms, natural_basis(weight).norms
    rows: list[dict[tuple[int, int], Surd]] = [{} for _ in above]
    for k, axis, m in np.argwhere(table != 0).tolist():
        radicand = Fraction(1, below[k] * above[m])
        rows[m][k, axis] = Surd.root(radicand, int(table[k, axis, m]))
    return rows, [_inverse_row(rows, m) for m in range(len(rows))]


def _inverse_row(rows: list[dict[tuple[int, int], Surd]], m: int) -> dict[tuple[int, int], Surd]:
    """Return few coefficients b on places with ``sum b C_n = 1`` for n = m, 0 for other n.

    One place is enough where only row m reaches it; two places that row m shares with one and
    the same other row are enough else; failing both, the row of the isometry itself.
    """
    places = list(rows[m])
    reach = {place: [n for n, row in enumerate(rows) if place in row] for place in places}
    for place in places:
        if reach[place] == [m]:
            return {place: 1 / rows[m][place]}
    for number, first in enumerate(places):
        for second in places[number + 1 :]:
            if reach[first] == reach[second] and len(reach[first]) == 2:
                (other,) = (n for n in reach[first] if n != m)
                a, b = rows[m][first], rows[m][second]
                c, d = rows[other][first], rows[other][second]
                determinant = a * d - b * c
                if determinant and len(determinant.terms) == 1:
                    return {first: d / determinant, second: -c / determinant}
    return dict(rows[m])


def rotation_matrices(built: Builder, matrix: Sequence[Ref], weight: int) -> list[list[Ref]]:
    """Return the rotation matrices of weights 1 .. weight as polynomials of a 3x3 matrix.

    ``D_l = B (D_(l-1) x R) C^T`` with the coupling C of (l-1, 1, l) and any B with B C^T = 1: a
    sparse B saves most of the work.
    """
    result = [list(matrix)]
    for ell in range(2, weight + 1):
        coupling_rows, inverse_rows = _recursion(ell)
        before, size = result[-1], 2 * ell - 1
        block = []
        for row in range(2 * ell + 1):
            for column in range(2 * ell + 1):
                terms = []
                for (k, i), left in inverse_rows[row].items():
                    for (n, j), right in coupling_rows[column].items():
                        value = built.product(before[k * size + n], matrix[3 * i + j])
                        terms.append((left * right, value))
                block.append(built.linear(terms, f"D{ell}_{row}_{column}"))
        result.append(block)
    return result


def frame_program(weight: int) -> Program:
    """Return the program that turns a direction to the polar axis y.

    A half turn about the bisector of the direction and the nearer pole, then for directions with
    y < 0 a half turn about x: two charts, one on each side of the equator, and the denominator
    1 + |y| never comes near zero.
    """
    direction = Argument("directions", (3,), ("x", "y", "z"), False, "unit vectors")
    built = Builder((direction,))
    x, y, z = built.components(0)
    side = built.sign(y, "side")
    height = built.product(side, y, "height")
    scale = built.reciprocal(built.linear([(ONE, height), (ONE, built.constant(1))]), "scale")
    xs, zs = built.product(x, scale), built.product(z, scale)
    cross = built.product(xs, z)
    first = built.linear([(ONE, built.product(xs, x)), (ONE, built.constant(-1))])
    third = built.linear([(ONE, built.product(zs, z)), (ONE, built.constant(-1))])
    matrix = [
        first, built.product(side, x), cross,
        x, y, z,
        built.product(side, cross), z, built.product(side, third),
    ]  # fmt: skip
    blocks = rotation_matrices(built, matrix, weight)
    flat = tuple(v for block in blocks for v in block)
    return built.program(
        "frame", "Return the rotation matrices that take a direction to the polar axis y.",
        [Output("frames", (len(flat),), flat)],
        f"matrices of weights 1 to {weight} row by row, shape (..., {len(flat)}).",
    )  # fmt: skip


# --- the aligned convolution ------------------------------------------------------------------

Merged: TypeAlias = dict[tuple[Block, Block, bool], list[Ref]]
"""For source, target and oddness: one merged weight for each |m|."""


MergeMatrices: TypeAlias = dict[tuple[Block, Block, bool], list[dict[int, Surd]]]
"""For source, target and oddness: for each |m|, path to coefficient."""


def merge_matrices(path_list: Sequence[Path], normalization: Normalization) -> MergeMatrices:
    """Return how the paths of each pair of blocks merge into one number for each |m|.

    In the frame of the bond its harmonic has the component m = 0 only, with the value
    ``sqrt(squared norm)``; the coupling then joins m to m (even) or m to -m (odd).
    """
    rows: MergeMatrices = {}
    for number, path in enumerate(path_list):
        top = min(path.l1, path.l3)
        key = (path.source, path.target, path.odd)
        target = rows.setdefault(key, [{} for _ in range(top + 1)])
        entries = couplings(path.l1, path.l2, path.l3, normalization)
        value = Surd.root(harmonic(path.l2, normalization).squared_norm)
        for m in range(top + 1):
            place = (path.l1 + (-m if path.odd else m), path.l2, path.l3 + m)
            coefficient = entries.get(place)
            if coefficient is not None:
                target[m][number] = coefficient * value
    return rows


def merged_paths(built: Builder, matrices: MergeMatrices, weights: Sequence[Ref]) -> Merged:
    """Merge the weights of the paths into one number for each |m|."""
    return {key: built.apply(matrix, weights) for key, matrix in matrices.items()}


def aligned_product(
    built: Builder, target: Block, turned: dict[Block, list[Ref]], merged: Merged
) -> list[Ref]:
    """Return one weight of the message in the frame of the bond."""
    l3 = target.weight
    terms: list[list[tuple[Surd, Ref]]] = [[] for _ in range(2 * l3 + 1)]
    for (source, end, odd), numbers in merged.items():
        if end != target:
            continue
        for m in range(-len(numbers) + 1, len(numbers)):
            factor = numbers[abs(m)]
            place = source.weight + (-m if odd else m)
            sign = Surd(-1) if odd and m < 0 else ONE
            terms[l3 + m].append((sign, built.product(factor, turned[source][place])))
    return [built.linear(row) for row in terms]
