"""PyTorch, NumPy and C++ source text from the exact operators of natural_tensors."""

from .module import Target, fingerprint, is_intact, load, report, source
from .program import Program
from .recipes import (
    ConvolutionRecipe,
    CouplingRecipe,
    HarmonicsRecipe,
    ProductRecipe,
    Recipe,
    RotationRecipe,
    TensorRecipe,
)

__all__ = [
    "ConvolutionRecipe",
    "CouplingRecipe",
    "HarmonicsRecipe",
    "ProductRecipe",
    "Program",
    "Recipe",
    "RotationRecipe",
    "Target",
    "TensorRecipe",
    "fingerprint",
    "is_intact",
    "load",
    "report",
    "source",
]
