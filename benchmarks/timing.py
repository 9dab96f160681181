"""Interleaved timing: the machine's mood falls on all alike, so ratios can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median


def interleaved(
    functions: Mapping[str, Callable[[], object]], rounds: int = 11
) -> dict[str, float]:
    """Return the median time of each function in milliseconds, run in turns after a warm-up."""
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: median(values) for name, values in times.items()}


def once(function: Callable[[], object]) -> float:
    """Return the time of a single call in milliseconds."""
    start = time.perf_counter()
    function()
    return 1e3 * (time.perf_counter() - start)
