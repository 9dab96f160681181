"""Measurements that want a process of their own, and what is said while they run."""

from __future__ import annotations

import subprocess
import sys
import time

START = time.monotonic()


def say(doing: str) -> None:
    """Say on the standard error what is being measured, with the seconds since the start."""
    print(f"[{time.monotonic() - START:5.0f} s] {doing}", file=sys.stderr, flush=True)


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
