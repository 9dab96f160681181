"""Generated kernels built by the machine's compiler, once, and kept on disk."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch

from codegen.compiled import toolchain
from natural_tensors.limits import limit

from ..network.kernels import Convolution, Product, Signature, cpp, cpp_key, cpp_signatures
from .functions import Function

SCALARS = {torch.float32: "float", torch.float64: "double"}
"""Data types there are kernels for."""


GRAIN = 1 << 15
"""Weights that are worth a thread: waking one takes longer than working off fewer."""


class Code:
    """The compiled functions of one kernel, for one data type and number of channels.

    Args:
        path: the library.
        signatures: of the functions in it.
        dtype: of its numbers.
        channels: number of channels.
    """

    def __init__(
        self, path: Path, signatures: Sequence[Signature], dtype: torch.dtype, channels: int
    ) -> None:
        library = ctypes.CDLL(str(path))
        self._functions = {
            each.name: Function(getattr(library, each.name), each, dtype, channels)
            for each in signatures
        }

    def __getitem__(self, name: str) -> Function:
        """Return a function by its name."""
        return self._functions[name]

    def __deepcopy__(self, memo: dict[int, object]) -> Code:
        return self  # copies of a model share it


@cache
def library(kernel: Convolution | Product, channels: int, dtype: torch.dtype) -> Code:
    """Return the compiled functions of a kernel, built when the cache does not hold them.

    Args:
        kernel: a convolution or a product.
        channels: number of channels.
        dtype: float32 or float64.

    Raises:
        BuildError: when it cannot be compiled.
        FileError: when another user owns the cache, or may write it.
    """
    return toolchain.built(
        cpp_key(kernel),
        lambda: cpp(kernel),
        _options(channels, dtype),
        lambda path: Code(path, cpp_signatures(kernel), dtype, channels),
    )


def _options(channels: int, dtype: torch.dtype) -> list[str]:
    lanes = toolchain.VECTOR_BYTES // torch.empty((), dtype=dtype).element_size()
    while channels % lanes:
        lanes //= 2
    return [f"-DSCALAR={SCALARS[dtype]}", f"-DCHANNELS={channels}", f"-DLANES={lanes}"]


def are_kept(kernels: Sequence[Convolution | Product], channels: int, dtype: torch.dtype) -> bool:
    """Say whether the cache holds all of these kernels: no time is lost in building them.

    Raises:
        BuildError: when there is no compiler.
    """
    options = _options(channels, dtype)
    return all(toolchain.is_kept(cpp_key(kernel), options) for kernel in dict.fromkeys(kernels))


def prepare(kernels: Sequence[Convolution | Product], channels: int, dtype: torch.dtype) -> None:
    """Build what is not built yet, several at once.

    Raises:
        BuildError: when there is no compiler, or it fails.
    """
    toolchain.flags()
    with ThreadPoolExecutor() as pool:
        for future in [
            pool.submit(library, kernel, channels, dtype) for kernel in dict.fromkeys(kernels)
        ]:
            future.result()


def clear_caches() -> None:
    """Forget the compiler and what was built, as where CXX or the folder of the cache changes."""
    toolchain.forget()
    library.cache_clear()


def thread_count(work: int) -> int:
    """Return how many threads a kernel gets that passes over so many radial or path weights."""
    threads: int = min(torch.get_num_threads(), limit("threads"))
    return max(min(threads, work // GRAIN), 1)
