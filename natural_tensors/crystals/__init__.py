"""Tensors of crystals: point groups, symbolic forms, frames and checks."""

from .tensor import CrystalTensor

__all__ = ["CrystalTensor"]
