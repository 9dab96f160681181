"""Tensors of real crystals, shipped with the package: a textbook dozen and 41 DFT results."""

from .shipped import Example, UnknownExampleError, entries, load, names

__all__ = ["Example", "UnknownExampleError", "entries", "load", "names"]
