"""Atoms to measure on, and networks of the settings that published comparisons use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from carnet_model.network.batch import Batch, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build

CUTOFF = 5.0
LAYERS = 2


@dataclass(frozen=True)
class Case:
    """A system and the settings of the networks compared on it.

    Attributes:
        title: what it is.
        geometry: the atoms.
        channels: number of channels.
        weight: largest weight of features, messages and harmonics.
        body_order: most atoms in one product, the centre included.
    """

    title: str
    geometry: Geometry
    channels: int
    weight: int
    body_order: int = 4

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Case:
        """Return the case that a record describes."""
        geometry = Geometry(
            np.array(record["numbers"]), np.array(record["positions"]), np.array(record["cell"]),
            (True,) * 3,
        )  # fmt: skip
        return cls("", geometry, *(record[key] for key in ("channels", "weight", "body_order")))

    def batch(self) -> Batch:
        """Return the graph, in single precision."""
        return collate([build(self.geometry, CUTOFF)])

    def model(self) -> CarNet:
        """Return our network, untrained."""
        torch.manual_seed(0)
        graph = build(self.geometry, CUTOFF)
        settings = NetworkSettings(
            cutoff=CUTOFF, layers=LAYERS, channels=self.channels, weight=self.weight,
            message_weight=self.weight, body_order=self.body_order,
            neighbours=graph.edges / graph.atoms,
        )  # fmt: skip
        return CarNet(settings, Target("energy", pooling="sum"))

    def record(self, threads: int) -> dict[str, Any]:
        """Return the same for a process of its own."""
        return {
            "numbers": self.geometry.numbers.tolist(),
            "positions": self.geometry.positions.tolist(),
            "cell": self.geometry.cell.tolist(),
            "cutoff": CUTOFF, "layers": LAYERS, "channels": self.channels, "weight": self.weight,
            "body_order": self.body_order, "threads": threads,
            "neighbours": len(self.batch().senders) / len(self.geometry),
        }  # fmt: skip


def silicon(cells: int = 3) -> Geometry:
    """Diamond structure, ``8 cells^3`` atoms, displaced by 0.05 Å as at room temperature."""
    sites = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    sites = np.concatenate([sites, sites + 0.25])
    corners = np.array(list(np.ndindex(cells, cells, cells)))
    positions = 5.43 * (sites[None] + corners[:, None]).reshape(-1, 3)
    positions += np.random.default_rng(0).normal(scale=0.05, size=positions.shape)
    cell = 5.43 * cells * np.eye(3)
    return Geometry(np.full(len(positions), 14), positions, cell, (True,) * 3)


def water(side: int = 4) -> Geometry:
    """``side^3`` molecules, rotated at random, at the density of the liquid."""
    molecule = np.array([[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    spacing = 12.3 / 4
    centres = spacing * np.array(list(np.ndindex(side, side, side)))
    turns = Rotation.random(len(centres), random_state=0).as_matrix()
    positions = centres[:, None] + np.einsum("mij,aj->mai", turns, molecule)
    numbers = np.tile([8, 1, 1], len(centres))
    cell = spacing * side * np.eye(3)
    return Geometry(numbers, positions.reshape(-1, 3), cell, (True,) * 3)


def cases() -> dict[str, Case]:
    """Return the cases of the comparison with other potentials."""
    return {
        "silicon": Case("216 atoms of silicon", silicon(), channels=64, weight=3),
        "water": Case("192 atoms of water", water(), channels=32, weight=2),
    }
