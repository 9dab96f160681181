"""First and second derivatives of the channel-wise product, as straight-line programs.

The product is linear in both factors and in the weights of its paths, so its derivatives are sums
of the same couplings with other arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from natural_tensors.exact.surds import Surd
from natural_tensors.so3.harmonics import Normalization

from ..programs.lowering import ONE, Builder, Sums
from ..programs.program import Argument, Output, Program, Ref
from . import couplings
from .layout import Block, tangent_of

Group: TypeAlias = Mapping[int, tuple[Block, Block, Block]]
"""Paths that share both factors, by their numbers."""


class _Pair:
    """The paths of two blocks, on the values of a builder."""

    def __init__(self, built: Builder, group: Group, normalization: Normalization) -> None:
        self.built, self.group = built, group
        self.entries = {
            number: couplings.couplings(a.weight, b.weight, c.weight, normalization)
            for number, (a, b, c) in group.items()
        }
        self.first, self.second, _ = next(iter(group.values()))
        self.places = sorted({(i, j) for e in self.entries.values() for i, j, _ in e})

    def products(self, *factors: tuple[Sequence[Ref], Sequence[Ref]]) -> dict[int, list[Ref]]:
        """Return, for each path, the coupling of a sum of pairs of factors, without its weight."""
        pairs = [
            self.built.linear(
                [
                    (ONE, self.built.product(a[self.first.start + i], b[self.second.start + j]))
                    for a, b in factors
                ]
            )
            for i, j in self.places
        ]
        products = {}
        for number, entries in self.entries.items():
            rows: list[dict[int, Surd]] = [{} for _ in range(self.group[number][2].size)]
            for (i, j, k), coefficient in entries.items():
                rows[k][self.places.index((i, j))] = coefficient
            products[number] = self.built.apply(rows, pairs)
        return products

    def pulled(self, weights: Sequence[Ref], gradient: Sequence[Ref]) -> dict[tuple[int, int], Ref]:
        """Return the gradient by the products of components of the two factors."""
        rows: list[dict[int, Surd]] = [{} for _ in self.places]
        columns: list[Ref] = []
        for number, entries in self.entries.items():
            target = self.group[number][2]
            for (i, j, k), coefficient in entries.items():
                rows[self.places.index((i, j))][len(columns) + k] = coefficient
            columns += [self.built.product(weights[number], gradient[place])
                        for place in range(target.slice.start, target.slice.stop)]  # fmt: skip
        return dict(zip(self.places, self.built.apply(rows, columns), strict=True))

    def spread(
        self, size: int, terms: Sequence[tuple[dict[tuple[int, int], Ref], Sequence[Ref]]],
        *, second: bool,
    ) -> tuple[Ref, ...]:  # fmt: skip
        """Return the gradient by one factor, from gradients by products and the other factor."""
        mine, other = (self.second, self.first) if second else (self.first, self.second)
        sums = Sums(self.built, size)
        for pulled, factor in terms:
            for (i, j), value in pulled.items():
                here, there = (j, i) if second else (i, j)
                sums.add(mine.start + here, self.built.product(value, factor[other.start + there]))
        return tuple(sums.values())

    def weights(
        self, paths: int, products: dict[int, list[Ref]], gradient: Sequence[Ref]
    ) -> tuple[Ref, ...]:
        """Return the gradient by the weights of the paths."""
        gradients = [self.built.constant(0)] * paths
        for number, values in products.items():
            start = self.group[number][2].start
            gradients[number] = self.built.linear(
                [(ONE, self.built.product(v, gradient[start + k])) for k, v in enumerate(values)]
            )
        return tuple(gradients)

    def weighted(
        self, size: int, *terms: tuple[Sequence[Ref], dict[int, list[Ref]]]
    ) -> tuple[Ref, ...]:
        """Return the sum over paths of weight times coupling."""
        sums = Sums(self.built, size)
        for weights, products in terms:
            for number, values in products.items():
                start = self.group[number][2].start
                for k, value in enumerate(values):
                    sums.add(start + k, self.built.product(weights[number], value))
        return tuple(sums.values())


def product_stages(
    arguments: Sequence[Argument], paths: Sequence[tuple[Block, Block, Block]],
    normalization: Normalization,
) -> tuple[list[Program], list[Program], list[Program]]:  # fmt: skip
    """Return the product, its vector-Jacobian product and that of it, a stage for each two blocks.

    The stages of one function add up; each is short, however large the weights.

    Args:
        arguments: first factor, second factor and weights.
        paths: first factor, second factor and result of each path.
        normalization: of the couplings.
    """
    first, second, weights = arguments
    size, count = len(first.labels), len(paths)
    gradient = Argument(
        "gradient", first.shape, tuple(f"g_{label}" for label in first.labels), True,
        "gradient by the product",
    )  # fmt: skip
    tangents = [tangent_of(argument) for argument in arguments]
    groups: dict[tuple[Block, Block], dict[int, tuple[Block, Block, Block]]] = {}
    for number, path in enumerate(paths):
        groups.setdefault(path[:2], {})[number] = path
    stages: tuple[list[Program], list[Program], list[Program]] = ([], [], [])
    for group in groups.values():
        built = Builder((first, second, weights))
        a, b, w = (built.components(i) for i in range(3))
        pair = _Pair(built, group, normalization)
        values = pair.weighted(size, (w, pair.products((a, b))))
        stages[0].append(
            built.program("product", "Add the product of two blocks.",
                          [Output("sums", first.shape, values)], "the product.")
        )  # fmt: skip

        built = Builder((first, second, weights, gradient))
        a, b, w, g = (built.components(i) for i in range(4))
        pair = _Pair(built, group, normalization)
        pulled = pair.pulled(w, g)
        outputs = [
            Output("first_gradient", first.shape, pair.spread(size, [(pulled, b)], second=False)),
            Output("second_gradient", first.shape, pair.spread(size, [(pulled, a)], second=True)),
            Output("weights_gradient", weights.shape,
                   pair.weights(count, pair.products((a, b)), g)),
        ]  # fmt: skip
        stages[1].append(
            built.program("product_vjp", "Add what a gradient makes of two blocks.", outputs,
                          "gradients by both factors and the weights.")
        )  # fmt: skip

        built = Builder((first, second, weights, gradient, *tangents))
        a, b, w, g, a_tangent, b_tangent, w_tangent = (built.components(i) for i in range(7))
        pair = _Pair(built, group, normalization)
        mixed = pair.products((a_tangent, b), (a, b_tangent))
        pulled, tangent = pair.pulled(w, g), pair.pulled(w_tangent, g)
        outputs = [
            Output("gradient_gradient", first.shape,
                   pair.weighted(size, (w, mixed), (w_tangent, pair.products((a, b))))),
            Output("first_gradient", first.shape,
                   pair.spread(size, [(pulled, b_tangent), (tangent, b)], second=False)),
            Output("second_gradient", first.shape,
                   pair.spread(size, [(pulled, a_tangent), (tangent, a)], second=True)),
            Output("weights_gradient", weights.shape, pair.weights(count, mixed, g)),
        ]  # fmt: skip
        stages[2].append(
            built.program("product_vjp_vjp", "Add what tangents make of two blocks.", outputs,
                          "gradients by gradient, both factors and the weights.")
        )  # fmt: skip
    return stages
