"""The catalogue of physical tensors."""

from .catalog import catalog
from .entry import PhysicalTensor

__all__ = ["PhysicalTensor", "catalog"]
