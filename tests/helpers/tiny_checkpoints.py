"""Networks of one layer, and what a checkpoint says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from carnet_model.data.fingerprints import Fingerprints
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry

SETTINGS = NetworkSettings(
    channels=4, layers=1, weight=2, message_weight=1, body_order=3, radial=4, radial_hidden=4,
    embedding=4, head_hidden=4, cutoff=3.5, neighbours=6.0,
)  # fmt: skip


SALT = Geometry(
    np.array([11, 17]),
    np.array([[0.0, 0, 0], [2.8, 0, 0]]),
    np.array([[0.0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]]),
    (True, True, True),
)


def network(seed: int, tensor: str = "dielectric") -> CarNet:
    torch.manual_seed(seed)
    return CarNet(SETTINGS, Target(tensor, positive=tensor == "dielectric"))


def record(**more: Any) -> dict[str, Any]:
    return {"elements": [11, 17], "fingerprint": "f", "metrics": {"x": 1.5}, "seeds": [3], **more}


def fingerprints(*names: str) -> Fingerprints:
    rows = np.arange(16 * len(names), dtype=np.float16).reshape(-1, 16)
    return Fingerprints(names, tuple("NaCl" for _ in names), rows)
