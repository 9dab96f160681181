"""The generated code that the network runs on; the only file here that calls ``codegen``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from torch import Tensor

from natural_tensors.installation import check_codegen
from natural_tensors.so3.blocks import Blocks

check_codegen()  # what follows fails in obscure ways where another package has that name
import codegen  # noqa: E402
from codegen.pieces.layout import Block  # noqa: E402
from codegen.programs import kernel as programs  # noqa: E402
from codegen.targets.cpp_source import CPP  # noqa: E402

from .bonds import Bonds  # noqa: E402
from .irreps import Irrep, Layout  # noqa: E402

Convolve: TypeAlias = Callable[[Tensor, Bonds, Tensor, Tensor], Tensor]
"""Features, bonds, hidden layer of the radial network and its last matrix, to sums."""

Multiply: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]
"""First factor, second factor and weights of the paths, to the product."""

Coupling: TypeAlias = "tuple[Irrep, Irrep, Irrep]"
"""Two factors and what is made of them."""

Signature: TypeAlias = programs.Signature
"""How a function of a kernel in C++ is called."""


@dataclass(frozen=True)
class Convolution:
    """Neighbour features times harmonics of the bond times radial weights.

    Attributes:
        recipe: of the generated code, in the frame of the bond.
        inputs: layout of the features.
        outputs: layout of the sums.
        geometry: unit vectors ``(edges, 3)`` to the second argument of :attr:`messages`.
        messages: ``(features, geometry, weights, senders, receivers)`` to sums on the receivers.
    """

    recipe: codegen.ConvolutionRecipe
    inputs: Layout
    outputs: Layout
    geometry: Callable[[Tensor], Tensor]
    messages: Callable[..., Tensor]

    @property
    def paths(self) -> int:
        """Number of radial weights for each edge and channel."""
        return len(self.recipe.paths)

    @property
    def couplings(self) -> tuple[Coupling, ...]:
        """Of every path the features, the harmonic, and what they make."""
        return tuple(
            (_irrep(path.source), Irrep(path.l2), _irrep(path.target)) for path in self.recipe.paths
        )

    @property
    def frame_size(self) -> int:
        """Entries of the rotation matrices of a bond, all weights."""
        return Blocks.up_to(max(self.recipe.turned, 1), first=1).matrix_size

    def convolve(self, features: Tensor, bonds: Bonds, hidden: Tensor, matrix: Tensor) -> Tensor:
        """Return the sums of messages, shape ``(atoms, size, channels)``.

        Args:
            features: of the atoms, shape ``(atoms, size, channels)``.
            bonds: the bonds.
            hidden: last hidden layer of the radial network, shape ``(edges, hidden)``.
            matrix: from there to the radial weights, shape ``(paths * channels, hidden)``.
        """
        weights = (hidden @ matrix.t()).view(-1, self.paths, features.shape[-1])
        geometry = bonds.geometry(self.geometry)
        return self.messages(features, geometry, weights, bonds.senders, bonds.receivers)


@dataclass(frozen=True)
class Product:
    """Channel-wise product of features with features.

    Attributes:
        recipe: of the generated code.
        layout: layout of factors and result.
        product: ``(first, second, weights)`` to the product.
    """

    recipe: codegen.ProductRecipe
    layout: Layout
    product: Callable[[Tensor, Tensor, Tensor], Tensor]

    @property
    def paths(self) -> int:
        """Number of weights for each channel."""
        return len(self.recipe.paths)

    @property
    def couplings(self) -> tuple[Coupling, ...]:
        """Of every path the first and second factor, and what they make."""
        return tuple(
            (_irrep(first), _irrep(second), _irrep(target))
            for first, second, target in self.recipe.paths
        )


@dataclass(frozen=True)
class Packing:
    """Orthonormal coordinates of a class of tensors, differentiable.

    Attributes:
        pack: tensor in the requested form to coordinates by weight, copy, m.
        unpack: the inverse.
    """

    pack: Callable[[Tensor], Tensor]
    unpack: Callable[[Tensor], Tensor]


@cache
def convolution(outputs: Layout, input_weight: int) -> Convolution:
    """Return the convolution to a layout from features up to a weight.

    From scalars there is nothing to rotate, so the message is written out directly; otherwise it is
    computed in the frame of the bond.
    """
    rotates = input_weight > 0
    recipe = codegen.ConvolutionRecipe(
        outputs.weight, input_weight, parity="both" if outputs.pseudo and rotates else "natural"
    )
    module = codegen.load(recipe if rotates else replace(recipe, method="direct"))
    return Convolution(
        recipe,
        inputs=Layout(input_weight, outputs.pseudo and rotates),
        outputs=Layout(outputs.weight, outputs.pseudo and rotates),
        geometry=module.frame if rotates else module.harmonics,
        messages=module.convolve,
    )


@cache
def product(layout: Layout) -> Product:
    """Return the channel-wise product of features of a layout."""
    recipe = codegen.ProductRecipe(layout.weight, parity="both" if layout.pseudo else "natural")
    return Product(recipe, layout, codegen.load(recipe).product)


@cache
def packing(symmetry: str, *, axial: bool, form: str) -> Packing:
    """Return the differentiable packing of a class of tensors.

    Args:
        symmetry: index symmetry.
        axial: True for a pseudo-tensor.
        form: ``"full"`` or ``"mandel"``.
    """
    recipe = codegen.TensorRecipe(
        symmetry, axial=axial, form="mandel" if form == "mandel" else "full"
    )
    module = codegen.load(recipe)
    return Packing(module.pack, module.unpack)


def _irrep(block: Block) -> Irrep:
    return Irrep(block.weight, block.pseudo)


def cpp(kernel: Convolution | Product) -> str:
    """Return a kernel in C++, with two derivatives; a convolution in the frame of the bond."""
    return codegen.source(kernel.recipe, "cpp")


def cpp_signatures(kernel: Convolution | Product) -> tuple[Signature, ...]:
    """Return how the functions in that text are called, without generating it."""
    return CPP.signatures(kernel.recipe)


def cpp_key(kernel: Convolution | Product) -> str:
    """Return a name for that text, without generating it."""
    return f"{kernel.recipe.kind}_{codegen.fingerprint(kernel.recipe, 'cpp')}"
