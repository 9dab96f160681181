"""The command line ``natural-tensors``: the parts of a tensor, from a terminal."""

from . import app, catalogue, decompose, elasticity, form, invariants, reconstruct, report, so3
from .app import main

__all__ = [
    "app", "catalogue", "decompose", "elasticity", "form", "invariants", "main", "reconstruct",
    "report", "so3",
]  # fmt: skip
