"""Ensembles: several checkpoints joined into one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.fingerprints import Fingerprints
from ..structures.closest import Closest
from .arrays import arrays_of
from .checkpoint import Checkpoint, load, save
from .record import CheckpointError


def merge(
    folders: Sequence[str | Path],
    out: str | Path,
    notes: Mapping[str, Any] | None = None,
    *,
    half: bool = False,
) -> Checkpoint:
    """Join checkpoints into one ensemble, write it, and return it.

    Elements, and distances between them, count as seen when every member saw them; structures seen
    by any are marked as such.

    Args:
        folders: checkpoints of the same targets.
        out: folder of the ensemble.
        notes: what the record says besides, such as ``metrics`` and ``intervals``.
        half: round the parameters to half precision (`checkpoint.save`).

    Raises:
        CheckpointError: when they have different targets or no element in common, or cannot be
            read or written.
    """
    if not folders:
        raise CheckpointError(f"{out}: got no checkpoints to join; name at least one")
    parts = [load(folder) for folder in folders]
    for folder, part in zip(folders, parts, strict=True):
        if part.targets != parts[0].targets:
            ours, first = (
                ", ".join(f"{each.key} [{each.unit}]" for each in one.targets)
                for one in (part, parts[0])
            )
            raise CheckpointError(
                f"{folder}: predicts {ours}, and {folders[0]} {first}\n"
                "networks of one ensemble have the same targets: join those that have"
            )
    elements = frozenset.intersection(*(part.elements for part in parts))
    if not elements and any(part.elements for part in parts):
        raise CheckpointError(
            f"{out}: no element is known to all of {', '.join(map(str, folders))}"
        )
    record = {
        "elements": sorted(elements),
        "closest": Closest.in_each(
            Closest.from_dict(part.record.get("closest") or {}) for part in parts
        ).to_dict(),
        "fingerprint": _common_fingerprint([str(part.record["fingerprint"]) for part in parts]),
        "metrics": {},
        "config": parts[0].record["config"],
        "seeds": [seed for part in parts for seed in part.record["seeds"]],
        "parts": [
            {key: part.record[key] for key in ("version", "fingerprint", "metrics", "config")}
            for part in parts
        ],
        **(notes or {}),
    }
    arrays = _joined([part.fingerprints for part in parts])
    save(out, [model for part in parts for model in part.models], record, arrays, half=half)
    return load(out)


def _common_fingerprint(fingerprints: Sequence[str]) -> str:
    """Return the fingerprint of the training data, of all sets together where they differ."""
    if len(set(fingerprints)) == 1:
        return fingerprints[0]
    return hashlib.sha256("\n".join(sorted(fingerprints)).encode()).hexdigest()


def _joined(parts: Sequence[Fingerprints | None]) -> dict[str, NDArray[Any]]:
    """Return the structures seen by any member, each once, as arrays of a checkpoint."""
    rows: dict[tuple[str, str, bytes], NDArray[np.float16]] = {}
    for part in parts:
        if part is not None:
            for row in zip(part.identifiers, part.formulas, part.signatures, strict=True):
                rows.setdefault((row[0], row[1], row[2].tobytes()), row[2])
    if not rows:
        return {}
    keys = list(rows)
    return arrays_of(
        Fingerprints(
            tuple(key[0] for key in keys), tuple(key[1] for key in keys), np.stack([*rows.values()])
        )
    )
