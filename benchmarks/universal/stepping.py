"""A potential of ours at work as the rivals' workers are: `python -m`, its name, a case."""

from __future__ import annotations

import sys
from typing import Any

import torch

from carnet_model.calculators.ase import CarNetCalculator

from ..rivals.session import Network, serve, stepping
from ..systems import Case


def network(case: dict[str, Any]) -> Network:
    """Return the potential named on the command line on a system, in the way the case states."""
    calculator = CarNetCalculator(sys.argv[1], precision=case["precision"], tables=case["tables"])
    networks = calculator.networks
    models = torch.nn.ModuleList(networks.models)
    atoms = Case.of(case).geometry.to_ase()
    return stepping("natural-tensors", atoms, calculator, models, networks.cutoff)


if __name__ == "__main__":
    serve(sys.argv[1], network, sys.argv[2])
