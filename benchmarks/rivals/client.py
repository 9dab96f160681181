"""Rival packages at work in environments of their own, driven from this one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from typing import Any

from carnet_model.calculators.worker import Worker

WORKER = "benchmarks.rivals.worker"


class Rival(Worker):
    """A rival package at work in a process of another environment.

    Args:
        python: the interpreter of the rival's environment.
        name: which rival, as the worker knows it: "nequip", "nequip-compiled" or "mace".
        case: the structure and the settings of the network.
        timeout: how many seconds an answer may take, the first one too.
        module: what is run, found from the current folder.

    Attributes:
        ready: what the worker says of the network: version, edges, parameters, first calls.
    """

    def __init__(
        self, python: str, name: str, case: Mapping[str, Any], timeout: float = 600,
        module: str = WORKER,
    ) -> None:  # fmt: skip
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(dict(case), file)
            file.flush()
            super().__init__(name, [python, "-m", module, name, file.name], timeout)

    def ms(self, action: str) -> float:
        """Return the milliseconds of one call of "forces" or "train"."""
        return float(self.ask(action)["ms"])

    def peak(self) -> float:
        """Return how far a training step raises the worker's peak of memory, in MB."""
        return float(self.ask("peak")["mb"])
