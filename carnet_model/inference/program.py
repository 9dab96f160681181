"""Networks run by their C++ program: no PyTorch, and nothing to compile."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from natural_tensors.arrays import Floats
from natural_tensors.limits import limit

from ..compiled.mode import Mode
from ..cpp.files import Precision, ProgramError
from ..cpp.library import Bonded, Network
from ..network.targets import Target
from ..structures.graph import Graph
from .networks import Response, ResponseError, potential_of

if TYPE_CHECKING:  # it loads PyTorch
    from ..network.model import CarNet

OPENMP = "OMP_NUM_THREADS"
"""Variable of the environment that says how many threads a process may take."""


class ProgramNetworks:
    """Networks in a library; see :class:`.networks.Networks`.

    Structures of a batch are shared out among threads, each of which works on one structure; a
    structure alone has all threads.

    Args:
        network: the library.
        targets: what it predicts, those of its description in that order.
        precision: of the library.
        needs_volume: whether a network in it reads the volume of the cell.
        load: reads the same networks as modules of PyTorch.
    """

    def __init__(
        self,
        network: Network,
        targets: Sequence[Target],
        precision: Precision,
        needs_volume: bool,
        load: Callable[[], tuple[CarNet, ...]],
    ) -> None:
        self.network, self.targets = network, tuple(targets)
        self.precision: Precision = precision
        self.needs_volume = needs_volume
        self.cutoff, self.count = network.cutoff, network.members
        self.by_program = self.ready = True
        self._load = load
        self._models: tuple[CarNet, ...] | None = None

    @property
    def models(self) -> tuple[CarNet, ...]:
        """The networks as modules of PyTorch, read when they are first asked for."""
        if self._models is None:
            self._models = self._load()
        return self._models

    def compile(self, mode: Mode) -> str | None:
        """Do nothing: a program is compiled."""
        return None

    def copy(self) -> ProgramNetworks:
        """Return the same networks; they share a library, which holds no state."""
        return ProgramNetworks(
            self.network, self.targets, self.precision, self.needs_volume, self._load
        )

    def tabulate(self, elements: Sequence[int]) -> None:
        """Read radial functions from tables."""
        try:
            self.network = Network(self.network.library, self.network.weights, sorted(elements))
        except ProgramError as error:
            raise ResponseError(f"no tables: {error}") from error

    def respond(
        self, graphs: Sequence[Graph], keys: Collection[str], *, derivatives: bool = False
    ) -> Response:
        """Compute what is asked of structures, several at once."""
        allowed = thread_count()
        at_once = min(allowed, len(graphs))

        def of_one(graph: Graph) -> Response:
            return self._of_one(graph, keys, derivatives, allowed // at_once)

        try:
            if at_once == 1:
                found = [of_one(graph) for graph in graphs]
            else:
                with ThreadPoolExecutor(at_once) as pool:
                    found = list(pool.map(of_one, graphs))
        except ProgramError as error:
            raise ResponseError(str(error)) from error
        packed = {}
        for target in self.targets:
            if target.key in keys:
                tensors = np.concatenate([each.packed[target.key] for each in found], axis=1)
                rows = target.reduction.pack(
                    tensors, invalid="ignore"
                )  # what is not finite stays so
                packed[target.key] = np.asarray(rows, dtype=np.float64)
        if not derivatives:
            return Response(packed)
        forces = [each.forces for each in found if each.forces is not None]
        strains = [each.strain_derivatives for each in found if each.strain_derivatives is not None]
        return Response(packed, np.concatenate(forces, axis=1), np.concatenate(strains, axis=1))

    def _of_one(
        self, graph: Graph, keys: Collection[str], derivatives: bool, threads: int
    ) -> Response:
        """Return what is computed for one structure, tensors with all Cartesian components."""
        bonded = Bonded.of(
            graph.numbers,
            graph.receivers,
            graph.senders,
            graph.vectors(),
            abs(float(np.linalg.det(graph.cell))),
        )
        energy = potential_of(self.targets) if derivatives else None
        tensors: dict[str, Floats] = {}
        for target in self.targets:
            if target.key in keys and target != energy:
                members = [
                    self.network.tensor(target.key, bonded, member=member, threads=threads)
                    for member in range(self.count)
                ]
                atoms = target.pooling == "atoms"
                tensors[target.key] = np.stack(members) if atoms else np.stack(members)[:, None]
        if energy is None:
            return Response(tensors)
        found = [
            self.network.potential(bonded, member=member, threads=threads)
            for member in range(self.count)
        ]
        if energy.key in keys:
            tensors[energy.key] = np.array([[each.energy] for each in found])
        return Response(
            tensors,
            np.stack([each.forces for each in found]),
            -np.stack([each.virial for each in found])[:, None],
        )


def thread_count() -> int:
    """Return how many threads this process may use."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        cores = os.cpu_count() or 1
    asked = os.environ.get(OPENMP, "").split(",")[0].strip()
    wanted = int(asked) if asked.isdecimal() and int(asked) > 0 else cores
    return max(1, min(wanted, limit("threads")))
