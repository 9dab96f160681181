"""Networks for the simulation programs of others."""

from .ase import CarNetCalculator

__all__ = ["CarNetCalculator"]
