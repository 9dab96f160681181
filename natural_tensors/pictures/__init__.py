"""Pictures of the tensor of a crystal: surfaces, sections, natural parts, matrices."""

from .directional import NoPictureError, Property, properties
from .interactive import surface, surfaces
from .output import save
from .printed import distances, matrix, parts, sections, still, stills

__all__ = [
    "NoPictureError",
    "Property",
    "distances",
    "matrix",
    "parts",
    "properties",
    "save",
    "sections",
    "still",
    "stills",
    "surface",
    "surfaces",
]
