"""A process that runs cases within bounds of time and memory, and reports each of them.

It is killed by the operating system where a case ends it, which the campaign then knows.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn, TextIO

SECONDS = 20.0
"""Processor time of a case; good files take a tenth of a second."""

MEMORY = 2 * 2**30
"""Bytes of address space beyond what a process has before its first case."""

STATE = Path("/proc/self/statm")
"""Where Linux says how much memory this process has, in pages."""


class OverTime(BaseException):  # not an Exception: readers must not catch it
    """A case took too long."""


def _over_time(*_: object) -> NoReturn:
    raise OverTime


def bound_memory(extra: int = MEMORY) -> None:
    """Let this process have so much address space more than now, where Linux says what it has."""
    if not STATE.exists():
        return
    pages = int(STATE.read_text().split()[0])
    limit = pages * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak() -> int:
    """Return the most memory that this process ever had, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def outcome(run: Callable[[], bool], seconds: float) -> tuple[str, str]:
    """Return how a case ended (result, error, traceback, time, memory), and its last words."""
    signal.signal(signal.SIGPROF, _over_time)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return ("result" if run() else "error"), ""
    except OverTime:
        return "time", "".join(traceback.format_exc()[-600:])
    except MemoryError:
        return "memory", traceback.format_exc()[-600:]
    except BaseException:
        return "traceback", traceback.format_exc()[-1500:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def report(
    cases: Iterable[tuple[str, Callable[[], bool]]], out: TextIO, seconds: float = SECONDS
) -> None:
    """Run cases, and write a line before and a line after each."""
    for label, run in cases:
        print(json.dumps({"start": label}), file=out, flush=True)
        before, started = peak(), time.process_time()
        how, words = outcome(run, seconds)
        line = {
            "case": label,
            "outcome": how,
            "seconds": time.process_time() - started,
            "bytes": peak() - before,
            "words": words,
        }
        print(json.dumps(line), file=out, flush=True)


def _cases(
    kinds: Sequence[str], seed: int, first: int, count: int
) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Yield the cases, the kinds in turn."""
    from .cases import Case

    for place in range(first, first + count):
        case = Case(kinds[place % len(kinds)], seed, place // len(kinds))
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder) / "case"
            inner.mkdir()
            yield case.label, partial(case.run, inner)


def check_good_files(kind: str) -> None:
    """Read the files of a kind before they are damaged: what is slow once is done, and it works.

    Raises:
        SystemExit: when a good file does not give a result.
    """
    from .cases import KINDS

    with tempfile.TemporaryDirectory() as folder:
        for name, content in KINDS[kind].files().items():
            inner = Path(folder) / name.replace(".", "_")
            inner.mkdir()
            (inner / name).write_bytes(content)
            if KINDS[kind].read(inner / name) == (name in KINDS[kind].refused):
                raise SystemExit(f"{name}: a good file does not do what it should")


def main() -> None:
    """Run the cases that the command line names: kinds, seed, first and number of them."""
    names, *numbers = sys.argv[1:]
    kinds = names.split(",")
    seed, first, count = map(int, numbers)
    out, sys.stdout = sys.stdout, sys.stderr
    warnings.simplefilter("ignore")
    for kind in kinds:
        check_good_files(kind)
    bound_memory()
    report(_cases(kinds, seed, first, count), out)


if __name__ == "__main__":
    main()
