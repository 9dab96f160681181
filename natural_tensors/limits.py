"""Limits on what is read and computed: one table, checked before the work, raised by an option.

A limit keeps a mistake, such as coordinates in the wrong unit or a count with six zeros too many,
from taking all time or memory, or from reaching a library that it would crash. Each can be raised,
or lowered: ``--limit NAME=NUMBER`` before the command (repeated for several), the environment
variable ``NATURAL_TENSORS_LIMITS="bonds=5e6,extent=2e4"``, or in Python

>>> from natural_tensors import limits
>>> with limits.changed(bonds=5_000_000):
...     limits.limit("bonds")
5000000
>>> limits.limit("bonds")
1000000

They hold for the whole process, in all its threads.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from .errors import InputError
from .formatting import did_you_mean

VARIABLE = "NATURAL_TENSORS_LIMITS"
"""Environment variable that changes limits: ``NAME=NUMBER``, several with commas between."""


Name = Literal[
    "file",
    "settings",
    "atoms",
    "extent",
    "images",
    "bonds",
    "pairs",
    "threads",
    "build",
    "copies",
    "formulas",
    "upload",
    "answer",
    "waiting",
]
"""How a limit is called."""


class LimitError(InputError, ValueError):
    """Something is larger than a limit allows."""


@dataclass(frozen=True)
class Limit:
    """A limit.

    Attributes:
        name: how it is called.
        value: the limit, unless it is changed.
        unit: of the value.
        meaning: what must not be larger.
    """

    name: Name
    value: int
    unit: str
    meaning: str


TABLE = (
    Limit("file", 500_000_000, "bytes", "a file that is read, after unpacking"),
    Limit("settings", 10_000, "values", "a training configuration, its aliases written out"),
    Limit("atoms", 1_000_000, "atoms", "one structure"),
    Limit("extent", 10_000, "Å", "a coordinate, and a lattice vector"),
    Limit("images", 100_000, "cells", "copies of the cell within the cutoff of one atom"),
    Limit("bonds", 1_000_000, "directed bonds", "one structure that is predicted"),
    Limit("pairs", 10_000_000, "ordered pairs", "one search for neighbours, about 150 bytes each"),
    Limit("threads", 1_024, "threads", "the processor threads of a training"),
    Limit("build", 600, "seconds", "the compilation of one kernel"),
    Limit("copies", 100_000_000, "numbers", "the table that chooses the copies of one weight"),
    Limit("formulas", 300_000, "terms", "the formulas of a class, written out"),
    Limit("upload", 20_000_000, "bytes", "one request to `carnet app`"),
    Limit("answer", 120, "seconds", "the work on one request to `carnet app`"),
    Limit("waiting", 100, "requests", "what `carnet app` has taken and not answered"),
)
"""Every limit."""

_KNOWN: dict[str, Limit] = {each.name: each for each in TABLE}
_lock = threading.Lock()
_changed: dict[str, int] = {}
_environment: dict[str, dict[str, int]] = {}  # by the text of the variable


def limit(name: Name) -> int:
    """Return the limit that holds now.

    Raises:
        LimitError: when the environment variable cannot be read.
    """
    if name in _changed:
        return _changed[name]
    return _from_environment().get(name, _KNOWN[name].value)


def check(name: Name, value: float, what: str, *advice: str) -> None:
    """Refuse a value above a limit.

    Args:
        name: of the limit.
        value: what must not be larger.
        what: the value in words, such as ``"its 8000 atoms have about 46,000,000 pairs"``.
        advice: what to do about it, a line each; how to raise the limit follows.

    Raises:
        LimitError: when it is larger, or is not a number.
    """
    if not value <= limit(name):
        raise LimitError(refusal(name, value, what, *advice))


def refusal(name: Name, value: float, what: str, *advice: str) -> str:
    """Return what is said of a value above a limit: what it is, what is allowed, the remedies."""
    known = _KNOWN[name]
    allowed = f"more than the limit {name} of {limit(name):,} {known.unit}"
    needed = _rounded_up(value) if math.isfinite(value) else "NUMBER"
    raised = f"raise it by --limit {name}={needed} before the command (docs/reliability.md)"
    if advice:
        raised = f"or {raised}"
    return "\n".join((f"{what}, {allowed}", *advice, raised))


def _rounded_up(value: float) -> str:
    """Return a number that is not smaller, with two digits that matter."""
    step = 10 ** max(len(str(math.ceil(value))) - 2, 0)
    return str(math.ceil(value / step) * step)


def parse(texts: Iterable[str]) -> dict[str, int]:
    """Read ``NAME=NUMBER``, one each.

    Raises:
        LimitError: when a name is unknown or a number is not positive.
    """
    values = {}
    for text in texts:
        name, _, number = (part.strip() for part in text.partition("="))
        if name not in _KNOWN:
            raise LimitError(
                f"{name!r} is no limit{did_you_mean(name, list(_KNOWN))}\n"
                f"limits: {', '.join(_KNOWN)}"
            )
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not 1 <= value < 2**62:
            raise LimitError(f"limit {name}: {number!r} is no number from 1 on, such as 5e6")
        values[name] = int(value)
    return values


def change(values: Mapping[str, int]) -> None:
    """Change limits for the rest of the process.

    Raises:
        LimitError: when a name is unknown or a number is not positive.
    """
    checked = parse(f"{name}={value}" for name, value in values.items())
    with _lock:
        _changed.update(checked)


def lower(values: Mapping[Name, int]) -> None:
    """Lower limits for the rest of the process, but for those that somebody changed before.

    Raises:
        LimitError: when the environment variable cannot be read.
    """
    stated = {*_changed, *_from_environment()}
    change({name: value for name, value in values.items() if name not in stated})


@contextmanager
def changed(**values: int) -> Iterator[None]:
    """Change limits inside a ``with`` statement.

    Raises:
        LimitError: when a name is unknown or a number is not positive.
    """
    with _lock:
        before = dict(_changed)
    change(values)
    try:
        yield
    finally:
        with _lock:
            _changed.clear()
            _changed.update(before)


def _from_environment() -> dict[str, int]:
    text = os.environ.get(VARIABLE, "")
    if text not in _environment:
        try:
            _environment[text] = parse(part for part in text.split(",") if part.strip())
        except LimitError as error:
            raise LimitError(f"{VARIABLE}: {error}") from None
    return _environment[text]
