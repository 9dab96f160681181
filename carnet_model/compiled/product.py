"""The compiled channel-wise product, with two derivatives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx, once_differentiable

from ..network.kernels import Multiply, Product
from .compiler import SCALARS, Code, library, thread_count


class _Context(FunctionCtx):
    """What a product keeps for its derivatives."""

    code: Code
    saved_tensors: tuple[Tensor, ...]


def _threads(items: Tensor, weights: Tensor) -> int:
    return thread_count(len(items) * weights.numel())


class _Multiply(Function):
    """Channel-wise product of features."""

    @staticmethod
    def forward(
        ctx: _Context, code: Code, first: Tensor, second: Tensor, weights: Tensor
    ) -> Tensor:
        ctx.code = code
        ctx.save_for_backward(first, second, weights)
        sums = torch.zeros_like(first, memory_format=torch.contiguous_format)
        code["product"](
            threads=_threads(first, weights),
            first=first.contiguous(),
            second=second.contiguous(),
            weights=weights.contiguous(),
            sums=sums,
        )
        return sums

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, *_multiply_vjp(ctx.code, *ctx.saved_tensors, gradient)


class _MultiplyVJP(Function):
    """Gradients of a product by both factors and the weights."""

    @staticmethod
    def forward(ctx: _Context, code: Code, *values: Tensor) -> tuple[Tensor, ...]:
        ctx.code = code
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*values)
        first, second, weights, gradient = (value.contiguous() for value in values)
        by_first, by_second, by_weights = map(torch.zeros_like, (first, second, weights))
        code["product_vjp"](
            threads=_threads(first, weights),
            first=first,
            second=second,
            weights=weights,
            gradient=gradient,
            first_gradient=by_first,
            second_gradient=by_second,
            weights_gradient=by_weights,
        )
        return by_first, by_second, by_weights

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        values = [value.contiguous() for value in ctx.saved_tensors]
        first, second, weights, gradient = values
        first_tangent, second_tangent, weights_tangent = (
            torch.zeros_like(value) if tangent is None else tangent.contiguous()
            for value, tangent in zip(values[:3], tangents, strict=True)
        )
        by_first, by_second, by_weights, by_gradient = map(torch.zeros_like, values)
        ctx.code["product_vjp_vjp"](
            threads=_threads(first, weights),
            first=first,
            second=second,
            weights=weights,
            gradient=gradient,
            first_tangent=first_tangent,
            second_tangent=second_tangent,
            weights_tangent=weights_tangent,
            gradient_gradient=by_gradient,
            first_gradient=by_first,
            second_gradient=by_second,
            weights_gradient=by_weights,
        )
        return None, by_first, by_second, by_weights, by_gradient


_multiply: Callable[..., Tensor] = _Multiply.apply
_multiply_vjp: Callable[..., tuple[Tensor, ...]] = _MultiplyVJP.apply


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
        return _multiply(code, first, second, weights)

    return multiply
