"""Elastic stiffness in numbers: stability, moduli, directional properties, waves, parts."""

from .directional import (
    linear_compressibility,
    poisson_range,
    poisson_ratio,
    shear_modulus,
    shear_range,
    youngs_modulus,
)
from .polycrystals import Moduli, moduli
from .stability import KelvinModes, describe_strain, is_stable, kelvin_modes, kelvin_moduli
from .stiffness import (
    MANDEL_FACTORS,
    ROUNDING,
    VOIGT_FACTORS,
    check_stiffness,
    compliance,
    isotropic,
    mandel,
)
from .waves import SoundWaves, christoffel, sound_velocities

__all__ = [
    "MANDEL_FACTORS",
    "ROUNDING",
    "VOIGT_FACTORS",
    "KelvinModes",
    "Moduli",
    "SoundWaves",
    "check_stiffness",
    "christoffel",
    "compliance",
    "describe_strain",
    "is_stable",
    "isotropic",
    "kelvin_modes",
    "kelvin_moduli",
    "linear_compressibility",
    "mandel",
    "moduli",
    "poisson_range",
    "poisson_ratio",
    "shear_modulus",
    "shear_range",
    "sound_velocities",
    "youngs_modulus",
]
