"""Generated C++ built by the machine's compiler, once, and kept on disk."""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import torch

from natural_tensors.files.saving import cache_folder

from ..network.kernels import Convolution, Product, Signature, cpp, cpp_key, cpp_signatures
from .functions import Function

SCALARS = {torch.float32: "float", torch.float64: "double"}
"""Data types there are kernels for."""


FLAGS = ("-std=c++17", "-O2", "-fno-math-errno", "-Wno-psabi", "-fPIC", "-shared")
VECTOR_BYTES = 32
"""Width of a lane register, that of AVX2; wider ones were not measured."""


GRAIN = 1 << 15
"""Weights that are worth a thread: waking one takes longer than working off fewer."""


class BuildError(RuntimeError):
    """A kernel that could not be compiled."""


@cache
def _flags() -> tuple[str, ...]:
    """Return the flags this compiler takes: of this processor, and with threads, if it can."""
    taken: tuple[str, ...] = FLAGS
    for extra in ("-march=native", "-fopenmp"):
        with tempfile.TemporaryDirectory() as folder:
            trial = [*_command(), *taken, extra, "-x", "c++", os.devnull, "-o", f"{folder}/trial"]
            if _run(trial) is None:
                taken = (*taken, extra)
    return taken


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


def _run(words: list[str]) -> str | None:
    """Run a compiler; return what is wrong, None when nothing is."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace")
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
        capture_output=True,
        text=True,
        errors="replace",
    )
    return shown.stderr


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

    The file's name holds hashes of generator and recipe, of compiler, processor and sizes, and it
    is written atomically: several processes may build at once. Where the cache cannot be written,
    or nothing may run from there, it is a folder of this process.

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
    for folder in (cache_folder, _private_folder):
        path = folder() / name
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _build(cpp(kernel), defines, path)
            return Code(path, cpp_signatures(kernel), dtype, channels)
        except OSError as error:  # nothing can be written there, or nothing run from there
            problem = error
    raise BuildError(f"a compiled kernel cannot be kept: {problem}")


@cache
def _private_folder() -> Path:
    """Return a folder that nobody else can write, for this process."""
    folder = tempfile.TemporaryDirectory(prefix="natural-tensors-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


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


def clear_caches() -> None:
    """Forget the compiler and what was built, as where CXX or the folder of the cache changes."""
    for known in (_command, _flags, _identity, library):
        known.cache_clear()


def thread_count(work: int) -> int:
    """Return how many threads a kernel gets that passes over so many radial or path weights."""
    threads: int = torch.get_num_threads()
    return max(min(threads, work // GRAIN), 1)
