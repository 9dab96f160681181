"""Elastic constants of a crystal under a potential: two ways, relaxed first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from natural_tensors import from_voigt
from natural_tensors.arrays import Floats

from ..potentials.derivatives import require_potential
from ..potentials.second_derivatives import (
    LARGEST_FORCE,
    PAIRS,
    UNIT_STRAINS,
    Mechanics,
    MechanicsError,
    mechanics,
    require_volume,
)
from ..prediction.predictor import Predictor
from ..prediction.result import Prediction
from ..relaxation.relaxing import FORCE, STEPS, Relaxation, Step, relax
from ..structures.geometry import Geometry
from ..structures.symmetry import structure_frame
from .ase import CarNetCalculator

STRAIN = 0.005
"""Size of the finite strains of `from_finite_strains`."""

FINE = 0.001
"""eV/Å: how far ions relax in a strained cell. What is left of forces is divided by the strain."""

LARGEST_STRESS = 0.1
"""GPa that may be left without a warning."""


@dataclass(frozen=True, eq=False)
class Elastic:
    """Elastic constants of a crystal under a potential.

    Attributes:
        prediction: the stiffness with relaxed ions, of the relaxed crystal, in its axes.
        mechanics: all second derivatives; None where strains were finite.
        volume_change: of the relaxation, relative.
        relaxation: how it came to rest; None where it was relaxed already.
    """

    prediction: Prediction
    mechanics: Mechanics | None
    volume_change: float
    relaxation: Relaxation | None = None


def elastic_constants(
    predictor: Predictor,
    structure: Geometry,
    *,
    relaxed: bool = True,
    force: float = FORCE,
    tell: Callable[[Step], None] | None = None,
) -> Elastic:
    """Return the stiffness of a crystal from second derivatives of the energy, ions relaxed.

    Args:
        predictor: networks with an energy in eV.
        structure: a crystal.
        relaxed: relax cell and ions with the potential first; otherwise the structure has to be in
            equilibrium already.
        force: how far, eV/Å.
        tell: as in `relax`.

    Raises:
        MechanicsError: when it is no crystal of known elements, or comes to rest in no minimum.
        RelaxationError: when it does not come to rest.
    """
    require_potential(predictor.models[0])
    require_volume(structure)
    unknown = predictor.domain.unknown(structure.numbers)
    if unknown:
        raise MechanicsError(
            f"{structure.name or 'the structure'}: this potential does not know "
            f"{', '.join(unknown)}; it knows {predictor.domain.known}"
        )
    rest = (
        relax(CarNetCalculator(predictor), structure, force=force, tell=tell) if relaxed else None
    )
    final = structure if rest is None else rest.at_rest()
    result = mechanics(predictor.models, final)
    return _elastic(final, result.stiffness, result.stress, rest, predictor.title, result)


def elastic_constants_of(
    calculator: Any,
    structure: Geometry,
    *,
    title: str = "",
    relaxed: bool = True,
    force: float = FORCE,
    tell: Callable[[Step], None] | None = None,
) -> Elastic:
    """Return the stiffness of a crystal under any calculator, from finite strains, ions relaxed.

    Args:
        calculator: of ASE, with forces and stress.
        structure: a crystal.
        title: what computed it, for the prediction.
        relaxed: as in `elastic_constants`.
        force: how far it is relaxed, eV/Å; ions in strained cells at least to `FINE`.
        tell: as in `relax`.

    Raises:
        MechanicsError: when it is no crystal, or not in equilibrium.
        RelaxationError: when it, or a strained one, does not come to rest.
    """
    require_volume(structure)
    rest = relax(
        calculator,
        structure,
        force=force,
        steps=STEPS if relaxed else 0,
        symmetry=relaxed,
        tell=tell,
    )
    final = rest.at_rest() if relaxed else structure
    if rest.largest_force > LARGEST_FORCE:
        raise MechanicsError(
            f"{rest.name}: the largest force is {rest.largest_force:.3g} eV/Å, allowed are "
            f"{LARGEST_FORCE:g}: relax the structure with this potential first"
        )
    stiffness = from_finite_strains(calculator, final, force=min(force, FINE))
    stress = np.zeros((3, 3)) if rest.stress is None else rest.stress
    return _elastic(final, stiffness, stress, rest if relaxed else None, title, None)


def _elastic(
    final: Geometry,
    stiffness: Floats,
    stress: Floats,
    rest: Relaxation | None,
    title: str,
    second: Mechanics | None,
) -> Elastic:
    residual = float(np.abs(stress).max())
    warnings = [] if rest is None else list(rest.warnings)
    if residual > LARGEST_STRESS:
        warnings.append(f"stress of {residual:.3g} GPa is left")
    prediction = Prediction(
        structure=final,
        frame=structure_frame(final),
        target="elastic",
        unit="GPa",
        tensor=np.asarray(from_voigt(stiffness), dtype=np.float64),
        warnings=tuple(warnings),
        model=title,
    )
    change = 0.0 if rest is None else rest.volume_change or 0.0
    return Elastic(prediction, second, change, rest)


def from_finite_strains(
    calculator: Any, structure: Geometry, *, strain: float = STRAIN, force: float = FINE
) -> Floats:
    """Return the stiffness of a relaxed crystal from finite strains, as matcalc does.

    Each Voigt strain of either sign is applied, the ions relax in the fixed cell, and the stress
    is differentiated by the strain.

    Args:
        calculator: any calculator of ASE with stress.
        structure: a relaxed crystal.
        strain: size of the strains.
        force: how far the ions relax, eV/Å.

    Returns:
        GPa, Voigt without factors, symmetric, shape ``(6, 6)``.

    Raises:
        RelaxationError: when the ions of a strained crystal do not come to rest.
    """
    columns = []
    rows, places = np.array(PAIRS).T
    for unit in UNIT_STRAINS:
        stresses = []
        for size in (strain, -strain):
            deformation = np.eye(3) + size * unit
            start = replace(
                structure,
                positions=structure.positions @ deformation,
                cell=structure.cell @ deformation,
            )
            rest = relax(calculator, start, cell=False, force=force, symmetry=False)
            if rest.stress is None:
                raise MechanicsError(
                    f"{rest.name}: this calculator has no stress; a stiffness needs it"
                )
            rest.at_rest()
            stresses.append(rest.stress[rows, places])
        columns.append((stresses[0] - stresses[1]) / (2 * strain))
    stiffness = np.array(columns)
    return np.asarray((stiffness + stiffness.T) / 2, dtype=np.float64)
