"""PyTorch and NumPy source text from the exact operators of natural_tensors."""

from .module import Target, is_intact, load, report, source
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
    "is_intact",
    "load",
    "report",
    "source",
]
