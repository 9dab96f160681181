"""Equivariant networks that predict tensors of crystals and molecules.

    import carnet_model
    model = carnet_model.load("elastic")
    print(model.predict("si.cif").stiffness)

Importing the package loads no PyTorch; predicting and training do.
"""

from .dataset import Example, LabelSource, read_examples
from .geometry import Geometry, GeometryError, geometry, read_geometries
from .prediction import (
    Failure,
    ModelError,
    Prediction,
    PredictionError,
    Predictor,
    load,
    shipped,
)
from .targets import Target

__all__ = [
    "Example",
    "Failure",
    "Geometry",
    "GeometryError",
    "LabelSource",
    "ModelError",
    "Prediction",
    "PredictionError",
    "Predictor",
    "Target",
    "geometry",
    "load",
    "read_examples",
    "read_geometries",
    "shipped",
]
