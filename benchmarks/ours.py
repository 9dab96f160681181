"""Our network as a potential: what is measured, here or in a process of its own."""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import torch

from carnet_model.compiled.compilation import compile_kernels
from carnet_model.compiled.radial_tables import tabulate
from carnet_model.cpp.building import build
from carnet_model.cpp.library import Bonded
from carnet_model.cpp.writing import write
from carnet_model.potentials.derivatives import energy_and_derivatives

from .rivals.session import Network, Result, serve
from .systems import Case

MODES = ("C++ program", "compiled", "compiled, tables", "eager")


class Ours:
    """Our network on a case.

    Args:
        case: system and settings.
        mode: one of `MODES`.
    """

    def __init__(self, case: Case, mode: str) -> None:
        self.batch, self.model = case.batch(), case.model()
        self.mode, self.program = mode, None
        elements = sorted(set(case.geometry.numbers.tolist()))
        if mode.startswith("compiled"):
            compile_kernels(self.model, "always")
        if mode.endswith("tables"):
            tabulate(self.model, elements)
        if mode == "C++ program":
            with tempfile.TemporaryDirectory() as folder:
                written = write([self.model], folder, name="network", elements=elements)
                self.program = build(written, precision="single", elements=elements)
            self.bonded = Bonded.of(
                self.batch.numbers, self.batch.receivers, self.batch.senders, self.batch.vectors()
            )

    def forces(self) -> Result:
        """Return energy and forces."""
        if self.program is not None:
            response = self.program.potential(self.bonded, threads=torch.get_num_threads())
            return torch.tensor([response.energy]), torch.from_numpy(response.forces)
        found = energy_and_derivatives(self.model, self.batch)
        return found.energy, found.forces

    def fit(self) -> Result:
        """Return energy and forces, differentiable by the parameters."""
        found = energy_and_derivatives(self.model, self.batch, create_graph=True)
        return found.energy, found.forces

    def network(self) -> Network:
        """Return the same as the workers of rivals describe theirs."""
        return Network(
            "natural-tensors", len(self.batch.numbers), len(self.batch.senders), self.model,
            self.forces, self.fit if self.mode in ("compiled", "eager") else None,
        )  # fmt: skip


if __name__ == "__main__":

    def network(case: dict[str, Any]) -> Network:
        """Build the network of the mode named on the command line."""
        return Ours(Case.of(case), sys.argv[1]).network()

    serve(sys.argv[1], network, sys.argv[2])
