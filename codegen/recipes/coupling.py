"""Couplings of two parts, and rotations of features."""

from __future__ import annotations

from dataclasses import dataclass

from natural_tensors.so3.blocks import block_size
from natural_tensors.so3.harmonics import Normalization

from ..pieces import couplings, layout, rotations
from ..programs.lowering import Builder
from ..programs.program import Argument, Output, Program
from .recipe import Recipe, check_weight


@dataclass(frozen=True)
class CouplingRecipe(Recipe):
    """The coupling of two packed natural tensors in a third, channel by channel.

    Attributes:
        l1: weight of the first factor.
        l2: weight of the second factor.
        l3: weight of the result.
        normalization: as in :func:`natural_tensors.coupling`.
    """

    l1: int
    l2: int
    l3: int
    normalization: Normalization = "component"

    def __post_init__(self) -> None:
        for name in ("l1", "l2", "l3"):
            check_weight(name, getattr(self, name))
        couplings.couplings(self.l1, self.l2, self.l3, self.normalization)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        return f"Coupling ({self.l1}, {self.l2}, {self.l3}), {self.normalization} normalization."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        first = _features("x", self.l1, "packed natural tensors")
        second = _features("y", self.l2, "packed natural tensors")
        built = Builder((first, second))
        entries = couplings.couplings(self.l1, self.l2, self.l3, self.normalization)
        values = couplings.coupled(
            built, [(entries, built.components(0), built.components(1), None)], self.l3
        )
        size = block_size(self.l3)
        output = Output("coupled", (size,), tuple(values))
        return (built.program("couple", self.title, [output], f"shape (..., {size}, channels)."),)


def _features(name: str, weight: int, meaning: str) -> Argument:
    size = block_size(weight)
    labels = tuple(f"{name}_{m}" for m in range(size))
    return Argument(name, (size,), labels, True, f"{meaning} of weight {weight}")


@dataclass(frozen=True)
class RotationRecipe(Recipe):
    """Rotation of packed features, and the rotation that takes a direction to the polar axis y.

    Attributes:
        weight: largest weight.
    """

    weight: int

    def __post_init__(self) -> None:
        check_weight("weight", self.weight)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        return f"Rotation of packed features of weights 0 to {self.weight}."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        return (
            self._matrices(),
            rotations.frame_program(self.weight),
            self._rotate("rotate", back=False),
            self._rotate("rotate_back", back=True),
        )

    def _matrices(self) -> Program:
        labels = tuple(f"R_{a}{b}" for a in "xyz" for b in "xyz")
        built = Builder((Argument("R", (3, 3), labels, False, "rotation matrices"),))
        blocks = rotations.rotation_matrices(built, built.components(0), self.weight)
        flat = tuple(v for block in blocks for v in block)
        return built.program(
            "matrices",
            "Return the rotation matrices of all weights, flat.",
            [Output("matrices", (len(flat),), flat)],
            f"matrices of weights 1 to {self.weight} row by row, shape (..., {len(flat)}).",
        )

    def _rotate(self, name: str, *, back: bool) -> Program:
        blocks = layout.feature_blocks(self.weight, "natural")
        features = layout.feature_argument("features", blocks, "packed features")
        built = Builder((features, rotations.frame_argument(self.weight)))
        matrices = rotations.split_matrices(built.components(1), self.weight)
        values = built.components(0)
        rotated: list[int] = []
        for block in blocks:
            rotated += rotations.rotated(
                built, matrices[block.weight], values[block.slice], block.weight, back=back
            )
        size = len(rotated)
        what = "Apply the transposed" if back else "Apply the"
        return built.program(
            name,
            f"{what} rotation matrices to features of natural parity.",
            [Output("rotated", (size,), tuple(rotated))],
            f"shape (..., {size}, channels).",
        )
