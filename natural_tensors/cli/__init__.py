"""The command line ``natural-tensors``: the parts of a tensor, from a terminal."""

from . import app, catalogue, decompose, form, invariants, report, so3
from .app import main

__all__ = ["app", "catalogue", "decompose", "form", "invariants", "main", "report", "so3"]
