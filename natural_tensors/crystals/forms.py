"""The form a point group leaves to a tensor: which components vanish, which are equal; exact.

Invariance under a generator is a set of linear equations for the independent components of the
class. In standard axes every generator has entries in Q(√3), and the space of solutions is spanned
by rational tensors: that of a rotation about z by products of x + iy, x - iy and z with equal
phase, every other generator being rational. So the rational and the √3 part of each equation hold
separately, and the solution is one exact elimination over the rationals. A limiting group
contributes its infinitesimal rotations, in integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..decomposition import reductions
from ..decomposition.base import ReductionBase
from ..decomposition.components import EntryLayout, Form
from ..decomposition.reductions import Reduction
from ..decomposition.symmetry import IndexSymmetry, SignedPermutation
from ..decomposition.voigt import written_form
from ..exact import linear
from ..exact.orbits import Integers
from ..exact.surds import Surd
from ..formatting import aligned
from ..physical.catalog import catalog
from .parameters import InvariantForm, Number, Row, combination
from .point_groups import Direction, Matrix, Operation, PointGroup, exact_matrix, point_group


def _halves(matrix: Matrix) -> tuple[list[list[int]], list[list[int]]]:
    """Return integers a, b of the entries ``(a + b √3) / 2`` of a generator."""
    terms = [[entry.terms for entry in row] for row in matrix]
    return tuple(  # type: ignore[return-value]
        [[int(2 * entry.get(n, Fraction(0))) for entry in row] for row in terms] for n in (1, 3)
    )


def _transformed(reduction: Reduction, matrix: Matrix) -> tuple[Integers, Integers]:
    """Return ``2**rank`` times the action of a generator on the independent components.

    Shape ``(components, components)`` for its rational part, and for its part with √3.
    """
    rank, orbits = reduction.rank, reduction.components.orbits
    whole, root = _halves(matrix)
    columns = [np.array([j for j in range(3) if whole[i][j] or root[i][j]]) for i in range(3)]
    entries = [
        (columns[i], np.array(whole[i])[columns[i]], np.array(root[i])[columns[i]])
        for i in range(3)
    ]
    size = reduction.dimension
    result = np.zeros((2, size, size), dtype=np.int64)
    digits = [orbits.representatives // 3 ** (rank - 1 - slot) % 3 for slot in range(rank)]
    for row in range(size):
        places = np.zeros(1, dtype=np.int64)
        # entries are at most (1 + √3)^rank < 2^21 at rank 14
        a, b = np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
        for slot in range(rank):
            j, p, q = entries[digits[slot][row]]
            places = (3 * places[:, None] + j).reshape(-1)
            a, b = (
                (a[:, None] * p + 3 * b[:, None] * q).reshape(-1),
                (a[:, None] * q + b[:, None] * p).reshape(-1),
            )
        signs = orbits.signs[places]
        np.add.at(result[0, row], orbits.position[places], signs * a)
        np.add.at(result[1, row], orbits.position[places], signs * b)
    return result[0], result[1]


def _rotated_infinitesimally(reduction: Reduction, axis: Direction) -> Integers:
    """Return how an infinitesimal rotation about an axis acts on the independent components."""
    rank, orbits = reduction.rank, reduction.components.orbits
    x, y, z = axis
    generator = ((0, -z, y), (z, 0, -x), (-y, x, 0))
    result = np.zeros((reduction.dimension, reduction.dimension), dtype=np.int64)
    for row, flat in enumerate(orbits.representatives.tolist()):
        for slot in range(rank):
            step = 3 ** (rank - 1 - slot)
            digit = flat // step % 3
            for j in range(3):
                place = flat + (j - digit) * step
                entry = generator[digit][j] * int(orbits.signs[place])
                result[row, orbits.position[place]] += entry
    return result


def _equations(reduction: Reduction, group: PointGroup, time_reversal: int) -> NDArray[np.int64]:
    """Return integer rows whose null space holds the components that the group leaves alone."""
    size = reduction.dimension
    rows = [np.zeros((0, size), dtype=np.int64)]
    for operation in group.generators:
        sign = operation.time if time_reversal < 0 else 1
        if reduction.symmetry.axial:
            sign *= operation.determinant
        whole, root = _transformed(reduction, operation.matrix)
        rows += [sign * whole - 2**reduction.rank * np.eye(size, dtype=np.int64), root]
    rows += [_rotated_infinitesimally(reduction, axis) for axis in group.axes]
    equations = np.concatenate(rows)
    equations = equations[equations.any(axis=1)]
    equations //= np.gcd.reduce(equations, axis=1, keepdims=True) if equations.size else 1
    return np.unique(equations, axis=0)


def _preference(reduction: Reduction) -> list[int]:
    """Return the components from the first choice of a parameter to the last.

    Those with all indices equal come first, as in the literature (C222 rather than C122, d22 rather
    than d16); then the order of rule 3.
    """
    labels = reduction.components.labels
    return sorted(range(reduction.dimension), key=lambda i: (len(set(labels[i])) > 1, i))


@lru_cache(maxsize=2048)
def _solved(
    reduction: Reduction, group: PointGroup, time_reversal: int
) -> tuple[tuple[int, ...], tuple[tuple[Fraction, ...], ...]]:
    """Return the components that are parameters, and each component as a sum of them."""
    equations = _equations(reduction, group, time_reversal)
    order = _preference(reduction)
    # eliminated from the last choice on: what stays free are the first choices
    dependent, rows = linear.reduced_rows(equations[:, order[::-1]])
    backwards = order[::-1]
    solved = {backwards[pivot]: row for pivot, row in zip(dependent, rows, strict=True)}
    parameters = [i for i in range(reduction.dimension) if i not in solved]
    places = [backwards.index(parameter) for parameter in parameters]
    table = tuple(
        tuple(-solved[i][place] for place in places)
        if i in solved
        else tuple(Fraction(int(i == parameter)) for parameter in parameters)
        for i in range(reduction.dimension)
    )
    return tuple(parameters), table


def _symmetric(rank: int, parity: int) -> Reduction:
    """Return the class of totally symmetric tensors of a rank and parity."""
    base = IndexSymmetry.general(rank)
    swaps = tuple(
        SignedPermutation((*range(i), i + 1, i, *range(i + 2, rank)), 1) for i in range(rank - 1)
    )
    return reductions.reduction(IndexSymmetry(base.letters, swaps, axial=base.parity != parity))


def _invariants_of_weight(weight: int, parity: int, group: PointGroup, time_reversal: int) -> int:
    """Count the natural tensors of a weight that a group leaves alone.

    A symmetric tensor of rank l is one of weight l and a symmetric one of rank l - 2.
    """
    counts = [
        len(_solved(_symmetric(rank, parity), group, time_reversal)[0])
        for rank in (weight, weight - 2)
        if rank >= 0
    ]
    return counts[0] - sum(counts[1:])


IDENTITY = exact_matrix(((1, 0, 0), (0, 1, 0), (0, 0, 1)))


def orientation(z: Sequence[int], x: Sequence[int]) -> Matrix:
    """Return the exact rotation into axes whose z and x point along given directions.

    Args:
        z: direction of the new z axis, three integers, in the standard axes of a group.
        x: direction of the new x axis, perpendicular to it.

    Raises:
        ValueError: when a direction is zero, or the two are not perpendicular.
    """
    third, first = (_direction(name, given) for name, given in (("z", z), ("x", x)))
    product = sum(a * b for a, b in zip(third, first, strict=True))
    if product:
        raise ValueError(
            f"x = {list(first)} is not perpendicular to z = {list(third)}: their product is "
            f"{product}, and must be 0"
        )
    a, b, c = third
    d, e, f = first
    second = (b * f - c * e, c * d - a * f, a * e - b * d)
    return exact_matrix([_unit(axis) for axis in (first, second, third)])


def _direction(name: str, given: Sequence[int]) -> tuple[int, ...]:
    direction = tuple(int(entry) for entry in given)
    if len(direction) != 3 or not any(direction) or list(direction) != list(given):
        raise ValueError(f"{name} = {given!r} is no direction; give three integers, not all 0")
    return direction


def _unit(axis: tuple[int, ...]) -> list[Surd]:
    length = Surd.root(sum(entry * entry for entry in axis))
    return [entry / length for entry in axis]


def _check_rotation(matrix: Matrix) -> None:
    columns = list(zip(*matrix, strict=True))
    for i in range(3):
        for j in range(3):
            product = sum((a * b for a, b in zip(columns[i], columns[j], strict=True)), Surd(0))
            if product != int(i == j):
                raise ValueError(
                    f"columns {i} and {j} of the orientation have the product {product}, not "
                    f"{int(i == j)}: no orthogonal matrix; natural_tensors.orientation makes one "
                    "from two directions"
                )


def _rotated(
    reduction: Reduction, table: Sequence[Row], matrix: Matrix
) -> tuple[tuple[int, ...], tuple[Row, ...]]:
    """Return parameters and components of the same tensors in other axes."""
    orbits, rank = reduction.components.orbits, reduction.rank
    columns = np.array(table, dtype=object).reshape(reduction.dimension, -1)
    full = columns[orbits.position] * orbits.signs[:, None]
    tensors = full.T.reshape((-1, *(3,) * rank))
    rotation = np.array(matrix, dtype=object)
    for axis in range(1, 1 + rank):
        tensors = np.moveaxis(np.tensordot(tensors, rotation, axes=([axis], [1])), -1, axis)
    rows = tensors.reshape(len(tensors), -1)[:, orbits.representatives]
    if reduction.symmetry.axial and Operation(matrix).determinant < 0:
        rows = -rows
    return _echelon([list(row) for row in rows], _preference(reduction))


def _echelon(
    rows: list[list[Number]], order: Sequence[int]
) -> tuple[tuple[int, ...], tuple[Row, ...]]:
    """Return the first columns, in an order, that determine all others, and how they do."""
    pivots: list[int] = []
    for column in order:
        done = len(pivots)
        if done == len(rows):
            break
        pivot = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        head = rows[done][column]
        rows[done] = [entry / head if entry else entry for entry in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                factor = row[column]
                rows[i] = [a - factor * b if b else a for a, b in zip(row, rows[done], strict=True)]
        pivots.append(column)
    ranked = sorted(range(len(pivots)), key=lambda i: pivots[i])
    width = len(rows[0]) if rows else len(order)
    table = tuple(tuple(rows[i][column] for i in ranked) for column in range(width))
    return tuple(pivots[i] for i in ranked), table


@dataclass(frozen=True, eq=False, repr=False)
class SymbolicForm(InvariantForm):
    """What a point group leaves of a tensor; obtain one from :func:`form`.

    Attributes:
        reduction: the class of the tensor.
        group: the point group.
        orientation: exact rotation from the standard axes of the group into those of the form.
        time_reversal: sign of the tensor under time reversal.
        free: the independent components that are parameters.
        table: each independent component of the class as a sum of the parameters, exact.
        per_weight: how many parameters belong to each weight of the class.
    """

    reduction: Reduction
    group: PointGroup
    orientation: Matrix
    time_reversal: int
    free: tuple[int, ...]
    table: tuple[Row, ...]
    per_weight: Mapping[int, int]

    @property
    def standard(self) -> bool:
        """Whether its axes are the standard ones of the group."""
        return self.orientation == IDENTITY

    @cached_property
    def written_as(self) -> Form:
        """The form whose entries the relations hold for, with its factors of 2."""
        return written_form(self.reduction)

    @cached_property
    def _layout(self) -> EntryLayout:
        return self.reduction.components.layout(self.written_as)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the independent components of the class, such as ``"C14"`` or ``"ε11"``."""
        symbol = tensor_symbol(self.reduction)
        return tuple(symbol + index for index in component_indices(self.reduction, self.written_as))

    @cached_property
    def matrix(self) -> Any:
        """The tensor in its written form: nested tuples of text, of the shape of that form."""
        layout = self._layout
        texts = np.empty(len(layout.position), dtype=object)
        for entry, (component, sign) in enumerate(
            zip(layout.position.tolist(), layout.signs.tolist(), strict=True)
        ):
            row = [sign * number for number in self._shown[component]]
            texts[entry] = combination(row, self.parameters) if sign else "0"
        return texts.reshape(layout.shape).tolist()

    def to_sympy(self) -> Any:
        """Return the tensor in its written form as a SymPy array of the parameters."""
        import sympy

        symbols = [sympy.Symbol(name, real=True) for name in self.parameters]
        layout = self._layout
        entries = [
            sympy.Add(
                *(
                    sign * sympy.sympify(n) * s
                    for n, s in zip(self._shown[component], symbols, strict=True)
                )
            )
            for component, sign in zip(layout.position.tolist(), layout.signs.tolist(), strict=True)
        ]
        return sympy.ImmutableDenseNDimArray(entries, layout.shape)

    def latex(self) -> str:
        """Return the matrix in LaTeX, without dollar signs.

        Raises:
            ValueError: when the written form has more than two axes.
        """
        import sympy

        array = self.to_sympy()
        if array.rank() > 2:
            raise ValueError(f"a {self.reduction.symmetry} tensor is no matrix; use relations")
        rows = array.tolist() if array.rank() == 2 else [array.tolist()]
        return str(sympy.latex(sympy.Matrix(rows)))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$" if len(self._layout.shape) <= 2 else ""

    def __repr__(self) -> str:
        name = self.reduction.name or str(self.reduction.symmetry)
        constants = "constant" if self.independent == 1 else "constants"
        what = f": {', '.join(self.parameters)}" if self.independent else ""
        return f"SymbolicForm({name} under {self.group}: {self.independent} {constants}{what})"

    def __str__(self) -> str:
        lines = self.matrix_lines() or self.relation_lines()
        return "\n".join([repr(self), "", *lines])

    def matrix_lines(self) -> list[str]:
        """Return the matrix as aligned text, a dot for zero; nothing beyond two axes."""
        shape = self._layout.shape
        if len(shape) > 2:
            return []
        rows = self.matrix if len(shape) == 2 else [self.matrix] if shape else [[self.matrix]]
        cells = [["·" if text == "0" else text for text in row] for row in rows]
        return aligned(cells)

    def relation_lines(self) -> list[str]:
        """Return the relations between components that do not vanish, equal ones on one line."""
        grouped: dict[str, list[str]] = {name: [] for name in self.parameters}
        for name, text in self.relations.items():
            grouped.setdefault(text, []).append(name)
        return [
            " = ".join([*others, text])
            for text, others in grouped.items()
            if others and text != "0"
        ]


def tensor_symbol(reduction: ReductionBase) -> str:
    """Return the letter that names the components: the field's own, or T."""
    return catalog[reduction.name].symbol[0] if reduction.name else "T"


def component_indices(reduction: Reduction, written_as: Form) -> tuple[str, ...]:
    """Return the indices of the independent components, 1 to 3, or 1 to 6 for a joined pair."""
    layout = reduction.components.layout(written_as)
    places = (np.unravel_index(entry, layout.shape) for entry in layout.entries.tolist())
    return tuple("".join(str(int(i) + 1) for i in place) for place in places)


def form(
    tensor: str | IndexSymmetry | Reduction,
    group: str | PointGroup,
    *,
    axes: object = None,
    time_reversal: int | None = None,
) -> SymbolicForm:
    """Derive the form of a tensor under a point group, exactly.

    Args:
        tensor: a name of the catalogue, an index symmetry, or a reduction.
        group: a point group or its symbol; see :func:`natural_tensors.point_group`.
        axes: exact orthogonal matrix R from the standard axes of the group to those wanted,
            x' = R x, such as :func:`orientation` makes; standard axes when omitted.
        time_reversal: +1 or -1; the catalogue's for a name, otherwise +1. A time-odd tensor sees
            the operations with time reversal; without any the group is that of a magnetic crystal.

    Raises:
        PointGroupError: when there is no such group.
        ValueError: when the axes are not orthogonal, or the sign is another number.

    Source: F. E. Neumann's principle; tables in J. F. Nye, Physical Properties of Crystals (1985).
    """
    reduction = tensor if isinstance(tensor, Reduction) else reductions.reduction(tensor)
    points = group if isinstance(group, PointGroup) else point_group(group)
    sign = time_reversal
    if sign is None:
        sign = catalog[reduction.name].time_reversal if reduction.name else 1
    if sign not in (1, -1):
        raise ValueError(f"time_reversal is {sign!r}; allowed: 1 (even) or -1 (odd)")
    parameters, table = _solved(reduction, points, sign)
    matrix = IDENTITY if axes is None else exact_matrix(axes)
    rows: tuple[Row, ...] = table
    _check_rotation(matrix)
    if matrix != IDENTITY and parameters:
        parameters, rows = _rotated(reduction, table, matrix)
    per_weight = {
        weight: copies * _invariants_of_weight(weight, reduction.parity, points, sign)
        for weight, copies in reduction.multiplicities.items()
    }
    return SymbolicForm(
        reduction, points, matrix, sign, parameters, rows, MappingProxyType(per_weight)
    )
