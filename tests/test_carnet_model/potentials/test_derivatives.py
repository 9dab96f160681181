"""Energies, forces and stresses: derivatives of one smooth, invariant function, compiled too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from carnet_model.compiled.compilation import compile_kernels
from carnet_model.compiled.mode import Mode
from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target, TargetError
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.geometry import Geometry
from tests.helpers.tiny_quartz import (
    CUTOFF,
    MODES,
    SETTINGS,
    difference,
    graphs,
    potential,
    quartz,
    water,
)


@pytest.mark.parametrize("mode", MODES)
def test_forces_are_differences_of_the_energy(mode: Mode) -> None:
    model, things = potential(mode), (quartz(), water())
    found = energy_and_derivatives(model, graphs(*things))
    assert found.energy.shape == (2,)
    assert found.forces.abs().max() > 0.02
    row = 0
    for number, thing in enumerate(things):
        for atom in range(len(thing)):
            for axis in range(3):

                def energy(
                    h: float, thing: Geometry = thing, atom: int = atom, axis: int = axis
                ) -> Tensor:
                    positions = thing.positions.copy()
                    positions[atom, axis] += h
                    return energy_and_derivatives(
                        model, graphs(replace(thing, positions=positions))
                    ).energy[0]

                assert difference(energy) == pytest.approx(
                    -float(found.forces[row, axis]), abs=1e-9
                ), (number, atom, axis)
            row += 1


@pytest.mark.parametrize("mode", MODES)
def test_stress_is_the_difference_of_the_energy_by_strain(mode: Mode) -> None:
    model, thing = potential(mode), quartz()
    found = energy_and_derivatives(model, graphs(thing), stress=True)
    assert found.stress is not None
    assert torch.allclose(found.stress, found.stress.mT)
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0)):

        def energy(h: float, i: int = i, j: int = j) -> Tensor:
            strain = np.zeros((3, 3))
            strain[i, j] += h / 2
            strain[j, i] += h / 2
            turn = np.eye(3) + strain
            moved = replace(thing, positions=thing.positions @ turn, cell=thing.cell @ turn)
            return energy_and_derivatives(model, graphs(moved)).energy[0]

        volume = abs(np.linalg.det(thing.cell))
        assert difference(energy) / volume == pytest.approx(float(found.stress[0, i, j]), abs=1e-10)


@pytest.mark.parametrize("mode", MODES)
def test_symmetries_of_energy_forces_and_stress(mode: Mode) -> None:
    model, thing = potential(mode), quartz()
    before = energy_and_derivatives(model, graphs(thing), stress=True)
    assert before.stress is not None
    assert before.forces.sum(dim=0).abs().max() < 1e-10
    for turn in (Rotation.random(random_state=1).as_matrix(), -np.eye(3)):
        moved = replace(
            thing, positions=thing.positions @ turn.T + [0.3, -1.0, 0.2], cell=thing.cell @ turn.T
        )
        after = energy_and_derivatives(model, graphs(moved), stress=True)
        assert after.stress is not None
        rotation = torch.from_numpy(turn)
        torch.testing.assert_close(after.energy, before.energy, rtol=0, atol=1e-11)
        torch.testing.assert_close(after.forces, before.forces @ rotation.T, rtol=0, atol=1e-11)
        torch.testing.assert_close(
            after.stress, rotation @ before.stress @ rotation.T, rtol=0, atol=1e-12
        )


@pytest.mark.compiler
def test_compiled_and_eager_learn_the_same_from_forces() -> None:
    results = []
    modes: tuple[Mode, ...] = ("never", "always")
    for mode in modes:
        model = potential(mode)
        found = energy_and_derivatives(model, graphs(quartz(), water()), create_graph=True)
        torch.autograd.backward(found.energy.square().sum() + found.forces.square().sum())
        slopes = [p.grad for p in model.parameters() if p.grad is not None]
        results.append([found.energy.detach(), found.forces.detach(), *slopes])
    assert len(results[0]) == len(results[1])
    for expected, value in zip(*results, strict=True):
        scale = max(float(expected.abs().max()), 1.0)
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-10 * scale)


@pytest.mark.compiler
def test_a_compiled_potential_has_a_hessian() -> None:
    """Force constants: the derivative of the forces, symmetric and without a net force."""
    model, batch = potential("always"), graphs(quartz())

    def energy(positions: Tensor) -> Tensor:
        total: Tensor = model(replace(batch, positions=positions))["energy"].sum()
        return total

    hessian = torch.autograd.functional.hessian
    found: Tensor = hessian(energy, batch.positions)  # type: ignore[no-untyped-call]
    square = found.reshape(12, 12)
    torch.testing.assert_close(square, square.T, rtol=0, atol=1e-11)
    assert found.sum(dim=2).abs().max() < 1e-11

    def force(h: float) -> Tensor:
        positions = batch.positions.clone()
        positions[1, 2] += h
        return energy_and_derivatives(model, replace(batch, positions=positions)).forces[2, 0]

    assert difference(force) == pytest.approx(-float(found[2, 0, 1, 2]), abs=1e-9)


def test_forces_end_smoothly_at_the_cutoff() -> None:
    model = potential()

    def force(distance: float) -> float:
        pair = replace(
            water(), numbers=np.array([14, 8]), positions=np.array([[0.0, 0, 0], [0, 0, distance]])
        )
        return float(energy_and_derivatives(model, graphs(pair)).forces[1, 2].abs())

    assert force(CUTOFF + 1e-3) == 0
    assert force(CUTOFF - 1e-2) < 1e-3 * force(CUTOFF - 1)


def test_an_atom_alone_feels_nothing() -> None:
    alone = replace(water(), numbers=np.array([8]), positions=np.zeros((1, 3)))
    found = energy_and_derivatives(potential(), graphs(alone))
    assert torch.equal(found.forces, torch.zeros(1, 3, dtype=torch.float64))
    again = energy_and_derivatives(potential(), graphs(alone, alone))
    torch.testing.assert_close(again.energy, found.energy.expand(2))


@pytest.mark.parametrize(
    ("target", "fragments"),
    [
        (Target("ij=ji", pooling="sum"), ["network predicts ij=ji"]),
        (Target("energy", pooling="mean"), ["network predicts energy"]),
    ],
)
def test_only_summed_scalars_have_forces(target: Target, fragments: list[str]) -> None:
    with pytest.raises(TargetError) as caught:
        energy_and_derivatives(CarNet(SETTINGS, target).double(), graphs(quartz()))
    assert all(fragment in str(caught.value) for fragment in fragments)


def test_forces_and_stress_where_gradients_are_off() -> None:
    expected = energy_and_derivatives(potential(), graphs(quartz()), stress=True)
    with torch.no_grad():
        found = energy_and_derivatives(potential(), graphs(quartz()), stress=True)
    assert found.stress is not None
    torch.testing.assert_close(found.forces, expected.forces)
    torch.testing.assert_close(found.stress, expected.stress)


def test_a_stress_needs_a_volume() -> None:
    with pytest.raises(TargetError, match="needs three lattice vectors"):
        energy_and_derivatives(potential(), graphs(quartz(), water()), stress=True).stress  # noqa: B018


@pytest.mark.compiler
def test_compiled_forces_of_inputs_with_strides() -> None:
    """Positions as a transposed view: a kernel that reads plain memory would mix the axes."""
    plain = graphs(quartz())
    expected = energy_and_derivatives(potential("never"), plain)
    strided = replace(plain, positions=plain.positions.t().contiguous().t())
    assert not strided.positions.is_contiguous()
    response = energy_and_derivatives(potential("always"), strided)
    assert float(response.forces.abs().max()) > 1e-4
    torch.testing.assert_close(response.forces, expected.forces, rtol=0, atol=1e-12)


def test_compilation_leaves_no_stale_forces() -> None:
    """The same model, other atoms: forces follow the structure that is given, not the first one."""
    model = potential()
    compile_kernels(model, "auto")
    first = energy_and_derivatives(model, graphs(quartz())).forces
    positions = quartz().positions.copy()
    positions[0, 0] += 0.1
    moved = replace(quartz(), positions=positions)
    second = energy_and_derivatives(model, graphs(moved)).forces
    assert float((first - second).abs().max()) > 1e-4
