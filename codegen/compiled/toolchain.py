"""The machine's C++ compiler: which it is, what it takes, and libraries built by it and kept.

Nothing here loads PyTorch.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from natural_tensors.files.saving import cache_folder, is_intact, name_with_digest, open_cache
from natural_tensors.limits import limit

Loaded = TypeVar("Loaded")

FLAGS = ("-std=c++17", "-O2", "-fno-math-errno", "-Wno-psabi", "-fPIC", "-shared")
VECTOR_BYTES = 32
"""Width of a lane register, that of AVX2; wider ones were not measured."""


BUILDING = "build-"
"""How the name of a folder begins in which a library is built."""


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
        try:
            words = tuple(shlex.split(candidate))
        except ValueError as error:  # a quotation that is not closed
            raise BuildError(f"the compiler CXX={candidate!r} cannot be read: {error}") from None
        if words and shutil.which(words[0]):
            return words
    raise BuildError(f"there is no C++ compiler ({', '.join(candidates)})")


def has_compiler() -> bool:
    """Say whether there is a C++ compiler, without running it."""
    try:
        return bool(_command())
    except BuildError:
        return False


def _run(words: Sequence[str]) -> str | None:
    """Run a compiler; return what is wrong, None when nothing is."""
    try:
        done = _finished(words)
    except OSError as error:
        return str(error)
    except subprocess.TimeoutExpired:
        return (
            f"it took more than {limit('build'):,} s, the limit build "
            "(raise it by --limit build=SECONDS before the command)"
        )
    if done.returncode == 0:
        return None
    text = done.stderr.strip().splitlines()
    return text[0][:200] if text else f"it ended with status {done.returncode}"


def _finished(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a compiler to its end; past the limit, end it and all that it started.

    Raises:
        OSError: when it cannot be started.
        TimeoutExpired: when it took longer than the limit ``build``.
    """
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, problems = process.communicate(timeout=limit("build"))
        except BaseException:  # Ctrl-C does not reach a session of its own
            with suppress(OSError):
                _end(process)
            raise
    return subprocess.CompletedProcess(words, process.returncode, output, problems)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process with all that it started; on Windows, which has no sessions, it alone."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


@cache
def _identity() -> str:
    """Return what the compiled code depends on besides its source: compiler and processor."""
    try:
        return _finished([*_command(), *flags(), "-E", "-v", "-x", "c++", os.devnull]).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"the compiler does not say what it is: {error}") from None


def built(
    name: str,
    text: Callable[[], str],
    options: Sequence[str],
    load: Callable[[Path], Loaded],
) -> Loaded:
    """Return what is loaded from the library of a program, built when the cache does not hold it.

    The file's name holds a hash of compiler, processor and options, and the digest of its own
    content: what was cut short or changed is removed and built again, before the loader would map
    it into the process. It is written atomically: several processes may build at once. Where the
    cache cannot be written, or nothing may run from there, it is a folder of this process.

    Args:
        name: of the program: the same for the same text only.
        text: the program, asked for where it must be compiled.
        options: of the compiler besides :func:`flags`.
        load: what makes of the path of the library what is wanted; OSError where it cannot.

    Raises:
        BuildError: when it cannot be compiled.
        FileError: when another user owns the cache, or may write it.
    """
    full = _full_name(name, options)
    problem: Exception | None = None
    for folder in (cache_folder, _private_folder):
        try:
            place = open_cache(folder())
            return load(_intact(place, full) or _build(text(), options, place, full))
        except OSError as error:  # nothing can be written there, or nothing run from there
            problem = error
    raise BuildError(f"a compiled library cannot be kept: {problem}")


@cache
def _private_folder() -> Path:
    """Return a folder that nobody else can write, for this process."""
    folder = tempfile.TemporaryDirectory(prefix="natural-tensors-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def _intact(folder: Path, name: str) -> Path | None:
    """Return the library of a name whose content has its digest; remove what has another."""
    for path in sorted(folder.glob(f"{name}-*.so")):
        if is_intact(path):
            return path
        with suppress(OSError):
            path.unlink()
    return None


def is_kept(name: str, options: Sequence[str]) -> bool:
    """Say whether the cache holds the library of a program, as :func:`built` would find it.

    Raises:
        BuildError: when there is no compiler.
    """
    with suppress(OSError):
        folder = open_cache(cache_folder())
        return any(map(is_intact, folder.glob(f"{_full_name(name, options)}-*.so")))
    return False


def _full_name(name: str, options: Sequence[str]) -> str:
    """Return the name of a program with a hash of compiler, processor and options."""
    key = "\n".join([*options, *_command(), *flags(), _identity()])
    return f"{name}_{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _build(text: str, options: Sequence[str], folder: Path, name: str) -> Path:
    """Compile a program into a folder; return the library."""
    _remove_left_behind(folder)
    with tempfile.TemporaryDirectory(prefix=BUILDING, dir=folder) as place:
        source, result = Path(place) / "program.cpp", Path(place) / "program.so"
        source.write_text(text, encoding="utf-8")
        problem = _run([*_command(), *flags(), *options, str(source), "-o", str(result)])
        if problem:
            raise BuildError(f"compiling {name} failed: {problem}")
        path = folder / name_with_digest(name, result)
        os.replace(result, path)
    return path


def _remove_left_behind(folder: Path) -> None:
    """Remove what killed builds left: older than any build may become."""
    for place in folder.glob(f"{BUILDING}*"):
        with suppress(OSError):
            if time.time() - place.stat().st_mtime > 2 * limit("build"):
                shutil.rmtree(place, ignore_errors=True)


def forget() -> None:
    """Forget the compiler, as where CXX or the folder of the cache changes."""
    for known in (_command, flags, _identity):
        known.cache_clear()
