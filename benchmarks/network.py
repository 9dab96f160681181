"""An elastic network of 48 channels: crystals a second, eager and compiled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np
import torch
from rich.table import Table

from carnet_model.compiled.compilation import compile_kernels
from carnet_model.network.batch import Batch, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build

from .processes import say
from .timing import interleaved

CRYSTALS, ATOMS = 16, 8
MODES = ("eager", "compiled")
SETTINGS = NetworkSettings(message_weight=1)
"""Sizes of a network that a laptop trains in half an hour."""


def crystals() -> list[Geometry]:
    """Return eight-atom cells of a distorted B2 compound, a bond length apart as in a metal."""
    random = np.random.default_rng(0)
    sites = np.array(list(np.ndindex(2, 2, 2))) * 2.6
    found = []
    for _ in range(CRYSTALS):
        cell = 5.2 * np.eye(3) + random.normal(scale=0.1, size=(3, 3))
        positions = sites + random.normal(scale=0.1, size=(ATOMS, 3))
        numbers = random.choice([13, 26, 28, 22], ATOMS)
        found.append(Geometry(numbers, positions, cell, (True,) * 3))
    return found


@cache
def _batch(cutoff: float) -> Batch:
    return collate([build(crystal, cutoff) for crystal in crystals()])


def model(mode: str, settings: NetworkSettings = SETTINGS) -> CarNet:
    """Return the network, untrained.

    Args:
        mode: one of `MODES`.
        settings: its sizes.
    """
    torch.manual_seed(0)
    model = CarNet(settings, Target("elastic", positive=True))
    if mode == "compiled":
        notice = compile_kernels(model, "always")
        assert notice is None
    return model


def tables(
    rounds: int = 9, settings: NetworkSettings = SETTINGS, modes: Sequence[str] = MODES
) -> Iterator[Table]:
    """Measure and return the table of crystals a second.

    Args:
        rounds: how often each is measured.
        settings: sizes of the network.
        modes: some of `MODES`.
    """
    batch = _batch(settings.cutoff)
    table = Table(
        title=f"Elastic network, {ATOMS} atoms, {len(batch.senders) // CRYSTALS} edges a crystal, "
        f"cutoff {settings.cutoff:g} angstrom, weights to {settings.weight}, "
        f"{settings.channels} channels, batches of {CRYSTALS}, float32"
    )
    for column in ("mode", "first step s", "predictions /s", "training steps x crystals /s"):
        table.add_column(column, justify="left" if column == "mode" else "right")
    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # loads what is PyTorch's own
    actions, first = {}, {}
    for mode in modes:
        say(f"network: first steps, {mode}")
        start = time.perf_counter()
        predict, train = _steps(model(mode, settings), batch)
        train()
        predict()
        first[mode] = time.perf_counter() - start
        actions[f"{mode} predict"], actions[f"{mode} train"] = predict, train
    say(f"network: in turns, rounds: {rounds}")
    times = interleaved(actions, rounds)
    for mode in modes:
        rates = [1e3 * CRYSTALS / times[f"{mode} {action}"] for action in ("predict", "train")]
        table.add_row(mode, f"{first[mode]:.1f}", *(f"{rate:.0f}" for rate in rates))
    yield table


def _steps(model: CarNet, batch: Batch) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return what predicts, and what takes a step of training."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def predict() -> None:
        with torch.no_grad():
            model(batch)

    def train() -> None:
        optimizer.zero_grad()
        (model(batch)["elastic"] / 100).square().mean().backward()
        optimizer.step()

    return predict, train
