"""The command line ``natural-tensors``: the parts of a tensor, from a terminal."""

from . import app, catalogue, decompose, form, report, so3
from .app import main

__all__ = ["app", "catalogue", "decompose", "form", "main", "report", "so3"]
