"""A trained network made wider: the same function at first, another one after a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import bulk

import carnet_model
from carnet_model.network.batch import Batch, collate
from carnet_model.network.irreps import Irrep
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.conversion import geometry
from carnet_model.structures.graph import build
from carnet_model.training.run import train
from carnet_model.training.widening import widen_output, widen_trunk
from carnet_model.weights import checkpoint
from tests.helpers.trainings import alloy_config, alloys, fine_tuned

pytestmark = pytest.mark.usefixtures("own_graph_cache")

TARGETS = [
    Target("energy", pooling="sum"),
    Target("elastic"),
    Target("dipole", pooling="sum"),
    Target("nmr-shielding"),
]


def shaken() -> Batch:
    cell = bulk("MgO", "rocksalt", 4.3) * (2, 1, 1)
    cell.rattle(0.1, seed=3)
    return collate([build(geometry(cell), 5.0)], dtype=torch.float64)


def widened(old: CarNet, **sizes: int) -> CarNet:
    settings = old.settings.model_copy(update=sizes)
    model = CarNet(settings, *old.targets).double()
    widen_trunk(model, old)
    for output, other in zip(model.outputs, old.outputs, strict=True):
        widen_output(model, old, output, other)
    return model


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.key)
@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize(
    "sizes",
    [
        {"channels": 10},
        {"weight": 5},
        {"pseudo": True},
        {"channels": 9, "weight": 5, "message_weight": 2, "pseudo": True},
    ],
    ids=["channels", "weight", "pseudo", "all"],
)
def test_wider_networks_compute_the_same(
    target: Target, bounded: bool, sizes: dict[str, int]
) -> None:
    torch.manual_seed(5)
    settings = NetworkSettings(
        channels=6, radial_hidden=8, embedding=8, head_hidden=8, bounded=bounded
    )
    old = CarNet(settings, target).double()
    batch = shaken()
    expected = old(batch)[target.key]
    result = widened(old, **sizes)(batch)[target.key]
    # double precision; sums run in another order
    torch.testing.assert_close(result, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.key)
def test_every_new_channel_learns(target: Target) -> None:
    """After two steps old channels read new ones, and new ones old ones, in the moments."""
    torch.manual_seed(6)
    settings = NetworkSettings(channels=4, radial_hidden=8, embedding=8, head_hidden=8)
    model = widened(CarNet(settings, target).double(), channels=7)
    batch = shaken()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        loss = (model.learned(batch)[target.key] - 1).square().sum()
        torch.autograd.backward(loss)
        optimizer.step()
    for layer in model.interactions:
        for weight in (layer.after.weight, layer.mixings[0].weight):
            assert weight.grad is not None
            scalars = weight.grad[0]
            assert (scalars[4:, :4] != 0).any()
            assert (scalars[:4, 4:] != 0).any()


def test_every_new_weight_learns() -> None:
    """After two steps old features have parts of the new ones, in moments and in products."""
    torch.manual_seed(6)
    settings = NetworkSettings(channels=4, weight=1, radial_hidden=8, embedding=8, head_hidden=8)
    model = widened(CarNet(settings, TARGETS[0]).double(), weight=2, message_weight=2)
    batch = shaken()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        torch.autograd.backward((model.learned(batch)["energy"] - 1).square().sum())
        optimizer.step()
    last = model.interactions[1]
    assert last.product is not None
    radial = last.radial.last.weight.grad
    assert radial is not None
    for kernel, rows in (
        (last.kernel, radial.view(last.kernel.paths, 4, -1)), (last.product, last.weights[0].grad),
    ):  # fmt: skip
        fresh = [
            row
            for row, (first, second, made) in zip(rows, kernel.couplings, strict=True)
            if made == Irrep(0) and max(first, second) == Irrep(2)
        ]
        assert fresh
        assert all((row != 0).any() for row in fresh)


def test_training_goes_on_wider(tmp_path: Path) -> None:
    trained = train(alloy_config(tmp_path, output="first"), progress=False).checkpoint
    run = fine_tuned(
        tmp_path, str(trained), network={"channels": 12}, optimizer={"lr": 1e-9}, ema=0.0
    )
    (before,), (after,) = (checkpoint.load(place).models for place in (trained, run.checkpoint))
    assert (before.settings.channels, after.settings.channels) == (8, 12)
    cell = alloys(1)[0]
    forces = [
        np.asarray(carnet_model.load(place).predict(cell).forces)
        for place in (trained, run.checkpoint)
    ]
    # single precision, and a step of 1e-9 on weights near 1
    np.testing.assert_allclose(forces[1], forces[0], atol=1e-5)
