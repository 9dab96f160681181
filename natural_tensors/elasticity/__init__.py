"""Elastic stiffness in numbers: stability, moduli, directional properties, waves, parts."""

from .bounds import DirectionalExtremes, Extremes, extremes
from .directional import (
    linear_compressibility,
    poisson_range,
    poisson_ratio,
    shear_modulus,
    shear_range,
    youngs_modulus,
)
from .parts import Decomposition, decomposition
from .polycrystals import Moduli, moduli
from .stability import (
    KelvinModes,
    describe_strain,
    is_stable,
    kelvin_modes,
    kelvin_moduli,
    weakest_mode,
)
from .stiffness import (
    MANDEL_FACTORS,
    ROUNDING,
    VOIGT_FACTORS,
    check_stiffness,
    compliance,
    isotropic,
    mandel,
)
from .summaries import ElasticSummary, summary
from .waves import (
    SoundWaves,
    VelocityExtremes,
    christoffel,
    debye_temperature,
    debye_temperature_isotropic,
    debye_velocity,
    sound_velocities,
    velocity_extremes,
)

__all__ = [
    "MANDEL_FACTORS",
    "ROUNDING",
    "VOIGT_FACTORS",
    "Decomposition",
    "DirectionalExtremes",
    "ElasticSummary",
    "Extremes",
    "KelvinModes",
    "Moduli",
    "SoundWaves",
    "VelocityExtremes",
    "check_stiffness",
    "christoffel",
    "compliance",
    "debye_temperature",
    "debye_temperature_isotropic",
    "debye_velocity",
    "decomposition",
    "describe_strain",
    "extremes",
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
    "summary",
    "velocity_extremes",
    "weakest_mode",
    "youngs_modulus",
]
