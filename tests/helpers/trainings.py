"""Small trainings: forty-one crystals with stiffness, and alloys with energies and forces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from carnet_model.data.labels import LabelSource
from carnet_model.structures.geometry import Geometry
from carnet_model.training.config import Config
from carnet_model.training.config_reading import make_config
from carnet_model.training.label_tensors import TensorLabels
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from carnet_model.training.run import Run, train
from carnet_model.training.run_folder import EpochWriter
from carnet_model.training.sample_store import Sample
from carnet_model.training.samples import Samples
from carnet_model.training.sources import resolve_sources
from tests.helpers.tiny_models import RECORDS

NETWORK = {
    "channels": 3, "layers": 1, "body_order": 2, "radial": 3, "radial_hidden": 4,
    "embedding": 4, "head_hidden": 4, "cutoff": 3.0,
}  # fmt: skip
POTENTIAL = {
    "channels": 8, "layers": 1, "weight": 1, "body_order": 3, "radial": 6, "radial_hidden": 8,
    "embedding": 4, "head_hidden": 8, "cutoff": 4.0,
}  # fmt: skip

STIFFNESS = {"elastic": {"key": "C", "form": "upper", "unit": "GPa"}}
MODULI = {"bulk": {"key": "K_VRH", "unit": "GPa"}, "shear": {"key": "G_VRH", "unit": "GPa"}}
ENERGIES = {"energy": {}, "forces": {}, "stress": {"form": "voigt", "unit": "eV/A^3"}}


def crystal_config(folder: Path, **changes: Any) -> Config:
    """Return settings of a training on the shipped crystals, written into the folder."""
    path = folder / "crystals.json"
    if not path.exists():
        path.write_text(json.dumps(RECORDS))
    values = {
        "data": [{"path": "crystals.json", "labels": STIFFNESS}],
        "network": NETWORK,
        "split": {"by": "formula", "validation": [10, 40]},
        "epochs": 3,
        "batch": 8,
        "compile": "never",
        "threads": 1,
        "ema": 0.9,
        "optimizer": {"lr": 0.01},
        **changes,
    }
    return make_config(values, folder=folder)


def alloys(count: int, elements: tuple[str, ...] = ("Cu", "Al")) -> list[Atoms]:
    """Return rattled and strained fcc cells of two metals, with ASE's effective medium theory."""
    generator = np.random.default_rng(0)
    cells = []
    for number in range(count):
        cell = bulk("Cu", cubic=True, a=3.8)
        cell.symbols = [elements[(number >> site) % len(elements)] for site in range(4)]
        strain = 0.03 * generator.normal(size=(3, 3))
        cell.set_cell(cell.cell @ (np.eye(3) + strain + strain.T), scale_atoms=True)
        cell.positions += 0.08 * generator.normal(size=(4, 3))
        cell.calc = EMT()
        cell.get_potential_energy(), cell.get_forces(), cell.get_stress()
        cells.append(cell)
    return cells


def alloy_config(folder: Path, **changes: Any) -> Config:
    """Return settings of a potential of alloys, written into the folder."""
    path = folder / "alloys.xyz"
    if not path.exists():
        write(path, alloys(32), format="extxyz")
    values = {
        "target": "energy",
        "data": [{"path": "alloys.xyz", "labels": ENERGIES}],
        "network": POTENTIAL,
        "split": {"by": "note"},
        "epochs": 2,
        "batch": 5,
        "threads": 1,
        "ema": 0.9,
        "optimizer": {"lr": 0.01, "warmup_steps": 10},
        **changes,
    }
    return make_config(values, folder=folder)


def fine_tuned(folder: Path, start: Any, **changes: Any) -> Run:
    """Train a potential of alloys for an epoch, from another."""
    settings = {"output": "second", "network": {}, "start": start, "epochs": 1, **changes}
    return train(alloy_config(folder, **settings), progress=False)


def energies_and_dipoles(folder: Path) -> dict[str, Any]:
    """Write structures with energies and others with dipoles, some in both; return settings."""
    cells = alloys(8)
    structures = [
        {"id": f"s{number}", "numbers": cell.numbers.tolist(), "positions": cell.positions.tolist()}
        for number, cell in enumerate(cells)
    ]
    energies = [
        {**record, "energy": cell.get_potential_energy()}
        for record, cell in zip(structures[:4], cells, strict=False)
    ]
    dipoles = [{**record, "dipole": [0.1, 0.2, 0.3]} for record in structures[2:]]
    (folder / "energies.json").write_text(json.dumps(energies))
    (folder / "dipoles.json").write_text(json.dumps(dipoles))
    return {
        "target": ["energy", {"name": "dipole", "unit": "e Å"}],
        "data": [
            {"path": "energies.json", "labels": {"energy": {}}},
            {"path": "dipoles.json", "labels": {"dipole": {}}},
        ],
        "split": {"by": "note"},
    }


def prepared(config: Config) -> Samples:
    """Return the samples of a training."""
    return prepare(resolve(config))


def readings(config: Config) -> list[LabelSource]:
    """Return how the labels of the first source are read."""
    return [label.reading for label in resolve_sources(config)[0].labels]


def geometry_of(sample: Sample) -> Geometry:
    """Return the structure of a sample."""
    graph = sample.graph
    periodic = bool(graph.cell.any())
    return Geometry(graph.numbers, graph.positions, graph.cell, (periodic,) * 3)


def tensor_labels(sample: Sample) -> TensorLabels:
    """Return the labels of the only target, a tensor."""
    (labels,) = sample.labels.values()
    assert isinstance(labels, TensorLabels)
    return labels


def interrupted_at(patch: pytest.MonkeyPatch, epoch: int, error: type[BaseException]) -> None:
    """Let trainings stop in the second step of an epoch."""

    def stop(self: Any, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
        if (module.current_epoch, index) == (epoch, 1):
            raise error

    patch.setattr(EpochWriter, "on_train_batch_end", stop)
