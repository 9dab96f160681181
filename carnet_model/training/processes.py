"""The processes of a training: how many there are, which one this is, what one does for all.

A training on several devices is one process for each of them. Who starts them is told by the
environment: torchrun or SLURM on any number of machines, Lightning on this one.
"""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy, Strategy
from torch.nn.parallel import DistributedDataParallel

from natural_tensors.errors import InputError, translated

from ..network.settings import ConfigError
from .config import Config

Result = TypeVar("Result")

SYNCHRONIZATION = next(
    name
    for name in ("forward_sync_buffers", "broadcast_buffers")  # its new name and its old one
    if name in inspect.signature(DistributedDataParallel).parameters
)
"""What PyTorch calls the sending of buffers from process to process before every step."""


CROWD = 2
"""Processes on one processor that are let be: trying a configuration on a laptop."""


@dataclass(frozen=True)
class Layout:
    """How many processes train, and who started them.

    Attributes:
        devices: processes of a machine, each with a device of its own.
        nodes: machines.
        launcher: ``"torchrun"``, ``"srun"``, or ``""``: Lightning starts them.
    """

    devices: int
    nodes: int
    launcher: str = ""

    @property
    def processes(self) -> int:
        """All processes of the training."""
        return self.devices * self.nodes


def layout_of(config: Config) -> Layout:
    """Return how many processes train: as many as were started, else as the settings say.

    Raises:
        ConfigError: when several machines are asked for and nothing started processes on them, or
            far more processes than there are processors.
    """

    def refused(reason: str) -> ConfigError:
        return ConfigError(f"the processes that were started cannot train together: {reason}")

    with translated(refused):
        if TorchElasticEnvironment.detect():
            here, everywhere = (int(os.environ[key]) for key in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
            return Layout(here, everywhere // here, "torchrun")
        if SLURMEnvironment.detect():
            nodes = int(os.environ.get("SLURM_NNODES", "1"))
            return Layout(int(os.environ["SLURM_NTASKS"]) // nodes, nodes, "srun")
    if config.nodes > 1:
        raise ConfigError(
            f"nodes: got {config.nodes}, and nothing has started processes on other machines; "
            "start the training there by torchrun or srun, see docs/training.md"
        )
    cores = os.cpu_count() or 1
    if config.accelerator == "cpu" and config.devices > CROWD * cores:
        raise ConfigError(
            f"devices: got {config.devices}, and this machine has {cores} processors; allowed: "
            f"{CROWD * cores} at most, and {cores} are quickest"
        )
    return Layout(config.devices, config.nodes)


def is_first() -> bool:
    """Say whether this process is the one that speaks and writes; known before any is connected."""
    if TorchElasticEnvironment.detect():
        return os.environ["RANK"] == "0"
    if SLURMEnvironment.detect():
        return os.environ.get("SLURM_PROCID", "0") == "0"
    return os.environ.get("LOCAL_RANK", "0") == "0"


def trainer_with(config: Config, layout: Layout, **options: object) -> pl.Trainer:
    """Return a trainer on the devices that settings ask for.

    Args:
        config: names the accelerator.
        layout: the processes.
        options: more of Lightning's `Trainer`.

    Raises:
        ConfigError: naming the accelerator, and why Lightning cannot use it.
    """

    def refused(reason: str) -> ConfigError:
        return ConfigError(
            f"accelerator: got {config.accelerator!r} with devices: {layout.devices}, which cannot "
            f"be used here: {reason}; cpu always can"
        )

    strategy: Strategy | str = "auto"
    if layout.processes > 1:
        unsent: dict[str, Any] = {SYNCHRONIZATION: False}  # buffers are constants
        strategy = DDPStrategy(gradient_as_bucket_view=True, **unsent)
    plugins = list(cast("list[object]", options.pop("plugins", [])))
    if layout.launcher == "srun":  # the state of the last epoch is what a job goes on from
        plugins.append(SLURMEnvironment(auto_requeue=False))
    settings: dict[str, object] = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        **options,
    }
    with translated(refused):
        return pl.Trainer(
            accelerator=config.accelerator,
            devices=layout.devices,
            num_nodes=layout.nodes,
            strategy=strategy,
            plugins=plugins,  # type: ignore[arg-type]
            **settings,  # type: ignore[arg-type]
        )


class Team:
    """The processes of a training, connected.

    Args:
        trainer: of this process.
    """

    def __init__(self, trainer: pl.Trainer) -> None:
        self._strategy = trainer.strategy
        self.first = bool(trainer.is_global_zero)
        self.first_here = trainer.local_rank == 0
        self.alone = trainer.world_size == 1

    def first_does(self, action: Callable[[], Result]) -> Result:
        """Return in every process what the first one gets from an action, or raise its error."""
        if self.alone:
            return action()
        outcome: Result | InputError | None = None
        failure: BaseException | None = None
        if self.first:
            try:
                outcome = action()
            except InputError as error:
                outcome = failure = error
            except BaseException as error:  # the others end as well
                outcome, failure = ConfigError(f"the first process failed: {error!r}"), error
        outcome = self._strategy.broadcast(outcome, src=0)
        if failure is not None:
            raise failure
        if isinstance(outcome, InputError):
            raise outcome
        return cast(Result, outcome)

    def in_turn(self, action: Callable[[], Result]) -> Result:
        """Return what an action gives, which the first process of each machine does before others.

        What it leaves on disk is there for the others. An error of one is raised in all.
        """
        if self.alone:
            return action()
        results: list[Result] = []
        failure: InputError | None = None
        for turn in (True, False):
            if self.first_here is turn and failure is None:
                try:
                    results.append(action())
                except InputError as error:
                    failure = error
            failures = gathered(failure)
            failure = failure or next((each for each in failures if each is not None), None)
        if failure is not None:
            raise failure
        return results[0]


def gathered(value: Result) -> list[Result]:
    """Return what each process has, in their order; the processes are connected."""
    values: list[Result] = [value] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(values, value)
    return values


@contextmanager
def connected(config: Config, layout: Layout) -> Iterator[Team]:
    """Start the processes that nobody started yet, connect all, and part them afterwards.

    Raises:
        ConfigError: when this machine has no such accelerator.
    """
    before = dict(os.environ)
    was_connected = torch.distributed.is_available() and torch.distributed.is_initialized()
    trainer = trainer_with(config, layout)
    launcher = trainer.strategy.launcher
    try:
        if layout.processes > 1 and launcher is not None:
            launcher.launch(trainer.strategy.setup_environment)
        yield Team(trainer)
    except BaseException:
        if launcher is not None:
            launcher.kill(signal.SIGTERM)
        raise
    finally:
        if layout.processes > 1:
            if torch.distributed.is_initialized() and not was_connected:
                torch.distributed.destroy_process_group()
            for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE"):
                os.environ.pop(name, None)
                if name in before:
                    os.environ[name] = before[name]
