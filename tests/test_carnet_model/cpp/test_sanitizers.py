"""A network under the sanitizers of the compiler: all kinds of targets, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from numpy.typing import ArrayLike

from carnet_model.cpp.files import Written
from carnet_model.cpp.library import Bonded
from carnet_model.cpp.writing import write
from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures import graph
from carnet_model.structures.conversion import geometry
from natural_tensors.arrays import Floats

pytestmark = pytest.mark.slow

CUTOFF = 4.0
TARGETS = (
    Target("energy", pooling="sum"),
    Target("dipole", pooling="sum"),
    Target("dielectric", positive=True),
    Target("ij", pooling="atoms", title="shielding"),
)
NETWORKS = {
    "plain": NetworkSettings(
        channels=3, layers=1, weight=2, message_weight=0, body_order=4, cutoff=CUTOFF,
        neighbours=20, bounded=False,
    ),
    "light": NetworkSettings(
        channels=3, layers=2, weight=2, message_weight=1, body_order=2, cutoff=CUTOFF, neighbours=20
    ),
    "deep": NetworkSettings(
        channels=3, layers=3, weight=2, message_weight=2, body_order=3, cutoff=CUTOFF, neighbours=20
    ),
    "heavy": NetworkSettings(
        channels=3, layers=2, weight=3, message_weight=3, body_order=3, cutoff=CUTOFF,
        neighbours=20, repulsion=True,
    ),
}  # fmt: skip
"""Messages of weight 0 to 3, one to three layers, body orders 2 to 4, repulsion of nuclei."""

CHECKED = ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include "checked.h"

/* Reads atoms and bonds, and writes energy, forces, virial and all tensors, one number a line. */
static void* filled(FILE* file, size_t count, size_t size) {
    void* values = malloc(count * size + !count);
    if (fread(values, size, count, file) != count) exit(3);
    return values;
}
static void print(const double* values, int64_t count) {
    for (int64_t k = 0; k < count; ++k) printf("%.17g\n", values[k]);
}
int main(int count, char** arguments) {
    char text[300];
    const checked_message message = {text, sizeof text};
    checked_model* model = NULL;
    FILE* file = count == 5 ? fopen(arguments[2], "rb") : NULL;
    if (!file) return 2;
    int64_t* sizes = filled(file, 2, 8);
    const int64_t atoms = sizes[0], bonds = sizes[1];
    int32_t* numbers = filled(file, atoms, 4);
    int32_t* receivers = filled(file, bonds, 4);
    int32_t* senders = filled(file, bonds, 4);
    double* vectors = filled(file, 3 * bonds, 8);
    double* volume = filled(file, 1, 8);
    uint8_t* counted = filled(file, atoms, 1);
    fclose(file);
    const int threads = atoi(arguments[3]), tables = atoi(arguments[4]);
    const int32_t elements[] = {8, 12};
    double energy, *energies = malloc(8 * atoms + 1), *forces = malloc(24 * atoms + 1);
    double virial[9], *gradient = malloc(24 * bonds + 1), *values = malloc(72 * atoms + 72);
    checked_bonds given = {atoms, numbers, counted, bonds, receivers, senders, vectors, *volume};
    int status = checked_load(arguments[1], elements, tables ? 2 : 0, &model, message);
    if (!status)
        status = checked_potential(model, -1, &given, threads, &energy, energies, forces, virial,
                                   gradient, message);
    if (!status) print(&energy, 1), print(energies, atoms), print(forces, 3 * atoms);
    if (!status) print(virial, 9);
    given.counted = NULL;
    const int64_t entries[] = {1, 3, 9, 9 * atoms};
    for (int target = 0; target < 4 && !status; ++target) {
        const int64_t capacity = entries[target];
        status = checked_tensor(model, -1, target, &given, threads, values, capacity, message);
        if (!status) print(values, capacity);
    }
    if (status) fprintf(stderr, "%s\n", text);
    checked_free(model);
    free(sizes), free(numbers), free(receivers), free(senders), free(vectors), free(volume);
    free(counted), free(energies), free(forces), free(gradient), free(values);
    return status;
}
"""


@dataclass(frozen=True)
class Driver:
    """A program in C around a network that is checked at every access."""

    program: Path
    files: Written
    network: CarNet

    def run(
        self, bonded: Bonded, threads: int = 1, tables: bool = False
    ) -> subprocess.CompletedProcess[str]:
        atoms, bonds = len(bonded.numbers), len(bonded.receivers)
        counted = np.ones(atoms, np.uint8) if bonded.counted is None else bonded.counted
        parts = (
            np.array([atoms, bonds], np.int64), bonded.numbers, bonded.receivers, bonded.senders,
            bonded.vectors, np.array([bonded.volume]), counted,
        )  # fmt: skip
        given = self.program.with_name("structure")
        given.write_bytes(b"".join(part.tobytes() for part in parts))
        command: list[str | Path] = [
            self.program,
            self.files.weights,
            given,
            str(threads),
            str(int(tables)),
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=300)

    def numbers(self, bonded: Bonded, threads: int = 1, tables: bool = False) -> Floats:
        done = self.run(bonded, threads, tables)
        assert done.returncode == 0, done.stderr
        return np.array(done.stdout.split(), dtype=np.float64)


@pytest.fixture(scope="module", params=NETWORKS)
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """Every kind of target, in double precision."""
    if not (shutil.which("g++") and shutil.which("gcc")):
        pytest.skip("there is no compiler")
    torch.manual_seed(0)
    network = CarNet(NETWORKS[request.param], *TARGETS).double().eval()
    place = tmp_path_factory.mktemp("checked")
    files = write([network], place / "checked", elements=[8, 12])
    (place / "driver.c").write_text(DRIVER)
    commands: tuple[list[str | Path], ...] = (
        ["g++", "-std=c++17", *CHECKED, "-Dchecked_DOUBLE", "-fopenmp", "-c", files.source,
         "-o", "checked.o"],
        ["gcc", "-std=c11", *CHECKED, "-Ichecked", "driver.c", "checked.o", "-lstdc++", "-lgomp",
         "-lm", "-o", "driver"],
    )  # fmt: skip
    for command in commands:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return Driver(place / "driver", files, network)


def crystal(rattle: float = 0.1) -> Atoms:
    atoms = bulk("MgO", "rocksalt", 4.21) * (4, 1, 1)
    atoms.rattle(rattle, seed=1)
    return atoms


def bonded(atoms: Atoms, counted: ArrayLike | None = None) -> Bonded:
    of = collate([graph.build(geometry(atoms), CUTOFF)], torch.float64)
    volume = abs(np.linalg.det(atoms.cell))
    return Bonded.of(atoms.numbers, of.receivers, of.senders, of.vectors(), volume, counted)


@pytest.mark.parametrize("rattle", [0.0, 0.1])
@pytest.mark.parametrize("threads", [1, 2])
def test_all_that_a_network_computes(driver: Driver, threads: int, rattle: float) -> None:
    atoms = crystal(rattle)  # bonds that are alike, and not
    batch = collate([graph.build(geometry(atoms), CUTOFF)], torch.float64)
    expected = energy_and_derivatives(driver.network, batch, stress=True)
    assert expected.strain_derivative is not None
    with torch.no_grad():
        packed = driver.network(batch)
    tensors = [
        np.asarray(target.reduction.unpack(packed[target.key].numpy())) for target in TARGETS
    ]
    found = driver.numbers(bonded(atoms), threads)
    count = len(atoms)
    energy, energies, forces, virial, *rest = np.split(
        found, np.cumsum([1, count, 3 * count, 9, 1, 3, 9])
    )
    strain = expected.strain_derivative[0].numpy()
    # what vanishes by symmetry is rounded as its terms are, of which the virial is a sum too
    least = max(1e-6 * abs(expected.energy.item()), 0.1 * np.abs(strain).max())
    assert energy[0] == pytest.approx(expected.energy.item(), rel=1e-12)
    assert energies.sum() == pytest.approx(energy[0], rel=1e-12)
    for ours, theirs in (
        (forces, expected.forces.numpy()), (virial, -strain),
        *zip(rest, tensors, strict=True),
    ):  # fmt: skip
        scale = np.abs(theirs).max(initial=least)
        np.testing.assert_allclose(ours, theirs.flatten(), rtol=0, atol=1e-10 * scale)


def test_some_atoms_one_atom_and_none(driver: Driver) -> None:
    atoms = crystal()
    flags = np.arange(len(atoms)) < 2
    whole, some = driver.numbers(bonded(atoms)), driver.numbers(bonded(atoms, flags))
    assert some[0] == pytest.approx(whole[1:3].sum(), rel=1e-12)
    one = driver.numbers(bonded(Atoms("O", [[0, 0, 0]])))
    assert one[0] == one[1] != 0
    assert not one[2:5].any()
    none = driver.numbers(Bonded.of([], [], [], np.zeros((0, 3))))
    assert none[0] == 0


def test_tables_and_refusals(driver: Driver) -> None:
    here = bonded(crystal())
    found, exact = driver.numbers(here, tables=True), driver.numbers(here)
    assert found[0] == pytest.approx(exact[0], rel=1e-6)
    apart = Bonded.of([8, 8], [0], [7], [[1.0, 0, 0]])
    assert "bond 0 joins atoms 0 and 7" in driver.run(apart).stderr
    unknown = Bonded.of([99], [], [], np.zeros((0, 3)))
    assert "does not know the atomic number 99" in driver.run(unknown).stderr
    near = Bonded.of([8, 8], [0, 1], [1, 0], [[0.3, 0, 0], [-0.3, 0, 0]])
    assert "the tables start at" in driver.run(near, tables=True).stderr
