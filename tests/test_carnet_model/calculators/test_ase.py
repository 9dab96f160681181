"""The calculator of ASE: derivatives, periodicity, neighbour lists, dynamics, refusals."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.calculators.calculator import (
    CalculationFailed,
    CalculatorSetupError,
    PropertyNotImplementedError,
)
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from scipy.spatial.transform import Rotation

from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.prediction.predictor import Predictor
from carnet_model.structures.conversion import geometry
from carnet_model.structures.graph import build
from carnet_model.weights import checkpoint
from carnet_model.weights.shipped import ModelError
from tests.helpers.machine import COMPILER
from tests.helpers.tiny_quartz import CUTOFF, SETTINGS

ENERGY = Target("energy", pooling="sum")
ELEMENTS = [1, 8, 14]
KINDS = [
    {"compile": "never"},
    pytest.param({"compile": "always"}, marks=pytest.mark.compiler),
    pytest.param({"compile": "always", "tables": True}, marks=pytest.mark.compiler),
    pytest.param({"program": "always"}, marks=pytest.mark.compiler),
    pytest.param({"program": "always", "tables": True}, marks=pytest.mark.compiler),
]


def network(*targets: Target, seed: int = 5, size: float = 1000.0) -> CarNet:
    """An untrained network; as a potential with forces of some tenths of eV/Å."""
    torch.manual_seed(seed)
    model = CarNet(SETTINGS, *targets or (ENERGY,)).double()
    with torch.no_grad():
        for name, values in model.named_parameters():
            if ".heads." in f".{name}" and name.endswith("weight"):
                values.mul_(size)
            if name.endswith("radial.last.weight"):
                values.mul_(3)
    return model


def predictor(
    target: Target = ENERGY, seeds: Sequence[int] = (5,), size: float = 1000.0
) -> Predictor:
    models = [network(target, seed=seed, size=size) for seed in seeds]
    return Predictor(models, record={"elements": ELEMENTS}, precision="double", name="tiny")


def calculator(**options: Any) -> CarNetCalculator:
    return CarNetCalculator(predictor(), **options)


def quartz(calc: CarNetCalculator | None = None, pbc: Any = True) -> Atoms:
    """Silicon and oxygen in a skew cell smaller than the cutoff."""
    positions = [[0.1, 0.2, 0.0], [0.1, 1.82, 0.0], [2.3, 2.1, 1.0], [2.4, 0.5, 2.7]]
    cell = [[4.4, 0.1, 0.0], [0.7, 4.1, 0.2], [-0.6, 0.5, 4.6]]
    return Atoms("SiOOSi", positions, cell=cell, pbc=pbc, calculator=calc)


def water(calc: CarNetCalculator | None = None) -> Atoms:
    positions = [[0.0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]]
    return Atoms("OHH", positions, calculator=calc)


def everything(atoms: Atoms) -> list[Any]:
    return [atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()]


def agree(first: Sequence[Any], second: Sequence[Any], bound: float = 1e-11) -> None:
    """Energies are of some tens of eV: the bound is a thousand roundings of them."""
    for one, two in zip(first, second, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=bound)


# --- derivatives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("make", [quartz, water])
def test_forces_are_differences_of_the_energy(make: Any, options: dict[str, Any]) -> None:
    """The error of the difference is step^2 / 6 times a third derivative of some eV/Å^3."""
    atoms = make(calculator(**options))
    forces = atoms.get_forces()
    assert np.abs(forces).max() > 0.05
    differences = calculate_numerical_forces(atoms, 1e-4)
    np.testing.assert_allclose(forces, differences, rtol=0, atol=1e-7)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("pbc", [True, (True, True, False), False])
def test_stress_has_the_order_sign_and_unit_of_ase(pbc: Any, options: dict[str, Any]) -> None:
    atoms = quartz(calculator(**options), pbc)
    stress = atoms.get_stress()
    differences = calculate_numerical_stress(atoms, 1e-4)
    np.testing.assert_allclose(stress, differences, rtol=0, atol=1e-8)
    gaps = np.abs(stress[:, None] - stress) + np.eye(6)
    assert gaps.min() > 1e-5  # no two could be exchanged unseen
    assert stress.shape == (6,)


def test_stress_of_a_left_handed_cell() -> None:
    atoms = quartz(calculator())
    before = atoms.get_stress()
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    agree([atoms.get_stress()], [before])


@pytest.mark.compiler
@pytest.mark.parametrize(
    ("options", "bound"),
    [
        ({"compile": "always"}, 1e-10),  # rounding
        ({"tables": True}, 1e-5),  # what `tables` states, for forces
        ({"precision": "single"}, 1e-5),  # seven digits, of energies larger than the forces
    ],
)
def test_every_way_to_compute_gives_the_same(options: dict[str, Any], bound: float) -> None:
    exact = everything(quartz(calculator(compile="never")))
    found = everything(quartz(calculator(**options)))
    agree(found, exact, bound * max(abs(exact[0]), 1.0))
    assert np.abs(found[1]).max() > 0.05


# --- the neighbour list ---------------------------------------------------------------------------


def test_a_list_with_a_skin_gives_what_a_fresh_one_gives() -> None:
    """Along a random walk in which cell and atoms move, and pairs cross the cutoff."""
    draw = np.random.default_rng(0)
    kept, fresh = calculator(skin=0.5), calculator(skin=0)
    atoms = quartz()
    steps, sizes = 60, set()
    for step in range(steps):
        atoms.positions += draw.normal(scale=0.02, size=(4, 3))
        if step % 3 == 0:
            strain = np.eye(3) + draw.normal(scale=0.005, size=(3, 3))
            atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.calc = kept
        found = everything(atoms)
        atoms.calc = fresh
        agree(found, everything(atoms))
        sizes.add(len(fresh.neighbours.graph(atoms).senders))
    assert len(sizes) > 3
    assert fresh.rebuilds == steps
    assert 2 < kept.rebuilds < steps / 4


def test_a_cell_that_shrinks_around_atoms_at_rest() -> None:
    """Its images move, and no atom does."""
    kept, fresh = calculator(skin=0.5), calculator(skin=0)
    atoms = Atoms("Si", cell=[[2.4, 0.1, 0], [0, 2.5, 0.3], [0.2, 0, 2.6]], pbc=True)
    cell = atoms.cell.array.copy()
    for step in range(25):
        atoms.set_cell(cell @ np.diag([1 - 0.01 * step, 1 + 0.005 * step, 1]))
        atoms.calc = kept
        found = everything(atoms)
        atoms.calc = fresh
        agree(found, everything(atoms))
    assert 1 < kept.rebuilds < 5


def test_pairs_beyond_the_cutoff_count_for_nothing() -> None:
    """They are left out to save time, not to be right."""
    calc, model = calculator(compile="never"), network()
    thing = geometry(quartz())
    wide = collate([build(thing, CUTOFF + 0.5)], torch.float64)
    found = energy_and_derivatives(model, wide, stress=True)
    energy, forces, _ = everything(quartz(calc))
    agree([found.energy[0].item(), found.forces.numpy()], [energy, forces])
    assert len(wide.senders) > 1.3 * len(calc.neighbours.graph(quartz()).senders)


def test_the_list_is_kept_as_long_as_it_may_be() -> None:
    """Between atoms that move apart by less than a skin nothing can be missing."""
    calc = calculator(skin=0.5)
    atoms = quartz(calc)

    def rebuilt() -> bool:
        before = calc.rebuilds
        atoms.get_potential_energy()
        return calc.rebuilds > before

    assert rebuilt()
    atoms.positions += [10.0, -3.0, 1.0]  # all together
    assert not rebuilt()
    atoms.positions[0, 0] += 0.3  # a quarter of it is the mean
    assert not rebuilt()
    atoms.positions[0, 0] += 0.1
    assert rebuilt()
    atoms.set_cell(atoms.cell.array * 1.05, scale_atoms=True)  # nothing comes closer
    assert not rebuilt()
    atoms.set_cell(atoms.cell.array / 1.05 * 0.95, scale_atoms=True)
    assert not rebuilt()
    atoms.set_cell(atoms.cell.array * 0.9, scale_atoms=True)
    assert rebuilt()
    atoms.numbers[0] = 8
    assert rebuilt()
    atoms.pbc = (True, True, False)
    assert rebuilt()
    atoms.set_cell(atoms.cell.array * [[1], [1], [2]])  # where nothing repeats
    assert not rebuilt()
    del atoms[0]
    assert rebuilt()


@pytest.mark.parametrize("skin", [0.0, 0.5])
def test_energy_and_forces_go_smoothly_through_the_cutoff(skin: float) -> None:
    calc = calculator(skin=skin)
    atoms = Atoms("SiOSi", [[0, 0, 0], [1.6, 0, 0], [3.9, 0.1, 0]], calculator=calc)
    step = 1e-3
    places = CUTOFF + step * (np.arange(-20, 21) + 0.5)
    energies, forces = np.empty(len(places)), np.empty(len(places))
    for n, x in enumerate(places):
        atoms.positions[2] = (x, 0, 0)
        energies[n], forces[n] = atoms.get_potential_energy(), atoms.get_forces()[2, 0]
    assert np.abs(forces).min() > 0.01  # of the nearer atom, beyond the cutoff of the other
    # fourth order in the step; rounding of the energies over the step is 1e-11
    slopes = (8 * (energies[3:-1] - energies[1:-3]) - energies[4:] + energies[:-4]) / (12 * step)
    np.testing.assert_allclose(slopes, -forces[2:-2], rtol=0, atol=1e-9)
    # the force bends, and its bend jumps nowhere
    bends = np.diff(forces, 2)
    assert np.abs(np.diff(bends)).max() < 0.01 * np.abs(bends).max()


# --- symmetries -----------------------------------------------------------------------------------


def test_rotations_translations_permutations_and_wrapping() -> None:
    calc = calculator()
    atoms = quartz(calc)
    energy, forces, _ = everything(atoms)
    stress = atoms.get_stress(voigt=False)
    for turn in (Rotation.random(random_state=1).as_matrix(), -np.eye(3)):
        moved = atoms.copy()
        moved.set_cell(atoms.cell.array @ turn.T)
        moved.positions = atoms.positions @ turn.T + [0.3, -1.0, 0.2]
        moved.calc = calc
        agree([moved.get_potential_energy(), moved.get_forces()], [energy, forces @ turn.T])
        agree([moved.get_stress(voigt=False)], [turn @ stress @ turn.T])
    order = [2, 0, 3, 1]
    mixed = atoms[order]
    mixed.calc = calc
    agree(everything(mixed), [energy, forces[order], atoms.get_stress()])
    far = atoms.copy()
    far.positions += np.array([[1, 0, 0], [-30, 2, 5], [0, 0, 0], [7, 7, 7]]) @ atoms.cell.array
    far.calc = calc
    agree(everything(far), everything(atoms))
    far.wrap()
    agree(everything(far), everything(atoms))


def test_single_precision_does_not_mind_atoms_that_wandered_far() -> None:
    atoms = quartz(calculator(precision="single"))
    before = everything(atoms)
    atoms.positions += np.array([[100, 0, 0], [0, -3000, 0], [0, 0, 5], [0, 0, 0]]) @ atoms.cell
    atoms.positions += 1e4
    agree(everything(atoms), before, 1e-5)


# --- periodicity ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pbc", [(True, False, True), (False, True, False), (True,) * 3])
def test_a_supercell_has_as_much_energy_for_each_atom(pbc: tuple[bool, ...]) -> None:
    calc = calculator()
    atoms = quartz(calc, pbc)
    large = atoms.repeat([2 if flag else 1 for flag in pbc])
    large.calc = calc
    copies = len(large) // len(atoms)
    energy, forces, stress = everything(atoms)
    agree(everything(large), [copies * energy, np.tile(forces, (copies, 1)), stress], 1e-10)


@pytest.mark.parametrize("pbc", [(True, True, False), (False, False, True), (False,) * 3])
@pytest.mark.parametrize("zero", [True, False])
def test_without_repetition_there_are_no_images(pbc: tuple[bool, ...], zero: bool) -> None:
    """As with so much vacuum between them that they are out of reach; atoms out of the cell."""
    calc = calculator()
    flags = np.array(pbc)[:, None]
    atoms = quartz(calc, pbc)
    atoms.set_cell(np.where(flags, atoms.cell.array, 0 if zero else atoms.cell.array))
    atoms.positions[0] -= [0.4, 0.3, 0.5]
    normal = atoms.cell.complete().array if zero else np.eye(3)
    apart = quartz(calc)
    apart.positions = atoms.positions
    apart.set_cell(
        np.where(flags, atoms.cell.array, 40 * normal if zero else 10 * atoms.cell.array)
    )
    agree(
        [atoms.get_potential_energy(), atoms.get_forces()],
        [apart.get_potential_energy(), apart.get_forces()],
    )
    apart.pbc = True
    apart.cell = quartz().cell
    assert abs(apart.get_potential_energy() - atoms.get_potential_energy()) > 1e-3


def test_a_cell_of_one_atom() -> None:
    calc = calculator()
    atoms = Atoms("Si", cell=[[2.4, 0.1, 0], [0, 2.5, 0.3], [0.2, 0, 2.6]], pbc=True)
    atoms.calc = calc
    large = atoms.repeat((2, 3, 2))
    large.calc = calc
    energy, forces, stress = everything(atoms)
    assert np.abs(stress).max() > 1e-3
    agree(everything(large), [12 * energy, np.zeros((12, 3)), stress], 1e-10)
    agree([forces], [np.zeros((1, 3))])


def test_an_atom_alone_feels_nothing() -> None:
    calc = calculator()
    alone = Atoms("Si", calculator=calc)
    assert not alone.get_forces().any()
    pair = Atoms("Si2", [[0, 0, 0], [0, 0, 4.2]], calculator=calc)
    assert pair.get_potential_energy() == pytest.approx(2 * alone.get_potential_energy(), abs=1e-11)
    assert not pair.get_forces().any()


def test_no_atoms_have_no_energy() -> None:
    empty = Atoms(calculator=calculator())
    assert empty.get_potential_energy() == 0
    assert empty.get_forces().shape == (0, 3)
    empty = Atoms(cell=np.eye(3), pbc=True, calculator=calculator())
    assert not empty.get_stress().any()
    nobody = Atoms(cell=np.eye(3), pbc=True)
    dielectric = CarNetCalculator(predictor(Target("dielectric")))
    with pytest.raises(PropertyNotImplementedError, match="a mean over atoms, and there are none"):
        dielectric.get_property("dielectric", nobody)
    shielding = CarNetCalculator(predictor(Target("nmr-shielding", pooling="atoms")))
    assert shielding.get_property("nmr-shielding", nobody).shape == (0, 3, 3)


# --- what ASE does with it ------------------------------------------------------------------------


def relaxed(calc: CarNetCalculator) -> Atoms:
    atoms = quartz(calc)
    assert BFGS(atoms, logfile=None).run(fmax=0.01, steps=200)
    return atoms


@pytest.mark.parametrize(
    "options", [{}, pytest.param({"tables": True}, marks=pytest.mark.compiler)]
)
def test_dynamics_conserve_the_energy(options: dict[str, Any]) -> None:
    """Velocity Verlet follows a nearby Hamiltonian whose distance falls with the step squared.

    What is exchanged between potential and kinetic energy is the scale: forces that were no
    gradient, or that jumped when the list is rebuilt, would make a drift of that order.
    """
    calc = calculator(skin=0.1, **options)
    start = relaxed(calc)
    draw = np.random.default_rng(0)
    masses = start.get_masses()[:, None]
    momenta = draw.normal(size=(4, 3)) * np.sqrt(masses * units.kB * 300)
    fluctuations = []
    for step in (2, 1):
        atoms = start.copy()
        atoms.calc = calc
        atoms.set_momenta(momenta - momenta.mean(axis=0))
        run = VelocityVerlet(atoms, step * units.fs)
        total, exchanged = [], []
        before = calc.rebuilds
        for _ in range(120 // step):
            run.run(1)
            total.append(atoms.get_total_energy() / len(atoms))
            exchanged.append(atoms.get_potential_energy() / len(atoms))
        assert calc.rebuilds > before + 2  # the list changed on the way
        drift = np.polyfit(np.arange(len(total)), total, 1)[0] * len(total)
        assert abs(drift) < 1e-3 * np.std(exchanged), (step, drift)
        fluctuations.append(np.std(total))
        assert np.std(exchanged) > 1e-3
    assert fluctuations[0] / fluctuations[1] == pytest.approx(4, rel=0.1)


def test_atoms_relax() -> None:
    calc = calculator()
    before = quartz(calc).get_potential_energy()
    atoms = relaxed(calc)
    assert atoms.get_potential_energy() < before - 0.1
    assert calc.rebuilds < 20


def test_atoms_and_cell_relax() -> None:
    calc = calculator()
    atoms = relaxed(calc)
    strained = np.abs(atoms.get_stress()).max()
    run = BFGS(FrechetCellFilter(atoms), logfile=None)
    assert run.run(fmax=0.005, steps=200)
    assert np.abs(atoms.get_stress()).max() < 0.1 * strained
    agree(everything(atoms), everything_fresh(atoms))


def everything_fresh(atoms: Atoms) -> list[Any]:
    fresh = atoms.copy()
    fresh.calc = calculator(skin=0)
    return everything(fresh)


def test_the_free_energy_is_the_energy() -> None:
    atoms = quartz(calculator())
    energy = atoms.get_potential_energy(force_consistent=True)
    assert energy == atoms.get_potential_energy()
    assert isinstance(energy, float)


def test_the_stress_comes_with_the_forces_where_there_is_a_volume() -> None:
    """Whatever was asked for before: the results depend on the atoms alone."""
    calc = calculator()
    atoms = quartz(calc)
    atoms.get_forces()
    before = calc.results["stress"]
    atoms.positions[0] += 0.01
    atoms.get_potential_energy()
    assert np.abs(calc.results["stress"] - before).max() > 0
    molecule = water(calc)
    molecule.get_forces()
    assert "stress" not in calc.results
    atoms.positions[0] -= 0.01
    atoms.get_forces()
    agree([calc.results["stress"], atoms.get_stress()], [before, before])


def test_results_are_nobody_elses() -> None:
    calc = calculator()
    atoms = quartz(calc)
    first = everything(atoms)
    for values in first[1:]:
        assert values.dtype == np.float64
        values[:] = np.nan
    second = everything(atoms)
    assert np.isfinite(second[1]).all()
    kept = np.asarray(calc.results["forces"])
    copied = kept.copy()
    atoms.positions[0] += 0.1
    atoms.get_forces()
    np.testing.assert_array_equal(kept, copied)


def test_trajectories_and_databases_keep_the_results(tmp_path: Path) -> None:
    atoms = quartz(CarNetCalculator(predictor(seeds=(5, 6))))
    expected = everything(atoms)
    for name in ("a.traj", "a.extxyz", "a.db"):
        write(tmp_path / name, atoms)
        agree(everything(read(tmp_path / name)), expected, 1e-7)  # digits of extended XYZ
    assert set(atoms.get_properties(["energy", "forces"])) >= {"energy", "forces", "stress"}


def test_copies_compute_the_same() -> None:
    atoms = quartz(calculator())
    expected = everything(atoms)
    calc = copy.deepcopy(atoms.calc)
    calc.reset()
    atoms.calc = calc
    agree(everything(atoms), expected, 0)


# --- tensors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "rank"),
    [
        (Target("dielectric", positive=True), 2),
        (Target("dipole", pooling="sum"), 1),
        (Target("nmr-shielding", pooling="atoms"), 2),
        (Target("band-gap"), 0),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_tensors_turn_with_the_atoms(target: Target, rank: int) -> None:
    name = target.name
    given = predictor(target, size=20)
    calc = CarNetCalculator(given)
    assert calc.implemented_properties == [name]
    atoms = quartz(calc)
    before = calc.get_property(name, atoms)
    of_atoms = target.pooling == "atoms"
    assert np.shape(before) == ((4,) if of_atoms else ()) + (3,) * rank
    expected = given.predict(atoms).tensor
    np.testing.assert_allclose(before, expected, rtol=0, atol=1e-12)
    turn = Rotation.random(random_state=2).as_matrix()
    moved = atoms.copy()
    moved.set_cell(atoms.cell.array @ turn.T)
    moved.positions = atoms.positions @ turn.T + [0.1, 0.2, 0.3]
    after = calc.get_property(name, moved)
    indices, primed = "ij"[:rank], "kl"[:rank]
    factors = ",".join(f"{new}{old}" for new, old in zip(primed, indices, strict=True))
    formula = f"...{indices}{',' if rank else ''}{factors}->...{primed}"
    turned = np.einsum(formula, before, *[turn] * rank)
    np.testing.assert_allclose(after, turned, rtol=0, atol=1e-11)
    if rank:
        assert np.abs(after - before).max() > 1e-3
    with pytest.raises(PropertyNotImplementedError, match="does not predict 'forces'; it predicts"):
        atoms.get_forces()


def test_several_targets_are_as_many_properties() -> None:
    """One network: energy and slopes, and tensors of structures and of atoms."""
    targets = (
        Target("dielectric", positive=True),
        Target("energy", pooling="sum", title="dft"),
        Target("dipole", pooling="sum"),
        Target("nmr-shielding", pooling="atoms"),
        Target("charge", pooling="sum"),
    )
    models = [network(*targets, seed=seed, size=20) for seed in (0, 1)]
    given = Predictor(models, precision="double")
    calc = CarNetCalculator(given)
    names = ["energy", "free_energy", "forces", "stress"]
    tensors = ["dielectric", "dipole", "nmr-shielding", "charge"]
    spreads = [f"{name}_spread" for name in ["energy", "forces", "stress", *tensors]]
    assert calc.implemented_properties == [*names, *tensors, *spreads]
    atoms = quartz(calc)
    np.testing.assert_allclose(
        atoms.get_forces(), calculate_numerical_forces(atoms, 1e-4), rtol=0, atol=1e-8
    )
    atoms.get_stress()
    assert set(calc.results) == set(calc.implemented_properties)
    with torch.no_grad():
        batch = collate([build(geometry(atoms), CUTOFF)], torch.float64)
        charges = [model(batch)["charge"].item() for model in models]
    agree([calc.results["charge"]], [np.mean(charges)])
    for name in tensors[:-1]:
        one = Predictor(models, precision="double", target=name)
        expected = one.predict(atoms)
        np.testing.assert_allclose(calc.results[name], expected.tensor, rtol=0, atol=1e-11)
        spread = expected.uncertainty["tensor"]
        np.testing.assert_allclose(calc.results[f"{name}_spread"], spread, rtol=0, atol=1e-11)
    molecule = water(calc)
    assert np.isfinite(molecule.get_forces()).all()
    assert np.abs(molecule.get_dipole_moment()).max() > 1e-3
    assert "dielectric" not in calc.results
    with pytest.raises(PropertyNotImplementedError, match="dielectric of OH2 needs the volume"):
        calc.get_property("dielectric", molecule)


def test_energies_of_elements_keep_their_digits() -> None:
    """Single precision is for what the network adds to them."""
    model = network(size=100)
    (table,) = [values for name, values in model.named_buffers() if "reference" in name]
    table[[8, 14]] = torch.tensor([[-2040.6], [-7900.123456789]], dtype=torch.float64)
    values = [
        quartz(CarNetCalculator(Predictor([model]), precision=precision)).get_potential_energy()
        for precision in ("double", "single")
    ]
    assert values[0] < -19000
    assert values[1] == pytest.approx(values[0], abs=1e-5)


def test_the_dipole_has_its_place_in_ase() -> None:
    atoms = water(CarNetCalculator(predictor(Target("dipole", pooling="sum"), size=20)))
    assert atoms.get_dipole_moment().shape == (3,)
    assert list(atoms.get_properties(["dipole"])) == ["dipole"]
    assert np.abs(atoms.get_dipole_moment()).max() > 1e-3


# --- ensembles and models -------------------------------------------------------------------------


def test_an_ensemble_gives_its_mean_and_spread() -> None:
    calc = CarNetCalculator(predictor(seeds=(5, 6, 7)))
    found = everything(quartz(calc))
    members = [everything(quartz(CarNetCalculator(predictor(seeds=(n,))))) for n in (5, 6, 7)]
    agree(found, [np.mean(values, axis=0) for values in zip(*members, strict=True)])
    for name, values in zip(
        ("energy", "forces", "stress"), zip(*members, strict=True), strict=True
    ):
        spread = np.std(values, axis=0, ddof=1)
        agree([calc.results[f"{name}_spread"]], [spread])
        assert f"{name}_spread" in calc.implemented_properties
    assert isinstance(calc.get_property("energy_spread", quartz()), float)
    assert "energy_spread" not in calculator().implemented_properties


def test_a_predictor_stays_as_it_is() -> None:
    given = predictor()
    before = {key: value.clone() for key, value in given.models[0].state_dict().items()}
    layers = list(given.models[0].interactions)
    functions = [(layer.convolve, layer.multiply, layer.table) for layer in layers]
    needs = [values.requires_grad for values in given.models[0].parameters()]
    calc = CarNetCalculator(given, precision="single", tables=COMPILER is not None)
    quartz(calc).get_forces()
    assert [(layer.convolve, layer.multiply, layer.table) for layer in layers] == functions
    assert [values.requires_grad for values in given.models[0].parameters()] == needs
    for key, value in given.models[0].state_dict().items():
        assert torch.equal(value, before[key])


def test_a_folder_is_a_model(tmp_path: Path) -> None:
    model = network().float()
    checkpoint.save(tmp_path / "tiny", [model], {"elements": ELEMENTS})
    expected = everything(quartz(CarNetCalculator(Predictor([model], precision="double"))))
    calc = CarNetCalculator(tmp_path / "tiny")
    agree(everything(quartz(calc)), expected)
    assert repr(calc).endswith("1 network: energy, free_energy, forces, stress)")
    assert calc.name == "carnet"
    assert calc.todict()["precision"] == "double"
    assert CarNetCalculator("elastic").implemented_properties[0] == "elastic"
    with pytest.raises(ModelError, match="there is no model 'elastik'; did you mean 'elastic'"):
        CarNetCalculator("elastik")


@pytest.mark.compiler
def test_tables_grow_with_the_elements() -> None:
    calc, exact = calculator(tables=True), calculator()
    for make in (water, quartz, water):
        found = make(calc)
        largest = np.abs(make(exact).get_forces()).max()
        # the third power of the spacing over the shortest bond, 0.01 / 0.96: some 1e-5
        agree([found.get_forces()], [make(exact).get_forces()], 1e-4 * largest)
    assert calc.tabulated == set(ELEMENTS)


@pytest.mark.compiler
def test_tables_hold_few_elements_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carnet_model.calculators.ase.TABULATED", 2)
    calc, exact = calculator(tables=True), calculator()
    for make, held in ((water, {1, 8}), (quartz, {8, 14}), (water, {1, 8})):
        found = make(calc)
        largest = np.abs(make(exact).get_forces()).max()
        agree([found.get_forces()], [make(exact).get_forces()], 1e-4 * largest)
        assert calc.tabulated == held


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["Fe", "X"])
def test_unknown_elements_are_named(symbol: str) -> None:
    atoms = quartz(calculator())
    atoms.symbols[1] = symbol
    fragments = ["do not know Fe", "they know H O Si"] if symbol == "Fe" else ["atomic number 0"]
    with pytest.raises(CalculatorSetupError) as caught:
        atoms.get_potential_energy()
    assert all(fragment in str(caught.value) for fragment in fragments)
    calc = atoms.calc
    calc.calculate(quartz())
    with pytest.raises(CalculatorSetupError):
        calc.calculate(atoms)
    with pytest.raises(CalculatorSetupError):  # not what is left of the other structure
        atoms.get_forces()


def test_what_needs_a_volume_says_so() -> None:
    atoms = water(calculator())
    with pytest.raises(
        PropertyNotImplementedError, match="stress of OH2 needs the volume of a cell"
    ):
        atoms.get_stress()
    assert np.isfinite(atoms.get_potential_energy())
    atoms.set_cell([10, 10, 0])
    atoms.pbc = (True, True, False)
    with pytest.raises(PropertyNotImplementedError, match="the thickness"):
        atoms.get_stress()
    atoms.set_cell([10, 10, 10])
    assert np.isfinite(atoms.get_stress()).all()
    calc = CarNetCalculator(predictor(Target("dielectric")))
    with pytest.raises(PropertyNotImplementedError, match="dielectric of OH2 needs the volume"):
        calc.get_property("dielectric", water())
    boxed = water()
    boxed.set_cell([10, 10, 10])
    with pytest.raises(PropertyNotImplementedError, match="repeats along no direction"):
        calc.get_property("dielectric", boxed)
    boxed.pbc = True
    assert calc.get_property("dielectric", boxed).shape == (3, 3)


def test_properties_that_nobody_predicts() -> None:
    atoms = quartz(calculator())
    with pytest.raises(PropertyNotImplementedError, match="'charges'; it predicts energy, free"):
        atoms.get_charges()
    with pytest.raises(PropertyNotImplementedError, match="'magmoms'"):
        atoms.calc.calculate(atoms, ["energy", "magmoms"])


def test_settings_that_make_no_sense() -> None:
    for options, fragment in (
        ({"skin": -0.1}, "skin is -0.1 Å; allowed: 0 and more"),
        ({"skin": float("nan")}, "skin is nan"),
        ({"compile": "maybe"}, "compile is 'maybe'; allowed: auto, always, never"),
    ):
        with pytest.raises(CalculatorSetupError, match=fragment):
            calculator(**options)
    with pytest.raises(ModelError, match="precision 'half' is none of single, double"):
        calculator(precision="half")
    with pytest.raises(CalculatorSetupError, match="skin cannot be set: make another"):
        calculator().set(skin=1.0)
    with pytest.raises(CalculatorSetupError, match="no atoms yet"):
        calculator().get_property("energy")
    hartree = Target("energy", pooling="sum", unit="Ha")
    for target in (Target("energy", pooling="mean"), Target("stress"), hartree):
        with pytest.raises(CalculatorSetupError, match=f"predicts {target.name} with unit and"):
            CarNetCalculator(predictor(target))


def test_structures_that_cannot_exist() -> None:
    atoms = quartz(calculator())
    atoms.positions[0] = atoms.positions[1] + 0.01
    with pytest.raises(CalculatorSetupError, match="atoms 0 and 1 are"):
        atoms.get_forces()
    atoms = quartz(calculator())
    atoms.get_forces()
    atoms.positions[0, 0] = np.nan
    with pytest.raises(CalculatorSetupError, match="every number must be finite"):
        atoms.get_forces()
    atoms = quartz(atoms.calc)
    atoms.cell[0, 0] = np.nan
    with pytest.raises(CalculatorSetupError, match="every number must be finite"):
        atoms.get_forces()


@pytest.mark.compiler
def test_bonds_shorter_than_the_tables() -> None:
    """Only between two buildings of the list: the structure is looked at then."""
    calc = calculator(tables=True, skin=4.0)
    atoms = Atoms("SiO", [[0, 0, 0], [0, 0, 1.6]], calculator=calc)
    atoms.get_forces()
    atoms.positions[1, 2] = 0.2
    with pytest.raises(CalculationFailed, match=r"0\.2 Å apart and the tables start at 0\.29"):
        atoms.get_forces()


def test_numbers_that_are_not_finite_are_no_result() -> None:
    model = network()
    with torch.no_grad():
        model.start.weight[:] = torch.inf
    atoms = quartz(CarNetCalculator(Predictor([model], precision="double")))
    with pytest.raises(CalculationFailed, match="number that is not finite"):
        atoms.get_forces()
