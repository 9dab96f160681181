"""Frames of crystals with energies, forces and stresses of a potential, to teach a smaller one."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import BaseCalculator

from natural_tensors.arrays import to_lists
from natural_tensors.files.saving import check_suffix

from ..data.examples import split_of
from ..data.frames import frame
from ..data.records import LABELLED, record_of
from ..prediction.result import Failure
from ..structures.geometry import Geometry

LARGEST_FORCE = 25.0
"""eV/Å: what is farther from equilibrium teaches nothing about crystals."""


def label_frames(
    structures: Sequence[Geometry | Failure],
    calculator: BaseCalculator,
    output: str | Path,
    *,
    frames: int = 1,
    most_atoms: int | None = None,
    part: tuple[int, int] = (1, 1),
    advance: Callable[[int], None] = lambda count: None,
) -> Counter[str]:
    """Append frames of crystals to a file, each with what a potential says of it.

    A line is a record: the structure, ``energy`` (eV), ``forces`` (eV/Å), ``stress`` (eV/Å^3, all
    nine components, positive under tension), and the ``kind`` of `data.frames.KINDS`. Frames that
    the file holds are left as they are, so that a run that was ended goes on. The first frames of
    all crystals come before the second ones. Crystals of reserved compositions are left out.

    Args:
        structures: what `prediction.inputs.read` yields.
        calculator: of ASE, with energy, forces and stress.
        output: .jsonl.
        frames: how many of each crystal.
        most_atoms: of a crystal.
        part: which part of how many is done, as several processes share the work.
        advance: called with the number of frames that are done.

    Returns:
        How many were written, `LABELLED`, and left out.

    Raises:
        natural_tensors.files.saving.FileError: when the output is no .jsonl.
    """
    check_suffix(str(output), (".jsonl",))
    counts: Counter[str] = Counter()
    path = Path(output)
    known = _known(path)
    with path.open("a", encoding="utf-8") as lines:
        for structure, number in _wanted(structures, frames, most_atoms, part, counts):
            moved, kind = frame(structure, number)
            if moved.name in known:
                counts["there already"] += 1
            else:
                reason, labels = _labelled(moved, calculator)
                counts[reason] += 1
                if labels:
                    lines.write(json.dumps(record_of(moved) | {"kind": kind.name} | labels) + "\n")
                    lines.flush()
            advance(1)
    return counts


def _wanted(
    structures: Sequence[Geometry | Failure],
    frames: int,
    most_atoms: int | None,
    part: tuple[int, int],
    counts: Counter[str],
) -> Iterator[tuple[Geometry, int]]:
    chosen: list[Geometry] = []
    for structure in structures:
        if isinstance(structure, Failure):
            counts["unreadable"] += 1
        elif not all(structure.periodic):
            counts["no crystal"] += 1
        elif split_of(structure.formula) == "reserved":
            counts["reserved"] += 1
        elif most_atoms is not None and len(structure) > most_atoms:
            counts["too large"] += 1
        elif zlib.crc32(structure.name.encode()) % part[1] == part[0] - 1:
            chosen.append(structure)
    yield from ((structure, number) for number in range(frames) for structure in chosen)


def _known(path: Path) -> set[str]:
    """Return the names of the frames of a file; an unfinished last line is cut off."""
    if not path.exists():
        return set()
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return {json.loads(line)["id"] for line in whole.splitlines()}


def _labelled(structure: Geometry, calculator: BaseCalculator) -> tuple[str, dict[str, Any] | None]:
    """Return what became of a frame, and its labels where there are some."""
    atoms = structure.to_ase(calculator)
    try:
        energy, forces, stress = (
            atoms.get_potential_energy(),
            atoms.get_forces(),
            atoms.get_stress(voigt=False),
        )
    except Exception as error:
        return f"failed ({type(error).__name__})", None
    if not (np.isfinite(energy) and np.isfinite(forces).all() and np.isfinite(stress).all()):
        return "not finite", None
    if np.linalg.norm(forces, axis=1).max() > LARGEST_FORCE:
        return "too far", None
    return LABELLED, {
        "energy": round(float(energy), 6),
        "forces": to_lists(np.round(forces, 5)),
        "stress": to_lists(np.round(stress, 8)),
    }
