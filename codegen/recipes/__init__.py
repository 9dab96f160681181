"""What can be asked for, by the name it has on the command line."""

from .convolution import ConvolutionRecipe
from .coupling import CouplingRecipe, RotationRecipe
from .expression import ExpressionRecipe
from .harmonics import HarmonicsRecipe
from .invariants import InvariantsRecipe
from .product import ProductRecipe
from .recipe import Recipe
from .tensor import TensorRecipe

RECIPES: dict[str, type[Recipe]] = {
    "tensor": TensorRecipe,
    "harmonics": HarmonicsRecipe,
    "coupling": CouplingRecipe,
    "rotation": RotationRecipe,
    "convolution": ConvolutionRecipe,
    "product": ProductRecipe,
    "expression": ExpressionRecipe,
    "invariants": InvariantsRecipe,
}
