"""PyTorch, NumPy and C++ source text from the exact operators of natural_tensors."""

from .generation import is_intact, report, source
from .loading import fingerprint, load
from .programs.program import Program
from .recipes.closed_form import ClosedFormRecipe
from .recipes.convolution import ConvolutionRecipe
from .recipes.coupling import CouplingRecipe, RotationRecipe
from .recipes.expression import ExpressionRecipe
from .recipes.harmonics import HarmonicsRecipe
from .recipes.invariants import InvariantsRecipe
from .recipes.product import ProductRecipe
from .recipes.recipe import Recipe
from .recipes.tensor import TensorRecipe
from .targets.registry import Target

__all__ = [
    "ClosedFormRecipe",
    "ConvolutionRecipe",
    "CouplingRecipe",
    "ExpressionRecipe",
    "HarmonicsRecipe",
    "InvariantsRecipe",
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
