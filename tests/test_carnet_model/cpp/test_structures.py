"""Programs that find the bonds of a structure with vesin give what they give for the caller's."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import vesin
from ase import Atoms

from carnet_model.cpp.library import Bonded, Network
from carnet_model.cpp.writing import write
from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures import graph
from carnet_model.structures.conversion import geometry
from natural_tensors.arrays import Floats

pytestmark = pytest.mark.slow

CUTOFF = 4.0
DOUBLES = ctypes.POINTER(ctypes.c_double)
PLACE = Path(vesin.__file__).parent


class Structure(ctypes.Structure):
    """As the header states it."""

    _fields_ = (
        ("atoms", ctypes.c_int64),
        ("numbers", ctypes.c_void_p),
        ("positions", ctypes.c_void_p),
        ("cell", ctypes.c_void_p),
        ("periodic", ctypes.c_void_p),
    )


class Message(ctypes.Structure):
    """As the header states it."""

    _fields_ = (("text", ctypes.c_char_p), ("length", ctypes.c_size_t))


@dataclass(frozen=True)
class Library:
    """One that finds neighbours, called by the C interface and by ours."""

    calls: ctypes.CDLL
    network: Network
    model: ctypes.c_void_p

    def potential(self, atoms: Atoms) -> tuple[Floats, str]:
        """Return energy, energies, forces and virial in one array, or nothing and why."""
        count = len(atoms)
        results = [np.zeros(size) for size in (1, count, 3 * count, 9)]
        text = ctypes.create_string_buffer(300)
        status = self.calls.bonded_potential_of(
            self.model, -1, ctypes.byref(self.given(atoms)), 0,
            *(each.ctypes.data_as(DOUBLES) for each in results),
            Message(ctypes.cast(text, ctypes.c_char_p), len(text)),
        )  # fmt: skip
        return np.concatenate(results) if status == 0 else np.zeros(0), text.value.decode()

    def tensor(self, atoms: Atoms) -> Floats:
        values = np.zeros(9)
        text = ctypes.create_string_buffer(300)
        status = self.calls.bonded_tensor_of(
            self.model, -1, 1, ctypes.byref(self.given(atoms)), 0,
            values.ctypes.data_as(DOUBLES), ctypes.c_int64(9),
            Message(ctypes.cast(text, ctypes.c_char_p), len(text)),
        )  # fmt: skip
        assert status == 0, text.value
        return values.reshape(3, 3)

    def given(self, atoms: Atoms) -> Structure:
        """Return a structure; it keeps the arrays that it points to."""
        arrays = (
            atoms.numbers.astype(np.int32),
            np.ascontiguousarray(atoms.positions),
            np.ascontiguousarray(atoms.cell.array),
            atoms.pbc.astype(np.uint8),
        )
        structure = Structure(len(atoms), *(array.ctypes.data for array in arrays))
        structure.arrays = arrays
        return structure


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    if not shutil.which("g++"):
        pytest.skip("there is no compiler")
    torch.manual_seed(0)
    settings = NetworkSettings(
        channels=4, layers=2, weight=2, message_weight=1, body_order=3, cutoff=CUTOFF, neighbours=20
    )
    targets = Target("energy", pooling="sum"), Target("dielectric", positive=True)
    place = tmp_path_factory.mktemp("bonded")
    files = write([CarNet(settings, *targets).double().eval()], place / "bonded", elements=[8, 12])
    path = place / "libbonded.so"
    command: list[str | Path] = [
        "g++", "-std=c++17", "-O0", "-shared", "-fPIC", "-Dbonded_DOUBLE", "-Dbonded_VESIN",
        f"-I{PLACE / 'include'}", files.source, PLACE / "lib" / "libvesin.so",
        f"-Wl,-rpath,{PLACE / 'lib'}", "-o", path,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    calls, model = ctypes.CDLL(str(path)), ctypes.c_void_p()
    text = ctypes.create_string_buffer(300)
    assert not calls.bonded_load(
        str(files.weights).encode(), None, ctypes.c_int64(0), ctypes.byref(model),
        Message(ctypes.cast(text, ctypes.c_char_p), len(text)),
    )  # fmt: skip
    return Library(calls, Network(path, files.weights), model)


def periodic(*pbc: bool) -> Atoms:
    """Return a skew cell smaller than the cutoff, atoms outside of it among them."""
    draw = np.random.default_rng(2)
    cell = np.array([[4.2, 0.3, 0.0], [0.5, 3.9, 0.2], [-0.4, 0.1, 4.5]])
    places = np.array([[0, 0, 0], [0.5, 0.5, 0.1], [0.1, 1.5, 0.55], [-0.4, 0.0, 0.5]]) @ cell
    places += draw.normal(scale=0.05, size=places.shape)
    return Atoms([8, 12, 12, 8], places, cell=cell, pbc=pbc)


@pytest.mark.parametrize(
    "atoms",
    [
        periodic(True, True, True),
        periodic(True, False, True),
        periodic(False, False, False),
        Atoms("OMgO", [[0, 0, 0], [1.7, 0.2, 0], [3.1, 0.9, 0.4]]),
        Atoms("O", [[0, 0, 0]]),
    ],
    ids=["crystal", "slab", "box", "molecule", "atom"],
)
def test_bonds_that_are_found_and_given(library: Library, atoms: Atoms) -> None:
    of = collate([graph.build(geometry(atoms), CUTOFF)], torch.float64)
    volume = abs(np.linalg.det(atoms.cell.array))
    bonded = Bonded.of(atoms.numbers, of.receivers, of.senders, of.vectors(), volume)
    expected = library.network.potential(bonded)
    found, problem = library.potential(atoms)
    parts = (expected.energies, expected.forces.flatten(), expected.virial.flatten())
    wanted = np.concatenate([[expected.energy], *parts])
    assert not problem
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
    if volume > 0:
        tensor = library.network.tensor("dielectric", bonded)
        np.testing.assert_allclose(library.tensor(atoms), tensor, rtol=1e-11, atol=1e-12)


def test_no_atoms_and_what_is_refused(library: Library) -> None:
    found, _ = library.potential(Atoms())
    assert found[0] == 0
    lost = periodic(True, True, True)
    lost.positions[1, 2] = np.nan
    assert library.potential(lost)[1] == "positions hold a number that is not finite"
    flat = periodic(True, True, True)
    flat.cell[2] = flat.cell[1]
    assert "no neighbours" in library.potential(flat)[1]
