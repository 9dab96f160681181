"""Polynomial invariants of a class of tensors, and their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from natural_tensors import (
    GroupInvariant,
    GroupInvariantBasis,
    InvariantBasis,
    Reduction,
    invariant_basis,
    reduction,
)
from natural_tensors.exact.surds import Surd
from natural_tensors.invariants.invariant import Invariant, Key, evaluated

from ..pieces import tensors
from ..pieces.factoring import MOST_PRODUCTS, factored
from ..pieces.recorded import Recorded
from ..programs.lowering import Builder
from ..programs.program import Argument, Output, Program, Ref
from ..programs.reverse import vjp
from .recipe import Recipe

TENSOR = "tensor"
"""Name of the argument."""


@dataclass(frozen=True)
class InvariantsRecipe(Recipe):
    """The invariants of a class of tensors up to a degree, and their gradients.

    A tensor comes as its independent components, in the order of rule 3
    (``reduction(...).components.labels``); the invariants go in the order of
    :func:`natural_tensors.invariant_basis`. ``evaluate_vjp`` pulls a gradient back.

    Attributes:
        symmetry: index symmetry, or a name of the catalogue.
        axial: True for a pseudo-tensor; a name brings its own.
        degree: the highest degree.
        group: ``"SO(3)"``, ``"O(3)"``, which leaves pseudoscalars out, or a point group.
        products: whether products of others are members too.

    Raises:
        InvariantsError: when a degree has too many.

    Example:
        >>> recipe = InvariantsRecipe("dielectric", degree=3, products=False)
        >>> print(recipe.functions()[0].counts())
        30 multiplications, 30 additions
    """

    symmetry: str
    axial: bool = False
    degree: int = 3
    group: str = "SO(3)"
    products: bool = True

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError(
                f"{self.symmetry} has no invariants of degree 1 to {self.degree} under "
                f"{self.group}; ask for a higher degree"
            )

    @property
    def basis(self) -> InvariantBasis | GroupInvariantBasis:
        """The exact basis the code comes from."""
        return invariant_basis(self._reduction, self.degree, self.group)

    @property
    def members(self) -> tuple[Invariant, ...] | tuple[GroupInvariant, ...]:
        """The invariants, in the order of the result."""
        return self.basis.members if self.products else self.basis.generators

    @property
    def _reduction(self) -> Reduction:
        return reduction(self.symmetry, axial=self.axial)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        what = str(self._reduction.symmetry) or "a scalar"
        kind = "" if self.products else ", but for products of others"
        return (
            f"The {len(self.members)} polynomial invariants of {what} under {self.group}, degrees "
            f"1 to {self.degree}{kind}."
        )

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        return _functions(self)

    def argument(self) -> Argument:
        """Return the tensor as the functions take it."""
        labels = self._reduction.components.labels
        names = tuple(f"T_{label}" if label else "T" for label in labels)
        meaning = f"{self._reduction.symmetry or 'a scalar'}, components {', '.join(labels)}"
        return Argument(TENSOR, (len(labels),), names, False, meaning)


@lru_cache(maxsize=32)
def _functions(recipe: InvariantsRecipe) -> tuple[Program, ...]:
    built = Builder((recipe.argument(),))
    basis = recipe.basis
    if isinstance(basis, GroupInvariantBasis):
        kept = [member for member in basis if recipe.products or not member.is_product]
        entries = _of_coordinates(built, basis, kept)
    else:
        members = basis.members if recipe.products else basis.generators
        values = evaluated(_natural_parts(basis.reduction, built), members)
        entries = tuple(value.item().value() for value in values)
    output = Output("result", (len(entries),), entries, broadcast=True)
    order = "in the order of natural_tensors.invariant_basis"
    returns = f"the invariants {order}, shape (..., {len(entries)})."
    program = built.program("evaluate", "Return the invariants of a tensor.", [output], returns)
    return program, vjp(program)


def _of_coordinates(
    built: Builder, basis: GroupInvariantBasis, members: Sequence[GroupInvariant]
) -> tuple[Ref, ...]:
    """Return polynomials in the coordinates of a basis, common factors taken out."""
    components = built.components(0)
    rows = [{place: Surd(n) for place, n in row} for row in basis.coordinates]
    known = built.apply(rows, components)
    polynomials = [
        {
            tuple(sorted(known[place] for place in places)): Fraction(number)
            for places, number in member.terms
        }
        for member in members
    ]
    pairs = sum(map(len, polynomials)) <= MOST_PRODUCTS
    return tuple(factored(built, polynomials, pairs=pairs))


def _natural_parts(reduction: Reduction, built: Builder) -> dict[Key, NDArray[np.object_]]:
    """Return every natural part at its monomials, shape ``(1, monomials)``, as recorded numbers."""
    components = built.components(0)
    parts: dict[Key, NDArray[np.object_]] = {}
    for space in reduction.spaces:
        for copy, matrix in enumerate(tensors.extraction_matrix(reduction, space, "dual")):
            refs = built.apply(matrix, components)
            row = np.empty((1, len(refs)), dtype=object)
            for place, ref in enumerate(refs):
                row[0, place] = Recorded(built, {ref: Fraction(1)})
            parts[space.weight, copy] = row
    return parts
