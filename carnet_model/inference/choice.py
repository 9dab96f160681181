"""What runs networks: one decision, by the work there is and by what is built already.

A C++ program that is built runs everything. Where there is none, PyTorch runs the generated
functions at once, or compiled kernels after they are built or read from the cache, or the program
is built first: whichever is expected to end soonest. The unit of work is the radial weights of all
bonds, layers and networks; seconds are those of two cores of a shared server.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compiled.mode import Mode
from ..cpp.files import Precision, ProgramError
from ..data.fingerprints import Fingerprints
from ..structures.geometry import Geometry
from ..weights.record import CheckpointError
from .networks import Networks
from .programs import build_program, opened, program_of, use


@dataclass(frozen=True)
class Cost:
    """Seconds that a way to run networks takes.

    Attributes:
        built: before the first result, where what it needs is in the cache.
        unbuilt: the same where that has to be built first.
        rate: for ten to the nine radial weights.
    """

    built: float
    unbuilt: float
    rate: float


GENERATED = Cost(0.0, 0.0, 30.0)
KERNELS = Cost(0.2, 17.0, 2.6)
PROGRAM = Cost(0.1, 17.0, 2.0)
"""From figures of an elastic ensemble, single precision: ``docs/performance.md``."""

MOST_NEIGHBOURS = 60
"""Bonds of an atom of what has no volume, at most."""

WORTH_ASKING = 1.0
"""Seconds of the generated functions below which nothing else is considered."""


def fastest(work: float, *, kernels: bool, buildable: bool) -> Cost:
    """Return the way that is expected to end soonest, where no program is built.

    Args:
        work: radial weights, in ten to the nine.
        kernels: whether the cache holds the compiled kernels.
        buildable: whether the program could be built and kept.

    >>> fastest(0.01, kernels=False, buildable=True) is GENERATED
    True
    >>> fastest(1.0, kernels=False, buildable=False) is KERNELS
    True
    >>> fastest(100.0, kernels=True, buildable=True) is PROGRAM
    True
    """
    ways = {
        GENERATED: GENERATED.rate * work,
        KERNELS: (KERNELS.built if kernels else KERNELS.unbuilt) + KERNELS.rate * work,
    }
    if buildable:
        ways[PROGRAM] = PROGRAM.unbuilt + PROGRAM.rate * work
    return min(ways, key=lambda way: ways[way])


def open_checkpoint(
    folder: Path, precision: Precision, program: Mode = "auto"
) -> tuple[Networks, Mapping[str, Any], Fingerprints | None]:
    """Return the networks of a checkpoint, its record and the fingerprints of its training set.

    Args:
        folder: of the checkpoint.
        precision: what the networks compute in.
        program: take the C++ program where it is built; always, building it now; never.

    Raises:
        CheckpointError: when the checkpoint is missing or damaged.
        ProgramError: when the program is always to be taken, and cannot be built.
    """
    if program == "always" or (program == "auto" and use() != "never"):
        found = opened(folder, precision)
        if found is None and program == "always":
            build_program(folder, precision)
            found = opened(folder, precision)
        if found:
            return found
    from ..weights import checkpoint
    from .pytorch import TorchNetworks

    stored = checkpoint.load(folder)
    networks = TorchNetworks(stored.models, precision, folder)
    return networks, stored.record, stored.fingerprints


def own_networks(
    networks: Networks, precision: Precision, program: Mode, elements: Sequence[int]
) -> Networks:
    """Return networks for a user who may change them: the same, or run otherwise.

    Args:
        networks: what somebody else uses.
        precision: what the new ones compute in.
        program: as in :func:`open_checkpoint`; ``"auto"`` takes it where the networks have it.
        elements: atomic numbers that a program built now knows; all when empty.

    Raises:
        ProgramError: when the program is always to be taken, and cannot be built.
    """
    if program != "never" and networks.by_program and networks.precision == precision:
        return networks.copy()
    if program == "always":
        return program_of(networks.models, precision, elements)
    from .pytorch import TorchNetworks

    return TorchNetworks(networks.models, precision)


def for_work(networks: Networks, structures: Iterable[Geometry]) -> Networks:
    """Return what runs the same networks, and ends soonest with these structures.

    Args:
        networks: as they are opened; their kernels may be compiled in place.
        structures: all that will be asked of them now.
    """
    if networks.ready:
        return networks
    from codegen.compiled.toolchain import BuildError

    from ..compiled.compilation import kernels_are_kept
    from .pytorch import TorchNetworks

    if not isinstance(networks, TorchNetworks):
        return networks
    edges = sum(expected_edges(structure, networks.cutoff) for structure in structures)
    work = 1e-9 * edges * networks.work_per_edge
    if GENERATED.rate * work < WORTH_ASKING:
        return networks
    folder = networks.folder
    try:
        kernels = kernels_are_kept(networks.models)
    except BuildError:  # there is no compiler
        return networks
    way = fastest(work, kernels=kernels, buildable=folder is not None and use() == "auto")
    if way is PROGRAM and folder is not None:
        with suppress(ProgramError, CheckpointError):  # what a compiler refused is no hindrance
            return build_program(folder, networks.precision)[0]
    if way is not GENERATED:
        networks.compile()
    return networks


def expected_edges(structure: Geometry, cutoff: float) -> float:
    """Return about how many directed bonds a structure has, from its density alone."""
    atoms = len(structure)
    if structure.volume is None:
        return float(atoms * min(atoms - 1, MOST_NEIGHBOURS))
    return atoms**2 / structure.volume * 4 / 3 * math.pi * cutoff**3
