"""Networks in C++ give the numbers of PyTorch, whatever they predict."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from carnet_model.cpp.building import build
from carnet_model.cpp.files import Precision, ProgramError, Written
from carnet_model.cpp.library import Bonded, Network
from carnet_model.cpp.writing import write
from carnet_model.network.batch import Batch, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures import graph
from carnet_model.structures.conversion import geometry
from natural_tensors.arrays import Floats

pytestmark = pytest.mark.slow

CUTOFF = 4.0
ELEMENTS = (8, 12)
ENERGY = Target("energy", pooling="sum")

NETWORKS = {
    "wide": (
        NetworkSettings(channels=8, layers=2, message_weight=2, cutoff=CUTOFF, neighbours=20),
        (ENERGY, Target("dipole", pooling="sum"), Target("dielectric", positive=True)),
    ),
    "elastic": (
        NetworkSettings(channels=4, layers=2, body_order=3, cutoff=CUTOFF, neighbours=20),
        (Target("elastic", positive=True), Target("piezoelectric")),
    ),
    "pseudo": (
        NetworkSettings(
            channels=6, layers=3, message_weight=2, body_order=3, cutoff=CUTOFF, neighbours=20
        ),
        (ENERGY, Target("ij", pooling="atoms", title="shielding"), Target("i", axial=True)),
    ),
    "plain": (
        NetworkSettings(
            channels=5, layers=1, message_weight=0, body_order=2, cutoff=CUTOFF, neighbours=20,
            bounded=False,
        ),
        (ENERGY,),
    ),
    "repelling": (
        NetworkSettings(
            channels=5, layers=2, body_order=3, cutoff=CUTOFF, neighbours=20, repulsion=True,
        ),
        (Target("dipole", pooling="sum"), ENERGY),
    ),
    "heavy": (
        NetworkSettings(
            channels=5, layers=2, weight=3, message_weight=3, body_order=3, cutoff=CUTOFF,
            neighbours=20,
        ),
        (ENERGY,),
    ),
}  # fmt: skip
"""One to three layers, messages of weight 0 to 3, body orders 2 to 4, every kind of target."""

TENSORS = [(name, target.key) for name, (_, targets) in NETWORKS.items() for target in targets]


@cache
def model(name: str, seed: int = 0) -> CarNet:
    """A network whose outputs are far from zero, in double precision."""
    torch.manual_seed(seed)
    settings, targets = NETWORKS[name]
    network = CarNet(settings, *targets)
    for output in network.outputs:
        for head in output.head.heads:
            torch.nn.init.normal_(head.weight, std=0.3)
            torch.nn.init.normal_(head.bias, std=0.3)
        output.assembly.mean.normal_()
        output.assembly.scale.uniform_(0.5, 2)
        if output.assembly.reference is not None:
            output.assembly.reference.table.normal_()
    return network.double().eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@cache
def written(folder: Path, *names: str) -> Written:
    models = [model(name, seed) for seed, name in enumerate(names)]
    return write(models, folder / "_".join(names), elements=ELEMENTS)


@cache
def network(
    folder: Path, name: str, precision: Precision = "double", elements: tuple[int, ...] = ()
) -> Network:
    files = written(folder, name)
    return build(files, precision=precision, elements=elements, options=("-O0",))


def crystal(repeat: int = 2, rattle: float = 0.1) -> Atoms:
    atoms = bulk("MgO", "rocksalt", 4.21) * (repeat, 1, 1)
    atoms.rattle(rattle, seed=1)
    return atoms


def batch(atoms: Atoms) -> Batch:
    return collate([graph.build(geometry(atoms), CUTOFF)], torch.float64)


def bonded(atoms: Atoms) -> Bonded:
    of = batch(atoms)
    return Bonded.of(
        atoms.numbers, of.receivers, of.senders, of.vectors(), abs(np.linalg.det(atoms.cell))
    )


def by_torch(name: str, key: str, atoms: Atoms) -> Floats:
    with torch.no_grad():
        packed = model(name)(batch(atoms))[key].double().numpy()
    target = next(each for each in model(name).targets if each.key == key)
    tensors = np.asarray(target.reduction.unpack(packed))
    return tensors if target.pooling == "atoms" else np.asarray(tensors[0])


def close(found: Floats | float, expected: Floats | float, relative: float) -> None:
    """Compare, by the largest entry: sums of terms of that size are rounded like it."""
    size = np.abs(expected).max(initial=1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * size)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["wide", "pseudo", "plain", "heavy", "repelling"])
def test_energies_forces_and_virials(folder: Path, name: str, threads: int) -> None:
    atoms = crystal(4)  # 8 atoms have bonds for two threads
    expected = energy_and_derivatives(model(name), batch(atoms), stress=True)
    assert expected.strain_derivative is not None
    found = network(folder, name).potential(bonded(atoms), threads=threads)
    close(found.energy, expected.energy[0].item(), 1e-12)
    close(found.energies.sum(), found.energy, 1e-13)
    close(found.forces, expected.forces.numpy(), 1e-11)
    close(found.virial, -expected.strain_derivative[0].numpy(), 1e-11)


def test_nuclei_repel_each_other(folder: Path) -> None:
    """In a crystal so compressed that the repulsion is nearly all of the energy."""
    atoms = crystal(4)
    atoms.set_cell(0.6 * atoms.cell.array, scale_atoms=True)
    found = network(folder, "repelling").potential(bonded(atoms))
    expected = energy_and_derivatives(model("repelling"), batch(atoms), stress=True)
    alone = model("repelling").repulsion
    assert alone is not None
    assert expected.strain_derivative is not None
    share = alone(model("repelling").bonds(batch(atoms)), batch(atoms)).item()
    assert share > 10 * abs(expected.energy.item() - share)
    close(found.energy, expected.energy[0].item(), 1e-12)
    close(found.forces, expected.forces.numpy(), 1e-11)
    close(found.virial, -expected.strain_derivative[0].numpy(), 1e-11)
    here, flags = bonded(atoms), np.arange(len(atoms)) % 3 == 0
    parts = [
        network(folder, "repelling").potential(replace(here, counted=each.astype(np.uint8)))
        for each in (flags, ~flags)
    ]
    close(parts[0].forces + parts[1].forces, found.forces, 1e-11)


@pytest.mark.parametrize(("name", "key"), TENSORS)
def test_tensors_of_every_kind(folder: Path, name: str, key: str) -> None:
    atoms = crystal()
    close(network(folder, name).tensor(key, bonded(atoms)), by_torch(name, key, atoms), 1e-12)


def test_single_precision(folder: Path) -> None:
    atoms = crystal()
    single, double = (network(folder, "wide", each) for each in ("single", "double"))
    found, expected = (each.potential(bonded(atoms)) for each in (single, double))
    # 20 neighbours, two layers, products of three: some hundred roundings of 6e-8
    close(found.energy, expected.energy, 1e-5)
    close(found.forces, expected.forces, 1e-4)


@pytest.mark.parametrize(("name", "key"), TENSORS)
def test_tensors_in_single_precision(folder: Path, name: str, key: str) -> None:
    here = bonded(crystal())
    single, double = (network(folder, name, each) for each in ("single", "double"))
    close(single.tensor(key, here), double.tensor(key, here), 1e-4)  # roundings, as above


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rattle", [0.0, 1e-7])
@pytest.mark.parametrize(
    ("name", "key"), [("elastic", "elastic"), ("pseudo", "energy"), ("pseudo", "shielding")]
)
def test_bonds_that_are_alike(
    folder: Path, name: str, key: str, rattle: float, threads: int
) -> None:
    """Radial weights that bonds share are those that each would have."""
    atoms = crystal(4, rattle)  # alike in both precisions; in single precision alone
    expected = by_torch(name, key, atoms)
    tolerances: dict[Precision, float] = {"double": 1e-12, "single": 1e-4}
    for precision, relative in tolerances.items():
        here = network(folder, name, precision)
        close(here.tensor(key, bonded(atoms), threads=threads), expected, relative)


def test_tables_follow_the_exact_functions(folder: Path) -> None:
    atoms = crystal()
    tables = network(folder, "wide", elements=ELEMENTS)
    found, expected = (each.potential(bonded(atoms)) for each in (tables, network(folder, "wide")))
    # cubic splines on rows 0.01 apart: h^4 f'''' / 384, and h^3 f'''' / 24 in the slopes
    close(found.energy, expected.energy, 1e-7)
    close(found.forces, expected.forces, 1e-4)
    alone = network(folder, "wide", elements=(8,))
    with pytest.raises(ProgramError, match="element without tables: name all elements"):
        alone.potential(bonded(atoms))
    near = Atoms("O2", [[0, 0, 0], [0, 0, 0.4]])
    with pytest.raises(ProgramError, match="the tables start at"):
        alone.potential(bonded(near))


def test_forces_are_the_slope_of_the_energy(folder: Path) -> None:
    atoms, step = crystal(), 1e-4
    called = network(folder, "wide", elements=ELEMENTS)
    forces = called.potential(bonded(atoms)).forces
    for atom, axis in [(0, 0), (3, 2)]:
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[atom, axis] += sign * step
            energies.append(called.potential(bonded(moved)).energy)
        slope = -(energies[0] - energies[1]) / (2 * step)
        close(forces[atom, axis], slope, 1e-6)  # step^2, and 1e-16 / step


def test_order_and_layout_of_the_bonds_do_not_matter(folder: Path) -> None:
    here = bonded(crystal())
    expected = network(folder, "wide").potential(here)
    order = np.random.default_rng(0).permutation(len(here.receivers))
    spread = np.asfortranarray(here.vectors[order])
    far = np.array([[9.0, 0, 0]])
    shuffled = Bonded.of(
        here.numbers.astype(float)[::1],
        np.append(here.receivers[order], 0),
        np.append(here.senders[order], 1),
        np.concatenate([spread, far]),
        here.volume,
    )
    found = network(folder, "wide").potential(shuffled)
    close(found.forces, expected.forces, 1e-12)


def test_one_atom_and_none(folder: Path) -> None:
    one = Atoms("O", [[0, 0, 0]])
    expected = energy_and_derivatives(model("wide"), batch(one)).energy[0].item()
    found = network(folder, "wide").potential(bonded(one))
    close(found.energy, expected, 1e-12)
    assert not found.forces.any()
    nothing = network(folder, "wide").potential(Bonded.of([], [], [], np.zeros((0, 3))))
    assert nothing.energy == 0
    assert nothing.forces.shape == (0, 3)


def test_energies_of_some_atoms_add_up(folder: Path) -> None:
    here = bonded(crystal(4))
    called = network(folder, "pseudo")
    flags = np.arange(len(here.numbers)) % 3 == 0
    parts = [
        called.potential(replace(here, counted=each.astype(np.uint8))) for each in (flags, ~flags)
    ]
    whole = called.potential(here)
    close(parts[0].energy + parts[1].energy, whole.energy, 1e-12)
    close(parts[0].forces + parts[1].forces, whole.forces, 1e-11)
    assert not parts[0].energies[~flags].any()


def test_an_ensemble_of_unequal_networks(folder: Path) -> None:
    files = write(
        [model("wide"), model("wide", 1)], folder / "pair", elements=ELEMENTS, target="dielectric"
    )
    called = build(files, options=("-O0",))
    assert called.members == 2
    here = bonded(crystal())
    each = [called.tensor("dielectric", here, member=number) for number in range(2)]
    close(called.tensor("dielectric", here), np.mean(each, axis=0), 1e-13)
    assert not np.allclose(each[0], each[1])
    close(each[0], network(folder, "wide").tensor("dielectric", here), 1e-12)
    with pytest.raises(ProgramError, match="member is 2; there are 0 to 1"):
        called.tensor("dielectric", here, member=2)
    with pytest.raises(ProgramError, match="this network has no energy among its targets"):
        called.potential(here)


def test_what_cannot_be_computed_is_said(folder: Path) -> None:
    called, here = network(folder, "wide"), bonded(crystal())
    with pytest.raises(ProgramError, match="does not know the atomic number 6; it knows 8, 12"):
        called.potential(replace(here, numbers=here.numbers * 0 + 6))
    with pytest.raises(ProgramError, match="bond 0 joins atoms 0 and 99; there are atoms 0 to 3"):
        called.potential(replace(here, senders=here.senders * 0 + 99))
    with pytest.raises(ProgramError, match="has no length; two atoms in one place"):
        called.potential(replace(here, vectors=here.vectors * 0))
    with pytest.raises(ProgramError, match="threads are allowed"):
        called.potential(here, threads=100_000)
    with pytest.raises(ProgramError, match="does not predict 'elastic'"):
        called.tensor("elastic", here)
    with pytest.raises(ProgramError, match="do not fit together"):
        Bonded.of([8], [0, 0], [0], np.zeros((1, 3)))


def test_weights_of_another_program_are_refused(folder: Path, tmp_path: Path) -> None:
    files = written(folder, "plain")
    content = files.weights.read_bytes()
    for damaged in (content[:-1], content + b"0", content[:-1] + b"x", b""):
        other = tmp_path / files.weights.name
        other.write_bytes(damaged)
        with pytest.raises(ProgramError, match="not the file that was written with this"):
            build(replace(files, weights=other), options=("-O0",))
    with pytest.raises(ProgramError, match="cannot be opened"):
        build(replace(files, weights=tmp_path / "none" / files.weights.name), options=("-O0",))


def test_names_and_targets_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="'7up' cannot begin the names of a C interface"):
        write([model("plain")], tmp_path, name="7up")
    with pytest.raises(ProgramError, match="does not predict 'elastic'; it predicts energy"):
        write([model("plain")], tmp_path, name="plain", target="elastic")
