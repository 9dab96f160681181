"""The command line ``carnet``: predict tensors of structures; evaluate, train, look after data."""

from . import data, elastic, export, predict, train
from .program import app, main

__all__ = ["app", "data", "elastic", "export", "main", "predict", "train"]
