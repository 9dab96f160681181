"""What can be asked for: each recipe says which functions a generated module holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from natural_tensors import reduction
from natural_tensors.basis import component_monomials
from natural_tensors.components import FORMS, Form, Layout
from natural_tensors.harmonics import Normalization, check_normalization
from natural_tensors.reductions import BASES, Basis, Reduction
from natural_tensors.surds import Surd

from . import pieces
from .cpp_source import Kernel, Row
from .derivatives import message_derivatives, product_stages
from .lowering import Builder
from .pieces import Block, Parity, Path
from .program import Argument, Output, Program

Method = Literal["aligned", "direct"]
MAX_WEIGHT = 12


@dataclass(frozen=True)
class Wrapper:
    """A function of a generated module that is not a straight line, one text for each target.

    Attributes:
        name: name of the function.
        text: source by target, without imports.
    """

    name: str
    text: dict[str, str]


@dataclass(frozen=True)
class Recipe(ABC):
    """Something that can be generated; equal recipes give the same bytes."""

    @property
    @abstractmethod
    def title(self) -> str:
        """One sentence for the head of the module."""

    @abstractmethod
    def functions(self) -> tuple[Program | Wrapper, ...]:
        """Return the functions of the module, in order."""

    @property
    def has_kernels(self) -> bool:
        """Whether the recipe has loops for a compiled target."""
        return False

    def kernels(self) -> tuple[Kernel, ...]:
        """Return the loops of the recipe, derivatives included, for a compiled target."""
        return ()

    @property
    def kind(self) -> str:
        """Name of the recipe on the command line."""
        return type(self).__name__.removesuffix("Recipe").lower()

    def settings(self) -> dict[str, object]:
        """Return the arguments of the recipe, for the provenance header."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _choice(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}")


def _weight(name: str, value: int) -> None:
    if not isinstance(value, int) or not 0 <= value <= MAX_WEIGHT:
        raise ValueError(f"{name}={value!r} is not a weight from 0 to {MAX_WEIGHT}")


# --- a symmetry class -------------------------------------------------------------------------


@dataclass(frozen=True)
class TensorRecipe(Recipe):
    """decompose, reconstruct, pack and unpack of a symmetry class.

    Attributes:
        symmetry: index symmetry, or a name of the catalogue.
        axial: True for a pseudo-tensor; a name brings its own.
        basis: basis of the copies in ``decompose`` and ``reconstruct``.
        form: how tensors come and go: full array, independent components, Voigt, Mandel.
    """

    symmetry: str
    axial: bool = False
    basis: Basis = "dual"
    form: Form = "full"

    def __post_init__(self) -> None:
        _choice("basis", self.basis, BASES)
        _choice("form", self.form, FORMS)
        self.reduction.components.layout(self.form)

    @property
    def reduction(self) -> Reduction:
        """The exact reduction the code comes from."""
        return reduction(self.symmetry, axial=self.axial, basis=self.basis)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        what = str(self.reduction.symmetry) or "a scalar"
        return f"Natural tensors of {what}: {self.reduction.irreps}."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        return self._decompose(), self._reconstruct(), self._pack(), self._unpack()

    @property
    def _layout(self) -> Layout:
        return self.reduction.components.layout(self.form)

    def _tensor(self) -> Argument:
        """The tensor as an argument: every entry named by its Cartesian indices."""
        components, layout = self.reduction.components, self._layout
        shape = layout.shape
        if self.form == "components":
            names: Sequence[str] = components.labels
        elif self.form == "full":
            names = _cartesian(len(shape))
        else:
            names = ["_".join(str(i + 1) for i in where) for where in np.ndindex(*shape)]
        labels = tuple(f"T_{name}" if name else "T" for name in names)
        meaning = f"tensor with the symmetry {self.reduction.symmetry or 'of a scalar'}"
        if self.form not in ("full", "components"):
            meaning += f" in {self.form} form"
        name = "T" if labels != ("T",) else "tensor"
        return Argument(name, shape, labels, False, meaning)

    def _read(self, builder: Builder, tensor: list[int]) -> list[int]:
        """Return the independent components, from the entries that show them."""
        layout = self._layout
        return [
            builder.linear([(1 / Surd.root(2 ** int(layout.halves[entry])), tensor[entry])])
            for entry in layout.entries.tolist()
        ]

    def _written(self, builder: Builder, components: list[int]) -> tuple[int, ...]:
        """Return the entries of the form from the independent components."""
        layout = self._layout
        return tuple(
            builder.linear(
                [(Surd.root(2 ** int(halves), int(sign)), components[position])] if sign else []
            )
            for position, sign, halves in zip(
                layout.position, layout.signs, layout.halves, strict=True
            )
        )

    def _decompose(self) -> Program:
        built = Builder((self._tensor(),))
        components = self._read(built, built.components(0))
        outputs = []
        for space in self.reduction.spaces:
            rows = pieces.extraction_matrix(self.reduction, space, self.basis)
            for copy, matrix in enumerate(rows):
                names = [_part_name(space.weight, copy, c) for c in _distinct(space.weight)]
                values = built.apply(matrix, components, names)
                shape = (3,) * space.weight
                where = component_monomials(space.weight).tolist()
                outputs.append(Output((space.weight, copy), shape, tuple(values[i] for i in where)))
        return built.program(
            "decompose", "Take a tensor apart into its natural tensors.", outputs,
            "natural tensors by (weight, copy), shape (..., 3, ..., 3) with weight threes.",
        )  # fmt: skip

    def _reconstruct(self) -> Program:
        arguments = tuple(
            Argument(
                f"X{weight}_{copy}", (3,) * weight,
                tuple(_part_name(weight, copy, c) for c in _cartesian(weight)),
                False, "natural tensor", (weight, copy),
            )
            for weight, copy in self.reduction.copies
        )  # fmt: skip
        built = Builder(arguments)
        columns: list[int] = []
        matrix: list[dict[int, Surd]] = [{} for _ in range(self.reduction.dimension)]
        number = 0
        for space in self.reduction.spaces:
            firsts = _first_entries(space.weight)
            for block in pieces.embedding_matrix(self.reduction, space, self.basis):
                entries = built.components(number)
                for row, coefficients in zip(matrix, block, strict=True):
                    row.update({len(columns) + c: q for c, q in coefficients.items()})
                columns += [entries[first] for first in firsts]
                number += 1
        components = built.apply(matrix, columns, self._component_names())
        output = Output("tensor", self._layout.shape, self._written(built, components))
        return built.program(
            "reconstruct", "Put a tensor together from its natural tensors.", [output],
            f"tensor, shape {_shape(self._layout.shape)}.",
        )  # fmt: skip

    def _component_names(self) -> list[str]:
        return [f"T_{label}" if label else "T" for label in self.reduction.components.labels]

    def _packed_labels(self) -> list[str]:
        return [
            f"w{weight}c{copy}_{m}"
            for weight, copy in self.reduction.copies
            for m in range(2 * weight + 1)
        ]

    def _pack(self) -> Program:
        built = Builder((self._tensor(),))
        components = self._read(built, built.components(0))
        matrix = pieces.packing_matrix(self.reduction)
        values = built.apply(matrix, components, self._packed_labels())
        size = self.reduction.dimension
        return built.program(
            "pack", "Return the orthonormal coordinates of a tensor, an isometry.",
            [Output("packed", (size,), tuple(values))],
            f"packed coordinates by weight, copy, m, shape (..., {size}).",
        )  # fmt: skip

    def _unpack(self) -> Program:
        size = self.reduction.dimension
        packed = Argument(
            "packed", (size,), tuple(self._packed_labels()), False, "orthonormal coordinates"
        )
        built = Builder((packed,))
        components = built.apply(
            pieces.unpacking_matrix(self.reduction), built.components(0), self._component_names()
        )
        output = Output("tensor", self._layout.shape, self._written(built, components))
        return built.program(
            "unpack", "Return the tensor with the given orthonormal coordinates.", [output],
            f"tensor, shape {_shape(self._layout.shape)}.",
        )  # fmt: skip


def _cartesian(rank: int) -> list[str]:
    names = [""]
    for _ in range(rank):
        names = [name + axis for name in names for axis in "xyz"]
    return names


def _first_entries(weight: int) -> list[int]:
    """Return the first flat component of each monomial."""
    _, first = np.unique(component_monomials(weight), return_index=True)
    return [int(i) for i in first]


def _distinct(weight: int) -> list[str]:
    names = _cartesian(weight)
    return [names[first] for first in _first_entries(weight)]


def _part_name(weight: int, copy: int, component: str) -> str:
    return f"X{weight}_{copy}_{component}" if component else f"X{weight}_{copy}_scalar"


def _shape(shape: tuple[int, ...]) -> str:
    return "(...)" if not shape else f"(..., {', '.join(map(str, shape))})"


# --- the pieces of a network ------------------------------------------------------------------


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
        _weight("weight", self.weight)
        check_normalization(self.normalization)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        kind = "Solid harmonics" if self.solid else "Harmonics of a direction"
        return f"{kind}, weights 0 to {self.weight}, {self.normalization} normalization."

    def functions(self) -> tuple[Program | Wrapper, ...]:
        """Return the functions of the module, in order."""
        vector = Argument(
            "vectors" if self.solid else "directions", (3,), ("x", "y", "z"), False,
            "vectors" if self.solid else "unit vectors",
        )  # fmt: skip
        built = Builder((vector,))
        packed = pieces.harmonics(built, built.components(0), self.weight, self.normalization,
                                  solid=self.solid)  # fmt: skip
        name = "solid_harmonics" if self.solid else "harmonics"
        summary = self.title
        if not self.cartesian:
            size = (self.weight + 1) ** 2
            output = Output("harmonics", (size,), tuple(v for block in packed for v in block))
            program = built.program(
                name, summary, [output], f"packed harmonics by weight, m, shape (..., {size})."
            )
        else:
            outputs = []
            for weight, block in enumerate(packed):
                values = built.apply(pieces.unpacking_natural(weight), block,
                                     [f"Y{c}" for c in _distinct(weight)])  # fmt: skip
                where = component_monomials(weight).tolist()
                outputs.append(Output((weight, 0), (3,) * weight,
                                      tuple(values[i] for i in where)))  # fmt: skip
            program = built.program(
                name, summary, outputs, "natural tensors by (weight, 0), shape (..., 3, ..., 3)."
            )
        return (program,)


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
            _weight(name, getattr(self, name))
        pieces.couplings(self.l1, self.l2, self.l3, self.normalization)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        return f"Coupling ({self.l1}, {self.l2}, {self.l3}), {self.normalization} normalization."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        first = _features("x", self.l1, "packed natural tensors")
        second = _features("y", self.l2, "packed natural tensors")
        built = Builder((first, second))
        entries = pieces.couplings(self.l1, self.l2, self.l3, self.normalization)
        values = pieces.coupled(
            built, [(entries, built.components(0), built.components(1), None)], self.l3
        )
        size = 2 * self.l3 + 1
        output = Output("coupled", (size,), tuple(values))
        return (built.program("couple", self.title, [output], f"shape (..., {size}, channels)."),)


def _features(name: str, weight: int, meaning: str) -> Argument:
    size = 2 * weight + 1
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
        _weight("weight", self.weight)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        return f"Rotation of packed features of weights 0 to {self.weight}."

    def functions(self) -> tuple[Program, ...]:
        """Return the functions of the module, in order."""
        return (
            self._matrices(),
            pieces.frame_program(self.weight),
            self._rotate("rotate", back=False),
            self._rotate("rotate_back", back=True),
        )

    def _matrices(self) -> Program:
        labels = tuple(f"R_{a}{b}" for a in "xyz" for b in "xyz")
        built = Builder((Argument("R", (3, 3), labels, False, "rotation matrices"),))
        blocks = pieces.rotation_matrices(built, built.components(0), self.weight)
        flat = tuple(v for block in blocks for v in block)
        return built.program(
            "matrices", "Return the rotation matrices of all weights, flat.",
            [Output("matrices", (len(flat),), flat)],
            f"matrices of weights 1 to {self.weight} row by row, shape (..., {len(flat)}).",
        )  # fmt: skip

    def _rotate(self, name: str, *, back: bool) -> Program:
        blocks = pieces.feature_blocks(self.weight, "natural")
        features = pieces.feature_argument("features", blocks, "packed features")
        built = Builder((features, pieces.frame_argument(self.weight)))
        matrices = pieces.split_matrices(built.components(1), self.weight)
        values = built.components(0)
        rotated: list[int] = []
        for block in blocks:
            rotated += pieces.rotated(
                built, matrices[block.weight], values[block.slice], block.weight, back=back
            )
        size = len(rotated)
        what = "Apply the transposed" if back else "Apply the"
        return built.program(
            name, f"{what} rotation matrices to features of natural parity.",
            [Output("rotated", (size,), tuple(rotated))], f"shape (..., {size}, channels).",
        )  # fmt: skip


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
        _weight("weight", self.weight)
        if self.input_weight is not None:
            _weight("input_weight", self.input_weight)
        _choice("parity", self.parity, get_args(Parity))
        _choice("method", self.method, get_args(Method))
        check_normalization(self.normalization)

    @property
    def inputs(self) -> tuple[Block, ...]:
        """Layout of the neighbour features."""
        top = self.weight if self.input_weight is None else self.input_weight
        return pieces.feature_blocks(top, "natural" if top == 0 else self.parity)

    @property
    def outputs(self) -> tuple[Block, ...]:
        """Layout of the result."""
        return pieces.feature_blocks(self.weight, self.parity)

    @property
    def turned(self) -> int:
        """Largest weight that the frame turns."""
        return max(self.weight, self.inputs[-1].weight)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths, in the order of their weights."""
        return pieces.paths(self.inputs, self.outputs, self.weight, self.parity)

    @property
    def title(self) -> str:
        """One sentence for the head of the module."""
        return (
            f"Channel-wise convolution to weight {self.weight}, {self.parity} parity, "
            f"{len(self.paths)} paths, {self.method}."
        )

    def functions(self) -> tuple[Program | Wrapper, ...]:
        """Return the functions of the module, in order."""
        size = self.outputs[-1].slice.stop
        if self.method == "aligned":
            geometry = pieces.frame_program(self.turned)
            message = self._aligned()
            name, meaning = "frames", "rotation matrices of the edges, from frame()"
        else:
            (geometry,) = HarmonicsRecipe(self.weight, self.normalization).functions()  # type: ignore[assignment]
            message = self._direct()
            name, meaning = "bonds", "harmonics of the edges, from harmonics()"
        text = {
            target: template.format(name=name, meaning=meaning, size=size)
            for target, template in CONVOLVE.items()
        }
        return geometry, message, Wrapper("convolve", text)

    @property
    def has_kernels(self) -> bool:
        """Whether the recipe has loops for a compiled target."""
        return self.method == "aligned"

    def kernels(self) -> tuple[Kernel, ...]:
        """Return frame, message and its derivatives, for a compiled target."""
        frame, message = pieces.frame_program(self.turned), self._aligned()
        first, second = message_derivatives(
            message.arguments, self.turned, self.inputs, self.outputs, self.paths,
            self.normalization,
        )  # fmt: skip
        rows: dict[str, Row] = {
            "features": "sender", "features_tangent": "sender", "features_gradient": "chunk",
            "message": "receiver", "gradient": "receiver", "gradient_gradient": "receiver",
            "weights": "chunk", "weights_tangent": "chunk", "weights_gradient": "chunk",
            "first_weights_gradient": "chunk",
        }  # fmt: skip
        return (
            Kernel("frame", "items", (frame,)),
            Kernel("message", "edges", (message,), rows, frozenset({"message"})),
            Kernel("message_vjp", "edges", (first,), rows),
            Kernel("message_vjp_vjp", "edges", (second,), rows, frozenset({"gradient_gradient"})),
        )

    def _arguments(self, geometry: Argument) -> tuple[Argument, ...]:
        labels = tuple(f"weight_{path.label}" for path in self.paths)
        return (
            pieces.feature_argument("features", self.inputs, "features of the neighbour"),
            geometry,
            Argument("weights", (len(labels),), labels, True, "radial weights of the paths"),
        )

    def _message(self, built: Builder, values: list[int]) -> Program:
        size = len(values)
        return built.program(
            "message", "Return what one neighbour sends along its edge.",
            [Output("message", (size,), tuple(values))],
            f"packed messages by parity, weight, m, shape (..., {size}, channels).",
        )  # fmt: skip

    def _aligned(self) -> Program:
        built = Builder(self._arguments(pieces.frame_argument(self.turned)))
        features, weights = built.components(0), built.components(2)
        matrices = pieces.split_matrices(built.components(1), self.turned)
        turned = {
            block: pieces.rotated(
                built, matrices[block.weight], features[block.slice], block.weight, back=False
            )
            for block in self.inputs
        }
        merges = pieces.merge_matrices(self.paths, self.normalization)
        merged = pieces.merged_paths(built, merges, weights)
        values: list[int] = []
        for target in self.outputs:
            aligned = pieces.aligned_product(built, target, turned, merged)
            values += pieces.rotated(
                built, matrices[target.weight], aligned, target.weight, back=True
            )
        return self._message(built, values)

    def _direct(self) -> Program:
        size = (self.weight + 1) ** 2
        labels = tuple(f"Y{ell}_{m}" for ell in range(self.weight + 1) for m in range(2 * ell + 1))
        bonds = Argument("bonds", (size,), labels, False, "harmonics of the bond")
        built = Builder(self._arguments(bonds))
        features, harmonics, weights = (built.components(i) for i in range(3))
        values: list[int] = []
        for target in self.outputs:
            terms = [
                (
                    pieces.couplings(path.l1, path.l2, path.l3, self.normalization),
                    features[path.source.slice],
                    harmonics[path.l2**2 : (path.l2 + 1) ** 2],
                    weights[number],
                )
                for number, path in enumerate(self.paths)
                if path.target == target
            ]
            values += pieces.coupled(built, terms, target.weight)
        return self._message(built, values)


CONVOLVE_TEXT = '''    """Sum the messages of all neighbours on each centre.

    Args:
        features: features of the nodes, shape (nodes, components, channels).
        {name}: {meaning}, shape (edges, entries).
        weights: radial weights, shape (edges, paths, channels).
        senders: node each edge comes from, shape (edges,), integers.
        receivers: node each edge goes to, shape (edges,), integers.

    Returns:
        Sums, shape (nodes, {size}, channels).
    """
'''

CONVOLVE = {
    "torch": """
def convolve(
    features: Tensor, {name}: Tensor, weights: Tensor, senders: Tensor, receivers: Tensor
) -> Tensor:
"""
    + CONVOLVE_TEXT
    + """    messages = message(features.index_select(0, senders), {name}, weights)
    total = messages.new_zeros((features.shape[0], {size}, features.shape[-1]))
    return total.index_add(0, receivers, messages)
""",
    "numpy": """
def convolve(features: Any, {name}: Any, weights: Any, senders: Any, receivers: Any) -> Any:
"""
    + CONVOLVE_TEXT
    + """    messages = message(features[senders], {name}, weights)
    total = np.zeros((features.shape[0], {size}, features.shape[-1]), messages.dtype)
    np.add.at(total, receivers, messages)
    return total
""",
}


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
        _weight("weight", self.weight)
        _choice("parity", self.parity, get_args(Parity))
        check_normalization(self.normalization)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Layout of factors and result."""
        return pieces.feature_blocks(self.weight, self.parity)

    @property
    def paths(self) -> tuple[tuple[Block, Block, Block], ...]:
        """First factor, second factor and result of each path."""
        return pieces.product_paths(self.blocks, self.parity)

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
            pieces.feature_argument("first", self.blocks, "features", "a"),
            pieces.feature_argument("second", self.blocks, "features", "b"),
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
                    pieces.couplings(a.weight, b.weight, c.weight, self.normalization),
                    first[a.slice],
                    second[b.slice],
                    weights[number],
                )
                for number, (a, b, c) in enumerate(self.paths)
                if c == target
            ]
            values += pieces.coupled(built, terms, target.weight)
        output = Output("product", (len(values),), tuple(values))
        return (
            built.program("product", self.title, [output],
                          f"shape (..., {len(values)}, channels)."),
        )  # fmt: skip


RECIPES: dict[str, type[Recipe]] = {
    "tensor": TensorRecipe,
    "harmonics": HarmonicsRecipe,
    "coupling": CouplingRecipe,
    "rotation": RotationRecipe,
    "convolution": ConvolutionRecipe,
    "product": ProductRecipe,
}
