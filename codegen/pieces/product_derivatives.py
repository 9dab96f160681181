"""First and second derivatives of the channel-wise product, as straight-line programs.

The product is linear in both factors and in the weights of its paths, so its derivatives are sums
of the same couplings with other arguments.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
            columns += [
                self.built.product(weights[number], gradient[place])
                for place in range(target.slice.start, target.slice.stop)
            ]
        return dict(zip(self.places, self.built.apply(rows, columns), strict=True))

    def spread(
        self,
        size: int,
        terms: Sequence[tuple[dict[tuple[int, int], Ref], Sequence[Ref]]],
        *,
        second: bool,
    ) -> tuple[Ref, ...]:
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


@dataclass(frozen=True)
class _Stages:
    """The three programs of two blocks: product, its derivative, and the derivative of that."""

    first: Argument
    second: Argument
    weights: Argument
    count: int
    normalization: Normalization

    def _pair(self, group: Group, *further: Argument) -> tuple[_Pair, list[Sequence[Ref]]]:
        """Return the paths of a group and the values of all arguments, on a fresh builder."""
        arguments = (self.first, self.second, self.weights, *further)
        built = Builder(arguments)
        pair = _Pair(built, group, self.normalization)
        return pair, [built.components(number) for number in range(len(arguments))]

    def _of_features(self, name: str, values: tuple[Ref, ...]) -> Output:
        return Output(name, self.first.shape, values)

    def _by_weights(
        self, pair: _Pair, products: dict[int, list[Ref]], gradient: Sequence[Ref]
    ) -> Output:
        values = pair.weights(self.count, products, gradient)
        return Output("weights_gradient", self.weights.shape, values)

    @property
    def gradient(self) -> Argument:
        """The gradient by the product."""
        labels = tuple(f"g_{label}" for label in self.first.labels)
        return Argument("gradient", self.first.shape, labels, True, "gradient by the product")

    @property
    def size(self) -> int:
        """Number of components of the features."""
        return len(self.first.labels)

    def product(self, group: Group) -> Program:
        """Return the product."""
        pair, (a, b, w) = self._pair(group)
        sums = self._of_features("sums", pair.weighted(self.size, (w, pair.products((a, b)))))
        about = "Add the product of two blocks."
        return pair.built.program("product", about, [sums], "the product.")

    def vjp(self, group: Group) -> Program:
        """Return the vector-Jacobian product."""
        pair, (a, b, w, g) = self._pair(group, self.gradient)
        pulled = pair.pulled(w, g)
        by_first = pair.spread(self.size, [(pulled, b)], second=False)
        by_second = pair.spread(self.size, [(pulled, a)], second=True)
        outputs = [
            self._of_features("first_gradient", by_first),
            self._of_features("second_gradient", by_second),
            self._by_weights(pair, pair.products((a, b)), g),
        ]
        about = "Add what a gradient makes of two blocks."
        returns = "gradients by both factors and the weights."
        return pair.built.program("product_vjp", about, outputs, returns)

    def vjp_vjp(self, group: Group) -> Program:
        """Return the vector-Jacobian product of the vector-Jacobian product."""
        tangents = [tangent_of(each) for each in (self.first, self.second, self.weights)]
        pair, values = self._pair(group, self.gradient, *tangents)
        a, b, w, g, a_tangent, b_tangent, w_tangent = values
        mixed = pair.products((a_tangent, b), (a, b_tangent))
        pulled, tangent = pair.pulled(w, g), pair.pulled(w_tangent, g)
        by_gradient = pair.weighted(self.size, (w, mixed), (w_tangent, pair.products((a, b))))
        by_first = pair.spread(self.size, [(pulled, b_tangent), (tangent, b)], second=False)
        by_second = pair.spread(self.size, [(pulled, a_tangent), (tangent, a)], second=True)
        outputs = [
            self._of_features("gradient_gradient", by_gradient),
            self._of_features("first_gradient", by_first),
            self._of_features("second_gradient", by_second),
            self._by_weights(pair, mixed, g),
        ]
        about = "Add what tangents make of two blocks."
        returns = "gradients by gradient, both factors and the weights."
        return pair.built.program("product_vjp_vjp", about, outputs, returns)


def product_stages(
    arguments: tuple[Argument, Argument, Argument],
    paths: Sequence[tuple[Block, Block, Block]],
    normalization: Normalization,
    targets: Collection[Block] | None = None,
) -> Iterator[list[Program]]:
    """Yield the product, its vector-Jacobian product and that of it, a stage for each two blocks.

    The stages of one function add up; each is short, however large the weights.

    Args:
        arguments: first factor, second factor and weights.
        paths: first factor, second factor and result of each path.
        normalization: of the couplings.
        targets: blocks of the result that are computed; all when omitted.
    """
    groups: dict[tuple[Block, Block], dict[int, tuple[Block, Block, Block]]] = {}
    for number, path in enumerate(paths):
        if targets is None or path[2] in targets:
            groups.setdefault(path[:2], {})[number] = path
    stages = _Stages(*arguments, len(paths), normalization)
    for function in (stages.product, stages.vjp, stages.vjp_vjp):
        yield [function(group) for group in groups.values()]
