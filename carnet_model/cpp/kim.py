"""Potentials written out as portable models of the KIM API, version 2 (https://openkim.org)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ase.data import chemical_symbols

from codegen.network.kim import KimModel
from natural_tensors import __version__
from natural_tensors.files import saving

from ..network.model import CarNet
from ..structures.elements import ELEMENTS
from .files import ProgramError, Written
from .writing import write

UNIT = "eV"
"""Of the energies of a portable model; simulation programs convert."""


@dataclass(frozen=True)
class Portable:
    """The files of a portable model.

    Attributes:
        program: those of the network.
        source: what stands between the KIM API and the network.
        build: what CMake reads.
    """

    program: Written
    source: Path
    build: Path


def write_portable(
    networks: Sequence[CarNet],
    folder: str | Path,
    *,
    name: str = "",
    elements: Collection[int] = (),
) -> Portable:
    """Write a potential, or the members of an ensemble, as a model that simulation programs run.

    Args:
        networks: with the same targets and cutoff.
        folder: where the files go, made when it is missing; files of that name are replaced.
        name: of the model; that of the folder when left out.
        elements: atomic numbers that it knows; all when left out.

    Raises:
        ProgramError: when the name is no name in C, there is no energy, or it is not in eV.
    """
    targets = networks[0].targets
    energy = next((each for each in targets if each.potential), None)
    if energy is None:
        raise ProgramError(
            f"a portable model is a potential; this network predicts no energy, but "
            f"{', '.join(each.key for each in targets)}: write it with --target cpp"
        )
    if energy.unit != UNIT:
        raise ProgramError(
            f"this potential is in {energy.unit or 'an unknown unit'}; needed: {UNIT}. Train with "
            f"labels in {UNIT}"
        )
    program = write(networks, folder, name=name, elements=elements, target=energy.key)
    species = sorted(set(elements) or range(1, ELEMENTS))
    model = KimModel(
        program.name,
        f"{program.name}, natural-tensors {__version__}",
        tuple((number, chemical_symbols[number]) for number in species),
        program.weights.stat().st_size,
    )
    source = program.source.with_name(f"{program.name}_kim.cpp")
    build = program.source.with_name("CMakeLists.txt")
    saving.write_bytes(str(source), model.source().encode())
    saving.write_bytes(str(build), model.build().encode())
    return Portable(program, source, build)
