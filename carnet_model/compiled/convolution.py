"""Kernels for the CPU: generated C++, compiled once a machine, with two derivatives.

A message needs a radial weight for each edge, path and channel. They are made from the last hidden
layer of the radial network in pieces that stay in the cache of the processor, never all at once,
and made again for the derivatives rather than kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ..network.bonds import Bonds
from ..network.kernels import Convolution, Convolve
from .compiler import SCALARS, library, thread_count

FillWeights: TypeAlias = Callable[[int, int, Tensor], None]
"""Takes first and last edge of a chunk and room for, or values of, one array of its edges."""


FillTwo: TypeAlias = Callable[[int, int, Tensor, Tensor], None]
"""The same with two arrays."""


_by_inputs_only: ContextVar[bool] = ContextVar("_by_inputs_only", default=False)


@contextmanager
def gradients_by_inputs_only() -> Iterator[None]:
    """Leave out gradients by parameters: of an energy by positions, where nobody reads others."""
    token = _by_inputs_only.set(True)
    try:
        yield
    finally:
        _by_inputs_only.reset(token)


class ConvolutionKernel:
    """The kernels of one convolution and data type, over all bonds, a chunk at a time.

    Args:
        kernel: the convolution.
        channels: number of channels.
        dtype: float32 or float64.
    """

    def __init__(self, kernel: Convolution, channels: int, dtype: torch.dtype) -> None:
        self._code = library(kernel, channels, dtype)
        self._targets, self._frame_size = kernel.outputs.size, kernel.frame_size
        self.sources = kernel.inputs.size
        self.channels, self.width = channels, kernel.paths * channels

    def _frames(self, directions: Tensor) -> Tensor:
        """Return rotation matrices, which carry no gradient."""
        directions = directions.detach().contiguous()
        frames = directions.new_empty(len(directions), self._frame_size)
        threads = thread_count(len(directions) * self._frame_size)
        self._code("frame", len(directions), threads, directions, frames)
        return frames

    def over(self, bonds: Bonds) -> Iterator[tuple[int, int, list[int | Tensor]]]:
        """Yield first and last edge of each chunk, and what its kernels take before the arrays."""
        ends = [bonds.starts, bonds.senders.contiguous()]
        for first, last, begin, end in bonds.chunks(self.width):
            yield begin, end, [first, last, thread_count((end - begin) * self.width), *ends]

    def room(self, bonds: Bonds, like: Tensor, width: int | None = None) -> Tensor:
        """Return room for what the edges of the largest chunk give; radial weights by default."""
        rows = max((end - begin for _, _, begin, end in bonds.chunks(self.width)), default=0)
        return like.new_empty(rows, self.width if width is None else width)

    def frames_of(self, bonds: Bonds) -> Tensor:
        """Return the rotation matrices, computed once for layers that turn as much."""
        return bonds.geometry(self._frames, ("frames", self._frame_size))

    def message(self, bonds: Bonds, features: Tensor, weights: FillWeights) -> Tensor:
        """Return the sums of messages, shape ``(atoms, size, channels)``.

        Args:
            bonds: the bonds.
            features: of the atoms.
            weights: writes the radial weights of edges ``(begin, end)`` into a buffer.
        """
        features, frames = features.contiguous(), self.frames_of(bonds)
        sums = features.new_zeros(len(features), self._targets, self.channels)
        room = self.room(bonds, features)
        for begin, end, head in self.over(bonds):
            weights(begin, end, room[: end - begin])
            self._code("message", *head, features, frames, room, sums)
        return sums

    def vjp(
        self, bonds: Bonds, features: Tensor, gradient: Tensor, weights: FillWeights,
        collect: FillWeights,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the gradients by features and directions, from that by the sums.

        Args:
            bonds: the bonds.
            features: of the atoms.
            gradient: by the sums.
            weights: writes the radial weights of edges ``(begin, end)`` into a buffer.
            collect: takes the gradient by them.
        """
        features, gradient, frames = (
            features.contiguous(),
            gradient.contiguous(),
            self.frames_of(bonds),
        )
        by_features = torch.zeros_like(features)
        by_directions = features.new_empty(len(frames), 3)
        room, pulled = self.room(bonds, features), self._pulled(bonds, features)
        by_weights = torch.empty_like(room)
        for begin, end, head in self.over(bonds):
            weights(begin, end, room[: end - begin])
            self._code("message_vjp", *head, features, gradient, frames, room,
                  pulled, by_weights, by_directions)  # fmt: skip
            self._scatter(bonds, begin, end, pulled, by_features)
            collect(begin, end, by_weights[: end - begin])
        return by_features, by_directions

    def vjp_vjp(
        self, bonds: Bonds, features: Tensor, gradient: Tensor, features_tangent: Tensor,
        directions_tangent: Tensor, weights: FillTwo, collect: FillTwo,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Return the gradients by features, directions and gradient, from tangents.

        Args:
            bonds: the bonds.
            features: of the atoms.
            gradient: by the sums.
            features_tangent: tangent of the gradient by features.
            directions_tangent: tangent of the gradient by directions.
            weights: writes radial weights of edges ``(begin, end)`` and their tangent.
            collect: takes the gradient by the weights, and the first gradient by them.
        """
        features, gradient, frames = (
            features.contiguous(),
            gradient.contiguous(),
            self.frames_of(bonds),
        )
        by_features, by_gradient = torch.zeros_like(features), torch.zeros_like(gradient)
        by_directions = features.new_empty(len(frames), 3)
        room, pulled = self.room(bonds, features), self._pulled(bonds, features)
        tangent, by_weights, first = (torch.empty_like(room) for _ in range(3))
        for begin, end, head in self.over(bonds):
            size = end - begin
            weights(begin, end, room[:size], tangent[:size])
            self._code("message_vjp_vjp", *head, features, gradient, frames, room,
                  features_tangent, directions_tangent, tangent,
                  by_gradient, pulled, by_weights, first, by_directions)  # fmt: skip
            self._scatter(bonds, begin, end, pulled, by_features)
            collect(begin, end, by_weights[:size], first[:size])
        return by_features, by_directions, by_gradient

    def _pulled(self, bonds: Bonds, like: Tensor) -> Tensor:
        return self.room(bonds, like, self.sources * self.channels)

    def _scatter(self, bonds: Bonds, begin: int, end: int, values: Tensor, sums: Tensor) -> None:
        width = self.sources * self.channels
        threads = thread_count((end - begin) * width)
        self._code("scatter", begin, end, threads, width, bonds.senders.contiguous(), values,
              sums)  # fmt: skip

    def spline(self, rows: Tensor, weights: Tensor, table: Tensor, result: Tensor) -> None:
        """Write four rows of a table, weighted, for each edge."""
        threads = thread_count(len(rows) * self.width)
        self._code("spline", len(rows), threads, self.width, rows, weights, table, result)

    def spline_vjp(self, rows: Tensor, table: Tensor, gradient: Tensor) -> Tensor:
        """Return the scalar products of a gradient with the four rows of each edge."""
        shares = gradient.new_empty(len(rows), 4)
        threads = thread_count(len(rows) * self.width)
        self._code("spline_vjp", len(rows), threads, self.width, rows, table, gradient, shares)
        return shares


def _radial(hidden: Tensor, matrix: Tensor) -> FillWeights:
    """Return what writes the radial weights of some edges: hidden layer times matrix."""

    def fill(begin: int, end: int, room: Tensor) -> None:
        torch.mm(hidden[begin:end], matrix.t(), out=room)

    return fill


class _Convolve(torch.autograd.Function):
    """Sums of messages."""

    @staticmethod
    def forward(
        ctx: Any, kernel: ConvolutionKernel, bonds: Bonds, features: Tensor, directions: Tensor,
        hidden: Tensor, matrix: Tensor,
    ) -> Tensor:  # fmt: skip
        ctx.kernel, ctx.bonds = kernel, bonds
        ctx.save_for_backward(features, directions, hidden, matrix)
        return kernel.message(bonds, features, _radial(hidden, matrix))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return (
            None,
            None,
            *_ConvolveVJP.apply(
                ctx.kernel, ctx.bonds, _by_inputs_only.get(), *ctx.saved_tensors, gradient
            ),
        )


class _ConvolveVJP(torch.autograd.Function):
    """Gradients of the sums by features, directions, hidden layer and matrix."""

    @staticmethod
    def forward(
        ctx: Any, kernel: ConvolutionKernel, bonds: Bonds, inputs_only: bool, features: Tensor,
        directions: Tensor, hidden: Tensor, matrix: Tensor, gradient: Tensor,
    ) -> tuple[Tensor | None, ...]:  # fmt: skip
        ctx.kernel, ctx.bonds = kernel, bonds
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(features, directions, hidden, matrix, gradient)
        by_hidden = torch.empty_like(hidden)
        by_matrix = None if inputs_only else torch.zeros_like(matrix)

        def collect(begin: int, end: int, by_weights: Tensor) -> None:
            torch.mm(by_weights, matrix, out=by_hidden[begin:end])
            if by_matrix is not None:
                by_matrix.addmm_(by_weights.t(), hidden[begin:end])

        by_features, by_directions = kernel.vjp(
            bonds, features, gradient, _radial(hidden, matrix), collect
        )
        return by_features, by_directions, by_hidden, by_matrix

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *tangents: Tensor | None) -> Any:
        features, directions, hidden, matrix, gradient = ctx.saved_tensors
        t_features, t_directions, t_hidden, t_matrix = (  # tangents of the gradients by each
            torch.zeros_like(value) if tangent is None else tangent.contiguous()
            for value, tangent in zip((features, directions, hidden, matrix), tangents, strict=True)
        )
        of_matrix = tangents[3] is not None
        by_hidden, by_matrix = torch.empty_like(hidden), torch.zeros_like(matrix)

        radial, radial_tangent = _radial(hidden, matrix), _radial(t_hidden, matrix)

        def weights(begin: int, end: int, room: Tensor, tangent: Tensor) -> None:
            radial(begin, end, room)
            radial_tangent(begin, end, tangent)
            if of_matrix:
                tangent.addmm_(hidden[begin:end], t_matrix.t())

        def collect(begin: int, end: int, by_weights: Tensor, first: Tensor) -> None:
            torch.mm(by_weights, matrix, out=by_hidden[begin:end])
            by_matrix.addmm_(by_weights.t(), hidden[begin:end])
            by_matrix.addmm_(first.t(), t_hidden[begin:end])
            if of_matrix:
                by_hidden[begin:end].addmm_(first, t_matrix)

        by_features, by_directions, by_gradient = ctx.kernel.vjp_vjp(
            ctx.bonds, features, gradient, t_features, t_directions, weights, collect
        )
        return None, None, None, by_features, by_directions, by_hidden, by_matrix, by_gradient


@cache
def compiled_convolution(kernel: Convolution, channels: int) -> Convolve:
    """Return a convolution in C++, twice differentiable; other devices and types take PyTorch's.

    Args:
        kernel: the convolution.
        channels: number of channels.
    """

    def convolve(features: Tensor, bonds: Bonds, hidden: Tensor, matrix: Tensor) -> Tensor:
        if features.device.type != "cpu" or features.dtype not in SCALARS:
            return kernel.convolve(features, bonds, hidden, matrix)
        code = convolution_kernel(kernel, channels, features.dtype)
        result: Tensor = _Convolve.apply(code, bonds, features, bonds.directions, hidden, matrix)
        return result

    return convolve


@cache
def convolution_kernel(kernel: Convolution, channels: int, dtype: torch.dtype) -> ConvolutionKernel:
    """Return the kernels of a convolution for a data type.

    Raises:
        BuildError: when they cannot be compiled.
    """
    return ConvolutionKernel(kernel, channels, dtype)
