"""Frames whose forces and stresses are known without a calculation, from what DFT has published.

A crystal that was relaxed has neither forces nor a stress. Compressed, it has the pressure of its
bulk modulus, its lengths in the ratios of its compliances; strained, the stress of its stiffness.
Both are moduli of relaxed ions, whose forces vanish, too. Where the ions are is known when they
have nowhere to relax to: under pressure when symmetry holds every atom in its place, under any
strain when every atom is a centre of inversion. Of other crystals a frame is made where a potential
says how their ions move.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from natural_tensors import elasticity, from_voigt, to_voigt
from natural_tensors.arrays import Floats, to_lists
from natural_tensors.errors import InputError
from natural_tensors.files.saving import check_suffix

from ..structures.conversion import geometry
from ..structures.geometry import Geometry, GeometryError
from ..structures.symmetry import symmetry_of
from ..structures.units import EV_PER_A3
from .moduli import known_moduli, stiffness_of
from .records import (
    LABELLED,
    THERE_ALREADY,
    appending,
    is_wanted,
    record_of,
    records_of,
)

COMPRESSIONS = (0.006, 0.018)
"""Smallest and largest change of a length under pressure; a frame of either sign has one."""

STRAIN = 0.007
"""Standard deviation of the components of a strain."""

STRAINS = 2
"""Strains of a crystal, each of which is taken with both signs: odd terms beyond the stiffness
cancel in their mean."""

FARTHEST = 0.05
"""Å that an ion may relax in a frame: what moves farther does not move in proportion."""

HARDENING = 4.5
"""Derivative of the bulk modulus by the pressure, which is 4 to 5 for most crystals."""

IN_PLACE = 2e-3
"""Fractions of the cell by which an operation of a space group may move an atom that it holds."""


REFUSED = {"val": "not for training", "reserved": "not for training"}
"""Splits that have no frames, and what is counted of them."""

IonResponse: TypeAlias = Callable[[Geometry], Floats]
"""How the ions of a crystal relax: Å by Voigt strain (engineering shear), shape ``(3 atoms, 6)``;
raises `InputError` where they do not come to rest."""


def known_stresses(
    files: Sequence[str | Path],
    output: str | Path,
    *,
    most_atoms: int | None = None,
    ions: IonResponse | None = None,
    seed: int = 0,
    part: tuple[int, int] = (1, 1),
    advance: Callable[[int], None] = lambda count: None,
) -> Counter[str]:
    """Append frames of relaxed crystals with the forces and stresses that follow from their moduli.

    A line is a record: the structure, ``forces`` (zero, eV/Å), ``stress`` (eV/Å^3, all nine
    components, positive under tension) and a ``kind``: ``"rest"`` of every crystal, ``"press"`` of
    those with K that are cubic or have ``C``, ``"strain"`` of those with ``C``. Moduli whose
    vintages differ, tensors that are marked ``suspect`` or are not positive definite, and
    compositions outside of the training part are left out. Frames that the file holds are left as
    they are, so that a run that was ended goes on, and a crystal of several files has each of its
    frames from the first that gives it one.

    Args:
        files: .json, .json.gz or .jsonl; records with ``id``, ``formula``, a structure relaxed by
            DFT, and moduli (`data.moduli`) or ``C``, the upper triangle of the Voigt matrix, GPa.
        output: .jsonl.
        most_atoms: of a crystal.
        ions: for crystals whose ions are not held by symmetry, which otherwise have no frames
            ``"press"`` and ``"strain"``. What it says is about right when it comes from a potential
            that is: the stress of a frame is in error by what the ions are off, not the moduli.
        seed: of the strains, which are drawn anew for every crystal.
        part: which part of how many is done, as several processes share the work.
        advance: called with 1 for every record that is begun.

    Returns:
        How many frames were written, `LABELLED`, were there, and crystals left out.

    Raises:
        DatasetError: when a file cannot be read.
        natural_tensors.files.saving.FileError: when the output cannot be written.
    """
    check_suffix(str(output), (".jsonl",))
    counts: Counter[str] = Counter()
    with appending(output) as (lines, known):
        frames = _Frames(seed, ions, known, counts)
        for record in (record for path in files for record in records_of(path)):
            advance(1)
            try:
                crystal = replace(geometry(record), name=str(record["id"]))
            except GeometryError:
                counts["unreadable"] += 1
                continue
            if is_wanted(crystal, most_atoms, part, REFUSED, counts):
                for row in frames.of(crystal, record):
                    lines.write(json.dumps(row) + "\n")
                    counts[LABELLED] += 1
                lines.flush()
    return counts


@dataclass(frozen=True)
class _Frame:
    """A strain (rows are the new axes less the old) and its stress, GPa.

    Attributes:
        name: what follows the name of the crystal.
        held: whether no ion moves.
    """

    kind: str
    name: str
    strain: Floats
    stress: Floats
    held: bool


@dataclass(frozen=True)
class _Frames:
    """Makes the frames of crystals that are not there; counts those that its ions cost."""

    seed: int
    ions: IonResponse | None
    known: set[str]
    counts: Counter[str]

    def of(self, crystal: Geometry, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the records of the frames of a crystal."""
        wanted = []
        for frame in self._asked(crystal, record):
            if f"{crystal.name}#{frame.name}" in self.known:
                self.counts[THERE_ALREADY] += 1
            elif frame.held or self.ions is not None:
                wanted.append(frame)
        response = None
        if not all(frame.held for frame in wanted):
            response = self._response(crystal)
        for frame in wanted:
            moves: Floats | float = 0.0
            if not frame.held:
                if response is None:
                    continue
                engineering = np.asarray(to_voigt(frame.strain, form="voigt-compliance"))
                moves = (response @ engineering).reshape(-1, 3)
                if np.linalg.norm(moves, axis=1).max() > FARTHEST:
                    self.counts["ions move too far"] += 1
                    continue
            row = _row(crystal, frame, moves)
            self.known.add(row["id"])
            yield row

    def _asked(self, crystal: Geometry, record: Mapping[str, Any]) -> Iterator[_Frame]:
        """Yield all frames that a crystal can have."""
        yield _Frame("rest", "rest", np.zeros((3, 3)), np.zeros((3, 3)), held=True)
        bulk, stiffness = _bulk(record), _stiffness(record)
        if bulk is None and stiffness is None:
            return
        dice = np.random.default_rng([self.seed, zlib.crc32(crystal.name.encode())])
        held, centred = held_by_symmetry(crystal)
        if bulk is not None:
            pressed = _pressed(crystal, bulk, stiffness)
            for sign in (1, -1):
                change = sign * dice.uniform(*COMPRESSIONS)
                if pressed is None:
                    continue
                strain = change * pressed.strain
                share = float(np.linalg.det(np.eye(3) + strain))
                stress = -pressure(pressed.bulk, share) * np.eye(3)
                yield _Frame("press", f"press{sign:+d}", strain, stress, held)
        if stiffness is None:
            return
        tensor = np.asarray(from_voigt(stiffness))
        for number in range(STRAINS):
            drawn = dice.normal(size=(3, 3)) * STRAIN
            strain = (drawn + drawn.T) / 2
            stress = np.einsum("ijkl,kl->ij", tensor, strain)
            for sign, mark in ((1, "+"), (-1, "-")):
                name = f"strain{number}{mark}"
                yield _Frame("strain", name, sign * strain, sign * stress, centred)

    def _response(self, crystal: Geometry) -> Floats | None:
        assert self.ions is not None
        try:
            return self.ions(crystal)
        except InputError:
            self.counts["ions not at rest"] += 1
            return None


@dataclass(frozen=True)
class _Pressed:
    """A crystal under pressure: the shape of the strain, of trace 3, and K after Reuss."""

    strain: Floats
    bulk: float


def _pressed(crystal: Geometry, bulk: float, stiffness: Floats | None) -> _Pressed | None:
    """Return how a crystal yields to a pressure; None where nobody knows its shape under one."""
    if is_cubic(crystal):
        return _Pressed(np.eye(3), bulk)
    if stiffness is None:
        return None
    lengths = np.linalg.solve(stiffness, [1.0, 1, 1, 0, 0, 0])
    strain = 3 * np.asarray(from_voigt(lengths, form="voigt-compliance")) / lengths[:3].sum()
    return _Pressed(strain, float(1 / lengths[:3].sum()))


def is_cubic(crystal: Geometry) -> bool:
    """Whether the space group of a crystal is cubic, so that pressure leaves its shape."""
    try:
        return symmetry_of(crystal).system == "cubic"
    except GeometryError:
        return False


def pressure(bulk: float, share: float) -> float:
    """Return the pressure at a share of the volume at rest (Birch 1947, third order).

    >>> round(pressure(100.0, 0.99), 3)
    1.028

    Args:
        bulk: modulus, in the unit of the result.
        share: of the volume at rest.
    """
    x = share ** (-1 / 3)
    return float(1.5 * bulk * (x**7 - x**5) * (1 + 0.75 * (HARDENING - 4) * (x**2 - 1)))


def held_by_symmetry(crystal: Geometry) -> tuple[bool, bool]:
    """Say whether symmetry holds all atoms of a crystal in place: its own, and under any strain.

    Forces vanish where no direction is left over by the operations that hold an atom. Any strain
    leaves a centre of inversion one.

    >>> from ase.build import bulk
    >>> held_by_symmetry(geometry(bulk("NaCl", "rocksalt", a=5.6)))
    (True, True)
    >>> held_by_symmetry(geometry(bulk("Si")))  # inversion exchanges the two atoms
    (True, False)
    >>> held_by_symmetry(geometry(bulk("ZnO", "wurtzite", a=3.2, c=5.3)))
    (False, False)
    """
    try:
        found = symmetry_of(crystal).dataset
    except GeometryError:
        return False, False
    rotations, translations = np.asarray(found.rotations), np.asarray(found.translations)
    held = centred = True
    for site in crystal.fractional:
        moved = rotations @ site + translations - site
        own = rotations[np.abs(moved - np.round(moved)).max(axis=1) < IN_PLACE]
        held = held and bool(np.abs(own.mean(axis=0)).max() < 1e-6)
        centred = centred and bool((own == -np.eye(3)).all(axis=(1, 2)).any())
    return held, centred


def _bulk(record: Mapping[str, Any]) -> float | None:
    """Return K after Hill, or after Voigt, of a record, unless others disagree."""
    known = known_moduli(record)
    if known is None or known.bulk_agreement == "differ":
        return None
    return known.bulk or known.bulk_voigt


def _stiffness(record: Mapping[str, Any]) -> Floats | None:
    """Return the stiffness of a record, where there is one to be trusted."""
    if "C" not in record or record.get("suspect"):
        return None
    stiffness = stiffness_of(record)
    return stiffness if elasticity.is_stable(stiffness) else None


def _row(crystal: Geometry, frame: _Frame, moves: Floats | float) -> dict[str, Any]:
    """Return the record of a frame of a crystal, its ions moved further by Å."""
    deformation = np.eye(3) + frame.strain
    moved = replace(
        crystal,
        positions=crystal.positions @ deformation + moves,
        cell=crystal.cell @ deformation,
        name=f"{crystal.name}#{frame.name}",
    )
    return record_of(moved) | {
        "kind": frame.kind,
        "forces": [[0.0, 0.0, 0.0]] * len(crystal),
        "stress": to_lists(np.round(frame.stress / EV_PER_A3, 8)),
    }
