"""First and second derivatives of convolution and product, as straight-line programs.

Both are linear in every argument, so their derivatives are sums of the same couplings with other
arguments. The derivative by the direction of a bond is a torque: the message turns with the
features and the bond together, so turning the bond alone is turning all the rest the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from natural_tensors.exact.surds import Surd
from natural_tensors.so3.blocks import block_size
from natural_tensors.so3.harmonics import Normalization

from ..programs.lowering import ONE, Builder
from ..programs.program import Argument, Matrix, Output, Program, Ref
from . import aligned, couplings, layout, rotations
from .aligned import Merged, MergeMatrices
from .layout import Block, Path

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
        [{} for _ in range(block_size(weight))] for _ in range(3)
    )
    if weight:
        entries = couplings.couplings(weight, 1, weight, "component")
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
        self.matrices = rotations.split_matrices(frames, weight)
        self.sources, self.targets, self.merges = sources, targets, merges

    def into(self, values: Sequence[Ref], blocks: Sequence[Block]) -> Parts:
        """Turn packed features into the frame."""
        return {
            block: rotations.rotated(
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
            for value in rotations.rotated(
                self.built, self.matrices[block.weight], values, block.weight, back=True
            )
        )

    def merged(self, weights: Sequence[Ref]) -> Merged:
        """Merge the weights of paths."""
        return aligned.merged_paths(self.built, self.merges, weights)

    def message(self, merged: Merged, features: Parts) -> Parts:
        """Return the message."""
        return {
            target: aligned.aligned_product(self.built, target, features, merged)
            for target in self.targets
        }

    def pulled(self, merged: Merged, gradient: Parts) -> Parts:
        """Return the gradient by the features, from that by the message."""
        terms: dict[Block, list[list[tuple[Surd, Ref]]]] = {
            source: [[] for _ in range(source.size)] for source in self.sources
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
            for m in range(block.size):
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
            rotations.rotated(self.built, self.matrices[1], [minus, zero, torque_x], 1, back=True)
        )


def _plus(built: Builder, *terms: tuple[Surd, Parts]) -> Parts:
    """Return a combination of features."""
    return {
        block: [
            built.linear([(sign, parts[block][m]) for sign, parts in terms])
            for m in range(block.size)
        ]
        for block in terms[0][1]
    }


def tangent_of(argument: Argument) -> Argument:
    """Return the argument that holds a tangent of another."""
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
    gradient = layout.feature_argument("gradient", targets, "gradient by the sums", "g")
    merges = aligned.merge_matrices(paths, normalization)

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
            layout.feature_argument("features_tangent", sources, "tangent of the features", "F"),
            Argument("directions_tangent", (3,), ("c_x", "c_y", "c_z"), False, "tangent"),
            tangent_of(weights),
        )
    )  # fmt: skip
    edge = _Aligned(built, built.components(2), weight, sources, targets, merges)
    f = edge.into(built.components(0), sources)
    g = edge.into(built.components(1), targets)
    w = edge.merged(built.components(3))
    tangent = edge.into(built.components(4), sources)
    c_x, c_y, c_z = rotations.rotated(built, edge.matrices[1], built.components(5), 1, back=False)
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
