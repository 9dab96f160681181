"""How far a step raises the memory of a process."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import subprocess
import sys
from collections.abc import Callable


def growth(step: Callable[[], object]) -> float:
    """Return how far a step raises the peak, in MB above what it starts from.

    Run it once before: a first step compiles and warms up. What earlier steps freed goes back to
    the system first, or it would hide the growth, and the high-water mark is reset where the
    system can; elsewhere it is that of the whole process.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before = _status("VmRSS")
        step()
        return _status("VmHWM") - before
    except OSError:
        step()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _status(name: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name))


def alone(code: str, *arguments: str) -> str:
    """Run code in a process of its own; return the last line it prints.

    Raises:
        RuntimeError: when it fails, with what it said.
    """
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"a measurement failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]
