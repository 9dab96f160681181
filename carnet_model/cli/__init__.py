"""The command line ``carnet``: predict tensors of structures; evaluate, train, look after data."""

from . import data, export, predict, train
from .program import app, main

__all__ = ["app", "data", "export", "main", "predict", "train"]
