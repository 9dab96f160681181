"""Large pages for large arrays: fresh memory is then mapped in 512 times fewer steps."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from functools import cache

LARGE = 1 << 22
"""Bytes from which an array is worth it; NumPy asks for its own arrays from as many."""


def advise(pointer: int, size: int) -> None:
    """Ask the system for large pages where memory is not mapped yet; elsewhere nothing happens.

    Args:
        pointer: to the first byte.
        size: bytes.
    """
    call = madvise()
    if call is None or size < LARGE:
        return
    begin = -(-pointer // mmap.PAGESIZE) * mmap.PAGESIZE
    call(ctypes.c_void_p(begin), ctypes.c_size_t(pointer + size - begin), mmap.MADV_HUGEPAGE)


@cache
def madvise() -> Callable[..., int] | None:
    """Return the call of the system; None where there is none, as outside Linux."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    call: Callable[..., int] | None = getattr(ctypes.CDLL(None), "madvise", None)
    return call
