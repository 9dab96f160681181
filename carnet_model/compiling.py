"""The hot path compiled, where that is possible."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor

from .layers import Interaction
from .model import CarNet

Mode = Literal["auto", "always", "never"]

RECOMPILATIONS = 32
"""Variants of one function before torch.compile gives it up: training, inference, data types."""


class CompilerError(RuntimeError):
    """Compilation was demanded and is not possible."""


def compile_kernels(model: CarNet, mode: Mode = "auto") -> str | None:
    """Replace the generated functions of a model by compiled ones: same numbers to rounding.

    Layers share one compiled function each; sizes are dynamic, so nothing is compiled again for
    another number of atoms or edges. Copies made of the model afterwards are compiled too.

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
    obstacle = _obstacle()
    if obstacle and mode == "always":
        raise CompilerError(f"compile: always, but {obstacle}; install g++, or choose auto")
    if obstacle:
        return f"running without compilation, which is slower: {obstacle}"
    limits = torch._dynamo.config
    limits.recompile_limit = max(limits.recompile_limit, RECOMPILATIONS)
    for layer in model.interactions:
        assert isinstance(layer, Interaction)
        layer.convolve = _compiled(layer.kernel.convolve, (0, 1, 2, 3, 4))
        if layer.product is not None:
            layer.multiply = _compiled(layer.product.product, (0, 1))
    return None


@cache
def _obstacle() -> str | None:
    """Say why nothing can be compiled, after trying; None when it works."""
    chosen = os.environ.get("CXX")
    candidates = [chosen] if chosen else ["g++", "clang++"]
    if not any(shutil.which(name.split()[0]) for name in candidates):
        return f"there is no C++ compiler ({', '.join(candidates)})"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch about itself, while it loads its compiler
            torch.compile(_probe)(torch.ones(8))
    except Exception as error:  # a missing header, a full disk, a broken compiler
        text = str(error).strip().splitlines()
        return f"compiling a trial failed: {text[0][:120] if text else type(error).__name__}"
    return None


def _probe(values: Tensor) -> Tensor:
    return torch.sin(values) + 1


@cache
def _compiled(function: Callable[..., Tensor], rows: tuple[int, ...]) -> Callable[..., Tensor]:
    """Return a compiled function whose arguments of these numbers have any number of rows."""
    compiled: Callable[..., Tensor] = torch.compile(function)

    def call(*arguments: Any) -> Tensor:
        for row in rows:
            torch._dynamo.maybe_mark_dynamic(arguments[row], 0)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The .grad attribute")  # its own question
            return compiled(*arguments)

    return call
