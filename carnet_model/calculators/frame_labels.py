"""Frames of crystals with energies, forces and stresses of a potential, to teach a smaller one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from ase.calculators.calculator import BaseCalculator

from natural_tensors.arrays import to_lists
from natural_tensors.errors import InputError
from natural_tensors.files.saving import check_suffix

from ..data.frames import APART, apart, frame
from ..data.records import LABELLED, THERE_ALREADY, appending, is_wanted, record_of
from ..prediction.result import Failure
from ..structures.geometry import Geometry
from ..structures.units import EV_PER_A3
from .approach import approach as steps_to_rest
from .dynamics import disagreement
from .visits import NEAR, visits

LARGEST_FORCE = 40.0
"""eV/Å: what is farther from equilibrium teaches nothing about crystals."""

LARGEST_STRESS = 15.0
"""GPa: a crystal that was not brought below it has no frames but those of its way."""

WAY = "path"
"""Kind of frames on the way to rest, or around what never came near it."""


REFUSED = {"reserved": "reserved"}
"""The split that has no frames, and what is counted of it."""


class FrameError(InputError, ValueError):
    """Frames that cannot be asked for together."""


def label_frames(
    structures: Sequence[Geometry | Failure],
    calculator: BaseCalculator,
    output: str | Path,
    *,
    frames: int = 1,
    most_atoms: int | None = None,
    approach: int = 0,
    molecules: bool = False,
    student: BaseCalculator | None = None,
    least_disagreement: float | None = None,
    part: tuple[int, int] = (1, 1),
    advance: Callable[[int], None] = lambda count: None,
) -> Counter[str]:
    """Append frames of crystals to a file, each with what a potential says of it.

    A line is a record: the structure, ``energy`` (eV), ``forces`` (eV/Å), ``stress`` (eV/Å^3, all
    nine components, positive under tension), and the ``kind``: of `data.frames.KINDS` unless it
    says otherwise below. Frames that the file holds are left as they are, so that a run that was
    ended goes on. The first frames of all crystals come before the second ones. Crystals of
    reserved compositions are left out.

    Args:
        structures: what `prediction.inputs.read` yields.
        calculator: of ASE, with energy, forces and stress.
        output: .jsonl.
        frames: how many of each crystal.
        most_atoms: of a crystal.
        approach: bring a crystal near rest under the calculator first, in so many steps at most,
            which are frames of the kind ``"path"``; the last is ``"near"`` where it came near.
            Frames of a crystal then follow each other.
        molecules: move molecules and complex ions apart or together as wholes (`data.frames.apart`)
            in place of random frames; crystals without have none. Crystals are near rest.
        student: take the frames that this potential visits (`visits.visits`) in place of random
            ones: so many moments of its dynamics, and where its relaxation went wrong. Crystals
            are at rest, and their frames follow each other. Another student needs another file.
        least_disagreement: about the force on an atom, eV/Å, among the networks of the student: on
            frames where they agree better nothing is to be learnt, and they are left out.
        part: which part of how many is done, as several processes share the work.
        advance: called with the number of frames that are done.

    Returns:
        How many were written, `LABELLED`, and left out.

    Raises:
        FrameError: when two of `approach`, `molecules` and `student` are asked for, the student has
            no stress, or its disagreement is asked for and it is a single network.
        natural_tensors.files.saving.FileError: when the output is no .jsonl.
    """
    _check(approach, molecules, student, least_disagreement)
    check_suffix(str(output), (".jsonl",))
    counts: Counter[str] = Counter()
    chosen = _chosen(structures, most_atoms, part, counts)
    with appending(output) as (lines, known):
        writer = _Writer(lines, calculator, known, counts, advance)
        if approach:
            for structure in chosen:
                writer.approached(structure, approach, frames)
        elif student is not None:
            for structure in chosen:
                writer.visited(structure, student, frames, least_disagreement)
        else:
            write = writer.moved if molecules else writer.drawn
            for number in range(frames):
                for structure in chosen:
                    write(structure, number)
    return counts


def _check(
    approach: int, molecules: bool, student: BaseCalculator | None, least: float | None
) -> None:
    """Refuse ways to frames that do not go together, and a student that cannot be asked."""
    asked = {"approach": approach > 0, "molecules": molecules, "student": student is not None}
    if sum(asked.values()) > 1:
        raise FrameError(
            f"{' and '.join(name for name, stated in asked.items() if stated)} are asked for "
            "together, and each is another way to frames: choose one of them"
        )
    if student is not None and "stress" not in student.implemented_properties:
        raise FrameError(
            f"the student computes {', '.join(student.implemented_properties)}, and its "
            "relaxations need a stress: choose a potential that has one"
        )
    if least is not None and "forces_spread" not in getattr(student, "implemented_properties", ()):
        raise FrameError(
            f"the least disagreement is {least:g} eV/Å, and there is no student of "
            "several networks: name one that `carnet join` made of two or more"
        )


class _Writer:
    """Labels frames and writes them, those that are not there yet."""

    def __init__(
        self,
        lines: TextIO,
        calculator: BaseCalculator,
        known: Container[str],
        counts: Counter[str],
        advance: Callable[[int], None],
    ) -> None:
        self.lines, self.calculator, self.known = lines, calculator, known
        self.counts, self.advance = counts, advance

    def drawn(self, structure: Geometry, number: int, *, near: bool = True) -> None:
        """Write a frame drawn around a crystal, which is near rest or is not."""
        moved, kind = frame(structure, number)
        self._add(moved, WAY if kind.name == NEAR and not near else kind.name)
        self.advance(1)

    def moved(self, structure: Geometry, number: int) -> None:
        """Write a frame whose molecules are moved as wholes, if the crystal has any."""
        frame_of_molecules = apart(structure, number)
        if frame_of_molecules is None:
            self.counts["without molecules"] += 1
        else:
            self._add(frame_of_molecules, APART)
        self.advance(1)

    def approached(self, structure: Geometry, steps: int, frames: int) -> None:
        """Write the steps of a crystal to rest, and frames around the last one.

        Its frames are drawn again for a crystal that is done in part; its steps are computed again.
        """
        names = [f"{structure.name}#{number}" for number in range(frames)]
        if all(name in self.known for name in names):
            self.counts[THERE_ALREADY] += frames
            self.advance(frames)
            return
        last = None
        for here, labels, near in steps_to_rest(structure, self._labels, steps):
            if here.name in self.known:
                self.counts[THERE_ALREADY] += 1
            else:
                self._write(here, labels, NEAR if near else WAY)
            last = here, labels, near
        if last is None or np.abs(last[1]["stress"]).max() * EV_PER_A3 > LARGEST_STRESS:
            self.counts["not near rest"] += 1
            self.advance(frames)
            return
        around = replace(last[0], name=structure.name)
        for number in range(frames):
            self.drawn(around, number, near=last[2])

    def visited(
        self, structure: Geometry, student: BaseCalculator, frames: int, least: float | None
    ) -> None:
        """Write the frames that a potential visits; visited again, those that are there stay.

        Of an ensemble only those where its networks disagree by so much about a force, eV/Å.
        """

        def failed(error: str) -> None:
            self.counts[f"student failed ({error})"] += 1

        for here, kind in visits(structure, student, frames, failed):
            if least is not None and here.name not in self.known:
                gaps = disagreement(here.to_ase(student))
                if gaps is not None and gaps.max() < least:
                    self.counts["the student is sure"] += 1
                    continue
            self._add(here, kind)
        self.advance(frames)

    def _add(self, structure: Geometry, kind: str) -> None:
        """Label and write a frame that is not there yet."""
        if structure.name in self.known:
            self.counts[THERE_ALREADY] += 1
        elif (labels := self._labels(structure)) is not None:
            self._write(structure, labels, kind)

    def _labels(self, structure: Geometry) -> dict[str, Any] | None:
        reason, labels = _labelled(structure, self.calculator)
        if reason:
            self.counts[reason] += 1
        return labels

    def _write(self, structure: Geometry, labels: dict[str, Any], kind: str) -> None:
        self.lines.write(json.dumps(record_of(structure) | {"kind": kind} | labels) + "\n")
        self.lines.flush()
        self.counts[LABELLED] += 1


def _chosen(
    structures: Sequence[Geometry | Failure],
    most_atoms: int | None,
    part: tuple[int, int],
    counts: Counter[str],
) -> list[Geometry]:
    """Return the crystals of a part, and count what is left out."""
    chosen: list[Geometry] = []
    for structure in structures:
        if isinstance(structure, Failure):
            counts["unreadable"] += 1
        elif is_wanted(structure, most_atoms, part, REFUSED, counts):
            chosen.append(structure)
    return chosen


def _labelled(structure: Geometry, calculator: BaseCalculator) -> tuple[str, dict[str, Any] | None]:
    """Return why a frame has no labels, nothing when it has, and the labels."""
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
    return "", {
        "energy": round(float(energy), 6),
        "forces": to_lists(np.round(forces, 5)),
        "stress": to_lists(np.round(stress, 8)),
    }
