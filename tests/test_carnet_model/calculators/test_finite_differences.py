"""Second derivatives by differences: those of our networks, and a minimum told from a saddle."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.elastic_constants import from_finite_strains
from carnet_model.calculators.finite_differences import finite_differences
from carnet_model.potentials.second_derivatives import Mechanics, MechanicsError, mechanics
from carnet_model.prediction.predictor import load
from carnet_model.relaxation.relaxing import relax
from carnet_model.structures.conversion import geometry
from tests.helpers.tiny_potentials import water


@pytest.mark.slow
def test_differences_are_the_derivatives_of_the_network() -> None:
    potential = load("silicon", precision="double", program="never")
    atoms = bulk("Si")
    atoms.rattle(0.02, seed=0)
    crystal = relax(CarNetCalculator(potential), geometry(atoms), force=1e-4).at_rest()
    exact = mechanics(potential.models, crystal)
    found = finite_differences(CarNetCalculator(potential), crystal)
    # a step of 0.01 Å is 1e-3 of the length over which force constants change: errors of 1e-4
    for name in ("force_constants", "internal_strain", "clamped", "stiffness"):
        truth = getattr(exact, name)
        assert abs(getattr(found, name) - truth).max() < 1e-3 * abs(truth).max(), name
    assert found.forces == pytest.approx(exact.forces, abs=1e-9)
    assert found.stress == pytest.approx(exact.stress, abs=1e-9)
    assert found.volume == exact.volume


def test_copper_has_the_stiffness_of_its_strained_cells() -> None:
    copper = relax(EMT(), geometry(bulk("Cu", cubic=True)), force=1e-4).at_rest()
    found = finite_differences(EMT(), copper)
    assert found.force_constants.sum(axis=0) == pytest.approx(np.zeros(12), abs=1e-9)
    # cubic, and every atom a centre of inversion: no internal strain
    assert found.stiffness == pytest.approx(found.clamped, abs=1e-6)
    relaxed_in_strain = from_finite_strains(EMT(), copper, force=1e-4)
    assert found.stiffness == pytest.approx(relaxed_in_strain, abs=0.1)
    assert found.stiffness[0, 0] > 100


def test_a_saddle_is_no_minimum() -> None:
    stretched = bulk("Cu", "sc", a=2.4) * (2, 1, 1)
    crystal = relax(EMT(), geometry(stretched), force=1e-3).at_rest()
    with pytest.raises(MechanicsError, match="is no minimum"):
        finite_differences(EMT(), crystal).stiffness  # noqa: B018  # a property that refuses


def test_noise_of_the_differences_is_no_mode() -> None:
    soft = np.diag([0.0, 0, 0, -5e-5, 1, 1])
    none = np.zeros((6, 6))
    still = Mechanics(soft, none, np.eye(6), np.zeros((2, 3)), np.zeros((3, 3)), 1.0, noise=1e-4)
    assert still.stiffness == pytest.approx(np.eye(6))
    with pytest.raises(MechanicsError, match="eigenvalue -5e-05"):
        Mechanics(soft, none, np.eye(6), np.zeros((2, 3)), np.zeros((3, 3)), 1.0).stiffness  # noqa: B018


def test_molecules_have_no_stiffness() -> None:
    with pytest.raises(MechanicsError, match="needs three"):
        finite_differences(EMT(), water())
