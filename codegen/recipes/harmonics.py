"""Harmonics of a direction."""

from __future__ import annotations

from dataclasses import dataclass

from natural_tensors.so3.bases import component_monomials
from natural_tensors.so3.blocks import Blocks
from natural_tensors.so3.harmonics import Normalization, check_normalization

from ..pieces import harmonics, tensors
from ..programs.lowering import Builder
from ..programs.program import Argument, Output, Program
from .recipe import Recipe, check_weight
from .tensor import distinct_entries


@dataclass(frozen=True)
class HarmonicsRecipe(Recipe):
    """Harmonics of a vector, all weights up to one.

    Attributes:
        weight: largest weight.
        normalization: as in :func:`natural_tensors.harmonic`.
        solid: homogeneous polynomials of the vector, instead of harmonics of its direction.
        cartesian: natural tensors by weight, instead of packed coordinates in one array.
    """

    weight: int
    normalization: Normalization = "component"
    solid: bool = False
    cartesian: bool = False

    def __post_init__(self) -> None:
        check_weight("weight", self.weight)
        check_normalization(self.normalization)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        kind = "Solid harmonics" if self.solid else "Harmonics of a direction"
        return f"{kind}, weights 0 to {self.weight}, {self.normalization} normalization."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        vector = Argument(
            "vectors" if self.solid else "directions",
            (3,),
            ("x", "y", "z"),
            False,
            "vectors" if self.solid else "unit vectors",
        )
        built = Builder((vector,))
        packed = harmonics.harmonics(
            built, built.components(0), self.weight, self.normalization, solid=self.solid
        )
        name = "solid_harmonics" if self.solid else "harmonics"
        summary = self.title
        if not self.cartesian:
            size = Blocks.up_to(self.weight).size
            output = Output("harmonics", (size,), tuple(v for block in packed for v in block))
            program = built.program(
                name, summary, [output], f"packed harmonics by weight, m, shape (..., {size})."
            )
        else:
            outputs = []
            for weight, block in enumerate(packed):
                values = built.apply(
                    tensors.unpacking_natural(weight),
                    block,
                    [f"Y{c}" for c in distinct_entries(weight)],
                )
                where = component_monomials(weight).tolist()
                outputs.append(Output((weight, 0), (3,) * weight, tuple(values[i] for i in where)))
            program = built.program(
                name, summary, outputs, "natural tensors by (weight, 0), shape (..., 3, ..., 3)."
            )
        return (program,)
