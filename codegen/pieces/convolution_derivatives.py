"""First and second derivatives of the message of an edge, as straight-line programs.

The message is linear in every argument, so its derivatives are sums of the same couplings with
other arguments. The derivative by the direction of a bond is a torque: the message rotates with the
features and the bond together, so rotating the bond alone is rotating all the rest the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TypeAlias

from natural_tensors.exact.surds import Surd
from natural_tensors.so3.blocks import block_size
from natural_tensors.so3.harmonics import Normalization

from ..programs.lowering import MINUS, ONE, Builder, Sums
from ..programs.program import Argument, Matrix, Output, Program, Ref
from . import aligned, couplings, layout, rotations
from .aligned import Merged, MergeMatrices
from .layout import Block, Path

Parts: TypeAlias = dict[Block, list[Ref]]
"""Packed features, block by block."""

Pairs: TypeAlias = Sequence[tuple[Surd, Parts, Parts]]
"""Terms ``sign * <gradient, something of the features>``: sign, gradient, features."""


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


class _Edge:
    """The message of one edge in the frame of its bond, and its derivatives.

    Args:
        built: collects the values.
        frames: flat rotation matrices.
        message: what is differentiated.
    """

    def __init__(self, built: Builder, frames: Sequence[Ref], message: AlignedMessage) -> None:
        self.built = built
        self.matrices = rotations.split_matrices(frames, max(message.weight, 1))
        self.sources, self.targets = message.sources, message.targets
        self.paths, self.merges = len(message.paths), message.merges

    def into(self, values: Sequence[Ref], blocks: Sequence[Block]) -> Parts:
        """Rotate packed features into the frame."""
        return {
            block: rotations.rotated(
                self.built,
                self.matrices[block.weight],
                values[block.slice],
                block.weight,
                back=False,
            )
            for block in blocks
        }

    def back(self, parts: Parts) -> tuple[Ref, ...]:
        """Rotate features back, as packed values."""
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
        sums = {source: Sums(self.built, source.size) for source in self.sources}
        for (source, target, odd), numbers in merged.items():
            for m in range(-len(numbers) + 1, len(numbers)):
                sign = MINUS if odd and m < 0 else ONE
                value = self.built.product(numbers[abs(m)], gradient[target][target.weight + m])
                sums[source].add(source.weight + (-m if odd else m), value, sign)
        return {source: rows.values() for source, rows in sums.items()}

    def weights(self, pairs: Pairs) -> tuple[Ref, ...]:
        """Return the gradient by the path weights of ``sum sign <gradient, message(features)>``."""
        rows: list[dict[int, Surd]] = [{} for _ in range(self.paths)]
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

    def rotated(self, parts: Parts, axis: Sequence[tuple[int, Ref]]) -> Parts:
        """Return the infinitesimal rotation of features about ``sum value * axis``."""
        result: Parts = {}
        for block, values in parts.items():
            result[block] = []
            for m in range(block.size):
                terms = [
                    (ONE, self.built.product(self.built.linear([(coefficient, angle)]), values[n]))
                    for number, angle in axis
                    for n, coefficient in generators(block.weight)[number][m].items()
                ]
                result[block].append(self.built.linear(terms))
        return result

    def torque(self, axis: int, pairs: Pairs) -> Ref:
        """Return ``sum sign <gradient, J features>``, J the infinitesimal rotation."""
        terms = []
        for sign, gradient, features in pairs:
            for block, values in gradient.items():
                rows = generators(block.weight)[axis]
                for m, row in enumerate(rows):
                    rotated = self.built.linear([(c, features[block][n]) for n, c in row.items()])
                    terms.append((sign, self.built.product(values[m], rotated)))
        return self.built.linear(terms)

    def by_direction(self, torque_x: Ref, torque_z: Ref) -> tuple[Ref, ...]:
        """Return the gradient by the direction, torque times direction, in the axes of space."""
        minus = self.built.linear([(MINUS, torque_z)])
        zero = self.built.constant(0)
        return tuple(
            rotations.rotated(self.built, self.matrices[1], [minus, zero, torque_x], 1, back=True)
        )

    def sum(self, *terms: tuple[Surd, Parts]) -> Parts:
        """Return a combination of features."""
        return {
            block: [
                self.built.linear([(sign, parts[block][m]) for sign, parts in terms])
                for m in range(block.size)
            ]
            for block in terms[0][1]
        }


@dataclass(frozen=True)
class AlignedMessage:
    """What one neighbour sends along its edge, in the frame of the bond.

    Attributes:
        features: of the neighbour, an argument.
        frames: flat rotation matrices of the bond, an argument.
        weights: of the paths, an argument.
        weight: largest weight that the frames rotate.
        sources: blocks of the features.
        targets: blocks of the message.
        paths: the paths.
        normalization: of harmonics and couplings.
    """

    features: Argument
    frames: Argument
    weights: Argument
    weight: int
    sources: tuple[Block, ...]
    targets: tuple[Block, ...]
    paths: tuple[Path, ...]
    normalization: Normalization

    @cached_property
    def merges(self) -> MergeMatrices:
        """How the weights of the paths merge."""
        return aligned.merge_matrices(self.paths, self.normalization)

    @property
    def gradient(self) -> Argument:
        """The gradient by the sums of messages, an argument."""
        return layout.feature_argument("gradient", self.targets, "gradient by the sums", "g")

    def first_derivatives(self) -> Program:
        """Return the vector-Jacobian product of the message of one edge."""
        built = Builder((self.features, self.gradient, self.frames, self.weights))
        edge = _Edge(built, built.components(2), self)
        f = edge.into(built.components(0), self.sources)
        g = edge.into(built.components(1), self.targets)
        w = edge.merged(built.components(3))
        message, pulled = edge.message(w, f), edge.pulled(w, g)
        torques = [edge.torque(axis, [(MINUS, message, g), (MINUS, pulled, f)]) for axis in (0, 2)]
        return built.program(
            "message_vjp",
            "Return what a gradient by the sums makes of one edge.",
            [
                Output("features_gradient", self.features.shape, edge.back(pulled)),
                Output("weights_gradient", self.weights.shape, edge.weights([(ONE, g, f)])),
                Output("directions_gradient", (3,), edge.by_direction(*torques), summed=True),
            ],
            "gradients by features, weights and direction.",
        )

    def second_derivatives(self) -> Program:
        """Return the vector-Jacobian product of the first derivatives.

        With T the message's scalar product with a gradient, linear in gradient g, weights w and
        features f, and J an infinitesimal rotation, it is the gradient of
        ``T(g, w, F - J f) + T(g, W, f) - T(J g, w, f)`` where F, W are tangents of f and w, and J
        rotates about direction times tangent of the direction.
        """
        of_features = layout.feature_argument(
            "features_tangent", self.sources, "tangent of the features", "F"
        )
        of_direction = Argument("directions_tangent", (3,), ("c_x", "c_y", "c_z"), False, "tangent")
        first = (self.features, self.gradient, self.frames, self.weights)
        built = Builder((*first, of_features, of_direction, layout.tangent_of(self.weights)))
        edge = _Edge(built, built.components(2), self)
        f = edge.into(built.components(0), self.sources)
        g = edge.into(built.components(1), self.targets)
        w = edge.merged(built.components(3))
        tangent = edge.into(built.components(4), self.sources)
        c = rotations.rotated(built, edge.matrices[1], built.components(5), 1, back=False)
        b = edge.merged(built.components(6))
        axis = [(0, c[2]), (2, built.linear([(MINUS, c[0])]))]
        rotated_f, rotated_g = edge.rotated(f, axis), edge.rotated(g, axis)
        message, pulled = edge.message(w, f), edge.pulled(w, g)
        moved = edge.sum((ONE, tangent), (MINUS, rotated_f))
        by_gradient = edge.sum(
            (ONE, edge.message(w, moved)),
            (ONE, edge.message(b, f)),
            (ONE, edge.rotated(message, axis)),
        )
        by_features = edge.sum(
            (ONE, edge.pulled(b, g)),
            (MINUS, edge.pulled(w, rotated_g)),
            (ONE, edge.rotated(pulled, axis)),
        )
        whole: Pairs = [(MINUS, by_gradient, g), (MINUS, by_features, f), (MINUS, pulled, tangent)]
        along: Pairs = [(MINUS, message, g), (MINUS, pulled, f)]
        torques = []
        for number in (0, 2):
            torque = edge.torque(number, whole)
            stretch = built.product(c[1], edge.torque(number, along))
            torques.append(built.linear([(ONE, torque), (MINUS, stretch)]))
        changes: Pairs = [(ONE, g, moved), (MINUS, rotated_g, f)]
        return built.program(
            "message_vjp_vjp",
            "Return what tangents of its gradients make of one edge.",
            [
                Output("gradient_gradient", self.gradient.shape, edge.back(by_gradient)),
                Output("features_gradient", self.features.shape, edge.back(by_features)),
                Output("weights_gradient", self.weights.shape, edge.weights(changes)),
                Output("first_weights_gradient", self.weights.shape, edge.weights([(ONE, g, f)])),
                Output("directions_gradient", (3,), edge.by_direction(*torques), summed=True),
            ],
            "gradients by gradient, features, weights (here and in message_vjp) and direction.",
        )
