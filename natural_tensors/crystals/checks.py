"""What to warn of in a tensor of a crystal: its unit, its stability, its point group."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .. import elasticity
from ..arrays import Floats
from ..elasticity.units import PRESSURES, in_gpa, unit_warning
from ..physical.catalog import catalog
from . import fitting
from .tensor import CrystalTensor

GROUP_TOLERANCE = 0.05
"""Share of its norm by which a tensor may violate its point group."""


REMARKABLE = 1e-3
"""Share of its norm above which a violation is remarked upon."""


ROTATION_TOLERANCE = 0.01
"""Distance that must be left, relative, for rotated axes to count as fitting."""


def in_usual_unit(tensor: str, values: ArrayLike, unit: str | None) -> tuple[Floats, str]:
    """Return numbers in the unit that this package states them in: GPa for a stiffness.

    Args:
        tensor: name in the catalogue, or an index symmetry.
        values: the numbers, any shape.
        unit: their unit; when omitted GPa for a stiffness, and otherwise that of the catalogue.

    Raises:
        ValueError: when a stiffness has a unit that is none of pressure.
    """
    array = np.asarray(values, dtype=np.float64)
    if tensor == "elastic":
        return in_gpa(array, unit or "GPa"), "GPa"
    if unit is None:
        unit = catalog[tensor].unit if tensor in catalog else ""
    return array, "" if unit == "1" else unit


def misfit(crystal: CrystalTensor) -> str | None:
    """Return by how much a tensor violates its point group, and what would mend it, as text.

    None within 5 % of its norm, or without a group.
    """
    if crystal.group is None or crystal.residual is None or crystal.residual <= GROUP_TOLERANCE:
        return None
    distance, setting = fitting.best_setting(crystal.tensor, crystal.values, crystal.group)
    share = f"{100 * crystal.residual:.1f} %"
    lines = [
        f"the tensor violates the point group {crystal.group} by {share} of its norm in these axes "
        f"({100 * GROUP_TOLERANCE:g} % are allowed)"
    ]
    if distance < max(ROTATION_TOLERANCE, 0.2 * crystal.residual):
        assert crystal.setting is not None
        rows = "; ".join(
            " ".join(f"{entry:z.4f}" for entry in row) for row in crystal.setting.T @ setting
        )
        lines.append(
            f"rotated by [{rows}] it fits within {100 * distance:.2g} %: it is stated in other axes"
        )
    else:
        fits = fitting.class_fits(crystal.tensor, crystal.values)
        best = next(fit for fit in fits if fit.distance <= fitting.DISTANCE_TOLERANCE)
        lines.append(
            f"no axes fit it better than {100 * distance:.1f} %; it fits {best.name} within "
            f"{100 * best.distance:.2g} %"
        )
        lines.append("check the point group, or take the mean of the tensor over it")
    return "\n".join(lines)


def warnings_for(
    crystal: CrystalTensor, *, expected_bulk_gpa: float | None = None
) -> tuple[str, ...]:
    """Return what a reader of the numbers should be warned of.

    Args:
        crystal: the tensor.
        expected_bulk_gpa: a bulk modulus from elsewhere that the unit is held against.
    """
    warnings = []
    if crystal.tensor == "elastic" and crystal.voigt is not None:
        if crystal.unit in PRESSURES:
            warning = unit_warning(
                in_gpa(crystal.voigt, crystal.unit), expected_bulk_gpa=expected_bulk_gpa
            )
            warnings += [warning] if warning else []
        if not elasticity.is_stable(crystal.voigt):
            modes = elasticity.kelvin_modes(crystal.voigt)
            warnings.append(
                f"not positive definite: the strain {elasticity.describe_strain(modes.strains[0])} "
                f"meets {modes.moduli_gpa[0]:.3g} GPa; directional properties have poles"
            )
    elif crystal.tensor == "dielectric" and crystal.reduction.rank == 2:
        least = float(np.linalg.eigvalsh(crystal.values)[0])
        if least < 1:
            warnings.append(
                f"the smallest principal value is {least:.3g}, below that of the vacuum, 1; the "
                "tensor of a static field is larger"
            )
    if crystal.residual is not None and crystal.residual > REMARKABLE:
        warnings.append(
            f"the tensor violates the point group {crystal.group} by "
            f"{100 * crystal.residual:.2g} % of its norm"
        )
    return tuple(warnings)
