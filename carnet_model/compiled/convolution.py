"""The compiled convolution, with two derivatives.

A message needs a radial weight for each edge, path and channel. They are made from the last hidden
layer of the radial network in pieces that stay in the cache of the processor, never all at once,
and made again for the derivatives rather than kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import Function, FunctionCtx, once_differentiable

from ..network.bonds import Bonds
from ..network.kernels import Convolution, Convolve
from .compiler import SCALARS, library, thread_count

ForChunk: TypeAlias = Callable[[int, int, Tensor], None]
"""Takes first and last edge of a chunk, and an array with a row for each: to fill or to read."""

ForChunkOfTwo: TypeAlias = Callable[[int, int, Tensor, Tensor], None]
"""The same with two arrays."""


class Chunk(NamedTuple):
    """Some atoms and the edges they receive, worked off at once.

    Attributes:
        begin: first edge.
        end: the one after the last edge.
        first: first atom.
        last: the one after the last atom.
        threads: how many share the work.
    """

    begin: int
    end: int
    first: int
    last: int
    threads: int


class ConvolutionKernel:
    """The kernels of one convolution and data type, over all bonds, a chunk at a time.

    Args:
        kernel: the convolution.
        channels: number of channels.
        dtype: float32 or float64.
    """

    def __init__(self, kernel: Convolution, channels: int, dtype: torch.dtype) -> None:
        self._code = library(kernel, channels, dtype)
        self._frame_size, self._paths = kernel.frame_size, kernel.paths
        self._sources, self._targets = kernel.inputs.size, kernel.outputs.size
        self.channels, self.width = channels, kernel.paths * channels

    def _frames(self, directions: Tensor) -> Tensor:
        """Return rotation matrices, which carry no gradient."""
        directions = directions.detach().contiguous()
        frames = directions.new_empty(len(directions), self._frame_size)
        threads = thread_count(len(directions) * self._frame_size)
        self._code["frame"](threads=threads, directions=directions, frames=frames)
        return frames

    def chunks(self, bonds: Bonds) -> Iterator[Chunk]:
        """Yield all atoms and edges, chunk by chunk."""
        for first, last, begin, end in bonds.chunks(self.width):
            yield Chunk(begin, end, first, last, thread_count((end - begin) * self.width))

    def buffer(self, bonds: Bonds, like: Tensor, width: int | None = None) -> Tensor:
        """Return a buffer with a row for each edge of the largest chunk, not filled.

        Args:
            bonds: the bonds.
            like: gives data type and device.
            width: numbers in a row; the radial weights of an edge when omitted.
        """
        rows = max((end - begin for _, _, begin, end in bonds.chunks(self.width)), default=0)
        return like.new_empty(rows, self.width if width is None else width)

    def frames_of(self, bonds: Bonds) -> Tensor:
        """Return the rotation matrices, computed once for layers that rotate as much."""
        return bonds.geometry(self._frames, ("frames", self._frame_size))

    def message(self, bonds: Bonds, features: Tensor, weights: ForChunk) -> Tensor:
        """Return the sums of messages, shape ``(atoms, size, channels)``.

        Args:
            bonds: the bonds.
            features: of the atoms.
            weights: writes the radial weights of edges ``(begin, end)`` into a buffer.
        """
        features, frames = features.contiguous(), self.frames_of(bonds)
        starts, senders = bonds.ends
        sums = features.new_zeros(len(features), self._targets, self.channels)
        radial = self.buffer(bonds, features)
        by_path = self._by_path(radial)
        for begin, end, first, last, threads in self.chunks(bonds):
            weights(begin, end, radial[: end - begin])
            self._code["message"](
                first=first,
                last=last,
                threads=threads,
                starts=starts,
                senders=senders,
                features=features,
                frames=frames,
                weights=by_path,
                message=sums,
            )
        return sums

    def vjp(
        self, bonds: Bonds, features: Tensor, gradient: Tensor, weights: ForChunk, collect: ForChunk
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients by features and directions, from that by the sums.

        Args:
            bonds: the bonds.
            features: of the atoms.
            gradient: by the sums.
            weights: writes the radial weights of edges ``(begin, end)`` into a buffer.
            collect: takes the gradient by them.
        """
        features, gradient = features.contiguous(), gradient.contiguous()
        frames, (starts, senders) = self.frames_of(bonds), bonds.ends
        by_features = torch.zeros_like(features)
        by_directions = features.new_empty(len(frames), 3)
        radial, pulled = self.buffer(bonds, features), self._pulled(bonds, features)
        by_weights = torch.empty_like(radial)
        by_path, by_weights_by_path = self._by_path(radial), self._by_path(by_weights)
        for begin, end, first, last, threads in self.chunks(bonds):
            weights(begin, end, radial[: end - begin])
            self._code["message_vjp"](
                first=first,
                last=last,
                threads=threads,
                starts=starts,
                senders=senders,
                features=features,
                gradient=gradient,
                frames=frames,
                weights=by_path,
                features_gradient=pulled,
                weights_gradient=by_weights_by_path,
                directions_gradient=by_directions,
            )
            self._scatter(senders, begin, end, pulled, by_features)
            collect(begin, end, by_weights[: end - begin])
        return by_features, by_directions

    def vjp_vjp(
        self,
        bonds: Bonds,
        features: Tensor,
        gradient: Tensor,
        features_tangent: Tensor,
        directions_tangent: Tensor,
        weights: ForChunkOfTwo,
        collect: ForChunkOfTwo,
    ) -> tuple[Tensor, Tensor, Tensor]:
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
        features, gradient = features.contiguous(), gradient.contiguous()
        features_tangent = features_tangent.contiguous()
        directions_tangent = directions_tangent.contiguous()
        frames, (starts, senders) = self.frames_of(bonds), bonds.ends
        by_features, by_gradient = torch.zeros_like(features), torch.zeros_like(gradient)
        by_directions = features.new_empty(len(frames), 3)
        radial, pulled = self.buffer(bonds, features), self._pulled(bonds, features)
        tangent, by_weights, by_weights_first = (torch.empty_like(radial) for _ in range(3))
        arrays = {
            "weights": radial,
            "weights_tangent": tangent,
            "weights_gradient": by_weights,
            "first_weights_gradient": by_weights_first,
        }
        by_path = {name: self._by_path(array) for name, array in arrays.items()}
        for begin, end, first, last, threads in self.chunks(bonds):
            size = end - begin
            weights(begin, end, radial[:size], tangent[:size])
            self._code["message_vjp_vjp"](
                first=first,
                last=last,
                threads=threads,
                starts=starts,
                senders=senders,
                features=features,
                gradient=gradient,
                frames=frames,
                features_tangent=features_tangent,
                directions_tangent=directions_tangent,
                gradient_gradient=by_gradient,
                features_gradient=pulled,
                directions_gradient=by_directions,
                **by_path,
            )
            self._scatter(senders, begin, end, pulled, by_features)
            collect(begin, end, by_weights[:size], by_weights_first[:size])
        return by_features, by_directions, by_gradient

    def _by_path(self, radial: Tensor) -> Tensor:
        """Return a buffer of radial weights with an axis for paths and one for channels."""
        return radial.view(len(radial), self._paths, self.channels)

    def _pulled(self, bonds: Bonds, like: Tensor) -> Tensor:
        """Return a buffer for the gradients by the features of the senders."""
        flat = self.buffer(bonds, like, self._sources * self.channels)
        return flat.view(len(flat), self._sources, self.channels)

    def _scatter(self, senders: Tensor, begin: int, end: int, values: Tensor, sums: Tensor) -> None:
        """Add the rows of some edges to those of their senders."""
        self._code["scatter"](
            first=begin,
            last=end,
            threads=thread_count((end - begin) * self._sources * self.channels),
            senders=senders,
            values=values.flatten(1),
            sums=sums.flatten(1),
        )

    def radial(self, hidden: Tensor, matrix: Tensor, weights: Tensor) -> None:
        """Write the radial weights of some edges.

        Args:
            hidden: last hidden layer, shape ``(edges, hidden)``.
            matrix: shape ``(paths * channels, hidden)``.
            weights: written, shape ``(edges, paths * channels)``.
        """
        threads = thread_count(len(hidden) * self.width)
        self._code["radial"](threads=threads, hidden=hidden, matrix=matrix, weights=weights)

    def radial_vjp(self, gradient: Tensor, matrix: Tensor, by_hidden: Tensor) -> None:
        """Write the gradient by the hidden layer of some edges.

        Args:
            gradient: by the radial weights, shape ``(edges, paths * channels)``.
            matrix: shape ``(paths * channels, hidden)``.
            by_hidden: written, shape ``(edges, hidden)``.
        """
        threads = thread_count(len(gradient) * self.width)
        self._code["radial_vjp"](
            threads=threads, gradient=gradient, matrix=matrix, hidden_gradient=by_hidden
        )

    def radial_matrix_vjp(self, gradient: Tensor, hidden: Tensor, by_matrix: Tensor) -> None:
        """Add the gradient by the matrix, from that by the radial weights of some edges.

        Args:
            gradient: by the radial weights, shape ``(edges, paths * channels)``.
            hidden: last hidden layer, shape ``(edges, hidden)``.
            by_matrix: added to, shape ``(paths * channels, hidden)``.
        """
        threads = thread_count(len(gradient) * self.width)
        self._code["radial_matrix_vjp"](
            threads=threads, gradient=gradient, hidden=hidden, matrix_gradient=by_matrix
        )

    def spline(self, rows: Tensor, weights: Tensor, table: Tensor, result: Tensor) -> None:
        """Write four rows of a table, weighted, for each edge.

        Args:
            rows: the first of the four, shape ``(edges,)``.
            weights: of the four, shape ``(edges, 4)``.
            table: shape ``(rows, paths * channels)``.
            result: written, shape ``(edges, paths * channels)``.
        """
        threads = thread_count(len(rows) * self.width)
        self._code["spline"](
            threads=threads, rows=rows, weights=weights, table=table, values=result
        )

    def spline_vjp(self, rows: Tensor, table: Tensor, gradient: Tensor) -> Tensor:
        """Return the scalar products of a gradient with the four rows of each edge.

        Args:
            rows: the first of the four, shape ``(edges,)``.
            table: shape ``(rows, paths * channels)``.
            gradient: by the values, shape ``(edges, paths * channels)``.
        """
        shares = gradient.new_empty(len(rows), 4)
        threads = thread_count(len(rows) * self.width)
        self._code["spline_vjp"](
            threads=threads, rows=rows, table=table, gradient=gradient, weights=shares
        )
        return shares


def _radial(kernel: ConvolutionKernel, hidden: Tensor, matrix: Tensor) -> ForChunk:
    """Return what writes the radial weights of some edges."""
    hidden, matrix = hidden.contiguous(), matrix.contiguous()

    def fill(begin: int, end: int, buffer: Tensor) -> None:
        kernel.radial(hidden[begin:end], matrix, buffer)

    return fill


class _Context(FunctionCtx):
    """What a convolution keeps for its derivatives."""

    kernel: ConvolutionKernel
    bonds: Bonds
    saved_tensors: tuple[Tensor, ...]


class _Convolve(Function):
    """Sums of messages."""

    @staticmethod
    def forward(
        ctx: _Context,
        kernel: ConvolutionKernel,
        bonds: Bonds,
        features: Tensor,
        directions: Tensor,
        hidden: Tensor,
        matrix: Tensor,
    ) -> Tensor:
        ctx.kernel, ctx.bonds = kernel, bonds
        ctx.save_for_backward(features, directions, hidden, matrix)
        return kernel.message(bonds, features, _radial(kernel, hidden, matrix))

    @staticmethod
    def backward(ctx: _Context, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *_convolve_vjp(ctx.kernel, ctx.bonds, *ctx.saved_tensors, gradient)


class _ConvolveVJP(Function):
    """Gradients of the sums by features, directions, hidden layer and matrix."""

    @staticmethod
    def forward(
        ctx: _Context,
        kernel: ConvolutionKernel,
        bonds: Bonds,
        features: Tensor,
        directions: Tensor,
        hidden: Tensor,
        matrix: Tensor,
        gradient: Tensor,
    ) -> tuple[Tensor | None, ...]:
        ctx.kernel, ctx.bonds = kernel, bonds
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(features, directions, hidden, matrix, gradient)
        hidden, matrix = hidden.contiguous(), matrix.contiguous()
        by_hidden = torch.empty_like(hidden)
        by_matrix = torch.zeros_like(matrix) if bonds.parameter_gradients else None

        def collect(begin: int, end: int, by_weights: Tensor) -> None:
            kernel.radial_vjp(by_weights, matrix, by_hidden[begin:end])
            if by_matrix is not None:
                kernel.radial_matrix_vjp(by_weights, hidden[begin:end], by_matrix)

        by_features, by_directions = kernel.vjp(
            bonds, features, gradient, _radial(kernel, hidden, matrix), collect
        )
        return by_features, by_directions, by_hidden, by_matrix

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        features, directions, hidden, matrix, gradient = ctx.saved_tensors
        t_features, t_directions, t_hidden, t_matrix = (  # tangents of the gradients by each
            torch.zeros_like(value) if tangent is None else tangent.contiguous()
            for value, tangent in zip((features, directions, hidden, matrix), tangents, strict=True)
        )
        hidden, matrix = hidden.contiguous(), matrix.contiguous()
        of_matrix = tangents[3] is not None
        by_hidden, by_matrix = torch.empty_like(hidden), torch.zeros_like(matrix)

        kernel = ctx.kernel
        radial, radial_tangent = (_radial(kernel, each, matrix) for each in (hidden, t_hidden))

        def weights(begin: int, end: int, buffer: Tensor, tangent: Tensor) -> None:
            radial(begin, end, buffer)
            radial_tangent(begin, end, tangent)
            if of_matrix:
                tangent.addmm_(hidden[begin:end], t_matrix.t())

        def collect(begin: int, end: int, by_weights: Tensor, first: Tensor) -> None:
            kernel.radial_vjp(by_weights, matrix, by_hidden[begin:end])
            kernel.radial_matrix_vjp(by_weights, hidden[begin:end], by_matrix)
            kernel.radial_matrix_vjp(first, t_hidden[begin:end], by_matrix)
            if of_matrix:
                by_hidden[begin:end].addmm_(first, t_matrix)

        by_features, by_directions, by_gradient = kernel.vjp_vjp(
            ctx.bonds, features, gradient, t_features, t_directions, weights, collect
        )
        return None, None, by_features, by_directions, by_hidden, by_matrix, by_gradient


_convolve: Callable[..., Tensor] = _Convolve.apply
_convolve_vjp: Callable[..., tuple[Tensor | None, ...]] = _ConvolveVJP.apply


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
        return _convolve(code, bonds, features, bonds.directions, hidden, matrix)

    return convolve


@cache
def convolution_kernel(kernel: Convolution, channels: int, dtype: torch.dtype) -> ConvolutionKernel:
    """Return the kernels of a convolution for a data type.

    Raises:
        BuildError: when they cannot be compiled.
    """
    return ConvolutionKernel(kernel, channels, dtype)
