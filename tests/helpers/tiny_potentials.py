"""A potential of a few parameters, exported once, for the tests of what runs exported files."""

from __future__ import annotations

import atexit
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carnet_model.export.exported import Exported, load_exported
from carnet_model.export.exporting import export
from carnet_model.network.batch import Batch, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.prediction.predictor import Predictor
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build

CUTOFF = 3.5
SETTINGS = NetworkSettings(
    cutoff=CUTOFF, channels=2, weight=1, message_weight=1, body_order=3, radial=4, radial_hidden=4,
    embedding=4, head_hidden=4, neighbours=20.0, layers=2,
)  # fmt: skip


@cache
def model(seed: int = 0, layers: int = SETTINGS.layers) -> CarNet:
    """Return an untrained network with forces of some hundredths."""
    torch.manual_seed(seed)
    settings = SETTINGS.model_copy(update={"layers": layers})
    made = CarNet(settings, Target("energy", pooling="sum"))
    made.double()
    with torch.no_grad():
        for name, values in made.named_parameters():
            if ".heads.0.weight" in name:
                values.mul_(5000)
            if "radial.last.weight" in name:
                values.mul_(3)
    made.eval().requires_grad_(False)
    return made


def predictor(**options: Any) -> Predictor:
    """Return it as what export takes, knowing hydrogen, oxygen and silicon."""
    options = {"precision": "double", "record": {"elements": [1, 8, 14]}, **options}
    return Predictor([model()], **options)


@cache
def exported() -> Path:
    """Return the file of the potential in float64."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "potential.pt2"
    export(predictor(), path)
    return path


@cache
def loaded() -> Exported:
    """Return what the file holds."""
    return load_exported(exported())


def crystal(repeats: int = 1, seed: int = 0) -> Geometry:
    """Return silicon and oxygen, displaced, in a skew cell smaller than the cutoff."""
    draw = np.random.default_rng(seed)
    cell = np.array([[4.0, 0.0, 0.0], [0.7, 3.8, 0.0], [-0.6, 0.5, 4.2]])
    cells = np.diag([repeats, 1, 1]) @ cell
    places = np.array([[0.0, 0, 0], [0.5, 0.45, 0.1], [0.1, 0.5, 0.55]])
    places = np.concatenate([places + np.array([n, 0, 0]) for n in range(repeats)]) @ cell
    places += draw.normal(scale=0.05, size=places.shape)
    return Geometry(np.array([14, 8, 8] * repeats), places, cells, (True,) * 3)


def water() -> Geometry:
    """Return a molecule."""
    positions = np.array([[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    return Geometry(np.array([8, 1, 1]), positions, np.zeros((3, 3)), (False,) * 3)


def batch(*structures: Geometry, dtype: torch.dtype = torch.float64) -> Batch:
    """Return the graphs of structures side by side."""
    return collate([build(structure, CUTOFF) for structure in structures], dtype)
