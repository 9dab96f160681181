"""Networks of a few parameters, untrained but of the right size, for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carnet_model.data.examples import Example
from carnet_model.data.fingerprints import Fingerprints
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.prediction.predictor import Predictor
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.weights import checkpoint
from carnet_model.weights.arrays import arrays_of
from natural_tensors import elasticity, from_voigt

ELASTIC = Target("elastic", positive=True)
RECORDS: list[dict[str, Any]] = json.loads(
    files("natural_tensors.examples").joinpath("dejong2015.json").read_text(encoding="utf-8")
)
CRYSTALS: dict[str, Geometry] = {record["id"]: geometry(record) for record in RECORDS}
SYSTEMS: dict[str, str] = {record["id"]: record["crystal_system"] for record in RECORDS}
ELEMENTS = sorted({int(z) for crystal in CRYSTALS.values() for z in crystal.numbers} | {14})
SETTINGS = NetworkSettings(
    channels=4, radial=4, radial_hidden=4, embedding=4, head_hidden=8, layers=2, body_order=3
)


def network(
    seed: int = 0, target: Target = ELASTIC, settings: NetworkSettings = SETTINGS
) -> CarNet:
    """Return an untrained network whose tensors are of the size of stiffness, and anisotropic."""
    torch.manual_seed(seed)
    model = CarNet(settings, target)
    with torch.no_grad():
        for head in model.outputs[0].head.heads:
            head.weight.mul_(20)
        if target.positive:
            middle = target.coordinates(from_voigt(elasticity.isotropic(100, 50)))
            model.outputs[0].assembly.mean.copy_(torch.from_numpy(middle))
    model.eval()
    return model


def predictor(members: int = 2, **options: Any) -> Predictor:
    """Return an ensemble of such networks."""
    return Predictor([network(seed) for seed in range(members)], **options)


def seen(records: Sequence[dict[str, Any]] = RECORDS) -> Fingerprints:
    """Return the fingerprints of shipped crystals."""
    return Fingerprints.of(
        Example(CRYSTALS[record["id"]], {}, identifier=record["id"]) for record in records
    )


def saved(folder: Path, members: int = 2, first: int = 0, **record: Any) -> Path:
    """Write a checkpoint that knows the shipped crystals, and return its folder."""
    checkpoint.save(
        folder,
        [network(first + member) for member in range(members)],
        {
            "elements": ELEMENTS,
            "metrics": {"val": {"bulk_mae": 12.5, "shear_mae": 11.25}},
            **record,
        },
        arrays_of(seen()),
    )
    return folder


def stiffness(record: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the Voigt matrix of a shipped crystal."""
    upper = np.zeros((6, 6))
    upper[np.triu_indices(6)] = record["C"]
    return upper + np.triu(upper, 1).T


def write_crystals(count: int, file: str = "some.json") -> str:
    """Write the first shipped crystals into the working folder, and return the name of the file."""
    Path(file).write_text(json.dumps(RECORDS[:count]))
    return file
