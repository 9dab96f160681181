"""Cases in processes of their own: what each did, and the figures of all."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from tests.helpers.paths import ROOT

SILENCE = 120.0
"""Seconds without a word after which a process is taken to hang in native code, and killed."""

STARTUP = 900.0
"""Seconds until the first word: a process reads the good files first, on a busy machine slowly."""

BATCH = 150
"""Cases of one process."""

LARGEST = 2**30
"""Bytes: a case that takes more is a finding, though the process lives."""

PROMISED = ("result", "error")
"""How a case may end."""


@dataclass
class Figures:
    """What the cases of a kind did.

    Attributes:
        counts: cases by how they ended: result, error, traceback, signal, time, memory.
        slowest: processor seconds of the slowest case.
        largest: most bytes that a case added to the memory of its process.
        findings: label and last words of each case that ended in another way than promised.
    """

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    largest: int = 0
    findings: list[tuple[str, str]] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return sum(self.counts.values())

    def add(self, label: str, outcome: str, seconds: float, size: int, words: str) -> None:
        """Count a case."""
        if outcome in PROMISED and size > LARGEST:
            outcome, words = "memory", f"{size / 2**30:.1f} GiB more than before"
        self.counts[outcome] += 1
        self.slowest, self.largest = max(self.slowest, seconds), max(self.largest, size)
        if outcome not in PROMISED:
            self.findings.append((label, f"{outcome}: {words}"))


def run(
    command: Callable[[int, int], Sequence[str]],
    figures: Figures,
    *,
    first: int,
    count: int,
    silence: float = SILENCE,
) -> None:
    """Run cases in processes, a new one after each that ends its process.

    Args:
        command: of a process, from the first case and the number of cases.
        figures: where they are counted.
        first: number of the first case.
        count: number of cases.
        silence: seconds.

    Raises:
        RuntimeError: when a process ends before its first case.
    """
    done = 0
    while done < count:
        process = subprocess.Popen(
            command(first + done, count - done),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )
        assert process.stdout is not None
        started, before = "", done
        for line in _lines(process.stdout, silence, max(STARTUP, silence)):
            record = json.loads(line)
            if "start" in record:
                started = record["start"]
                continue
            done += 1
            figures.add(
                record["case"],
                record["outcome"],
                record["seconds"],
                record["bytes"],
                record["words"],
            )
            started = ""
        if process.poll() is None and not _ended(process):
            process.kill()
        words = _last_words(process)
        if started:
            done += 1
            figures.add(started, "signal", 0.0, 0, words)
        elif done == before:
            raise RuntimeError(f"no case was run: {words}")


def _lines(stream: IO[bytes], silence: float, startup: float) -> Iterator[bytes]:
    """Yield lines until the stream ends, or nothing comes for too long."""
    patience = startup
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        os.set_blocking(stream.fileno(), False)
        buffer = b""
        while selector.select(timeout=patience):
            content, patience = stream.read(), silence
            if content == b"":
                return
            buffer += content or b""
            *lines, buffer = buffer.split(b"\n")
            yield from lines


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Say whether a process whose output ended is gone, or goes at once."""
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_words(process: subprocess.Popen[bytes]) -> str:
    _, errors = process.communicate()
    code = process.returncode
    name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"{name}: {errors.decode(errors='replace')[-600:]}"


def worker(kinds: str, seed: int) -> Callable[[int, int], Sequence[str]]:
    """Return the command of a process that runs cases of kinds, which commas separate, in turn."""

    def command(first: int, count: int) -> Sequence[str]:
        numbers = map(str, (seed, first, min(count, BATCH)))
        return [sys.executable, "-m", "tests.campaign.worker", kinds, *numbers]

    return command


COLUMNS = ("result", "error", "traceback", "signal", "time", "memory")


def table(kinds: dict[str, Figures]) -> str:
    """Return the figures as a table in Markdown."""
    heads = ["files", "damaged", *COLUMNS, "slowest, s", "most memory, MB"]
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    for kind, figures in kinds.items():
        cells = [kind, figures.cases, *(figures.counts[name] for name in COLUMNS)]
        cells += [f"{figures.slowest:.1f}", f"{figures.largest / 1e6:.0f}"]
        lines.append(" | ".join(map(str, cells)))
    return "\n".join(f"| {line} |" for line in lines)


def campaign(
    names: Sequence[str], seed: int, seconds: float, say: Callable[[str], None]
) -> dict[str, Figures]:
    """Damage files of each kind in turn until the time is over.

    Args:
        names: the kinds.
        seed: of all cases.
        seconds: of the campaign; a batch that has begun is finished.
        say: takes a line about each finding.

    Returns:
        The figures by kind; what there is of them after Ctrl-C.
    """
    kinds = {name: Figures() for name in names}
    until = time.monotonic() + seconds
    first = 0
    with suppress(KeyboardInterrupt):
        while first == 0 or time.monotonic() < until:
            for name, figures in kinds.items():
                known = len(figures.findings)
                run(worker(name, seed), figures, first=first, count=BATCH)
                for label, words in figures.findings[known:]:
                    say(f"{label}\n{words}\n")
                if first and time.monotonic() > until:
                    break
            first += BATCH
    return kinds
