"""The channel-wise product of features."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from natural_tensors.so3.harmonics import Normalization, check_normalization

from ..pieces import couplings, layout
from ..pieces.layout import Block, Parity
from ..pieces.product_derivatives import product_stages
from ..programs.kernel import Array, Kernel, Signature
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
    def _arguments(self) -> tuple[Argument, Argument, Argument]:
        labels = tuple(f"weight_{a.label}_{b.label}_{c.label}" for a, b, c in self.paths)
        return (
            layout.feature_argument("first", self.blocks, "features", "a"),
            layout.feature_argument("second", self.blocks, "features", "b"),
            Argument("weights", (len(labels),), labels, True, "weights of the paths"),
        )

    def signatures(self) -> tuple[Signature, ...]:
        """Return how the product and its derivatives are called."""
        size, paths = layout.size_of(self.blocks), len(self.paths)

        def of_items(*names: str, written: bool = False) -> tuple[Array, ...]:
            return tuple(
                Array(name, "item", size, channels=True, written=written) for name in names
            )

        def of_paths(name: str, *, written: bool = False) -> Array:
            return Array(name, "shared", paths, channels=True, written=written)

        given = (*of_items("first", "second"), of_paths("weights"))
        tangents = (*of_items("first_tangent", "second_tangent"), of_paths("weights_tangent"))
        gradients = (
            *of_items("first_gradient", "second_gradient", written=True),
            of_paths("weights_gradient", written=True),
        )
        gradient = of_items("gradient")
        second = of_items("gradient_gradient", written=True)
        return (
            Signature("product", "items", (*given, *of_items("sums", written=True))),
            Signature("product_vjp", "items", (*given, *gradient, *gradients)),
            Signature(
                "product_vjp_vjp", "items", (*given, *gradient, *tangents, *second, *gradients)
            ),
        )

    def kernels(
        self, derivatives: int = 2, targets: Collection[Block] | None = None
    ) -> tuple[Kernel, ...]:
        """Return the product and its derivatives, for a compiled language.

        Args:
            derivatives: how many, 2 at most.
            targets: blocks of the result that are computed, the others are left as they are; all
                when omitted.
        """
        stages = product_stages(self._arguments, self.paths, self.normalization, targets)
        return tuple(
            Kernel(signature, tuple(programs), frozenset(signature.outputs))
            for signature, programs in zip(
                self.signatures()[: derivatives + 1], stages, strict=False
            )
        )

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
            built.program(
                "product", self.title, [output], f"shape (..., {len(values)}, channels)."
            ),
        )
