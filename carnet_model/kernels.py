"""The generated code the network runs on; the only room that asks ``codegen`` for any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from torch import Tensor

import codegen

from .irreps import Layout


@dataclass(frozen=True)
class Convolution:
    """Neighbour features times harmonics of the bond times radial weights.

    Attributes:
        paths: number of radial weights for each edge and channel.
        inputs: layout of the features.
        outputs: layout of the sums.
        geometry: unit vectors ``(edges, 3)`` to what :attr:`convolve` needs of the bonds.
        aligned: True when that is the rotations into the frame of the bond.
        convolve: ``(features, geometry, weights, senders, receivers)`` to sums on the receivers.
    """

    paths: int
    inputs: Layout
    outputs: Layout
    geometry: Callable[[Tensor], Tensor]
    aligned: bool
    convolve: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Product:
    """Channel-wise product of features with features.

    Attributes:
        paths: number of weights for each channel.
        layout: layout of factors and result.
        product: ``(first, second, weights)`` to the product.
    """

    paths: int
    layout: Layout
    product: Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Packing:
    """Orthonormal coordinates of a class of tensors, differentiable.

    Attributes:
        pack: tensor in the form asked for to coordinates by weight, copy, m.
        unpack: the inverse.
    """

    pack: Callable[[Tensor], Tensor]
    unpack: Callable[[Tensor], Tensor]


@cache
def convolution(outputs: Layout, input_weight: int) -> Convolution:
    """Return the convolution to a layout from features up to a weight.

    From scalars there is nothing to turn, so the message is written out directly; otherwise it is
    computed in the frame of the bond.
    """
    aligned = input_weight > 0
    recipe = codegen.ConvolutionRecipe(
        outputs.weight,
        input_weight,
        parity="both" if outputs.pseudo and aligned else "natural",
        method="aligned" if aligned else "direct",
    )
    module = codegen.load(recipe)
    return Convolution(
        paths=len(recipe.paths),
        inputs=Layout(input_weight, outputs.pseudo and aligned),
        outputs=Layout(outputs.weight, outputs.pseudo and aligned),
        geometry=module.frame if aligned else module.harmonics,
        aligned=aligned,
        convolve=module.convolve,
    )


@cache
def product(layout: Layout) -> Product:
    """Return the channel-wise product of features of a layout."""
    recipe = codegen.ProductRecipe(layout.weight, parity="both" if layout.pseudo else "natural")
    return Product(len(recipe.paths), layout, codegen.load(recipe).product)


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
