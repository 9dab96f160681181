"""Quartz and water under an untrained potential, compiled or not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from carnet_model.compiled.compilation import compile_kernels
from carnet_model.compiled.mode import Mode
from carnet_model.network.batch import Batch, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build

CUTOFF = 4.0
SETTINGS = NetworkSettings(
    cutoff=CUTOFF, channels=4, weight=2, message_weight=2, body_order=4, radial=5, radial_hidden=6,
    embedding=5, head_hidden=8, neighbours=20.0,
)  # fmt: skip


MODES = [pytest.param("always", marks=pytest.mark.compiler), "never"]


def potential(mode: Mode = "never", seed: int = 0) -> CarNet:
    """Return an untrained network with forces of some hundredths."""
    torch.manual_seed(seed)
    model = CarNet(SETTINGS, Target("energy", pooling="sum")).double()
    with torch.no_grad():
        model.outputs[0].head.heads[0].weight.mul_(100)
        for layer in model.interactions:
            layer.radial.last.weight.mul_(3)
    compile_kernels(model, mode)
    return model


def quartz(seed: int = 0) -> Geometry:
    """Return silicon and oxygen, displaced, in a skew cell, one bond along the polar axis."""
    draw = np.random.default_rng(seed)
    positions = np.array([[0.1, 0.2, 0.0], [0.1, 1.82, 0.0], [2.3, 2.1, 1.0], [2.4, 0.5, 2.7]])
    cell = np.array([[4.4, 0.1, 0.0], [0.7, 4.1, 0.2], [-0.6, 0.5, 4.6]])
    return Geometry(
        np.array([14, 8, 8, 14]), positions + draw.normal(scale=1e-3, size=(4, 3)) * [1, 0, 1],
        cell, (True,) * 3,
    )  # fmt: skip


def water() -> Geometry:
    """Return a molecule."""
    positions = np.array([[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    return Geometry(np.array([8, 1, 1]), positions, np.zeros((3, 3)), (False,) * 3)


def graphs(*structures: Geometry) -> Batch:
    """Return the graphs of structures side by side, float64."""
    return collate([build(structure, CUTOFF) for structure in structures], torch.float64)


def difference(function: Callable[[float], Tensor], step: float = 1e-4) -> float:
    """Return a derivative at zero to the fourth order of the step."""
    near, far = (function(h) - function(-h) for h in (step, 2 * step))
    return float((8 * near - far) / (12 * step))
