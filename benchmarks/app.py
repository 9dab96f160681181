"""How long the browser app keeps people waiting, many at once, on this machine alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import numpy as np
from rich.table import Table

from .processes import say

CLIENTS = (1, 10, 50)
"""Who asks at once; each asks `EACH` times, one after the other."""

EACH = 2
PATIENCE = 170.0
"""Seconds after which a client gives up: nothing here runs on for ever."""

CRYSTAL = Path(__file__).parents[1] / "docs" / "structures" / "quartz.cif"
BOUNDARY = "----benchmark"


@contextmanager
def served() -> Iterator[str]:
    """Start the app as its users do, on a free port, and yield its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from carnet_model.cli import main; main()", "app", "--port", "0"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.match(r"(http://127\.0\.0\.1:\d+)/", process.stdout.readline())
        assert found, "the app did not say where it listens"
        yield found[1]
    finally:
        process.terminate()
        process.wait(timeout=30)


def ask(address: str, content: bytes) -> tuple[int, float]:
    """Return the status of one prediction and the seconds it took."""
    head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="quartz.cif"'
    body = head.encode() + b"\r\n\r\n" + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    request = urllib.request.Request(
        f"{address}/api/predict",
        body,
        {"content-type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    begun = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            answer.read()
            status = answer.status
    except HTTPError as error:
        status = error.code
    except OSError:
        status = 0
    return status, time.perf_counter() - begun


def together(address: str, clients: int, content: bytes) -> tuple[list[int], list[float], float]:
    """Return statuses and seconds of all requests of so many clients, and the seconds of all."""
    answers: list[tuple[int, float]] = []

    def client() -> None:
        answers.extend(ask(address, content) for _ in range(EACH))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begun
    return [status for status, _ in answers], [seconds for _, seconds in answers], spent


def tables() -> Iterator[Table]:
    """Yield the table of waiting times, of predictions of quartz by the shipped weights."""
    content = CRYSTAL.read_bytes()
    table = Table(title=f"carnet app: POST /api/predict of quartz, {EACH} requests a client")
    for heading in ("clients", "requests", "failed", "median, s", "p95, s", "requests a second"):
        table.add_column(heading, justify="right")
    with served() as address:
        say("the app starts its workers")
        together(address, 2, content)
        for clients in CLIENTS:
            say(f"{clients} clients")
            statuses, seconds, spent = together(address, clients, content)
            failed = sum(status != 200 for status in statuses)
            median, tail = np.percentile(seconds, [50, 95])
            table.add_row(
                str(clients), str(len(statuses)), str(failed), f"{median:.2f}", f"{tail:.2f}",
                f"{len(statuses) / spent:.1f}",
            )  # fmt: skip
    yield table
