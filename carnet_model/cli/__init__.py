"""The command line ``carnet``: predict tensors of structures; evaluate, train, look after data."""

from . import data, predict, train
from .program import app, main

__all__ = ["app", "data", "main", "predict", "train"]
