"""Second derivatives of any calculator of ASE, from finite differences of forces and stresses.

What `potentials.second_derivatives` has of our networks exactly, for every potential by six
evaluations an atom and twelve more: force constants, internal strain and stiffness, and so whether
a crystal is a minimum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase.calculators.calculator import BaseCalculator
from ase.stress import voigt_6_to_full_3x3_stress

from natural_tensors.arrays import Floats
from natural_tensors.errors import translated

from ..potentials.second_derivatives import UNIT_STRAINS, Mechanics, MechanicsError, require_volume
from ..structures.geometry import Geometry
from ..structures.units import EV_PER_A3

DISPLACEMENT = 0.01
"""Å, of an atom, either way."""

STRAIN = 0.005
"""Engineering shear, or share of a length, either way."""

NOISE = 1e-4
"""Share of the largest eigenvalue of the force constants that the differences, and a calculator in
single precision, cannot tell from zero."""


def finite_differences(
    calculator: BaseCalculator,
    structure: Geometry,
    *,
    displacement: float = DISPLACEMENT,
    strain: float = STRAIN,
) -> Mechanics:
    """Return the second derivatives of the energy of a crystal, by central differences.

    The stiffness is the derivative of the stress, symmetrized: that of the energy where no stress
    is left, so relax the crystal first. Translations are projected out: they cost exactly nothing.

    Args:
        calculator: with forces and stress.
        structure: the crystal.
        displacement: of every atom along every axis, Å.
        strain: of every kind.

    Raises:
        MechanicsError: when it is no crystal.
    """
    volume = require_volume(structure)
    atoms = structure.to_ase(calculator)
    places, cell = atoms.get_positions(), atoms.cell.array.copy()
    forces, stress = atoms.get_forces(), atoms.get_stress()

    def ends(positions: Floats, box: Floats) -> tuple[Floats, Floats]:
        atoms.set_cell(box)
        atoms.set_positions(positions)
        return atoms.get_forces().ravel(), atoms.get_stress()

    coupling, clamped = np.zeros((forces.size, 6)), np.zeros((6, 6))
    for number, unit in enumerate(UNIT_STRAINS):
        plus, minus = (
            ends(places @ deformation, cell @ deformation)
            for deformation in (np.eye(3) + strain * unit, np.eye(3) - strain * unit)
        )
        coupling[:, number] = (minus[0] - plus[0]) / (2 * strain)
        clamped[number] = (plus[1] - minus[1]) / (2 * strain)
    constants = np.zeros((forces.size, forces.size))
    for number in range(forces.size if len(structure) > 1 else 0):
        step = np.zeros(forces.size)
        step[number] = displacement
        plus, minus = (ends(places + sign * step.reshape(-1, 3), cell) for sign in (1, -1))
        constants[number] = (minus[0] - plus[0]) / (2 * displacement)
    still = np.eye(forces.size) - np.tile(np.eye(3), (len(structure),) * 2) / len(structure)
    return Mechanics(
        force_constants=still @ (constants + constants.T) @ still / 2,
        internal_strain=still @ coupling,
        clamped=(clamped + clamped.T) / 2 * EV_PER_A3,
        forces=forces,
        stress=voigt_6_to_full_3x3_stress(stress) * EV_PER_A3,
        volume=volume,
        noise=NOISE,
    )


def ion_response(calculator: BaseCalculator) -> Callable[[Geometry], Floats]:
    """Return what says how the ions of a crystal relax under a strain, by `Mechanics.ion_response`.

    Whatever the calculator raises is a `MechanicsError` there: a crystal less, not the end of many.

    Args:
        calculator: with forces and stress.
    """

    def response(structure: Geometry) -> Floats:
        with translated(lambda reason: MechanicsError(f"{structure.name}: {reason}")):
            return finite_differences(calculator, structure).ion_response

    return response
