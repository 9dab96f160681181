"""What is measured in an environment of its own, and how it answers when it is asked.

Requests come a line each on the standard input, answers leave as a line of JSON on the standard
output; whatever else is printed goes to the standard error.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

WARMUP = 3

Result = tuple[torch.Tensor, torch.Tensor]


@dataclass
class Network:
    """A rival's network on one graph.

    Attributes:
        package: the distribution whose version is reported.
        atoms: how many atoms there are.
        edges: how many edges the graph has.
        model: the module that is trained.
        predict: energy and forces, without a graph for the gradients of the parameters.
        fit: energy and forces of `model`, differentiable by its parameters; None where it cannot
            be trained.
    """

    package: str
    atoms: int
    edges: int
    model: torch.nn.Module
    predict: Callable[[], Result]
    fit: Callable[[], Result] | None


def stepping(
    package: str, atoms: Any, calculator: Any, model: torch.nn.Module, cutoff: float
) -> Network:
    """Return a calculator of ASE, asked as dynamics do: every call has moved atoms.

    So neighbours, and whatever else a package does for a step, are part of it, stresses too.
    """
    from ase.neighborlist import neighbor_list

    atoms.calc = calculator
    places, draw = atoms.get_positions(), np.random.default_rng(0)

    def step() -> Result:
        atoms.set_positions(places + draw.normal(scale=1e-3, size=places.shape))
        return torch.tensor([atoms.get_potential_energy()]), torch.from_numpy(atoms.get_forces())

    edges = len(neighbor_list("i", atoms, cutoff))
    return Network(package, len(atoms), edges, model, step, None)


class Session:
    """The answers to requests about one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.optimizer = (
            torch.optim.Adam(network.model.parameters(), lr=1e-4) if network.fit else None
        )

    def train(self) -> None:
        """Take one step down a loss of both energy and forces."""
        assert self.network.fit is not None
        assert self.optimizer is not None
        self.optimizer.zero_grad()
        energy, forces = self.network.fit()
        loss = forces.square().mean() + (energy / self.network.atoms).square().mean()
        torch.autograd.backward(loss)
        self.optimizer.step()

    def seconds(self, action: str) -> float:
        """Return the time of one call."""
        call = self.train if action == "train" else self.network.predict
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    def peak(self) -> float:
        """Return how far a training step raises the peak of memory above its start, in MB."""
        return growth(self.train)

    def ready(self, name: str) -> dict[str, Any]:
        """Warm up, check the forces and return what describes the network."""
        network = self.network
        actions = ("forces", "train") if network.fit else ("forces",)
        first = {action: self.seconds(action) for action in actions}
        for _ in range(WARMUP):
            for action in first:
                self.seconds(action)
        forces = network.predict()[1]
        size = float(forces.square().mean().sqrt())
        if not (math.isfinite(size) and size > 0):
            raise ValueError(f"the forces of {name} are {size} in the mean square")
        return {
            "ready": True,
            "name": name,
            "version": version(network.package),
            "torch": torch.__version__,
            "edges": int(network.edges),
            "parameters": sum(
                p.numel()
                for p in network.model.parameters()
                if p.requires_grad or network.fit is None  # calculators freeze theirs
            ),
            "first_forces_s": first["forces"],
            "first_train_s": first.get("train"),
            "forces_rms": size,
        }

    def answer(self, request: str) -> dict[str, Any]:
        """Return the answer to one line."""
        if request in ("forces", "train"):
            start = time.process_time()
            seconds = self.seconds(request)
            used = time.process_time() - start
            return {"ms": 1e3 * seconds, "processor_ms": 1e3 * used}
        if request == "peak":
            return {"mb": self.peak()}
        return {"error": f"unknown request {request!r}"}


def growth(step: Callable[[], object]) -> float:
    """Return how far a step raises the peak of memory, in MB above what it starts from.

    Run it once before: a first step compiles and warms up. What earlier steps freed goes back to
    the system first, or it would hide the growth, and the high-water mark is reset where the
    system can; elsewhere it is that of the whole process.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before = _status("VmRSS")
        step()
        return _status("VmHWM") - before
    except OSError:
        step()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _status(key: str) -> float:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key))


def serve(name: str, build: Callable[[dict[str, Any]], Network], path: str) -> None:
    """Build a network for a case, say so, and answer until told to quit."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    with open(path) as file:
        case = json.load(file)
    torch.set_num_threads(case["threads"])
    torch.set_default_dtype(torch.float32)
    session = Session(build(case))
    print(json.dumps(session.ready(name)), file=answers)
    for line in sys.stdin:
        request = line.strip()
        if request == "quit":
            break
        print(json.dumps(session.answer(request)), file=answers)
