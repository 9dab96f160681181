"""Compiled programs as differentiable functions of tensors; the only file here with PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx

from . import pages
from .kernels import CompiledProgram
from .rows import Call, Sizes, run


class _Context(FunctionCtx):
    compiled: CompiledProgram
    sizes: Sizes
    kept: list[int]
    counts: list[int | None]
    needs_input_grad: tuple[bool, ...]
    saved_tensors: tuple[Tensor, ...]


def _empty(shape: tuple[int, ...], kind: str) -> Tensor:
    tensor = torch.empty(shape, dtype=getattr(torch, kind))
    pages.advise(tensor.data_ptr(), tensor.nbytes)
    return tensor


class _Run(Function):
    """A program applied to rows; its gradient is another one, by the exact derivative program."""

    @staticmethod
    def forward(
        ctx: _Context, compiled: CompiledProgram, sizes: Sizes, *rows: Tensor | None
    ) -> tuple[Tensor, ...]:
        ctx.compiled, ctx.sizes = compiled, sizes
        ctx.set_materialize_grads(False)
        ctx.counts = [None if each is None else len(each) for each in rows]
        needed = ctx.needs_input_grad[2:]
        reads = set(compiled.vjp(needed).reads) if any(needed) else set()
        ctx.kept = [number for number in range(len(rows)) if number in reads]
        ctx.save_for_backward(*(row for number in ctx.kept if (row := rows[number]) is not None))
        return tuple(run(compiled, rows, sizes, torch.get_num_threads(), _empty))

    @staticmethod
    def backward(ctx: _Context, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[2:]
        if all(each is None for each in gradients):
            return (None,) * (2 + len(needed))
        pulled = ctx.compiled.vjp(needed)
        rows: list[Tensor | None] = [None] * len(ctx.counts)
        for number, kept in zip(ctx.kept, ctx.saved_tensors, strict=True):
            rows[number] = kept
        upstream = [
            _zeros(ctx, number) if each is None else each.contiguous()
            for number, each in enumerate(gradients)
        ]
        found = iter(_applied(pulled, ctx.sizes, *rows, *upstream))
        by_rows = (
            _summed(next(found), count) if wanted else None
            for wanted, count in zip(needed, ctx.counts, strict=True)
        )
        return None, None, *by_rows


def _zeros(ctx: _Context, number: int) -> Tensor:
    """Return a gradient that nobody asked for: zeros, one row for all items."""
    output = ctx.compiled.program.outputs[number]
    shape: tuple[int, ...] = (1, len(output.entries))
    if ctx.compiled.channels and not output.summed:
        shape = (*shape, ctx.sizes.channels)
    return torch.zeros(shape, dtype=getattr(torch, ctx.sizes.kind))


def _summed(gradient: Tensor, count: int | None) -> Tensor:
    """Return the gradient by an argument of as many rows: summed where all items shared one."""
    return gradient.sum(0, keepdim=True) if count == 1 and len(gradient) != 1 else gradient


_applied: Callable[..., tuple[Tensor, ...]] = _Run.apply


def differentiable(compiled: CompiledProgram, call: Call) -> tuple[Tensor, ...]:
    """Return the outputs of a program as rows, differentiable by the arguments of a call."""
    return _applied(compiled, call.sizes, *call.rows)
