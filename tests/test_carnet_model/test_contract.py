"""What every model must do, whatever it predicts: the shipped network and a potential, float64.

What is measured is what the targets are read from: coordinates of the tensor, before an exponential
makes it positive, and with a potential forces and partial forces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from carnet_model.network.batch import Batch, collate
from carnet_model.network.model import CarNet
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build
from carnet_model.weights.checkpoint import load
from carnet_model.weights.shipped import folder_of
from tests.helpers import tiny_potentials
from tests.helpers.tiny_potentials import water

pytestmark = pytest.mark.slow

TOLERANCE = 1e-8
"""Of the largest value: sums of thousands of terms in double precision, in another order."""

FAR = 1000.0
"""Angstrom between structures that must not feel each other."""


@dataclass(frozen=True)
class Case:
    """A model, and elements it knows.

    Attributes:
        name: of the case.
        model: in double precision.
        elements: atomic numbers.
    """

    name: str
    model: CarNet
    elements: tuple[int, ...]

    @property
    def cutoff(self) -> float:
        return self.model.settings.cutoff

    def batch(self, *structures: Geometry) -> Batch:
        graphs = [build(structure, self.cutoff) for structure in structures]
        return collate(graphs, torch.float64)

    def values(self, batch: Batch) -> Tensor:
        """Return the coordinates, shape ``(structures, dimension)``."""
        (found,) = self.model.learned(batch).values()
        return found

    def of(self, *structures: Geometry) -> Tensor:
        with torch.no_grad():
            return self.values(self.batch(*structures))

    def gradient(
        self, batch: Batch, row: int | None = None, weights: float | Tensor = 1.0
    ) -> Tensor:
        """Return the gradient by the positions of a weighted sum of coordinates.

        Args:
            batch: the structures.
            row: sum those of one structure, instead of all.
            weights: of the coordinates.
        """
        positions = batch.positions.clone().requires_grad_()
        values = self.values(replace(batch, positions=positions))
        number = ((values if row is None else values[row]) * weights).sum()
        found = torch.autograd.grad(number, positions, allow_unused=True)[0]
        return torch.zeros_like(positions) if found is None else found


@cache
def case(name: str) -> Case:
    if name == "potential":
        return Case(name, tiny_potentials.model(), (14, 8, 1))
    (model, *_) = load(folder_of("elastic")).models
    return Case(name, model.double(), (14, 8, 1))


each_model = pytest.mark.parametrize("name", ["shipped", "potential"])


def crystal() -> Geometry:
    return tiny_potentials.crystal()


def molecule(*numbers: int, positions: object) -> Geometry:
    places = np.array(positions, dtype=np.float64).reshape(-1, 3)
    return Geometry(np.array(numbers), places, np.zeros((3, 3)), (False,) * 3)


def joined(*structures: Geometry) -> Geometry:
    """Return molecules as one structure."""
    return Geometry(
        np.concatenate([each.numbers for each in structures]),
        np.concatenate([each.positions for each in structures]),
        np.zeros((3, 3)), (False,) * 3,
    )  # fmt: skip


def moved(structure: Geometry, shift: object) -> Geometry:
    return replace(structure, positions=structure.positions + np.asarray(shift, dtype=np.float64))


def same(found: Tensor, expected: Tensor, scale: float | None = None) -> None:
    """Check two results to the tolerance, of the largest value unless a scale is given."""
    size = float(expected.abs().max()) if scale is None else scale
    assert size > 0
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE * size)


STEPS = {1: 45.0, 2: -9.0, 3: 1.0, -1: -45.0, -2: 9.0, -3: -1.0}
STEP = 5e-4
"""Differences of six values: their error goes with the sixth power of the step, in angstrom."""


def displaced(structure: Geometry, atom: int, axis: int) -> list[Geometry]:
    """Return structures with one coordinate changed, in the order of `STEPS`."""
    places = [structure.positions.copy() for _ in STEPS]
    for place, number in zip(places, STEPS, strict=True):
        place[atom, axis] += number * STEP
    return [replace(structure, positions=place) for place in places]


def slope(values: Tensor) -> Tensor:
    """Return the derivative from what `displaced` structures have, a row each."""
    weights = torch.tensor(list(STEPS.values()), dtype=torch.float64)
    return weights @ values / (60 * STEP)


@each_model
def test_it_prints_itself(name: str) -> None:
    text = repr(case(name).model)
    assert text.startswith("CarNet(")
    assert "Interaction" in text


@each_model
def test_a_structure_gives_finite_numbers_of_the_right_shape(name: str) -> None:
    model = case(name)
    found = model.of(crystal(), water())
    (target,) = model.model.targets
    assert found.shape == (2, target.dimension)
    assert found.dtype == torch.float64
    assert torch.isfinite(found).all()


@each_model
def test_equivariant_under_rotations_inversion_translations_and_permutations(name: str) -> None:
    """Of what is packed by weight: the rotated tensor is the tensor of the rotated structure."""
    model = case(name)
    (target,) = model.model.targets
    turned = Rotation.random(random_state=7).as_matrix()
    order = np.array([2, 0, 1])
    with torch.no_grad():
        (before,) = model.model(model.batch(crystal())).values()
        for matrix in (turned, -turned, -np.eye(3), np.diag([1.0, -1.0, 1.0])):
            start = crystal()
            again = replace(
                start, numbers=start.numbers[order], cell=start.cell @ matrix.T,
                positions=start.positions[order] @ matrix.T + [0.4, -7.0, 1.3],
            )  # fmt: skip
            (after,) = model.model(model.batch(again)).values()
            tensor = np.asarray(target.reduction.unpack(before[0].numpy()))
            expected = target.reduction.pack(target.reduction.rotate(tensor, matrix))
            same(after[0], torch.from_numpy(np.asarray(expected)))


@each_model
def test_atoms_may_stand_in_any_periodic_image(name: str) -> None:
    model, start = case(name), crystal()
    draw = np.random.default_rng(5)
    for _ in range(3):
        images = draw.integers(-5, 6, size=(len(start), 3))
        again = moved(start, images @ start.cell)
        assert model.batch(again).senders.shape == model.batch(start).senders.shape
        same(model.of(again), model.of(start))


@each_model
def test_structures_of_a_batch_are_independent(name: str) -> None:
    model = case(name)
    structures = [crystal(), water(), tiny_potentials.crystal(2), moved(water(), [9, 9, 9])]
    together = model.of(*structures)
    for number, structure in enumerate(structures):
        same(together[number], model.of(structure)[0])
    same(model.of(*structures[::-1]), together.flip(0))


@each_model
def test_gradients_do_not_cross_structures(name: str) -> None:
    model = case(name)
    batch = model.batch(crystal(), water(), crystal())
    for number in (0, 1):
        found = model.gradient(batch, number)
        inside = batch.owners == number
        assert found[inside].abs().max() > 0
        assert found[~inside].abs().max() == 0


@each_model
def test_what_is_far_apart_does_not_interact(name: str) -> None:
    """A sum over the atoms adds up; a mean over equal parts is that of one."""
    model = case(name)
    first, second = water(), moved(water(), [FAR, 1.0, -2.0])
    both = joined(first, second)
    one, two = model.of(first)[0], model.of(both)[0]
    same(two, 2 * one if name == "potential" else one)
    same(model.of(joined(first, moved(second, [3.0, -40.0, 11.0])))[0], two)
    alone = model.gradient(model.batch(first))
    share = 1.0 if name == "potential" else 0.5
    both_gradients = model.gradient(model.batch(both))
    same(both_gradients, share * torch.cat([alone, alone]))


@each_model
@pytest.mark.parametrize("structure", [crystal(), water()], ids=["crystal", "molecule"])
def test_gradients_are_differences(name: str, structure: Geometry) -> None:
    model = case(name)
    (target,) = model.model.targets
    weights = torch.linspace(1.0, 2.0, target.dimension, dtype=torch.float64)
    found = model.gradient(model.batch(structure), weights=weights)
    places = ((0, 0), (1, 2), (2, 1))
    values = model.of(*(each for place in places for each in displaced(structure, *place)))
    expected = torch.stack([slope(part) @ weights for part in values.chunk(len(places))])
    same(torch.stack([found[place] for place in places]), expected, float(found.abs().max()))


def ends(batch: Batch, wide: Batch) -> Batch:
    """Return a batch with the edges of another."""
    return replace(batch, senders=wide.senders, receivers=wide.receivers, shifts=wide.shifts)


@each_model
def test_forces_end_smoothly_at_the_cutoff(name: str) -> None:
    """Pairs of all elements, joined by edges beyond the cutoff, which must not matter."""
    model = case(name)
    distances = torch.tensor([0.5, 0.99, 0.999, 1.0, 1.1, 1.4], dtype=torch.float64).numpy()
    way = np.array([0.6, 0.0, 0.8]) * model.cutoff
    pairs = [
        molecule(first, second, positions=[np.zeros(3), share * way])
        for first in model.elements
        for second in model.elements
        for share in distances
    ]
    batch = collate([build(pair, 1.5 * model.cutoff) for pair in pairs], torch.float64)
    assert batch.senders.shape == (2 * len(pairs),)
    found = model.gradient(batch).abs().amax(dim=1)
    half, near, nearer, *out = found.view(-1, len(distances), 2).amax(dim=2).unbind(dim=1)
    assert float(half.min()) > 1e-6
    assert bool((nearer <= 0.011 * near).all())  # at least with the square of the gap
    assert bool((torch.stack(out) <= TOLERANCE * half).all())


@each_model
def test_radial_functions_and_two_derivatives_vanish_at_the_cutoff(name: str) -> None:
    model = case(name)
    shares = torch.tensor([0.37, 1.0, 1.0 - 1e-9, 1.3], dtype=torch.float64)
    lengths = (shares * model.cutoff).requires_grad_()
    found = model.model.basis(lengths).sum(dim=1)
    for _ in range(3):
        size = found.detach().abs()
        assert size[0] > 1e-3
        assert float(size[1:].max()) <= 1e-4 * float(size[0])
        (found,) = torch.autograd.grad(found.sum(), lengths, create_graph=True)


@each_model
def test_an_atom_beyond_the_cutoff_of_a_bond_changes_nothing_in_it(name: str) -> None:
    """Three atoms; one moves out of the cutoff of the others, and is as if it were not there."""
    model = case(name)
    near = molecule(14, 8, positions=[[0, 0, 0], [1.7, 0, 0]])
    alone = model.of(near)[0]
    single = model.of(molecule(1, positions=[0, 0, 0]))[0]
    away = molecule(14, 8, 1, positions=[[0, 0, 0], [1.7, 0, 0], [0, 0, 1.001 * model.cutoff]])
    batch = model.batch(away)
    gradient = model.gradient(batch)
    assert gradient[2].abs().max() == 0
    if name == "potential":
        same(model.of(away)[0], alone + single)


@each_model
def test_one_atom_is_the_same_wherever_it_is(name: str) -> None:
    """Alone, elsewhere, in a large empty cell, beside others; nothing pulls at it."""
    model = case(name)
    atoms = [molecule(element, positions=[0, 0, 0]) for element in model.elements]
    expected = torch.cat([model.of(atom) for atom in atoms])
    assert torch.isfinite(expected).all()
    assert not torch.allclose(expected[0], expected[1])
    same(model.of(*(moved(atom, [3, 4, 5]) for atom in atoms), crystal())[:-1], expected)
    batch = model.batch(*atoms)
    assert model.gradient(batch).abs().max() == 0
    if name == "potential":  # the shipped network knows the volume
        cell = np.eye(3) * 2.5 * model.cutoff
        boxes = (replace(atom, cell=cell, periodic=(True,) * 3) for atom in atoms)
        same(model.of(*boxes), expected)


def test_energies_of_the_elements_are_added_to_every_atom() -> None:
    """Reference energies shift the energy by their sum, and no force."""
    model = case("potential")
    structure = joined(water(), molecule(14, positions=[2.0, 0.3, 0.4]))
    before = energy_and_derivatives(model.model, model.batch(structure))
    reference = model.model.outputs[0].assembly.reference
    assert reference is not None
    stored = reference.table.clone()
    try:
        reference.table[1], reference.table[8], reference.table[14] = -13.6, -2041.7, -7894.2
        after = energy_and_derivatives(model.model, model.batch(structure))
    finally:
        reference.table.copy_(stored)
    total = torch.tensor([-2041.7 - 2 * 13.6 - 7894.2], dtype=torch.float64)
    same(after.energy - before.energy, total)
    assert torch.equal(after.forces, before.forces)


def chain(model: Case, count: int) -> Geometry:
    """Return atoms in a row: each sees its neighbours only."""
    places = np.zeros((count, 3))
    places[:, 0] = 0.7 * model.cutoff * np.arange(count)
    places[:, 1] = 0.1 * np.arange(count) % 0.3
    return molecule(*(model.elements[n % 2] for n in range(count)), positions=places)


def by_atom(model: Case, structure: Geometry) -> Batch:
    """Return a structure whose atoms are systems of their own: what they share is summed apart."""
    batch = model.batch(structure)
    atoms = len(structure)
    return replace(
        batch,
        owners=torch.arange(atoms),
        counts=torch.ones(atoms, dtype=torch.int64),
        cells=batch.cells.expand(atoms, 3, 3),
    )


@each_model
def test_an_atom_depends_on_those_within_its_reach_alone(name: str) -> None:
    """Each layer sees one bond farther: two layers, two bonds, and nothing beyond."""
    model = case(name)
    layers, structure = model.model.settings.layers, chain(model, 7)
    batch = by_atom(model, structure)
    for atom in (0, 3):
        found = model.gradient(batch, atom)
        touched = (found.abs().amax(dim=1) > 0).tolist()
        assert touched == [abs(atom - other) <= layers for other in range(7)]


@pytest.mark.parametrize("structure", [crystal(), water()], ids=["crystal", "molecule"])
def test_partial_forces_add_up_and_are_differences(structure: Geometry) -> None:
    """Minus the gradient of the energy of each atom by the positions of all."""
    model = case("potential")
    batch, atoms = by_atom(model, structure), len(structure)
    partial = torch.stack([-model.gradient(batch, atom) for atom in range(atoms)])
    whole = energy_and_derivatives(model.model, model.batch(structure))
    same(partial.sum(dim=0), whole.forces)
    same(model.values(batch).sum(dim=0), whole.energy)
    assert float(partial.sum(dim=1).abs().max()) <= TOLERANCE * float(partial.abs().max())
    for atom, axis in ((0, 1), (2, 0)):
        energies = [
            model.values(by_atom(model, each))[:, 0] for each in displaced(structure, atom, axis)
        ]
        expected = -slope(torch.stack(energies).detach())
        same(partial[:, atom, axis], expected, scale=float(partial.abs().max()))


def test_partial_forces_end_smoothly_at_the_cutoff() -> None:
    """The energy of one atom does not change when another crosses its cutoff."""
    model = case("potential")
    for first in model.elements:
        for second in model.elements:
            sizes = []
            for share in (0.5, 1.0, 1.1):
                place = [share * model.cutoff, 0, 0]
                pair = molecule(first, second, positions=[[0, 0, 0], place])
                wide = collate([build(pair, 2 * model.cutoff)], torch.float64)
                batch = ends(by_atom(model, pair), wide)
                found = model.gradient(batch, 0)
                sizes.append(float(found.abs().max()))
            assert sizes[0] > 1e-6
            assert max(sizes[1:]) <= TOLERANCE * sizes[0]
