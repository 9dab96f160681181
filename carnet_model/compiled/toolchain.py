"""The machine's C++ compiler: which it is, what it takes, and libraries built by it and kept.

Nothing here loads PyTorch.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from natural_tensors.files.saving import cache_folder

Loaded = TypeVar("Loaded")

FLAGS = ("-std=c++17", "-O2", "-fno-math-errno", "-Wno-psabi", "-fPIC", "-shared")
VECTOR_BYTES = 32
"""Width of a lane register, that of AVX2; wider ones were not measured."""


class BuildError(RuntimeError):
    """A library that could not be built."""


@cache
def flags() -> tuple[str, ...]:
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
        [*_command(), *flags(), "-E", "-v", "-x", "c++", os.devnull],
        capture_output=True,
        text=True,
        errors="replace",
    )
    return shown.stderr


def built(
    name: str,
    text: Callable[[], str],
    options: Sequence[str],
    load: Callable[[Path], Loaded],
) -> Loaded:
    """Return what is loaded from the library of a program, built when the cache does not hold it.

    The file's name holds hashes of compiler, processor and options, and it is written atomically:
    several processes may build at once. Where the cache cannot be written, or nothing may run from
    there, it is a folder of this process.

    Args:
        name: of the program: the same for the same text only.
        text: the program, asked for where it must be compiled.
        options: of the compiler besides :func:`flags`.
        load: what makes of the path of the library what is wanted; OSError where it cannot.

    Raises:
        BuildError: when it cannot be compiled.
    """
    key = "\n".join([*options, *_command(), *flags(), _identity()])
    file = f"{name}_{hashlib.sha256(key.encode()).hexdigest()[:12]}.so"
    problem: Exception | None = None
    for folder in (cache_folder, _private_folder):
        path = folder() / file
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _build(text(), options, path)
            return load(path)
        except OSError as error:  # nothing can be written there, or nothing run from there
            problem = error
    raise BuildError(f"a compiled library cannot be kept: {problem}")


@cache
def _private_folder() -> Path:
    """Return a folder that nobody else can write, for this process."""
    folder = tempfile.TemporaryDirectory(prefix="natural-tensors-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _build(text: str, options: Sequence[str], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        source, result = Path(place) / "program.cpp", Path(place) / "program.so"
        source.write_text(text, encoding="utf-8")
        problem = _run([*_command(), *flags(), *options, str(source), "-o", str(result)])
        if problem:
            raise BuildError(f"compiling {path.stem} failed: {problem}")
        os.replace(result, path)


def forget() -> None:
    """Forget the compiler, as where CXX or the folder of the cache changes."""
    for known in (_command, flags, _identity):
        known.cache_clear()
