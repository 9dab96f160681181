"""Labelled copper, and files that hold it."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk
from ase.io import write

from carnet_model.data.examples import Example
from carnet_model.data.labels import LabelSource
from carnet_model.structures.conversion import geometry
from natural_tensors import from_voigt

COPPER = bulk("Cu", a=3.6)


STIFFNESS = np.diag([170.0, 170, 170, 75, 75, 75])


STIFFNESS[:3, :3] += 120 * (1 - np.eye(3))


UPPER = STIFFNESS[np.triu_indices(6)].tolist()


FULL = np.asarray(from_voigt(STIFFNESS))


ELASTIC = LabelSource("elastic", "C", "upper", "GPa")


def record(**fields: Any) -> dict[str, Any]:
    return {
        "lattice": COPPER.cell.array.tolist(),
        "numbers": COPPER.numbers.tolist(),
        "frac": [[0.0, 0.0, 0.0]],
        **fields,
    }


def saved(path: Path, records: Sequence[Any]) -> Path:
    text = json.dumps(records).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def check_copper(examples: Sequence[Example], label: str = "elastic") -> Example:
    (example,) = examples
    assert example.formula == "Cu"
    assert np.allclose(example.labels[label], FULL)
    assert np.allclose(np.abs(np.linalg.det(example.geometry.cell)), 3.6**3 / 4)
    return example


def table(folder: Path, columns: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    write(folder / "cu.vasp", COPPER, format="vasp")
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *columns])
        writer.writerow(["cu.vasp", *columns.values()])
    return folder


def examples_of(*crystals: Any) -> list[Example]:
    return [
        Example(geometry(crystal), {"elastic": FULL * (k + 1)}, identifier=f"c{k}")
        for k, crystal in enumerate(crystals)
    ]
