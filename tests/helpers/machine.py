"""What this machine has that some tests need: a C++ compiler, a browser that can be driven."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterable


def first(names: Iterable[str]) -> str | None:
    """Return the path of the first of the programs that is installed."""
    return next((path for path in map(shutil.which, names) if path), None)


COMPILER = first(shlex.split(os.environ.get("CXX", ""))[:1] or ("g++", "clang++"))
BROWSER = first(("chromium", "chromium-browser", "google-chrome"))
DRIVER = first(("chromedriver",))

MISSING = {
    marker: reason
    for marker, there, reason in (
        ("compiler", COMPILER, "needs a C++ compiler: install g++, or name one in CXX"),
        (
            "browser",
            BROWSER and DRIVER,
            "needs chromium and chromedriver: apt-get install chromium-driver",
        ),
    )
    if not there
}
"""Markers of tests that cannot run here, each with what to do about it."""
