"""The compiled channel-wise product, with two derivatives."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from ..network.kernels import Multiply, Product
from .compiler import SCALARS, Code, library, thread_count


class _Multiply(torch.autograd.Function):
    """Channel-wise product of features."""

    @staticmethod
    def forward(ctx: Any, code: Code, first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
        ctx.code = code
        ctx.save_for_backward(first, second, weights)
        sums = torch.zeros_like(first, memory_format=torch.contiguous_format)
        code("product", len(first), thread_count(len(first) * weights.numel()),
              first.contiguous(), second.contiguous(), weights.contiguous(), sums)  # fmt: skip
        return sums

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return None, *_MultiplyVJP.apply(ctx.code, *ctx.saved_tensors, gradient)


class _MultiplyVJP(torch.autograd.Function):
    """Gradients of a product by both factors and the weights."""

    @staticmethod
    def forward(ctx: Any, code: Code, *values: Tensor) -> tuple[Tensor, ...]:
        ctx.code = code
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*values)
        values = tuple(value.contiguous() for value in values)
        found = tuple(torch.zeros_like(value) for value in values[:3])
        threads = thread_count(len(values[0]) * values[2].numel())
        code("product_vjp", len(values[0]), threads, *values, *found)
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *tangents: Tensor | None) -> Any:
        values = tuple(value.contiguous() for value in ctx.saved_tensors)
        given = tuple(
            torch.zeros_like(value) if tangent is None else tangent.contiguous()
            for value, tangent in zip(values, tangents, strict=False)
        )
        by_first, by_second, by_weights, by_gradient = (torch.zeros_like(value) for value in values)
        found = (by_gradient, by_first, by_second, by_weights)
        threads = thread_count(len(values[0]) * values[2].numel())
        ctx.code("product_vjp_vjp", len(values[0]), threads, *values, *given, *found)
        return None, by_first, by_second, by_weights, by_gradient


@cache
def compiled_product(kernel: Product, channels: int) -> Multiply:
    """Return a product in C++, twice differentiable; other devices and types take PyTorch's.

    Args:
        kernel: the product.
        channels: number of channels.
    """

    def multiply(first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
        if first.device.type != "cpu" or first.dtype not in SCALARS:
            return kernel.product(first, second, weights)
        code = library(kernel, channels, first.dtype)
        result: Tensor = _Multiply.apply(code, first, second, weights)
        return result

    return multiply
