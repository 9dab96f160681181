"""Everything that follows from a stiffness, in one value and as nested lists."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Floats, Json, to_lists
from .bounds import DirectionalExtremes, Extremes, extremes
from .parts import Decomposition, decomposition
from .polycrystals import Moduli, moduli
from .stability import KelvinModes, is_stable, kelvin_modes
from .waves import (
    VelocityExtremes,
    debye_temperature,
    debye_temperature_isotropic,
    debye_velocity,
    velocity_extremes,
)

ENDINGS = {"GPa": "_gpa", "1/TPa": "_per_tpa", "": ""}
"""How a key of the dictionary for JSON ends for each unit."""


@dataclass(frozen=True, eq=False, repr=False)
class ElasticSummary:
    """What follows from each stiffness of a batch.

    Attributes:
        stable: whether every strain costs energy, shape ``batch``.
        kelvin: Kelvin moduli and strains.
        moduli: of the polycrystal.
        extremes: of the directional properties.
        decomposition: natural parts and Cauchy's relations.
        velocities: slowest and fastest wave; None without a density.
        debye_velocity_m_s: m/s; None without a density.
        debye_temperature_k: K; None without a density or a number of atoms.
        debye_temperature_isotropic_k: K, from the moduli of Hill; None likewise.
    """

    stable: NDArray[np.bool_]
    kelvin: KelvinModes
    moduli: Moduli
    extremes: DirectionalExtremes
    decomposition: Decomposition
    velocities: VelocityExtremes | None = None
    debye_velocity_m_s: Floats | None = None
    debye_temperature_k: Floats | None = None
    debye_temperature_isotropic_k: Floats | None = None

    def __repr__(self) -> str:
        if np.ndim(self.stable):
            return f"ElasticSummary(batch of shape {np.shape(self.stable)})"
        lines = ["stable" if self.stable else "unstable", repr(self.moduli)]
        lines += [repr(one) for one in self.extremes]
        lines.append(repr(self.decomposition))
        if self.velocities is not None:
            lines.append(repr(self.velocities))
        if self.debye_temperature_k is not None:
            lines.append(f"Debye temperature {self.debye_temperature_k:.1f} K")
        return "ElasticSummary(\n" + "".join(f"  {line},\n" for line in lines) + ")"

    def to_dict(self) -> dict[str, Json]:
        """Return nested lists for JSON.

        A key ends in the unit of its numbers (``_gpa``, ``_per_tpa``, ``_m_s``, ``_k``) or they
        have none. What has no value is None; what was not asked for is left out.
        """
        result: dict[str, Json] = {
            "stable": to_lists(self.stable),
            "kelvin_moduli_gpa": to_lists(self.kelvin.moduli_gpa),
            "kelvin_strains": to_lists(self.kelvin.strains),
        }
        for field in fields(self.moduli):
            ending = "" if field.name.startswith(("poisson", "universal", "log")) else "_gpa"
            result[field.name + ending] = to_lists(getattr(self.moduli, field.name))
        for field in fields(self.extremes):
            result[field.name] = _extremes(getattr(self.extremes, field.name))
        parts = self.decomposition
        result |= {
            "norm_gpa": to_lists(parts.norm_gpa),
            "weight_norms_gpa": {str(k): to_lists(v) for k, v in parts.weight_norms_gpa.items()},
            "weight_shares": {str(k): to_lists(v) for k, v in parts.weight_shares.items()},
            "cauchy_differences_gpa": {
                k: to_lists(v) for k, v in parts.cauchy_differences_gpa.items()
            },
            "asymmetric_share": to_lists(parts.asymmetric_share),
        }
        if self.velocities is not None:
            speeds = self.velocities
            result["velocities"] = {
                field.name: to_lists(getattr(speeds, field.name)) for field in fields(speeds)
            }
        for name in ("debye_velocity_m_s", "debye_temperature_k", "debye_temperature_isotropic_k"):
            if getattr(self, name) is not None:
                result[name] = to_lists(getattr(self, name))
        return result


def _extremes(one: Extremes) -> dict[str, Json]:
    ending = ENDINGS[one.unit]
    result: dict[str, Json] = {
        f"minimum{ending}": to_lists(one.minimum),
        f"maximum{ending}": to_lists(one.maximum),
    }
    result["ratio"] = to_lists(one.ratio)
    for name in ("direction", "transverse"):
        for end in ("minimum", "maximum"):
            vectors = getattr(one, f"{end}_{name}")
            if vectors is not None:
                result[f"{end}_{name}"] = to_lists(vectors)
    return result


def summary(
    stiffness: ArrayLike,
    *,
    density_kg_m3: ArrayLike | None = None,
    atoms_per_m3: ArrayLike | None = None,
) -> ElasticSummary:
    """Return everything that follows from a stiffness.

    Args:
        stiffness: shape ``batch + (6, 6)``, GPa.
        density_kg_m3: ρ in kg/m³, for waves; a number or a shape that broadcasts to ``batch``.
        atoms_per_m3: atoms per m³, for the Debye temperature, likewise.

    Raises:
        ValueError: when a density is not positive, or atoms are given without a density.
    """
    if atoms_per_m3 is not None and density_kg_m3 is None:
        raise ValueError(
            "atoms_per_m3 was given without density_kg_m3; the Debye temperature needs both"
        )
    speeds = mean = temperature = isotropic = None
    if density_kg_m3 is not None:
        speeds = velocity_extremes(stiffness, density_kg_m3)
        mean = debye_velocity(stiffness, density_kg_m3)
        if atoms_per_m3 is not None:
            temperature = debye_temperature(stiffness, density_kg_m3, atoms_per_m3)
            isotropic = debye_temperature_isotropic(stiffness, density_kg_m3, atoms_per_m3)
    return ElasticSummary(
        stable=is_stable(stiffness),
        kelvin=kelvin_modes(stiffness),
        moduli=moduli(stiffness),
        extremes=extremes(stiffness),
        decomposition=decomposition(stiffness),
        velocities=speeds,
        debye_velocity_m_s=mean,
        debye_temperature_k=temperature,
        debye_temperature_isotropic_k=isotropic,
    )
