"""Programs in environments of their own that answer lines with lines of JSON."""

from __future__ import annotations

import json
import selectors
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

TAIL = 3000
"""Characters of what a program said last that an error repeats."""


class AnswerError(RuntimeError):
    """A program that ended, or gave no answer."""


class Worker:
    """A program that answers lines with lines of JSON, in a process of its own.

    Args:
        name: what messages call it.
        command: program and arguments.
        timeout: how many seconds an answer may take, the first one too.

    Attributes:
        ready: what it says first.

    Raises:
        AnswerError: if it ends, or is silent for too long; with the end of what it said.
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

    def _failure(self, what: str) -> AnswerError:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")[-TAIL:]
        return AnswerError(f"the worker of {self.name} {what}; it said last:\n{said}")
