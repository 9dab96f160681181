"""First and second derivatives of convolution and product, as straight-line programs.

Both are linear in every argument, so their derivatives are sums of the same couplings with other
arguments. The derivative by the direction of a bond is a torque: the message turns with the
features and the bond together, so turning the bond alone is turning all the rest the other way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

from natural_tensors.harmonics import Normalization
from natural_tensors.surds import Surd

from . import pieces
from .lowering import ONE, Builder
from .pieces import Block, Merged, MergeMatrices, Path
from .program import Argument, Matrix, Output, Program, Ref

MINUS = Surd(-1)

Parts: TypeAlias = dict[Block, list[Ref]]
"""Packed features, block by block."""


@cache
def generators(weight: int) -> tuple[Matrix, Matrix, Matrix]:
    """Return the infinitesimal rotations of a weight about x, y and z, as sparse rows.

    They are the odd coupling with a vector, (l, 1, l), up to a factor, which the Casimir
    invariant l (l+1) fixes.
    """
    rows: tuple[list[dict[int, Surd]], ...] = tuple(
        [{} for _ in range(2 * weight + 1)] for _ in range(3)
    )
    if weight:
        entries = pieces.couplings(weight, 1, weight, "component")
        first = [c for (_, _, k), c in entries.items() if k == 0]
        square = sum((c * c for c in first), Surd(0))
        scale = Surd.root((weight * (weight + 1) / square).terms[1])
        for (i, axis, k), coefficient in entries.items():
            rows[axis][k][i] = -scale * coefficient
    return rows[0], rows[1], rows[2]


class _Aligned:
    """The message in the frame of its bond, and its derivatives, on the values of a builder.

    Args:
        built: collects the values.
        frames: flat rotation matrices.
        weight: largest weight they turn.
        sources: blocks of the features.
        targets: blocks of the message.
        merges: how path weights merge.
    """

    def __init__(
        self, built: Builder, frames: Sequence[Ref], weight: int, sources: Sequence[Block],
        targets: Sequence[Block], merges: MergeMatrices,
    ) -> None:  # fmt: skip
        self.built = built
        self.matrices = pieces.split_matrices(frames, weight)
        self.sources, self.targets, self.merges = sources, targets, merges

    def into(self, values: Sequence[Ref], blocks: Sequence[Block]) -> Parts:
        """Turn packed features into the frame."""
        return {
            block: pieces.rotated(
                self.built, self.matrices[block.weight], values[block.slice], block.weight,
                back=False,
            )
            for block in blocks
        }  # fmt: skip

    def back(self, parts: Parts) -> tuple[Ref, ...]:
        """Turn features back, as packed values."""
        return tuple(
            value
            for block, values in parts.items()
            for value in pieces.rotated(
                self.built, self.matrices[block.weight], values, block.weight, back=True
            )
        )

    def merged(self, weights: Sequence[Ref]) -> Merged:
        """Merge the weights of paths."""
        return pieces.merged_paths(self.built, self.merges, weights)

    def message(self, merged: Merged, features: Parts) -> Parts:
        """Return the message."""
        return {
            target: pieces.aligned_product(self.built, target, features, merged)
            for target in self.targets
        }

    def pulled(self, merged: Merged, gradient: Parts) -> Parts:
        """Return the gradient by the features, from that by the message."""
        terms: dict[Block, list[list[tuple[Surd, Ref]]]] = {
            source: [[] for _ in range(2 * source.weight + 1)] for source in self.sources
        }
        for (source, target, odd), numbers in merged.items():
            for m in range(-len(numbers) + 1, len(numbers)):
                sign = MINUS if odd and m < 0 else ONE
                value = self.built.product(numbers[abs(m)], gradient[target][target.weight + m])
                terms[source][source.weight + (-m if odd else m)].append((sign, value))
        return {source: [self.built.linear(row) for row in rows] for source, rows in terms.items()}

    def weights(self, pairs: Sequence[tuple[Surd, Parts, Parts]], paths: int) -> tuple[Ref, ...]:
        """Return the gradient by the path weights of ``sum sign <gradient, message(features)>``."""
        rows: list[dict[int, Surd]] = [{} for _ in range(paths)]
        columns: list[Ref] = []
        for (source, target, odd), matrix in self.merges.items():
            for m, row in enumerate(matrix):
                terms = []
                for n in {-m, m}:
                    sign = MINUS if odd and n < 0 else ONE
                    for factor, gradient, features in pairs:
                        left = gradient[target][target.weight + n]
                        right = features[source][source.weight + (-n if odd else n)]
                        terms.append((sign * factor, self.built.product(left, right)))
                for path, coefficient in row.items():
                    rows[path][len(columns)] = coefficient
                columns.append(self.built.linear(terms))
        return tuple(self.built.apply(rows, columns))

    def turned(self, parts: Parts, axis: Sequence[tuple[int, Ref]]) -> Parts:
        """Return the infinitesimal rotation of features about ``sum value * axis``."""
        found: Parts = {}
        for block, values in parts.items():
            found[block] = []
            for m in range(2 * block.weight + 1):
                terms = [
                    (ONE, self.built.product(self.built.linear([(coefficient, angle)]), values[n]))
                    for number, angle in axis
                    for n, coefficient in generators(block.weight)[number][m].items()
                ]
                found[block].append(self.built.linear(terms))
        return found

    def torque(self, axis: int, pairs: Sequence[tuple[Surd, Parts, Parts]]) -> Ref:
        """Return ``sum sign <gradient, J features>``, J the infinitesimal rotation."""
        terms = []
        for sign, gradient, features in pairs:
            for block, values in gradient.items():
                rows = generators(block.weight)[axis]
                for m, row in enumerate(rows):
                    turned = self.built.linear([(c, features[block][n]) for n, c in row.items()])
                    terms.append((sign, self.built.product(values[m], turned)))
        return self.built.linear(terms)

    def slope(self, torque_x: Ref, torque_z: Ref) -> tuple[Ref, ...]:
        """Return the gradient by the direction, torque times direction, in the axes of space."""
        minus = self.built.linear([(MINUS, torque_z)])
        zero = self.built.constant(0)
        return tuple(
            pieces.rotated(self.built, self.matrices[1], [minus, zero, torque_x], 1, back=True)
        )


def _plus(built: Builder, *terms: tuple[Surd, Parts]) -> Parts:
    """Return a combination of features."""
    return {
        block: [
            built.linear([(sign, parts[block][m]) for sign, parts in terms])
            for m in range(2 * block.weight + 1)
        ]
        for block in terms[0][1]
    }


def _tangent(argument: Argument) -> Argument:
    labels = tuple(f"tangent_{label}" for label in argument.labels)
    name, meaning = f"{argument.name}_tangent", f"tangent of {argument.name}"
    return Argument(name, argument.shape, labels, argument.channels, meaning)


def message_derivatives(
    arguments: Sequence[Argument], weight: int, sources: Sequence[Block],
    targets: Sequence[Block], paths: Sequence[Path], normalization: Normalization,
) -> tuple[Program, Program]:  # fmt: skip
    """Return the vector-Jacobian product of the message of one edge, and that of it.

    With T the message's scalar product with a gradient, linear in gradient g, weights w and
    features f, and J an infinitesimal rotation: the second is the gradient of
    ``T(g, w, F - J f) + T(g, W, f) - T(J g, w, f)`` where F, W are tangents of f and w, and J
    turns about direction times tangent of the direction.

    Args:
        arguments: features, frames and weights of the message.
        weight: largest weight the frames turn.
        sources: blocks of the features.
        targets: blocks of the message.
        paths: the paths.
        normalization: of harmonics and couplings.
    """
    features, frames, weights = arguments
    gradient = pieces.feature_argument("gradient", targets, "gradient by the sums", "g")
    merges = pieces.merge_matrices(paths, normalization)

    built = Builder((features, gradient, frames, weights))
    edge = _Aligned(built, built.components(2), weight, sources, targets, merges)
    f = edge.into(built.components(0), sources)
    g = edge.into(built.components(1), targets)
    w = edge.merged(built.components(3))
    message, pulled = edge.message(w, f), edge.pulled(w, g)
    torque_x, torque_z = (
        edge.torque(axis, [(MINUS, message, g), (MINUS, pulled, f)]) for axis in (0, 2)
    )
    first = built.program(
        "message_vjp", "Return what a gradient by the sums makes of one edge.",
        [
            Output("features_gradient", features.shape, edge.back(pulled)),
            Output("weights_gradient", weights.shape, edge.weights([(ONE, g, f)], len(paths))),
            Output("directions_gradient", (3,), edge.slope(torque_x, torque_z), summed=True),
        ],
        "gradients by features, weights and direction.",
    )  # fmt: skip

    built = Builder(
        (
            features, gradient, frames, weights,
            pieces.feature_argument("features_tangent", sources, "tangent of the features", "F"),
            Argument("directions_tangent", (3,), ("c_x", "c_y", "c_z"), False, "tangent"),
            _tangent(weights),
        )
    )  # fmt: skip
    edge = _Aligned(built, built.components(2), weight, sources, targets, merges)
    f = edge.into(built.components(0), sources)
    g = edge.into(built.components(1), targets)
    w = edge.merged(built.components(3))
    tangent = edge.into(built.components(4), sources)
    c_x, c_y, c_z = pieces.rotated(built, edge.matrices[1], built.components(5), 1, back=False)
    b = edge.merged(built.components(6))
    axis = [(0, c_z), (2, built.linear([(MINUS, c_x)]))]
    turned_f, turned_g = edge.turned(f, axis), edge.turned(g, axis)
    message, pulled = edge.message(w, f), edge.pulled(w, g)
    moved = _plus(built, (ONE, tangent), (MINUS, turned_f))
    by_gradient = _plus(
        built, (ONE, edge.message(w, moved)), (ONE, edge.message(b, f)),
        (ONE, edge.turned(message, axis)),
    )  # fmt: skip
    by_features = _plus(
        built, (ONE, edge.pulled(b, g)), (MINUS, edge.pulled(w, turned_g)),
        (ONE, edge.turned(pulled, axis)),
    )  # fmt: skip
    torques = [
        built.linear(
            [
                (ONE, edge.torque(number, [
                    (MINUS, by_gradient, g), (MINUS, by_features, f), (MINUS, pulled, tangent),
                ])),
                (MINUS, built.product(c_y, edge.torque(
                    number, [(MINUS, message, g), (MINUS, pulled, f)]
                ))),
            ]
        )
        for number in (0, 2)
    ]  # fmt: skip
    second = built.program(
        "message_vjp_vjp", "Return what tangents of its gradients make of one edge.",
        [
            Output("gradient_gradient", gradient.shape, edge.back(by_gradient)),
            Output("features_gradient", features.shape, edge.back(by_features)),
            Output("weights_gradient", weights.shape,
                   edge.weights([(ONE, g, moved), (MINUS, turned_g, f)], len(paths))),
            Output("first_weights_gradient", weights.shape,
                   edge.weights([(ONE, g, f)], len(paths))),
            Output("directions_gradient", (3,), edge.slope(*torques), summed=True),
        ],
        "gradients by gradient, features, weights (and what message_vjp gives them), direction.",
    )  # fmt: skip
    return first, second


# --- products -------------------------------------------------------------------------------------

Group: TypeAlias = Mapping[int, tuple[Block, Block, Block]]
"""Paths that share both factors, by their numbers."""


class _Pair:
    """The paths of two blocks, on the values of a builder."""

    def __init__(self, built: Builder, group: Group, normalization: Normalization) -> None:
        self.built, self.group = built, group
        self.entries = {
            number: pieces.couplings(a.weight, b.weight, c.weight, normalization)
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
        found = {}
        for number, entries in self.entries.items():
            rows: list[dict[int, Surd]] = [{} for _ in range(2 * self.group[number][2].weight + 1)]
            for (i, j, k), coefficient in entries.items():
                rows[k][self.places.index((i, j))] = coefficient
            found[number] = self.built.apply(rows, pairs)
        return found

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
        found: list[list[tuple[Surd, Ref]]] = [[] for _ in range(size)]
        for pulled, factor in terms:
            for (i, j), value in pulled.items():
                here, there = (j, i) if second else (i, j)
                found[mine.start + here].append(
                    (ONE, self.built.product(value, factor[other.start + there]))
                )
        return tuple(self.built.linear(row) for row in found)

    def weights(
        self, paths: int, products: dict[int, list[Ref]], gradient: Sequence[Ref]
    ) -> tuple[Ref, ...]:
        """Return the gradient by the weights of the paths."""
        found = [self.built.constant(0)] * paths
        for number, values in products.items():
            start = self.group[number][2].start
            found[number] = self.built.linear(
                [(ONE, self.built.product(v, gradient[start + k])) for k, v in enumerate(values)]
            )
        return tuple(found)

    def weighted(
        self, size: int, *terms: tuple[Sequence[Ref], dict[int, list[Ref]]]
    ) -> tuple[Ref, ...]:
        """Return the sum over paths of weight times coupling."""
        found: list[list[tuple[Surd, Ref]]] = [[] for _ in range(size)]
        for weights, products in terms:
            for number, values in products.items():
                start = self.group[number][2].start
                for k, value in enumerate(values):
                    found[start + k].append((ONE, self.built.product(weights[number], value)))
        return tuple(self.built.linear(row) for row in found)


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
    tangents = [_tangent(argument) for argument in arguments]
    groups: dict[tuple[Block, Block], dict[int, tuple[Block, Block, Block]]] = {}
    for number, path in enumerate(paths):
        groups.setdefault(path[:2], {})[number] = path
    found: tuple[list[Program], list[Program], list[Program]] = ([], [], [])
    for group in groups.values():
        built = Builder((first, second, weights))
        a, b, w = (built.components(i) for i in range(3))
        pair = _Pair(built, group, normalization)
        values = pair.weighted(size, (w, pair.products((a, b))))
        found[0].append(
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
        found[1].append(
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
        found[2].append(
            built.program("product_vjp_vjp", "Add what tangents make of two blocks.", outputs,
                          "gradients by gradient, both factors and the weights.")
        )  # fmt: skip
    return found
