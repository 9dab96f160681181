"""Measurements that want a process of their own."""

from __future__ import annotations

import subprocess
import sys


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
