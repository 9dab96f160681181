"""Kernels for the CPU: generated C++, compiled once a machine, with two derivatives.

A message needs a radial weight for each edge, path and channel. They are made from the last hidden
layer of the radial network in pieces that stay in the cache of the processor, never all at once,
and made again for the derivatives rather than kept.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from natural_tensors.files import cache_folder

from .bonds import Bonds
from .kernels import Convolution, Convolve, Multiply, Product, cpp, cpp_key

SCALARS = {torch.float32: "float", torch.float64: "double"}
"""Data types there are kernels for."""

FLAGS = ("-std=c++17", "-O2", "-fno-math-errno", "-Wno-psabi", "-fPIC", "-shared")
VECTOR_BYTES = 32
"""Width of a lane register, AVX2: wider ones lower the clock and gain little here."""


class BuildError(RuntimeError):
    """A kernel that could not be compiled."""


# --- the compiler ---------------------------------------------------------------------------------


@cache
def _flags() -> tuple[str, ...]:
    """Return the flags this compiler takes: of this processor, and with threads, if it can."""
    flags: tuple[str, ...] = FLAGS
    for extra in ("-march=native", "-fopenmp"):
        if _run([*_command(), *flags, extra, "-x", "c++", os.devnull, "-o", os.devnull]) is None:
            flags = (*flags, extra)
    return flags


@cache
def _command() -> tuple[str, ...]:
    """Return the command of the C++ compiler: CXX, or one that is found."""
    chosen = os.environ.get("CXX")
    candidates = [chosen] if chosen else ["g++", "clang++"]
    for candidate in candidates:
        words = tuple(shlex.split(candidate))
        if words and shutil.which(words[0]):
            return words
    raise BuildError(f"there is no C++ compiler ({', '.join(candidates)})")


def _run(command: list[str]) -> str | None:
    """Run a compiler; return what is wrong, None when nothing is."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except OSError as error:
        return str(error)
    if done.returncode == 0:
        return None
    text = done.stderr.strip().splitlines()
    return text[0][:200] if text else f"it ended with status {done.returncode}"


@cache
def _identity() -> str:
    """Return what the compiled code depends on besides its source: compiler and processor."""
    shown = subprocess.run(
        [*_command(), *_flags(), "-E", "-v", "-x", "c++", os.devnull],
        capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    return shown.stderr


@cache
def library(kernel: Convolution | Product, channels: int, dtype: torch.dtype) -> ctypes.CDLL:
    """Return the generated C++ of a kernel, compiled when the cache does not hold them.

    The file's name is a hash of source, compiler, processor and sizes, and it is written
    atomically: several processes may build at once.

    Args:
        kernel: a convolution or a product.
        channels: number of channels.
        dtype: float32 or float64.

    Raises:
        BuildError: when it cannot be compiled.
    """
    size = torch.empty((), dtype=dtype).element_size()
    lanes = VECTOR_BYTES // size
    while channels % lanes:
        lanes //= 2
    defines = [f"-DSCALAR={SCALARS[dtype]}", f"-DCHANNELS={channels}", f"-DLANES={lanes}"]
    key = "\n".join([*defines, *_command(), *_flags(), _identity()])
    name = f"{cpp_key(kernel)}_{hashlib.sha256(key.encode()).hexdigest()[:12]}.so"
    problem: Exception | None = None
    for folder in (cache_folder(), Path(tempfile.gettempdir()) / f"natural-tensors-{os.getuid()}"):
        path = folder / name
        try:
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True)
                _build(cpp(kernel), defines, path)
            return ctypes.CDLL(str(path))
        except OSError as error:  # nothing can be written there, or nothing run from there
            problem = error
    raise BuildError(f"a compiled kernel cannot be kept: {problem}")


def _build(text: str, defines: list[str], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        source, result = Path(place) / "kernel.cpp", Path(place) / "kernel.so"
        source.write_text(text, encoding="utf-8")
        problem = _run([*_command(), *_flags(), *defines, str(source), "-o", str(result)])
        if problem:
            raise BuildError(f"compiling {path.stem} failed: {problem}")
        os.replace(result, path)


def prepare(kernels: Sequence[Convolution | Product], channels: int, dtype: torch.dtype) -> None:
    """Build what is not built yet, several at once.

    Raises:
        BuildError: when there is no compiler, or it fails.
    """
    _flags()
    with ThreadPoolExecutor() as pool:
        for future in [
            pool.submit(library, kernel, channels, dtype) for kernel in dict.fromkeys(kernels)
        ]:
            future.result()


def _call(function: Any, *arguments: int | Tensor) -> None:
    """Call a kernel: numbers as they are, tensors by their place in memory."""
    function(
        *(
            ctypes.c_void_p(value.data_ptr()) if isinstance(value, Tensor)
            else ctypes.c_int64(value)
            for value in arguments
        )
    )  # fmt: skip


# --- what gradients are asked for -----------------------------------------------------------------

_by_inputs_only: ContextVar[bool] = ContextVar("_by_inputs_only", default=False)


@contextmanager
def gradients_by_inputs_only() -> Iterator[None]:
    """Leave out gradients by parameters: of an energy by positions, where nobody reads others."""
    token = _by_inputs_only.set(True)
    try:
        yield
    finally:
        _by_inputs_only.reset(token)


# --- convolution ----------------------------------------------------------------------------------


class _ConvolutionKernel:
    """The kernels of one convolution and data type."""

    def __init__(self, kernel: Convolution, channels: int, dtype: torch.dtype) -> None:
        self.code = library(kernel, channels, dtype)
        self.sources, self.targets = kernel.inputs.size, kernel.outputs.size
        self.channels, self.width = channels, kernel.paths * channels
        self.frame_size = kernel.frame_size

    def frames(self, directions: Tensor) -> Tensor:
        """Return the rotation matrices of the bonds, which carry no gradient."""
        directions = directions.detach().contiguous()
        frames = directions.new_empty(len(directions), self.frame_size)
        _call(self.code.frame, len(directions), torch.get_num_threads(), directions, frames)
        return frames


def _slice(hidden: Tensor, matrix: Tensor, first: int, last: int, buffer: Tensor) -> Tensor:
    """Return the radial weights of some edges, in the buffer."""
    return torch.mm(hidden[first:last], matrix.t(), out=buffer[: last - first])


class _Convolve(torch.autograd.Function):
    """Sums of messages."""

    @staticmethod
    def forward(
        ctx: Any, kernel: _ConvolutionKernel, bonds: Bonds, features: Tensor, directions: Tensor,
        hidden: Tensor, matrix: Tensor,
    ) -> Tensor:  # fmt: skip
        ctx.kernel, ctx.bonds = kernel, bonds
        ctx.save_for_backward(features, directions, hidden, matrix)
        features = features.contiguous()
        frames = bonds.geometry(kernel.frames)
        sums = features.new_zeros(len(features), kernel.targets, kernel.channels)
        chunks = bonds.chunks(kernel.width)
        weights = _buffer(features, chunks, kernel.width)
        for first, last, begin, end in chunks:
            _slice(hidden, matrix, begin, end, weights)
            _call(kernel.code.message, first, last, torch.get_num_threads(), bonds.starts,
                  bonds.senders, features, frames, weights, sums)  # fmt: skip
        return sums

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
        ctx: Any, kernel: _ConvolutionKernel, bonds: Bonds, inputs_only: bool, features: Tensor,
        directions: Tensor, hidden: Tensor, matrix: Tensor, gradient: Tensor,
    ) -> tuple[Tensor | None, ...]:  # fmt: skip
        ctx.kernel, ctx.bonds = kernel, bonds
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(features, directions, hidden, matrix, gradient)
        features, gradient = features.contiguous(), gradient.contiguous()
        frames = bonds.geometry(kernel.frames)
        by_features = torch.zeros_like(features)
        by_directions = torch.empty_like(directions)
        by_hidden = torch.empty_like(hidden)
        by_matrix = None if inputs_only else torch.zeros_like(matrix)
        chunks = bonds.chunks(kernel.width)
        weights = _buffer(features, chunks, kernel.width)
        by_weights = torch.empty_like(weights)
        pulled = _buffer(features, chunks, kernel.sources * kernel.channels)
        threads = torch.get_num_threads()
        for first, last, begin, end in chunks:
            _slice(hidden, matrix, begin, end, weights)
            _call(
                kernel.code.message_vjp, first, last, threads, bonds.starts, bonds.senders,
                features, gradient, frames, weights, pulled, by_weights, by_directions,
            )  # fmt: skip
            _scatter(kernel, bonds, begin, end, pulled, by_features)
            torch.mm(by_weights[: end - begin], matrix, out=by_hidden[begin:end])
            if by_matrix is not None:
                by_matrix.addmm_(by_weights[: end - begin].t(), hidden[begin:end])
        return by_features, by_directions, by_hidden, by_matrix

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *tangents: Tensor | None) -> Any:
        kernel, bonds = ctx.kernel, ctx.bonds
        features, directions, hidden, matrix, gradient = ctx.saved_tensors
        features, gradient = features.contiguous(), gradient.contiguous()
        frames = bonds.geometry(kernel.frames)
        by_features, by_gradient = torch.zeros_like(features), torch.zeros_like(gradient)
        by_directions = torch.empty_like(directions)
        by_hidden, by_matrix = torch.empty_like(hidden), torch.zeros_like(matrix)
        features_tangent, directions_tangent, hidden_tangent, matrix_tangent = (
            torch.zeros_like(value) if tangent is None else tangent.contiguous()
            for value, tangent in zip((features, directions, hidden, matrix), tangents, strict=True)
        )
        chunks = bonds.chunks(kernel.width)
        weights = _buffer(features, chunks, kernel.width)
        weights_tangent, by_weights, first_by_weights = (torch.empty_like(weights) for _ in "123")
        pulled = _buffer(features, chunks, kernel.sources * kernel.channels)
        threads = torch.get_num_threads()
        for first, last, begin, end in chunks:
            size = end - begin
            _slice(hidden, matrix, begin, end, weights)
            _slice(hidden_tangent, matrix, begin, end, weights_tangent)
            if tangents[3] is not None:
                weights_tangent[:size].addmm_(hidden[begin:end], matrix_tangent.t())
            _call(kernel.code.message_vjp_vjp, first, last, threads, bonds.starts, bonds.senders,
                  features, gradient, frames, weights, features_tangent, directions_tangent,
                  weights_tangent, by_gradient, pulled, by_weights, first_by_weights,
                  by_directions)  # fmt: skip
            _scatter(kernel, bonds, begin, end, pulled, by_features)
            torch.mm(by_weights[:size], matrix, out=by_hidden[begin:end])
            by_matrix.addmm_(by_weights[:size].t(), hidden[begin:end])
            by_matrix.addmm_(first_by_weights[:size].t(), hidden_tangent[begin:end])
            if tangents[3] is not None:
                by_hidden[begin:end].addmm_(first_by_weights[:size], matrix_tangent)
        return None, None, None, by_features, by_directions, by_hidden, by_matrix, by_gradient


def _buffer(like: Tensor, chunks: list[tuple[int, int, int, int]], width: int) -> Tensor:
    """Return room for what the edges of the largest piece give."""
    rows = max((end - begin for _, _, begin, end in chunks), default=0)
    return like.new_empty(rows, width)


def _scatter(
    kernel: _ConvolutionKernel, bonds: Bonds, begin: int, end: int, values: Tensor, sums: Tensor
) -> None:
    _call(kernel.code.scatter, begin, end, torch.get_num_threads(),
          kernel.sources * kernel.channels, bonds.senders, values, sums)  # fmt: skip


# --- product --------------------------------------------------------------------------------------


class _Multiply(torch.autograd.Function):
    """Channel-wise product of features."""

    @staticmethod
    def forward(ctx: Any, code: Any, first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
        ctx.code = code
        ctx.save_for_backward(first, second, weights)
        sums = torch.zeros_like(first, memory_format=torch.contiguous_format)
        _call(code.product, len(first), torch.get_num_threads(),
              first.contiguous(), second.contiguous(), weights.contiguous(), sums)  # fmt: skip
        return sums

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return None, *_MultiplyVJP.apply(ctx.code, *ctx.saved_tensors, gradient)


class _MultiplyVJP(torch.autograd.Function):
    """Gradients of a product by both factors and the weights."""

    @staticmethod
    def forward(ctx: Any, code: Any, *values: Tensor) -> tuple[Tensor, ...]:
        ctx.code = code
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*values)
        values = tuple(value.contiguous() for value in values)
        found = tuple(torch.zeros_like(value) for value in values[:3])
        _call(code.product_vjp, len(values[0]), torch.get_num_threads(), *values, *found)
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
        _call(ctx.code.product_vjp_vjp, len(values[0]), torch.get_num_threads(), *values, *given,
              by_gradient, by_first, by_second, by_weights)  # fmt: skip
        return None, by_first, by_second, by_weights, by_gradient


# --- the two functions a layer calls --------------------------------------------------------------


@cache
def convolution(kernel: Convolution, channels: int) -> Convolve:
    """Return a convolution in C++, twice differentiable; other devices and types take PyTorch's.

    Args:
        kernel: the convolution.
        channels: number of channels.
    """

    def convolve(features: Tensor, bonds: Bonds, hidden: Tensor, matrix: Tensor) -> Tensor:
        if features.device.type != "cpu" or features.dtype not in SCALARS:
            return kernel.convolve(features, bonds, hidden, matrix)
        code = _convolution_kernel(kernel, channels, features.dtype)
        result: Tensor = _Convolve.apply(code, bonds, features, bonds.directions, hidden, matrix)
        return result

    return convolve


@cache
def _convolution_kernel(
    kernel: Convolution, channels: int, dtype: torch.dtype
) -> _ConvolutionKernel:
    return _ConvolutionKernel(kernel, channels, dtype)


@cache
def product(kernel: Product, channels: int) -> Multiply:
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
