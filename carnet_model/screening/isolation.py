"""A worker in a process of its own, which may die: what it died of is found by halves."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

from natural_tensors.errors import InputError

from .pieces import Piece
from .settings import Outcome, Settings

ATTEMPTS = 2
"""Times a process may die of the same before that is suspected: one may be killed by chance."""

ROUNDS = 3
"""Times that what a piece dies of is looked for, document by document."""


class Computes(Protocol):
    """What a worker can do."""

    def __call__(
        self, piece: Piece, without: frozenset[int] = ..., *, write: bool = ...
    ) -> Outcome:
        """Compute a piece, as `Worker` does."""


Start = Callable[[Settings], Computes]
"""How a worker begins."""


class WorkerError(InputError, RuntimeError):
    """Workers that cannot be kept running."""


class _DiedError(Exception):
    """The process ended in the middle of a piece."""


@dataclass(frozen=True)
class _Request:
    piece: Piece
    without: frozenset[int] = frozenset()
    write: bool = True


class Isolated:
    """A worker in a process of its own, begun when it is first needed and again when it died.

    It ends with the one who holds it, also when that is killed: then it finds nobody at the other
    end once its piece is done.

    Args:
        start: makes the worker, in its process; a function that can be imported.
        settings: what `start` is called with.
    """

    def __init__(self, start: Start, settings: Settings) -> None:
        self._start, self._settings = start, settings
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._ended = False

    def __call__(self, piece: Piece) -> Outcome:
        """Compute a piece and write its part; what kills the process is left out, as a failure.

        Raises:
            WorkerError: when no worker can begin, when they die of nothing in particular, or when
                `end` was called.
            InputError, OSError: what the worker raises, such as a FileError on a full disk.
        """
        fatal: set[int] = set()
        for _ in range(ROUNDS):
            for _ in range(ATTEMPTS):
                try:
                    return self._ask(_Request(piece, frozenset(fatal)))
                except _DiedError:
                    continue
            fatal |= self._fatal(piece, sorted(set(range(len(piece))) - fatal))
        raise WorkerError(
            f"the process that computes part {piece.part} ends each time, and each of its "
            "documents alone can be computed\n"
            "there may be too little memory: run it again with fewer --workers, or a smaller --part"
        )

    def _fatal(self, piece: Piece, places: list[int]) -> set[int]:
        """Return which of these documents the process dies of, each alone."""
        part = replace(piece, documents=tuple(piece.documents[place] for place in places))
        if self._survives(part):
            return set()
        if len(places) == 1:
            return set() if self._survives(part) else set(places)  # not by chance
        half = len(places) // 2
        return self._fatal(piece, places[:half]) | self._fatal(piece, places[half:])

    def _survives(self, piece: Piece) -> bool:
        try:
            self._ask(_Request(piece, write=False))
        except _DiedError:
            return False
        return True

    def _ask(self, request: _Request) -> Outcome:
        if self._process is None:
            self._begin()
        answer = self._exchange(request)
        if isinstance(answer, Outcome):
            return answer
        raise answer or WorkerError("a worker answers nothing")

    def _exchange(self, request: _Request | None) -> Outcome | Exception | None:
        """Send a request, if there is one, and return the answer."""
        assert self._pipe is not None
        try:
            if request is not None:
                self._pipe.send(request)
            answer: Outcome | Exception | None = self._pipe.recv()
        except (EOFError, OSError):
            self.close()
            raise _DiedError from None
        return answer

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would hold locks of threads
        for _ in range(ATTEMPTS):
            if self._ended:
                raise WorkerError("the worker was told to end")
            self._pipe, other = context.Pipe()
            self._process = context.Process(
                target=_serve, args=(other, self._start, self._settings), daemon=True
            )
            self._process.start()
            other.close()
            try:
                refusal = self._exchange(None)
            except _DiedError:
                continue
            if isinstance(refusal, Exception):
                self.close()
                raise refusal
            return
        raise WorkerError(
            "the process that computes ends before it begins\n"
            "there may be too little memory for the model: use fewer --workers"
        )

    def end(self) -> None:
        """End the process at once, and begin no other; may be called from another thread."""
        self._ended = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Let go of a process that has ended, or that is of no use."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def _serve(pipe: Connection, start: Start, settings: Settings) -> None:
    """Answer requests until nobody asks any more; the first answer says that all is ready."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asks
    with suppress(EOFError, ConnectionError):  # nobody is at the other end any more
        try:
            worker = start(settings)
        except Exception as error:
            pipe.send(_sent(error))
            return
        pipe.send(None)
        while True:
            _answer(pipe, worker)


def _answer(pipe: Connection, worker: Computes) -> None:
    """Compute the next piece that is asked for, and say what came of it."""
    request: _Request = pipe.recv()
    try:
        answer = worker(request.piece, request.without, write=request.write)
    except Exception as error:  # whatever it is, the one who asks must hear of it
        pipe.send(_sent(error))
    else:
        pipe.send(answer)


def _sent(error: Exception) -> Exception:
    """Return an error as one that can be sent and received."""
    if isinstance(error, InputError | OSError | ImportError):
        return error
    return WorkerError(f"a worker failed: {type(error).__name__}: {error}")
