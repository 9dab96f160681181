"""Energies, forces and stresses: derivatives of one smooth, invariant function, compiled too."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from carnet_model.compiled import radial_tables
from carnet_model.compiled.compilation import compile_kernels
from carnet_model.network.graph import Batch, build, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target, TargetError
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.geometry import Geometry

CUTOFF = 4.0
SETTINGS = NetworkSettings(
    cutoff=CUTOFF, channels=4, weight=2, message_weight=2, body_order=4, radial=5, radial_hidden=6,
    embedding=5, head_hidden=8, neighbours=20.0,
)  # fmt: skip


compiled = pytest.mark.compiler
MODES = [pytest.param("always", marks=compiled), "never"]


def potential(mode: str = "never", seed: int = 0) -> CarNet:
    """An untrained network with forces of some hundredths."""
    torch.manual_seed(seed)
    model = CarNet(SETTINGS, Target("energy", pooling="sum")).double()
    with torch.no_grad():
        model.outputs[0].head.heads[0].weight *= 100
        for layer in model.interactions:
            layer.radial.last.weight *= 3
    compile_kernels(model, mode)  # type: ignore[arg-type]
    return model


def quartz(seed: int = 0) -> Geometry:
    """Silicon and oxygen displaced in a skew cell, one bond along the polar axis."""
    draw = np.random.default_rng(seed)
    positions = np.array([[0.1, 0.2, 0.0], [0.1, 1.82, 0.0], [2.3, 2.1, 1.0], [2.4, 0.5, 2.7]])
    cell = np.array([[4.4, 0.1, 0.0], [0.7, 4.1, 0.2], [-0.6, 0.5, 4.6]])
    return Geometry(
        np.array([14, 8, 8, 14]), positions + draw.normal(scale=1e-3, size=(4, 3)) * [1, 0, 1],
        cell, (True,) * 3,
    )  # fmt: skip


def water() -> Geometry:
    positions = np.array([[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    return Geometry(np.array([8, 1, 1]), positions, np.zeros((3, 3)), (False,) * 3)


def graphs(*things: Geometry) -> Batch:
    return collate([build(thing, CUTOFF) for thing in things], torch.float64)


def difference(function: object, step: float = 1e-4) -> float:
    """Return a derivative at zero to the fourth order of the step."""
    assert callable(function)
    near, far = (function(h) - function(-h) for h in (step, 2 * step))
    return float((8 * near - far) / (12 * step))


@pytest.mark.parametrize("mode", MODES)
def test_forces_are_differences_of_the_energy(mode: str) -> None:
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
def test_stress_is_the_difference_of_the_energy_by_strain(mode: str) -> None:
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
def test_symmetries_of_energy_forces_and_stress(mode: str) -> None:
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


@compiled
def test_compiled_and_eager_learn_the_same_from_forces() -> None:
    results = []
    for mode in ("never", "always"):
        model = potential(mode)
        found = energy_and_derivatives(model, graphs(quartz(), water()), create_graph=True)
        (found.energy.square().sum() + found.forces.square().sum()).backward()
        slopes = [p.grad for p in model.parameters() if p.grad is not None]
        results.append([found.energy.detach(), found.forces.detach(), *slopes])
    assert len(results[0]) == len(results[1])
    for expected, value in zip(*results, strict=True):
        scale = max(float(expected.abs().max()), 1.0)
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-10 * scale)


@compiled
def test_a_compiled_potential_has_a_hessian() -> None:
    """Force constants: the derivative of the forces, symmetric and without a net force."""
    model, batch = potential("always"), graphs(quartz())

    def energy(positions: Tensor) -> Tensor:
        total: Tensor = model(replace(batch, positions=positions))["energy"].sum()
        return total

    found = torch.autograd.functional.hessian(energy, batch.positions)
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


# --- tables ---------------------------------------------------------------------------------------


def tabulated(
    spacing: float = radial_tables.SPACING, shortest: float = radial_tables.SHORTEST
) -> CarNet:
    model = potential("always")
    radial_tables.tabulate(model, [8, 14], spacing=spacing, shortest=shortest)
    return model


@compiled
def test_tables_keep_energies_and_forces_to_their_bound() -> None:
    """At the usual spacing forces hold to 1e-5 of the largest, energies better."""
    exact = energy_and_derivatives(potential("always"), graphs(quartz()), stress=True)
    errors = []
    for spacing in (0.03, 0.02, radial_tables.SPACING):
        found = energy_and_derivatives(tabulated(spacing), graphs(quartz()), stress=True)
        errors.append(float((found.forces - exact.forces).abs().max()))
        assert abs(float(found.energy - exact.energy)) < errors[-1]
    assert errors[-1] < 1e-5 * float(exact.forces.abs().max())
    for coarse, fine in pairwise(errors):  # the derivative falls with the third power at least
        assert coarse > 1.5**3 * 0.7 * fine


@compiled
def test_forces_of_tables_are_differences_of_their_energy() -> None:
    model, thing = tabulated(0.03), quartz()
    found = energy_and_derivatives(model, graphs(thing))

    def energy(h: float) -> Tensor:
        positions = thing.positions.copy()
        positions[1, 1] += h
        return energy_and_derivatives(model, graphs(replace(thing, positions=positions))).energy[0]

    # a spline has kinks in its third derivative, so the step is small and the bound is wider
    assert difference(energy, 1e-5) == pytest.approx(-float(found.forces[1, 1]), abs=1e-8)


@compiled
def test_tables_are_zero_beyond_the_cutoff() -> None:
    """As a neighbour list with a skin has such bonds."""
    model, thing = tabulated(), quartz()
    wide = collate([build(thing, CUTOFF + 0.5)], torch.float64)
    assert len(wide.senders) > len(graphs(thing).senders)
    found, expected = (
        energy_and_derivatives(model, wide),
        energy_and_derivatives(model, graphs(thing)),
    )
    torch.testing.assert_close(found.forces, expected.forces, rtol=0, atol=1e-14)


@compiled
def test_copies_of_a_model_keep_their_tables() -> None:
    model = tabulated()
    found = energy_and_derivatives(copy.deepcopy(model), graphs(quartz()))
    assert torch.equal(found.forces, energy_and_derivatives(model, graphs(quartz())).forces)
    with pytest.raises(
        radial_tables.TableError, match=r"tables are torch\.float64 .* torch\.float32"
    ):
        energy_and_derivatives(model.float(), graphs(quartz()).to(dtype=torch.float32))


@compiled
def test_what_tables_cannot_do_is_said() -> None:
    model = potential("always")
    for given, fragment in (
        ({"elements": []}, "name the elements"),
        ({"elements": [8], "spacing": 0.2}, "spacing is 0.2 Å; allowed: above 0, at most 0.1"),
        ({"elements": [8], "shortest": 4.0}, "shortest is 4 Å; allowed: from 0.14, 14 spacings"),
    ):
        with pytest.raises(radial_tables.TableError, match=fragment):
            radial_tables.tabulate(model, **given)  # type: ignore[arg-type]
    radial_tables.tabulate(model, [8, 14])
    with pytest.raises(radial_tables.TableError, match=r"elements \[8, 14\], not \[1\]"):
        energy_and_derivatives(model, graphs(water()))
    close = replace(water(), numbers=np.array([8, 8, 8]), positions=0.4 * water().positions)
    with pytest.raises(
        radial_tables.TableError, match=r"0\.385 Å apart and the tables start at 0\.4"
    ):
        energy_and_derivatives(model, graphs(close))
    found = energy_and_derivatives(model, graphs(quartz()), create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        found.forces.square().sum().backward()
    with pytest.raises(radial_tables.TableError, match=r"the model is torch\.bfloat16"):
        radial_tables.tabulate(potential().bfloat16(), [8])


@compiled
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
