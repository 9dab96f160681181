"""How pieces are spread over workers: this process, several on this machine, or Ray."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import SimpleQueue

from .isolation import Isolated, Start
from .pieces import Piece
from .settings import Outcome, Settings


def in_this_process(
    pieces: Iterator[Piece], start: Start, settings: Settings
) -> Generator[Outcome]:
    """Yield the outcomes of pieces, computed here; what kills a worker kills this process."""
    worker = start(settings)
    for piece in pieces:
        yield worker(piece)


def on_this_machine(
    pieces: Iterator[Piece], workers: int, start: Start, settings: Settings
) -> Generator[Outcome]:
    """Yield the outcomes of pieces, computed by processes, as they come.

    Args:
        pieces: taken one by one, a piece more than there are workers at a time.
        workers: number of processes.
        start: makes a worker.
        settings: what `start` is called with.

    Raises:
        Exception: what a worker raises.
    """
    processes = [Isolated(start, settings) for _ in range(workers)]
    tasks: SimpleQueue[Piece | None] = SimpleQueue()
    answers: SimpleQueue[Outcome | Exception] = SimpleQueue()

    def work(process: Isolated) -> None:
        while (piece := tasks.get()) is not None:
            try:
                answers.put(process(piece))
            except Exception as error:
                answers.put(error)

    threads = [threading.Thread(target=work, args=(each,), daemon=True) for each in processes]
    for thread in threads:
        thread.start()
    waiting = 0
    try:
        while True:
            while waiting <= workers and (piece := next(pieces, None)) is not None:
                tasks.put(piece)
                waiting += 1
            if not waiting:
                return
            answer = answers.get()
            waiting -= 1
            if isinstance(answer, Exception):
                raise answer
            yield answer
    finally:
        for process in processes:
            tasks.put(None)
            process.end()
        for process, thread in zip(processes, threads, strict=True):
            thread.join()
            process.close()
