"""A symmetry class: decompose, reconstruct, pack and unpack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from natural_tensors import reduction
from natural_tensors.decomposition.base import ReductionBase
from natural_tensors.decomposition.components import FORMS, EntryLayout, Form
from natural_tensors.decomposition.copies import BASES, Basis
from natural_tensors.exact.surds import Surd
from natural_tensors.so3.bases import NaturalBasis, natural_basis

from ..pieces import tensors
from ..programs.lowering import Builder
from ..programs.program import Argument, Output, Program
from .recipe import Recipe, check_choice


@dataclass(frozen=True)
class TensorRecipe(Recipe):
    """decompose, reconstruct, pack and unpack of a symmetry class.

    Attributes:
        symmetry: index symmetry, or a name of the catalogue.
        axial: True for a pseudo-tensor; a name brings its own.
        basis: basis of the copies in ``decompose`` and ``reconstruct``.
        form: how tensors come and go: full array, independent components, Voigt, Mandel.
        dimension: 3 for space, 2 for the plane.
    """

    symmetry: str
    axial: bool = False
    basis: Basis = "dual"
    form: Form = "full"
    dimension: int = 3

    def __post_init__(self) -> None:
        check_choice("basis", self.basis, BASES)
        check_choice("form", self.form, FORMS)
        self.reduction.components.layout(self.form)

    @property
    def reduction(self) -> ReductionBase:
        """The exact reduction the code comes from."""
        return reduction(
            self.symmetry, axial=self.axial, basis=self.basis, dimension=self.dimension
        )

    def settings(self) -> dict[str, object]:
        """Return the arguments of the recipe; space goes without saying."""
        settings = super().settings()
        if self.dimension == 3:
            del settings["dimension"]
        return settings

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        what = str(self.reduction.symmetry) or "a scalar"
        where = " in the plane" if self.dimension == 2 else ""
        return f"Natural tensors of {what}{where}: {self.reduction.irreps}."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        return self._decompose(), self._reconstruct(), self._pack(), self._unpack()

    @property
    def _layout(self) -> EntryLayout:
        return self.reduction.components.layout(self.form)

    def _tensor(self) -> Argument:
        """The tensor as an argument: every entry named by its Cartesian indices."""
        components, layout = self.reduction.components, self._layout
        shape = layout.shape
        if self.form == "components":
            names: Sequence[str] = components.labels
        elif self.form == "full":
            names = _cartesian(shape)
        else:
            names = ["_".join(str(i + 1) for i in where) for where in np.ndindex(*shape)]
        labels = tuple(f"T_{name}" if name else "T" for name in names)
        meaning = f"tensor with the symmetry {self.reduction.symmetry or 'of a scalar'}"
        if self.form not in ("full", "components"):
            meaning += f" in {self.form} form"
        name = "T" if labels != ("T",) else "tensor"
        return Argument(name, shape, labels, False, meaning)

    def _read(self, builder: Builder, tensor: list[int]) -> list[int]:
        """Return the independent components, from the entries that show them."""
        layout = self._layout
        return [
            builder.linear([(1 / Surd.root(2 ** int(layout.halves[entry])), tensor[entry])])
            for entry in layout.entries.tolist()
        ]

    def _written(self, builder: Builder, components: list[int]) -> tuple[int, ...]:
        """Return the entries of the form from the independent components."""
        layout = self._layout
        return tuple(
            builder.linear(
                [(Surd.root(2 ** int(halves), int(sign)), components[position])] if sign else []
            )
            for position, sign, halves in zip(
                layout.position, layout.signs, layout.halves, strict=True
            )
        )

    def _decompose(self) -> Program:
        built = Builder((self._tensor(),))
        components = self._read(built, built.components(0))
        outputs = []
        for space in self.reduction.spaces:
            rows = tensors.extraction_matrix(self.reduction, space, self.basis)
            for copy, matrix in enumerate(rows):
                labels = _distinct_labels(space.natural)
                names = [_part_name(space.weight, copy, label) for label in labels]
                values = built.apply(matrix, components, names)
                entries = tuple(values[i] for i in space.natural.monomials.tolist())
                outputs.append(Output((space.weight, copy), space.natural.shape, entries))
        axis, many = ("2", "twos") if self.dimension == 2 else ("3", "threes")
        return built.program(
            "decompose",
            "Take a tensor apart into its natural tensors.",
            outputs,
            f"natural tensors by (weight, copy), shape (..., {axis}, ..., {axis}) "
            f"with weight {many}.",
        )

    def _reconstruct(self) -> Program:
        arguments = tuple(
            Argument(
                f"X{space.weight}_{copy}",
                space.natural.shape,
                tuple(_part_name(space.weight, copy, c) for c in _cartesian(space.natural.shape)),
                False,
                "natural tensor",
                (space.weight, copy),
            )
            for space in self.reduction.spaces
            for copy in range(space.multiplicity)
        )
        built = Builder(arguments)
        columns: list[int] = []
        matrix: list[dict[int, Surd]] = [{} for _ in range(self.reduction.dimension)]
        number = 0
        for space in self.reduction.spaces:
            firsts = _first_entries(space.natural)
            for block in tensors.embedding_matrix(self.reduction, space, self.basis):
                entries = built.components(number)
                for row, coefficients in zip(matrix, block, strict=True):
                    row.update({len(columns) + c: q for c, q in coefficients.items()})
                columns += [entries[first] for first in firsts]
                number += 1
        components = built.apply(matrix, columns, self._component_names())
        output = Output("tensor", self._layout.shape, self._written(built, components))
        return built.program(
            "reconstruct",
            "Put a tensor together from its natural tensors.",
            [output],
            f"tensor, shape {_shape(self._layout.shape)}.",
        )

    def _component_names(self) -> list[str]:
        return [f"T_{label}" if label else "T" for label in self.reduction.components.labels]

    def _packed_labels(self) -> list[str]:
        return [
            f"w{space.weight}c{copy}_{m}"
            for space in self.reduction.spaces
            for copy in range(space.multiplicity)
            for m in range(len(space.natural.norms))
        ]

    def _pack(self) -> Program:
        built = Builder((self._tensor(),))
        components = self._read(built, built.components(0))
        matrix = tensors.packing_matrix(self.reduction)
        values = built.apply(matrix, components, self._packed_labels())
        size = self.reduction.dimension
        return built.program(
            "pack",
            "Return the orthonormal coordinates of a tensor, an isometry.",
            [Output("packed", (size,), tuple(values))],
            f"packed coordinates by weight, copy, m, shape (..., {size}).",
        )

    def _unpack(self) -> Program:
        size = self.reduction.dimension
        packed = Argument(
            "packed", (size,), tuple(self._packed_labels()), False, "orthonormal coordinates"
        )
        built = Builder((packed,))
        components = built.apply(
            tensors.unpacking_matrix(self.reduction), built.components(0), self._component_names()
        )
        output = Output("tensor", self._layout.shape, self._written(built, components))
        return built.program(
            "unpack",
            "Return the tensor with the given orthonormal coordinates.",
            [output],
            f"tensor, shape {_shape(self._layout.shape)}.",
        )


def _cartesian(shape: tuple[int, ...]) -> list[str]:
    """Return the labels of the entries of an array with an axis for each index."""
    names = [""]
    for size in shape:
        names = [name + axis for name in names for axis in "xyz"[:size]]
    return names


def _first_entries(natural: NaturalBasis) -> list[int]:
    """Return the first flat component of each monomial."""
    _, first = np.unique(natural.monomials, return_index=True)
    return [int(i) for i in first]


def _distinct_labels(natural: NaturalBasis) -> list[str]:
    names = _cartesian(natural.shape)
    return [names[first] for first in _first_entries(natural)]


def distinct_entries(weight: int) -> list[str]:
    """Return the labels of the entries of a natural tensor that may differ."""
    return _distinct_labels(natural_basis(weight))


def _part_name(weight: int, copy: int, component: str) -> str:
    return f"X{weight}_{copy}_{component}" if component else f"X{weight}_{copy}_scalar"


def _shape(shape: tuple[int, ...]) -> str:
    return "(...)" if not shape else f"(..., {', '.join(map(str, shape))})"
