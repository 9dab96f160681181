"""The elastic network at its shipped settings: crystals a second, eager and compiled."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import torch
from rich.table import Table

from carnet_model.compiled.compilation import compile_kernels
from carnet_model.network.graph import Batch, build, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry

from .timing import interleaved

CRYSTALS, ATOMS = 16, 8


@cache
def _batch(cutoff: float) -> Batch:
    """Eight-atom cells of a distorted B2 compound, a bond length apart as in a metal."""
    random = np.random.default_rng(0)
    sites = np.array(list(np.ndindex(2, 2, 2))) * 2.6
    graphs = []
    for _ in range(CRYSTALS):
        cell = 5.2 * np.eye(3) + random.normal(scale=0.1, size=(3, 3))
        positions = sites + random.normal(scale=0.1, size=(ATOMS, 3))
        numbers = random.choice([13, 26, 28, 22], ATOMS)
        graphs.append(build(Geometry(numbers, positions, cell, (True,) * 3), cutoff))
    return collate(graphs)


def _model(mode: str) -> CarNet:
    torch.manual_seed(0)
    model = CarNet(NetworkSettings(message_weight=1), Target("elastic", positive=True))
    if mode == "compiled":
        notice = compile_kernels(model, "always")
        assert notice is None
    return model


def tables() -> list[Table]:
    """Return the tables of this topic."""
    batch = _batch(5.0)
    table = Table(
        title=f"Elastic network, {ATOMS} atoms, {len(batch.senders) // CRYSTALS} edges a crystal, "
        f"cutoff 5 angstrom, weights to 4, 48 channels, batches of {CRYSTALS}, float32"
    )
    for column in ("mode", "first step s", "predictions /s", "training steps x crystals /s"):
        table.add_column(column, justify="left" if column == "mode" else "right")
    actions, first = {}, {}
    for mode in ("eager", "compiled"):
        model = _model(mode)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

        def predict(model: CarNet = model) -> None:
            with torch.no_grad():
                model(batch)

        def train(model: CarNet = model, optimizer: torch.optim.Optimizer = optimizer) -> None:
            optimizer.zero_grad()
            (model(batch)["elastic"] / 100).square().mean().backward()
            optimizer.step()

        start = time.perf_counter()
        train()
        predict()
        first[mode] = time.perf_counter() - start
        actions[f"{mode} predict"], actions[f"{mode} train"] = predict, train
    times = interleaved(actions, 9)
    for mode in ("eager", "compiled"):
        rates = [1e3 * CRYSTALS / times[f"{mode} {action}"] for action in ("predict", "train")]
        table.add_row(mode, f"{first[mode]:.1f}", *(f"{rate:.0f}" for rate in rates))
    return [table]
