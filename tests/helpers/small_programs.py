"""A potential of one parameter as an exported file, and copies of it in which something differs."""

from __future__ import annotations

import atexit
import json
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from carnet_model.export.exported import FORMAT, METADATA

ROOT = "small"
PROGRAM = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"

Entries = dict[str, bytes]

DESCRIPTION = {
    "format": FORMAT, "version": "0.1.0", "target": {"tensor": "energy", "pooling": "sum"},
    "unit": "eV", "cutoff": 4.0, "layers": 1, "elements": [14], "symbols": ["Si"],
    "dtype": "float64", "device": "cpu", "compiled": False,
}  # fmt: skip


class _Spring(nn.Module):
    """Half the sum of the squares of the bond vectors, times a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.stiffness = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))

    def forward(
        self, numbers: Tensor, senders: Tensor, receivers: Tensor, vectors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return energies and gradient."""
        gradient = vectors * self.stiffness
        energies = vectors.new_zeros(numbers.shape[0])
        pairs = 0.5 * (gradient * vectors).sum(dim=1)
        return energies.index_add(0, receivers, pairs), gradient + 0.0 * senders.unsqueeze(1)


@cache
def small_program() -> Path:
    """Return the file, made in seconds."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    path = Path(folder.name) / f"{ROOT}.pt2"
    atoms, edges = torch.export.Dim("atoms"), torch.export.Dim("edges")
    inputs = (
        torch.full((4,), 14), torch.arange(6) % 4, torch.arange(6) % 3,
        torch.ones(6, 3, dtype=torch.float64),
    )  # fmt: skip
    shapes = ({0: atoms}, {0: edges}, {0: edges}, {0: edges})
    spring = _Spring().requires_grad_(False)
    program = torch.export.export(spring, inputs, dynamic_shapes=shapes, strict=False)
    program.example_inputs = None
    torch.export.save(program, path, extra_files={METADATA: json.dumps(DESCRIPTION)})
    return path


@cache
def entries() -> Entries:
    """Return what the file holds, by name."""
    with zipfile.ZipFile(small_program()) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def changed(path: Path, change: Callable[[Entries], object]) -> Path:
    """Write a copy with other entries."""
    held = dict(entries())
    change(held)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            archive.writestr(f"{ROOT}/{name}", content)
    return path


def edited(path: Path, entry: str, change: Callable[[Any], object]) -> Path:
    """Write a copy in which the JSON of an entry differs."""

    def edit(held: Entries) -> None:
        content = json.loads(held[entry])
        change(content)
        held[entry] = json.dumps(content).encode()

    return changed(path, edit)
