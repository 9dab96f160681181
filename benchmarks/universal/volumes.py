"""Volumes of relaxed crystals, beside those of DFT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import numpy as np
from rich.table import Table

from carnet_model.relaxation.relaxing import FORCE, relax
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.reading import read_json

from .jobs import Settings, results, sample
from .potentials import Potential

FILE = "mp_structures.json.gz"
COUNT = 300
"""Crystals, unless a limit says less."""


def changed(calculator: Any, structure: Geometry) -> dict[str, Any]:
    """Return the relative change of the volume in the relaxation, or why it did not end."""
    rest = relax(calculator, structure)
    if not rest.converged:
        return {"failed": "not relaxed", "why": rest.reason}
    return {"volume": rest.volume_change}


def crystals(settings: Settings) -> dict[str, Geometry]:
    """Return a sample of the structures of the validation split, relaxed by DFT."""
    records = {
        str(record["id"]): record
        for record in read_json(settings.data / FILE)
        if record["split"] == "val" and len(record["numbers"]) <= settings.most_atoms
    }
    chosen = sample(list(records), min(settings.limit or COUNT, COUNT))
    return {name: geometry(records[name]) for name in chosen}


def volume_errors(changes: Sequence[float]) -> tuple[str, str]:
    """Return the mean absolute change of volumes and their mean change, in percent."""
    if not changes:
        return "-", "-"
    return f"{100 * np.abs(changes).mean():.2f}", f"{100 * np.mean(changes):+.2f}"


def tables(potentials: Sequence[Potential], settings: Settings) -> Iterator[Table]:
    """Yield by how much volumes change in the relaxation of what DFT has relaxed."""
    structures = crystals(settings)
    table = Table(
        "potential", "mean error, %", "bias, %", "median error, %", "beyond 10 %", "not relaxed",
        "error", "s each",
        title=f"Volumes after relaxation beside DFT, {len(structures)} crystals of unseen "
        "formulas; without those that failed",
    )  # fmt: skip
    for potential in potentials:
        found = results(potential, "volumes", changed, structures, settings, {"force": FORCE})
        changes = [result["volume"] for result in found.values() if "volume" in result]
        sizes = [abs(change) for change in changes]
        table.add_row(
            potential.label, *volume_errors(changes),
            f"{100 * median(sizes):.2f}" if sizes else "-",
            str(sum(size > 0.1 for size in sizes)),
            str(sum("failed" in result for result in found.values())),
            str(sum("error" in result for result in found.values())),
            f"{median(result['seconds'] for result in found.values()):.2f}",
        )  # fmt: skip
    yield table
