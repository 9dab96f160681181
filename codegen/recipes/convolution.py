"""The channel-wise convolution: the message of a neighbour, and its sum over neighbours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from natural_tensors.so3.blocks import Blocks
from natural_tensors.so3.harmonics import Normalization, check_normalization

from ..pieces import aligned, couplings, layout, rotations
from ..pieces.convolution_derivatives import AlignedMessage
from ..pieces.layout import Block, Parity, Path
from ..programs.kernel import Array, Kernel, Signature
from ..programs.loop import Loop, LoopArgument
from ..programs.lowering import Builder
from ..programs.program import Argument, Output, Program
from .harmonics import HarmonicsRecipe
from .recipe import Recipe, check_choice, check_weight

Method = Literal["aligned", "direct"]


@dataclass(frozen=True)
class ConvolutionRecipe(Recipe):
    """The channel-wise convolution of an equivariant network.

    Neighbour features times harmonics of the bond times radial weights, summed on the centre:
    for every path (l1, l2, l3) one weight for each edge and channel.

    Attributes:
        weight: largest weight of the result and of the harmonics.
        input_weight: largest weight of the features; as ``weight`` when omitted.
        parity: ``"natural"``: features of parity (-1)^l; ``"both"``: those and pseudo-tensors;
            ``"ignored"``: odd couplings mix the two, equivariant under proper rotations only.
        method: ``"aligned"``: in the frame whose polar axis is the bond; ``"direct"``.
        normalization: of harmonics and couplings.
    """

    weight: int
    input_weight: int | None = None
    parity: Parity = "natural"
    method: Method = "aligned"
    normalization: Normalization = "component"

    def __post_init__(self) -> None:
        check_weight("weight", self.weight)
        if self.input_weight is not None:
            check_weight("input_weight", self.input_weight)
        check_choice("parity", self.parity, get_args(Parity))
        check_choice("method", self.method, get_args(Method))
        check_normalization(self.normalization)

    @property
    def inputs(self) -> tuple[Block, ...]:
        """Layout of the neighbour features."""
        top = self.weight if self.input_weight is None else self.input_weight
        return layout.feature_blocks(top, "natural" if top == 0 else self.parity)

    @property
    def outputs(self) -> tuple[Block, ...]:
        """Layout of the result."""
        return layout.feature_blocks(self.weight, self.parity)

    @property
    def turned(self) -> int:
        """Largest weight that the frame rotates."""
        return max(self.weight, self.inputs[-1].weight)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths, in the order of their weights."""
        return layout.paths(self.inputs, self.outputs, self.weight, self.parity)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        return (
            f"Channel-wise convolution to weight {self.weight}, {self.parity} parity, "
            f"{len(self.paths)} paths, {self.method}."
        )

    def functions(self) -> tuple[Program | Loop, ...]:
        """Return the functions of the module, in order."""
        if self.method == "aligned":
            geometry, message = rotations.frame_program(self.turned), self._aligned()
            edges = LoopArgument(
                "frames", "rotation matrices of the edges, from frame()", "entries"
            )
        else:
            (geometry,) = HarmonicsRecipe(self.weight, self.normalization).functions()
            message = self._direct()
            edges = LoopArgument("bonds", "harmonics of the edges, from harmonics()", "entries")
        nodes = LoopArgument("features", "features of the nodes", "components", gathered=True)
        convolve = Loop(
            "convolve",
            "Sum the messages of all neighbours on each centre.",
            message,
            (nodes, edges, LoopArgument("weights", "radial weights", "paths")),
        )
        return geometry, message, convolve

    def signatures(self) -> tuple[Signature, ...]:
        """Return how frame, message and its derivatives are called."""
        if self.method != "aligned":
            return super().signatures()
        size, sums = layout.size_of(self.inputs), layout.size_of(self.outputs)
        paths, entries = len(self.paths), rotations.frame_size(self.turned)
        frames = Array("frames", "edge", entries)
        features = Array("features", "sender", size, channels=True)
        weights = Array("weights", "chunk", paths, channels=True)
        gradient = Array("gradient", "receiver", sums, channels=True)
        given = (features, gradient, frames, weights)
        tangents = (
            Array("features_tangent", "sender", size, channels=True),
            Array("directions_tangent", "edge", 3),
            Array("weights_tangent", "chunk", paths, channels=True),
        )
        by_features = Array("features_gradient", "chunk", size, channels=True, written=True)
        by_weights = Array("weights_gradient", "chunk", paths, channels=True, written=True)
        by_directions = Array("directions_gradient", "edge", 3, written=True)
        return (
            Signature(
                "frame",
                "items",
                (Array("directions", "item", 3), Array("frames", "item", entries, written=True)),
            ),
            Signature(
                "message",
                "atoms",
                (
                    features,
                    frames,
                    weights,
                    Array("message", "receiver", sums, channels=True, written=True),
                ),
            ),
            Signature("message_vjp", "atoms", (*given, by_features, by_weights, by_directions)),
            Signature(
                "message_vjp_vjp",
                "atoms",
                (
                    *given,
                    *tangents,
                    Array("gradient_gradient", "receiver", sums, channels=True, written=True),
                    by_features,
                    by_weights,
                    replace(by_weights, name="first_weights_gradient"),
                    by_directions,
                ),
            ),
        )

    def kernels(self, derivatives: int = 2) -> tuple[Kernel, ...]:
        """Return frame, message and its derivatives, for a compiled language.

        Args:
            derivatives: how many, 2 at most.
        """
        if self.method != "aligned":
            return super().kernels()
        message = self._aligned()
        features, frames, weights = message.arguments
        pulled = AlignedMessage(
            features,
            frames,
            weights,
            self.turned,
            self.inputs,
            self.outputs,
            self.paths,
            self.normalization,
        )
        programs = [rotations.frame_program(self.turned), message]
        if derivatives > 0:
            programs.append(pulled.first_derivatives())
        if derivatives > 1:
            programs.append(pulled.second_derivatives())
        added = frozenset({"message", "gradient_gradient"})
        return tuple(
            Kernel(signature, (program,), added.intersection(signature.outputs))
            for signature, program in zip(
                self.signatures()[: derivatives + 2], programs, strict=True
            )
        )

    def _arguments(self, geometry: Argument) -> tuple[Argument, ...]:
        labels = tuple(f"weight_{path.label}" for path in self.paths)
        return (
            layout.feature_argument("features", self.inputs, "features of the neighbour"),
            geometry,
            Argument("weights", (len(labels),), labels, True, "radial weights of the paths"),
        )

    def _message(self, built: Builder, values: list[int]) -> Program:
        size = len(values)
        return built.program(
            "message",
            "Return what one neighbour sends along its edge.",
            [Output("message", (size,), tuple(values))],
            f"packed messages by parity, weight, m, shape (..., {size}, channels).",
        )

    def _aligned(self) -> Program:
        built = Builder(self._arguments(rotations.frame_argument(self.turned)))
        features, weights = built.components(0), built.components(2)
        matrices = rotations.split_matrices(built.components(1), self.turned)
        rotated = {
            block: rotations.rotated(
                built, matrices[block.weight], features[block.slice], block.weight, back=False
            )
            for block in self.inputs
        }
        merges = aligned.merge_matrices(self.paths, self.normalization)
        merged = aligned.merged_paths(built, merges, weights)
        values: list[int] = []
        for target in self.outputs:
            product = aligned.aligned_product(built, target, rotated, merged)
            values += rotations.rotated(
                built, matrices[target.weight], product, target.weight, back=True
            )
        return self._message(built, values)

    def _direct(self) -> Program:
        blocks = Blocks.up_to(self.weight)
        labels = tuple(f"Y{ell}_{m}" for ell, m in blocks.entries)
        bonds = Argument("bonds", (blocks.size,), labels, False, "harmonics of the bond")
        built = Builder(self._arguments(bonds))
        features, harmonics, weights = (built.components(i) for i in range(3))
        values: list[int] = []
        for target in self.outputs:
            terms = [
                (
                    couplings.couplings(path.l1, path.l2, path.l3, self.normalization),
                    features[path.source.slice],
                    harmonics[blocks.slices[path.l2]],
                    weights[number],
                )
                for number, path in enumerate(self.paths)
                if path.target == target
            ]
            values += couplings.coupled(built, terms, target.weight)
        return self._message(built, values)
