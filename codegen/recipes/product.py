"""The channel-wise product of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from natural_tensors.so3.harmonics import Normalization, check_normalization

from ..pieces import couplings, layout
from ..pieces.layout import Block, Parity
from ..pieces.product_derivatives import product_stages
from ..programs.kernel import Kernel, Row
from ..programs.lowering import Builder
from ..programs.program import Argument, Output, Program
from .recipe import Recipe, check_choice, check_weight


@dataclass(frozen=True)
class ProductRecipe(Recipe):
    """The channel-wise product of node features with node features: the many-body step.

    For every path (l1, l2, l3) one weight for each channel. With both arguments the same
    features it is the two-body product; applied again it raises the body order.

    Attributes:
        weight: largest weight of factors and result.
        parity: as in :class:`ConvolutionRecipe`.
        normalization: of the couplings.
    """

    weight: int
    parity: Parity = "natural"
    normalization: Normalization = "component"

    def __post_init__(self) -> None:
        check_weight("weight", self.weight)
        check_choice("parity", self.parity, get_args(Parity))
        check_normalization(self.normalization)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Layout of factors and result."""
        return layout.feature_blocks(self.weight, self.parity)

    @property
    def paths(self) -> tuple[tuple[Block, Block, Block], ...]:
        """First factor, second factor and result of each path."""
        return layout.product_paths(self.blocks, self.parity)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        return (
            f"Channel-wise product of features to weight {self.weight}, {self.parity} parity, "
            f"{len(self.paths)} paths."
        )

    @property
    def _arguments(self) -> tuple[Argument, ...]:
        labels = tuple(f"weight_{a.label}_{b.label}_{c.label}" for a, b, c in self.paths)
        return (
            layout.feature_argument("first", self.blocks, "features", "a"),
            layout.feature_argument("second", self.blocks, "features", "b"),
            Argument("weights", (len(labels),), labels, True, "weights of the paths"),
        )

    @property
    def has_kernels(self) -> bool:
        """Whether the recipe has loops for a compiled target."""
        return True

    def kernels(self) -> tuple[Kernel, ...]:
        """Return the product and its derivatives, for a compiled target."""
        names = ("product", "product_vjp", "product_vjp_vjp")
        stages = product_stages(self._arguments, self.paths, self.normalization)
        rows: dict[str, Row] = dict.fromkeys(
            ("weights", "weights_gradient", "weights_tangent"), "shared"
        )
        return tuple(
            Kernel(name, "items", tuple(programs), rows,
                   frozenset(str(output.key) for output in programs[0].outputs))
            for name, programs in zip(names, stages, strict=True)
        )  # fmt: skip

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        built = Builder(self._arguments)
        first, second, weights = (built.components(i) for i in range(3))
        values: list[int] = []
        for target in self.blocks:
            terms = [
                (
                    couplings.couplings(a.weight, b.weight, c.weight, self.normalization),
                    first[a.slice],
                    second[b.slice],
                    weights[number],
                )
                for number, (a, b, c) in enumerate(self.paths)
                if c == target
            ]
            values += couplings.coupled(built, terms, target.weight)
        output = Output("product", (len(values),), tuple(values))
        return (
            built.program("product", self.title, [output],
                          f"shape (..., {len(values)}, channels)."),
        )  # fmt: skip
