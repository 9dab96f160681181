"""Workers in environments of their own, driven from this one."""

from __future__ import annotations

import json
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

WORKER = "benchmarks.rivals.worker"
TAIL = 3000


class Worker:
    """A program that answers lines with lines of JSON, in a process of its own.

    Args:
        name: what messages call it.
        command: program and arguments.
        timeout: how many seconds an answer may take, the first one too.

    Attributes:
        ready: what it says first.

    Raises:
        RuntimeError: if it ends, or is silent for too long; with the end of what it said.
    """

    def __init__(self, name: str, command: Sequence[str], timeout: float = 600) -> None:
        self.name = name
        self.timeout = timeout
        self._folder = tempfile.TemporaryDirectory()
        self._errors = (Path(self._folder.name) / "stderr").open("w+b")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        try:
            self.ready = self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the worker."""
        if self._process.poll() is None:
            try:
                self._requests.write(b"quit\n")
                self._process.wait(10)
            except (OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()
        for file in (self._requests, self._answers, self._errors):
            file.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def ask(self, request: str) -> dict[str, Any]:
        """Return the answer to a line.

        Raises:
            ValueError: when the answer is an error.
        """
        try:
            self._requests.write(f"{request}\n".encode())
        except OSError as error:
            raise self._failure("has ended") from error
        answer = self._read()
        if "error" in answer:
            raise ValueError(f"{self.name}: {answer['error']}")
        return answer

    def _read(self) -> dict[str, Any]:
        line = b""
        end = time.monotonic() + self.timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(end - time.monotonic(), 0)):
                    raise self._failure(f"gave no answer in {self.timeout:g} s")
                piece = self._answers.read(65536)
                if not piece:
                    raise self._failure(f"has ended with status {self._process.wait(60)}")
                line += piece
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _failure(self, what: str) -> RuntimeError:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")[-TAIL:]
        return RuntimeError(f"the worker of {self.name} {what}; it said last:\n{said}")


class Rival(Worker):
    """A rival package at work in a process of another environment.

    Args:
        python: the interpreter of the rival's environment.
        name: which rival, as the worker knows it: "nequip", "nequip-compiled" or "mace".
        case: the structure and the settings of the network.
        timeout: how many seconds an answer may take, the first one too.
        module: what is run, found from the current folder.

    Attributes:
        ready: what the worker says of the network: version, edges, parameters, first calls.
    """

    def __init__(
        self, python: str, name: str, case: Mapping[str, Any], timeout: float = 600,
        module: str = WORKER,
    ) -> None:  # fmt: skip
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(dict(case), file)
            file.flush()
            super().__init__(name, [python, "-m", module, name, file.name], timeout)

    def ms(self, action: str) -> float:
        """Return the milliseconds of one call of "forces" or "train"."""
        return float(self.ask(action)["ms"])

    def peak(self) -> float:
        """Return how far a training step raises the worker's peak of memory, in MB."""
        return float(self.ask("peak")["mb"])
