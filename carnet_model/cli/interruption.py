"""Ctrl-C and the signal to end, as one thing that a command can finish in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EXIT_CODE = 130
"""Exit code of a command that was interrupted, as shells have it."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGTERM too, which batch systems send before they kill."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only there can signals be handled
        return

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
