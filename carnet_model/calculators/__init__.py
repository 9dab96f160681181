"""Networks for the simulation programs of others, and crystals under their potentials."""

from .ase import CarNetCalculator
from .solids import Elastic, by_strain, elastic_constants, relax

__all__ = ["CarNetCalculator", "Elastic", "by_strain", "elastic_constants", "relax"]
