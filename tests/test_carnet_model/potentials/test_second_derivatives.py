"""Second derivatives of a potential against finite differences, and what follows from symmetry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target, TargetError
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.potentials.second_derivatives import (
    PAIRS,
    Mechanics,
    MechanicsError,
    mechanics,
    position_derivatives,
)
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.units import EV_PER_A3
from natural_tensors.arrays import Floats
from tests.helpers.tiny_quartz import SETTINGS, graphs, potential, quartz, water


def forces_and_stress(model: CarNet, structure: Geometry) -> tuple[Floats, Floats]:
    found = energy_and_derivatives(model, graphs(structure), stress=True)
    assert found.stress is not None
    return found.forces.numpy(), found.stress[0].numpy() * EV_PER_A3


def strained(structure: Geometry, pair: tuple[int, int], size: float) -> Geometry:
    deformation = np.eye(3)
    deformation[pair] += size / 2
    deformation[pair[::-1]] += size / 2
    return replace(
        structure, positions=structure.positions @ deformation, cell=structure.cell @ deformation
    )


@pytest.fixture(scope="module")
def found() -> Mechanics:
    return mechanics(potential(), quartz())


def test_force_constants_are_derivatives_of_forces(found: Mechanics) -> None:
    model, structure, step = potential(), quartz(), 1e-4
    displaced = structure.positions.copy()
    displaced[2, 1] += step
    ahead = forces_and_stress(model, replace(structure, positions=displaced))[0]
    displaced[2, 1] -= 2 * step
    behind = forces_and_stress(model, replace(structure, positions=displaced))[0]
    slope = -(ahead - behind).ravel() / (2 * step)
    # central differences err by step^2 times a third derivative, some units here
    np.testing.assert_allclose(found.force_constants[7], slope, rtol=0, atol=1e-6)


def test_force_constants_know_no_translation(found: Mechanics) -> None:
    square = found.force_constants
    np.testing.assert_allclose(square, square.T, rtol=0, atol=1e-12)
    atoms = len(square) // 3
    shifts = np.kron(np.ones((atoms, 1)), np.eye(3))
    assert np.abs(square @ shifts).max() < 1e-12 * np.abs(square).max() * atoms
    assert np.abs(shifts.T @ found.internal_strain).max() < 1e-10


@pytest.mark.parametrize("voigt", range(6))
def test_clamped_stiffness_is_the_slope_of_the_energy_slope(found: Mechanics, voigt: int) -> None:
    """By the derivative of E by strain, E' = V σ to first order: C = dE'/dε / V."""
    model, structure, step = potential(), quartz(), 1e-4

    def slope(size: float) -> Floats:
        other = strained(structure, PAIRS[voigt], size)
        # E'(ε) by a further strain of the strained body is V σ; pull it back to the first frame
        assert other.volume is not None
        deformation = np.linalg.solve(structure.cell, other.cell)
        return np.asarray(
            other.volume * forces_and_stress(model, other)[1] @ np.linalg.inv(deformation).T
        )

    second = (slope(step) - slope(-step)) / (2 * step) / found.volume
    second = (second + second.T) / 2
    expected = np.array([second[pair] for pair in PAIRS])
    np.testing.assert_allclose(found.clamped[voigt], expected, rtol=0, atol=1e-5)


def test_forces_and_stress_are_those_of_first_derivatives(found: Mechanics) -> None:
    forces, stress = forces_and_stress(potential(), quartz())
    np.testing.assert_allclose(found.forces, forces, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.stress, stress, rtol=0, atol=1e-12)


def springs() -> Mechanics:
    """Two atoms on springs, of which a strain xx moves one against the other."""
    pair = np.array([[1.0, -1.0], [-1.0, 1.0]])
    constants: Floats = np.kron(pair, np.diag([2.0, 3.0, 4.0])).astype(np.float64)
    internal = np.zeros((6, 6))
    internal[0, 0], internal[3, 0] = 0.5, -0.5
    return Mechanics(constants, internal, np.eye(6) * 100, np.zeros((2, 3)), np.zeros((3, 3)), 10.0)


def test_ions_relax() -> None:
    body = springs()
    # E = k (u1 - u2)^2 / 2 + 0.5 (u1 - u2) e has its minimum 0.25 / (2 k) e^2 lower, k = 2
    softer = body.clamped.copy()
    softer[0, 0] -= 0.25 / 2.0 / body.volume * EV_PER_A3
    np.testing.assert_allclose(body.stiffness, softer, rtol=1e-12)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (replace(springs(), forces=np.full((2, 3), 0.1)), ["0.173", "0.05", "relax"]),
        (
            replace(springs(), force_constants=-springs().force_constants),
            ["-8", "no minimum"],
        ),
    ],
)
def test_no_stiffness_away_from_a_minimum(body: Mechanics, words: list[str]) -> None:
    with pytest.raises(MechanicsError) as caught:
        body.stiffness  # noqa: B018
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_only_crystals_and_energies_have_a_stiffness() -> None:
    with pytest.raises(MechanicsError, match="repeats along 0 directions"):
        mechanics(potential(), water())
    with pytest.raises(TargetError, match="predicts dielectric"):
        mechanics(CarNet(SETTINGS, Target("dielectric")), quartz())


def dipoles() -> CarNet:
    torch.manual_seed(1)
    return CarNet(SETTINGS, Target("dipole", pooling="sum", unit="e Å")).double()


def test_born_charges_are_derivatives_of_the_dipole() -> None:
    model, structure, step = dipoles(), water(), 1e-4

    def dipole(positions: Floats) -> Floats:
        batch = graphs(replace(structure, positions=positions))
        with torch.no_grad():
            packed = model(batch)["dipole"].numpy()
        return np.asarray(model.targets[0].reduction.unpack(packed)[0])

    charges = position_derivatives(model, structure)
    assert charges.shape == (len(structure), 3, 3)
    for atom, axis in ((0, 0), (1, 2), (2, 1)):
        move = np.zeros_like(structure.positions)
        move[atom, axis] = step
        slope = (dipole(structure.positions + move) - dipole(structure.positions - move)) / (
            2 * step
        )
        np.testing.assert_allclose(charges[atom, :, axis], slope, rtol=0, atol=1e-8)
    # a translation leaves the dipole of this network alone: the acoustic sum rule of a neutral body
    assert np.abs(charges.sum(axis=0)).max() < 1e-12


def test_derivatives_of_what_is_no_sum_are_refused() -> None:
    with pytest.raises(TargetError, match="has none"):
        position_derivatives(CarNet(SETTINGS, Target("dipole", pooling="mean")), water())
    with pytest.raises(TargetError, match=r"asked for charge.*has dipole"):
        position_derivatives(dipoles(), water(), "charge")
