"""Crystals under an interatomic potential: relaxed, and how stiff they then are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ase.calculators.calculator import Calculator
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE, LBFGS

from natural_tensors import from_voigt
from natural_tensors.arrays import Floats

from ..potentials.derivatives import require_potential
from ..potentials.second_derivatives import (
    PAIRS,
    Mechanics,
    MechanicsError,
    mechanics,
    require_volume,
)
from ..prediction.predictor import Predictor
from ..prediction.result import Prediction
from ..structures.conversion import geometry
from ..structures.geometry import Geometry
from ..structures.symmetry import structure_frame
from ..structures.units import EV_PER_A3
from .ase import CarNetCalculator

FORCE = 0.005
"""eV/Å: the largest force (and, with the cell, stress times volume) of what counts as relaxed."""

STEPS = 500

STRAIN = 0.005
"""Size of the finite strains of `from_finite_strains`."""


def relax(
    calculator: Calculator,
    structure: Geometry,
    *,
    cell: bool = True,
    force: float = FORCE,
    steps: int = STEPS,
) -> Geometry:
    """Return a structure where forces, and with the cell the stress, vanish.

    Args:
        calculator: any calculator of ASE with forces, and with stress if the cell moves.
        structure: where the relaxation starts.
        cell: let the lattice vectors move as well.
        force: stop below this largest force, eV/Å.
        steps: give up after this many.

    Raises:
        MechanicsError: when it does not end.
    """
    atoms = structure.to_ase(calculator)
    moving = FrechetCellFilter(atoms) if cell else atoms
    # far from a minimum the quasi-Newton step is no good: come near by damped dynamics first
    FIRE(moving, logfile=None).run(fmax=20 * force, steps=steps)
    if not LBFGS(moving, logfile=None).run(fmax=force, steps=steps):
        largest = float(np.linalg.norm(moving.get_forces(), axis=1).max())
        raise MechanicsError(
            f"{structure.name or 'the structure'}: {largest:.3g} eV/Å are left after {2 * steps} "
            f"steps of relaxation, allowed are {force:g}: start nearer to equilibrium, or raise "
            "--force"
        )
    return replace(geometry(atoms), name=structure.name)


@dataclass(frozen=True, eq=False)
class Elastic:
    """Elastic constants of a crystal under a potential.

    Attributes:
        prediction: the stiffness with relaxed ions, of the relaxed crystal, in its axes.
        mechanics: all second derivatives.
        volume_change: of the relaxation, relative.
    """

    prediction: Prediction
    mechanics: Mechanics
    volume_change: float


def elastic_constants(
    predictor: Predictor, structure: Geometry, *, relaxed: bool = True, force: float = FORCE
) -> Elastic:
    """Return the stiffness of a crystal from second derivatives of the energy, ions relaxed.

    Args:
        predictor: networks with an energy in eV.
        structure: a crystal.
        relaxed: relax cell and ions with the potential first; otherwise the structure has to be in
            equilibrium already.
        force: how far, eV/Å.

    Raises:
        MechanicsError: when it is no crystal of known elements, or the relaxation does not end in
            a minimum.
    """
    require_potential(predictor.models[0])
    start = require_volume(structure)
    unknown = predictor.domain.unknown(structure.numbers)
    if unknown:
        raise MechanicsError(
            f"{structure.name or 'the structure'}: this potential does not know "
            f"{', '.join(unknown)}; it knows {predictor.domain.known}"
        )
    final = structure
    if relaxed:
        final = relax(CarNetCalculator(predictor), structure, force=force)
    result = mechanics(predictor.models, final)
    change = result.volume / start - 1
    stiffness = result.stiffness
    residual = float(np.abs(result.stress).max())
    warnings = [f"stress of {residual:.3g} GPa is left"] if residual > 0.1 else []
    if abs(change) > 0.1:
        warnings.append(f"the volume changed by {100 * change:.1f} % in the relaxation")
    prediction = Prediction(
        structure=final,
        frame=structure_frame(final),
        target="elastic",
        unit="GPa",
        tensor=np.asarray(from_voigt(stiffness), dtype=np.float64),
        warnings=tuple(warnings),
        model=predictor.title,
    )
    return Elastic(prediction, result, change)


def from_finite_strains(
    calculator: Calculator, structure: Geometry, *, strain: float = STRAIN, force: float = FORCE
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
    """
    columns = []
    for i, j in PAIRS:
        unit = np.zeros((3, 3))
        unit[i, j] = unit[j, i] = 1.0 if i == j else 0.5  # engineering shear
        stresses = []
        for size in (strain, -strain):
            deformation = np.eye(3) + size * unit
            start = replace(
                structure,
                positions=structure.positions @ deformation,
                cell=structure.cell @ deformation,
            )
            final = relax(calculator, start, cell=False, force=force)
            stresses.append(final.to_ase(calculator).get_stress())
        columns.append((stresses[0] - stresses[1]) / (2 * strain) * EV_PER_A3)
    stiffness = np.array(columns)
    return np.asarray((stiffness + stiffness.T) / 2, dtype=np.float64)
