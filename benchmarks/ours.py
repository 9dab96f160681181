"""Our network as a potential: what is measured, here or in a process of its own."""

from __future__ import annotations

import sys
from typing import Any

from carnet_model.compiled.compilation import compile_kernels
from carnet_model.compiled.radial_tables import tabulate
from carnet_model.potentials.derivatives import energy_and_derivatives

from .rivals.worker import Network, Result, serve
from .systems import Case

MODES = ("compiled", "compiled, tables", "eager")


class Ours:
    """Our network on a case.

    Args:
        case: system and settings.
        mode: one of `MODES`.
    """

    def __init__(self, case: Case, mode: str) -> None:
        self.batch, self.model = case.batch(), case.model()
        self.mode = mode
        if mode != "eager":
            compile_kernels(self.model, "always")
        if mode.endswith("tables"):
            tabulate(self.model, sorted(set(case.geometry.numbers.tolist())))

    def forces(self) -> Result:
        """Return energy and forces."""
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
            self.forces, None if self.mode.endswith("tables") else self.fit,
        )  # fmt: skip


if __name__ == "__main__":

    def build(case: dict[str, Any]) -> Network:
        """Build the network of the mode named on the command line."""
        return Ours(Case.of(case), sys.argv[1]).network()

    serve(sys.argv[1], build, sys.argv[2])
