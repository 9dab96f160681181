"""Tensors of the plane: reductions, point groups, forms and the elasticity of 2-D materials."""

from .elasticity import NumericSheet, sheet
from .forms import PlaneForm, form
from .point_groups import PlaneGroup, point_group
from .reductions import PlaneReduction, reduction
from .symbolic import SymbolicSheet, stability_conditions

__all__ = [
    "NumericSheet",
    "PlaneForm",
    "PlaneGroup",
    "PlaneReduction",
    "SymbolicSheet",
    "form",
    "point_group",
    "reduction",
    "sheet",
    "stability_conditions",
]
