"""The hot path compiled, where that is possible."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from codegen.compiled.toolchain import BuildError
from natural_tensors.errors import InputError

from ..network.kernels import Convolution, Product
from ..network.layers.interaction import Interaction
from ..network.model import CarNet
from . import compiler
from .convolution import compiled_convolution
from .mode import Mode
from .product import compiled_product

RECOMPILATIONS = 32
"""Variants of one function before torch.compile gives it up: training, inference, data types."""


class CompilerError(InputError, RuntimeError):
    """Compilation was demanded and is not possible."""


def compile_kernels(model: CarNet, mode: Mode = "auto") -> str | None:
    """Replace the generated functions of a model by compiled ones: same numbers to rounding.

    On the CPU that is the generated C++, which differentiates twice, so forces can be learnt; on
    other devices torch.compile takes the generated PyTorch, but not that of a potential: it
    differentiates once. Sizes are free: nothing is compiled again for another number of atoms or
    edges. Copies made of the model afterwards are compiled too.

    Args:
        model: changed in place.
        mode: ``"auto"`` leaves the model as it is where compiling is not possible; ``"always"``
            raises; ``"never"`` does nothing.

    Returns:
        One line that says why nothing was compiled; None when it was, or nobody asked for it.

    Raises:
        CompilerError: with ``"always"``, when compiling is not possible.
    """
    if mode == "never":
        return None
    layers = [layer for layer in model.interactions if isinstance(layer, Interaction)]
    parameter = next(model.parameters())
    try:
        if parameter.device.type == "cpu" and parameter.dtype in compiler.SCALARS:
            compiler.prepare(_kernels(model), model.settings.channels, parameter.dtype)
    except BuildError as error:
        if mode == "always":
            raise CompilerError(
                f"compile: always, but {error}; install g++, or choose auto"
            ) from None
        return f"running without compilation, which is slower: {error}"
    for layer in layers:
        kernel, product = layer.kernel, layer.product
        if model.potential is None:  # what other devices than the CPU take
            kernel = replace(kernel, messages=_compiled(kernel.messages, (0, 1, 2, 3, 4)))
            if product is not None:
                product = replace(product, product=_compiled(product.product, (0, 1)))
        layer.convolve = compiled_convolution(kernel, model.settings.channels)
        if product is not None:
            layer.multiply = compiled_product(product, model.settings.channels)
    return None


def _kernels(model: CarNet) -> list[Convolution | Product]:
    """Return the generated functions of a model."""
    layers = [layer for layer in model.interactions if isinstance(layer, Interaction)]
    return [kernel for layer in layers for kernel in (layer.kernel, layer.product) if kernel]


def kernels_are_kept(models: Sequence[CarNet]) -> bool:
    """Say whether the cache holds the compiled functions of models on the CPU.

    Raises:
        BuildError: when there is no compiler.
    """
    return all(
        compiler.are_kept(_kernels(model), model.settings.channels, next(model.parameters()).dtype)
        for model in models
    )


@cache
def _compiled(function: Callable[..., Tensor], rows: tuple[int, ...]) -> Callable[..., Tensor]:
    """Return a compiled function whose arguments of these numbers have any number of rows."""

    @cache
    def compiled() -> Callable[..., Tensor]:
        """Compile when it is first called: loading the compiler takes seconds."""
        limits = torch._dynamo.config
        limits.recompile_limit = max(limits.recompile_limit, RECOMPILATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch about itself, while it loads its compiler
            made: Callable[..., Tensor] = torch.compile(function)
        return made

    def call(*arguments: Any) -> Tensor:
        for row in rows:
            torch._dynamo.maybe_mark_dynamic(arguments[row], 0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The .grad attribute")  # its own question
            return compiled()(*arguments)

    return call
