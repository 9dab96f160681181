"""Equivariant networks that predict tensors of crystals and molecules.

    import carnet_model
    model = carnet_model.load("elastic")
    print(model.predict("si.cif").stiffness)

Importing the package loads no PyTorch; predicting and training do.
"""

from .data.examples import Example
from .data.labels import LabelSource
from .data.reading import read_examples
from .network.targets import Target
from .prediction.predictor import Predictor, load
from .prediction.result import Failure, Prediction, PredictionError
from .structures.conversion import geometry
from .structures.geometry import Geometry, GeometryError
from .structures.reading import read_geometries
from .weights.shipped import ModelError, shipped

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
