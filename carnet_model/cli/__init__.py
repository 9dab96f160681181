"""The command line ``carnet``: predict tensors of structures; evaluate, train, look after data."""

from . import app, data, elastic, evaluate, export, models, predict, report, train
from .app import main

__all__ = [
    "app", "data", "elastic", "evaluate", "export", "main", "models", "predict", "report", "train",
]  # fmt: skip
