"""The C++ program of a checkpoint, built in the background by a process of its own.

It is detached, has the lowest priority and says nothing; one at a time builds a program. A build
that failed is noted and not tried again for a day, unless somebody asks for it (``carnet build``).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from natural_tensors.errors import InputError
from natural_tensors.files.saving import write_bytes

from ..cpp import kept
from ..cpp.files import Precision
from ..weights.record import FORMAT, read_record
from .programs import build_program, key_of, use

RETRY = 86_400.0
"""Seconds after which a build that failed is tried again."""

FAILED, RUNNING = ".failed", ".running"
"""How the files end that say so; beside the folders of programs."""


def start(folder: Path, precision: Precision) -> bool:
    """Build the program of a checkpoint in the background, where that is sensible.

    It is not where the environment says so, on systems without the calls of POSIX, while another
    process builds the program, after a failure, and where nothing can be kept.

    Args:
        folder: of the checkpoint.
        precision: of the program.

    Returns:
        Whether a process was started.
    """
    from codegen.compiled.toolchain import has_compiler

    with suppress(OSError, InputError):
        if use() != "auto" or os.name != "posix" or not has_compiler():
            return False
        record = read_record(folder)
        if record["format"] != FORMAT:
            return False
        place = kept.place_of(key_of(folder, record, precision))
        if _is_locked(place) or _failed_lately(place):
            return False
        command = [sys.executable, "-m", __name__, str(folder.resolve()), precision]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        process.returncode = 0  # it outlives this process: nobody waits for it
        return True
    return False


def run(folder: Path, precision: Precision) -> None:
    """Build the program of a checkpoint, unless another process does; note a failure."""
    import fcntl

    os.nice(19)
    place = kept.place_of(key_of(folder, read_record(folder), precision))
    place.parent.mkdir(mode=0o700, exist_ok=True)
    with _beside(place, RUNNING).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        try:
            build_program(folder, precision)
        except InputError as error:
            write_bytes(str(_beside(place, FAILED)), f"{error}\n".encode())
        else:
            _beside(place, FAILED).unlink(missing_ok=True)


def _is_locked(place: Path) -> bool:
    import fcntl

    path = _beside(place, RUNNING)
    if not path.exists():
        return False
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _failed_lately(place: Path) -> bool:
    path = _beside(place, FAILED)
    return path.exists() and time.time() - path.stat().st_mtime < RETRY


def _beside(place: Path, ending: str) -> Path:
    return place.with_name(place.name + ending)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2])  # type: ignore[arg-type] # as `start` says it
