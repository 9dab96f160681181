"""Large pages are asked for where they pay, and change nothing in what memory holds."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import pytest

from codegen.compiled import pages


def test_large_arrays_alone_are_worth_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call begins with a page and ends with the array."""
    calls: list[tuple[int, int]] = []

    def madvise(begin: Any, size: Any, advice: int) -> int:
        calls.append((begin.value, size.value))
        return 0

    monkeypatch.setattr(pages, "madvise", lambda: madvise)
    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 14, raising=False)
    pointer = 3 * mmap.PAGESIZE + 64
    pages.advise(pointer, pages.LARGE - 1)
    assert calls == []
    pages.advise(pointer, pages.LARGE)
    assert calls == [(4 * mmap.PAGESIZE, pages.LARGE + 64 - mmap.PAGESIZE)]
    monkeypatch.setattr(pages, "madvise", lambda: None)
    pages.advise(pointer, pages.LARGE)
    assert len(calls) == 1


def test_numbers_that_are_there_stay() -> None:
    numbers = np.arange(pages.LARGE // 8, dtype=np.float64)
    pages.advise(numbers.ctypes.data, numbers.nbytes)
    assert np.array_equal(numbers, np.arange(len(numbers)))
