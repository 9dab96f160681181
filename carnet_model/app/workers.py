"""Workers: processes of their own, so many at once, each ended when it takes too long."""

from __future__ import annotations

import math

import anyio
from anyio import BrokenWorkerProcess, CapacityLimiter, to_process

from natural_tensors import limits

from . import work
from .answers import Answer, refused
from .questions import Question
from .work import Setting


class Workers:
    """The processes that do what is asked, and the queue before them.

    Args:
        setting: what holds for all requests.
        count: how many requests are worked on at once.
    """

    def __init__(self, setting: Setting, count: int) -> None:
        self.setting = setting
        self.count = count
        self.waiting = 0
        self._turns: CapacityLimiter | None = None
        self._processes = CapacityLimiter(math.inf)  # the turns bound them

    async def warm(self) -> None:
        """Start every worker and load the networks, so that nobody has to wait for that."""

        async def start() -> None:
            async with self._turn():
                await to_process.run_sync(
                    work.warm, self.setting, cancellable=True, limiter=self._processes
                )

        async with anyio.create_task_group() as group:
            for _ in range(self.count):
                group.start_soon(start)

    def _turn(self) -> CapacityLimiter:
        if self._turns is None:
            self._turns = CapacityLimiter(self.count)  # belongs to the loop that is running
        return self._turns

    async def ask(self, job: str, question: Question) -> Answer:
        """Return the answer of a worker, or why there is none: too many wait, or time is up."""
        if self.waiting >= limits.limit("waiting"):
            return refused(
                f"{self.waiting} requests wait already, as many as the limit waiting allows\n"
                "ask again in a few seconds",
                503,
            )
        self.waiting += 1
        try:
            return await self._in_turn(job, question)
        finally:
            self.waiting -= 1

    async def _in_turn(self, job: str, question: Question) -> Answer:
        seconds = limits.limit("answer")
        async with self._turn():
            try:
                with anyio.fail_after(seconds):
                    return await to_process.run_sync(
                        work.run,
                        job,
                        self.setting,
                        question,
                        cancellable=True,
                        limiter=self._processes,
                    )
            except TimeoutError:
                return refused(
                    f"it took longer than the limit answer of {seconds:,} seconds\n"
                    "give a smaller structure, or start carnet app with --limit answer=SECONDS "
                    "before the command",
                    504,
                )
            except BrokenWorkerProcess:
                return refused(
                    "the process that worked on it ended: it may have asked for more memory than "
                    "there is\ngive a smaller structure",
                    500,
                )
