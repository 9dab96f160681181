"""Trainings by several processes, started and told who they are as torchrun does it."""

from __future__ import annotations

import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import pytest

from carnet_model.training.config import Config
from tests.helpers.trainings import interrupted_at

PATIENCE = 300.0
"""Seconds after which processes that wait for each other are given up."""


def in_processes(function: Callable[[], Any], processes: int = 2) -> list[Any]:
    """Return what a function gives in each process of a group, or the exception it raised.

    The server of the processes loads PyTorch once for all of them.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["carnet_model.training.run", "tests.helpers.trainings"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pipes = [context.Pipe(duplex=False) for _ in range(processes)]
    started = []
    for rank, (_, end) in enumerate(pipes):
        world = {
            "RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": 0, "WORLD_SIZE": processes,
            "LOCAL_WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
            "TORCHELASTIC_RUN_ID": "test", "OMP_NUM_THREADS": 1,
        }  # fmt: skip
        world = {key: str(value) for key, value in world.items()}
        started.append(context.Process(target=_answer, args=(function, world, end)))
        started[-1].start()
        end.close()
    answers = []
    for (answer, _), process in zip(pipes, started, strict=True):
        if not answer.poll(PATIENCE):
            for each in started:
                each.kill()
            raise TimeoutError(f"no answer from {process.name}")
        answers.append(answer.recv())
        process.join(PATIENCE)
    return answers


def _answer(function: Callable[[], Any], world: dict[str, str], end: Connection) -> None:
    os.environ.update(world)
    try:
        answer = function()
    except BaseException as error:
        traceback.print_exc()
        answer = error
    end.send(answer)


def trained(config: Config, *, resume: bool | None = None, stop_at: int | None = None) -> Any:
    """Train as one of several processes; return the history.

    Args:
        config: of the training.
        resume: as in `train`.
        stop_at: epoch whose second step ends all processes.
    """
    from carnet_model.training.run import train

    with pytest.MonkeyPatch.context() as patch:
        if stop_at is not None:
            interrupted_at(patch, stop_at, MemoryError)
        return list(train(config, resume=resume, progress=False).history)


def train_in_processes(config: Config, processes: int = 2, **options: Any) -> list[Any]:
    """Train by several processes; return the history of each, or its exception."""
    return in_processes(partial(trained, config, **options), processes)
