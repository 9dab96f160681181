"""The form a point group leaves to a tensor of the plane, exact.

A group of n-fold rotations leaves the natural tensors of the weights that n divides, one with
mirrors half of them. Their images under the integer operators span what is invariant, so the form
is one elimination of integers: no root enters, whatever the angle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..crystals.forms import tensor_symbol
from ..crystals.parameters import InvariantForm, combination
from ..decomposition.components import EntryLayout, Form
from ..decomposition.symmetry import IndexSymmetry
from ..decomposition.voigt import written_form
from ..exact import linear
from ..exact.orbits import Integers
from ..formatting import aligned
from . import reductions
from .point_groups import PlaneGroup, point_group
from .reductions import PlaneReduction

if TYPE_CHECKING:
    import sympy

Row = tuple[Fraction, ...]


@dataclass(frozen=True, eq=False, repr=False)
class PlaneForm(InvariantForm):
    """What a point group of the plane leaves of a tensor; obtain one from :func:`form`.

    The index 6 names the joined pair xy, as in space: C11, C12, C16, C22, C26, C66.

    Attributes:
        reduction: the class of the tensor.
        group: the point group.
        free: the independent components that are parameters.
        table: each independent component of the class as a sum of the parameters, exact.
        per_weight: how many parameters belong to each weight of the class.
    """

    reduction: PlaneReduction
    group: PlaneGroup
    free: tuple[int, ...]
    table: tuple[Row, ...]
    per_weight: Mapping[int, int]

    @cached_property
    def written_as(self) -> Form:
        """The form whose entries the relations hold for, with its factors of 2."""
        return written_form(self.reduction)

    @cached_property
    def _layout(self) -> EntryLayout:
        return self.reduction.components.layout(self.written_as)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the independent components of the class, such as ``"C16"``."""
        return component_names(self.reduction, self.written_as)

    def to_sympy(self) -> sympy.NDimArray:
        """Return the tensor in its written form as a SymPy array of real parameters."""
        import sympy

        symbols = [sympy.Symbol(name, real=True) for name in self.parameters]
        components = [
            sympy.Add(
                *(sympy.sympify(q) * symbol
                  for q, symbol in zip(row, symbols, strict=True))
            )
            for row in self._shown
        ]  # fmt: skip
        layout = self._layout
        entries = [
            sign * components[position]
            for position, sign in zip(layout.position.tolist(), layout.signs.tolist(), strict=True)
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
        rows = {0: lambda: [[array[()]]], 1: lambda: [array.tolist()], 2: array.tolist}
        return str(sympy.latex(sympy.Matrix(rows[array.rank()]())))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$" if len(self._layout.shape) <= 2 else ""

    def __repr__(self) -> str:
        name = self.reduction.name or str(self.reduction.symmetry)
        constants = "constant" if self.independent == 1 else "constants"
        what = f": {', '.join(self.parameters)}" if self.independent else ""
        return f"PlaneForm({name} under {self.group}: {self.independent} {constants}{what})"

    def __str__(self) -> str:
        return "\n".join([repr(self), "", *(self.matrix_lines() or self.relation_lines())])

    def matrix_lines(self) -> list[str]:
        """Return the matrix as aligned text, a dot for zero; nothing beyond two axes."""
        layout = self._layout
        if len(layout.shape) > 2:
            return []
        texts = []
        for position, sign in zip(layout.position.tolist(), layout.signs.tolist(), strict=True):
            row = [sign * number for number in self._shown[position]]
            text = combination(row, self.parameters)
            texts.append("·" if text == "0" else text)
        width = layout.shape[-1] if layout.shape else 1
        return aligned([texts[start : start + width] for start in range(0, len(texts), width)])

    def relation_lines(self) -> list[str]:
        """Return the relations between components that do not vanish."""
        return [f"{name} = {text}" for name, text in self.relations.items() if text != "0"]


def component_names(reduction: PlaneReduction, written_as: Form) -> tuple[str, ...]:
    """Return the names of the independent components: x, y are 1, 2 and a joined xy is 6."""
    layout = reduction.components.layout(written_as)
    numbers = {2: "12", 3: "126"}
    symbol = tensor_symbol(reduction)
    return tuple(
        symbol
        + "".join(
            numbers[size][int(i)]
            for i, size in zip(np.unravel_index(entry, layout.shape), layout.shape, strict=True)
        )
        if layout.shape
        else symbol
        for entry in layout.entries.tolist()
    )


def _invariants(reduction: PlaneReduction, group: PlaneGroup, weight: int) -> Integers:
    """Return integer rows that span the invariant tensors of a weight, at the components."""
    if not group.leaves_weight(weight):
        return np.zeros((0, reduction.dimension), dtype=np.int64)
    space = reduction.weight_space(weight)
    values = space.values(reduction.components)
    rows = []
    for copy in range(space.multiplicity):
        if weight:
            parity = -1 if reduction.symmetry.axial else 1
        else:
            parity = reduction.mirror_parity(copy)
        for m, sign in enumerate(group.mirror_signs(weight)):
            if group.across is None or sign * parity == 1:
                rows.append(values[:, copy, m])
    return np.array(rows, dtype=np.int64).reshape(-1, reduction.dimension)


def _preference(reduction: PlaneReduction) -> list[int]:
    """Return the components from the first choice of a parameter to the last (rule 22)."""
    labels: Sequence[str] = reduction.components.labels
    return sorted(range(reduction.dimension), key=lambda i: (len(set(labels[i])) > 1, i))


@lru_cache(maxsize=1024)
def _solved(
    reduction: PlaneReduction, group: PlaneGroup
) -> tuple[tuple[int, ...], tuple[Row, ...], Mapping[int, int]]:
    """Return the components that are parameters, each component as a sum of them, and counts."""
    blocks = {weight: _invariants(reduction, group, weight) for weight in reduction.multiplicities}
    order = _preference(reduction)
    pivots, rows = linear.reduced_rows(np.concatenate(list(blocks.values()))[:, order])
    place = {component: column for column, component in enumerate(order)}
    parameters = sorted((order[pivot], number) for number, pivot in enumerate(pivots))
    table = tuple(
        tuple(rows[number][place[component]] for _, number in parameters)
        for component in range(reduction.dimension)
    )
    counts = MappingProxyType({weight: len(block) for weight, block in blocks.items()})
    return tuple(parameter for parameter, _ in parameters), table, counts


def form(tensor: str | IndexSymmetry | PlaneReduction, group: str | PlaneGroup) -> PlaneForm:
    """Derive the form of a tensor under a point group of the plane, exactly.

    Args:
        tensor: a name of the catalogue, an index symmetry, or a reduction in the plane.
        group: a point group of the plane or its symbol; see :func:`point_group`.

    Raises:
        PointGroupError: when there is no such group.

    >>> print(form("elastic", "4mm"))
    PlaneForm(elastic under 4mm: 3 constants: C11, C12, C66)
    <BLANKLINE>
    C11  C12    ·
    C12  C11    ·
      ·    ·  C66
    """
    reduction = tensor if isinstance(tensor, PlaneReduction) else reductions.reduction(tensor)
    points = group if isinstance(group, PlaneGroup) else point_group(group)
    free, table, counts = _solved(reduction, points)
    return PlaneForm(reduction, points, free, table, counts)
