"""The command line ``carnet``: predict tensors of structures; evaluate, train, look after data."""

from . import data, elastic, predict, train
from .program import app, main

__all__ = ["app", "data", "elastic", "main", "predict", "train"]
