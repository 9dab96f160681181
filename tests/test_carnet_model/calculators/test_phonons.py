"""Phonons: against second derivatives, what imaginary modes mean, files, the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, make_supercell, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential
from ase.io import write

import carnet_model
from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.finite_differences import finite_differences
from carnet_model.potentials.second_derivatives import mechanics
from carnet_model.relaxation.relaxing import relax
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from natural_tensors.arrays import Floats
from tests.helpers.command_lines import carnet, carnet_error
from tests.helpers.paths import STRUCTURES

pytest.importorskip("phonopy")

import phonopy

from carnet_model.calculators.phonon_files import write_phonons
from carnet_model.calculators.phonons import (
    PhononError,
    Phonons,
    phonons,
    primitive_of,
    supercell_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # its own are its own

THZ = 1e12 * units._hplanck / units._e  # eV in h times a terahertz
TO_THZ = np.sqrt(units._e / units._amu) * 1e10 / (2 * np.pi * 1e12)  # of (eV/Å^2/u)^(1/2)


@pytest.fixture(scope="module")
def silicon() -> CarNetCalculator:
    return CarNetCalculator("silicon", compile="never")


@pytest.fixture(scope="module")
def diamond(silicon: CarNetCalculator) -> Geometry:
    """Silicon at rest, two atoms."""
    return relax(silicon, geometry(bulk("Si")), force=1e-4).at_rest()


def supercell_frequencies(structure: Geometry, repeats: int) -> Floats:
    """All frequencies of a supercell at Γ, by automatic differentiation, THz."""
    whole = geometry(make_supercell(structure.to_ase(), repeats * np.eye(3)))
    model = carnet_model.load("silicon", precision="double", program="never")
    constants = mechanics(model.models, whole).force_constants
    return frequencies_of(constants, whole)


def frequencies_of(constants: Floats, whole: Geometry) -> Floats:
    """Frequencies of force constants, THz, imaginary ones negative."""
    masses = np.repeat(whole.to_ase().get_masses(), 3)
    squares = np.linalg.eigvalsh(constants / np.sqrt(np.outer(masses, masses)))
    return np.asarray(np.sign(squares) * np.sqrt(np.abs(squares)) * TO_THZ)


def test_waves_that_fit_the_supercell_are_those_of_second_derivatives(
    silicon: CarNetCalculator, diamond: Geometry
) -> None:
    result = phonons(silicon, diamond, supercell=(2, 2, 2))
    halves = np.array(np.meshgrid(*[[0, 0.5]] * 3)).reshape(3, -1).T
    ours = np.sort(result.engine.run_qpoints(halves).frequencies.ravel())
    exact = supercell_frequencies(diamond, 2)
    # displacements of 0.01 Å err by third-order terms; near zero the root magnifies
    np.testing.assert_allclose(ours[3:], exact[3:], atol=0.02)
    assert np.abs(ours[:3]).max() < 1e-3
    points = {each.label: each for each in result.points}
    assert next(iter(points)) == "Γ"
    assert points["X"].exact
    assert points["L"].exact
    assert not points["K"].exact
    assert points["U"].frequencies == pytest.approx(points["K"].frequencies, abs=1e-6)
    assert points["Γ"].softest > 14  # translations are no soft modes
    assert result.verdict == "stable"
    assert result.exact.softest == pytest.approx(exact[3], abs=0.02)
    assert not result.polar


def test_thermal_properties_are_those_of_the_frequencies(
    silicon: CarNetCalculator, diamond: Geometry
) -> None:
    result = phonons(silicon, diamond, supercell=(2, 2, 2), temperature=3000.0)
    thermal, sampled = result.thermal, result.engine.mesh
    assert thermal is not None
    mean = np.average(sampled.frequencies.mean(axis=1), weights=sampled.weights)
    assert thermal.zero_point == pytest.approx(3 * THZ * mean / 2, rel=1e-4)
    gas = 3 * units._k * units._Nav
    assert gas * 0.99 < thermal.heat_capacity < gas  # Dulong and Petit
    # the mean square frequency is that of every wave vector, so of the force constants alone
    second = np.mean(supercell_frequencies(diamond, 2) ** 2)
    kelvin = THZ / units.kB
    assert thermal.debye == pytest.approx(kelvin * np.sqrt(5 / 3 * second), rel=3e-3)
    states = np.trapezoid(result.density[1], result.density[0])
    assert states == pytest.approx(6, rel=0.02)  # modes of a primitive cell


def test_a_crystal_that_is_unstable_says_where(silicon: CarNetCalculator) -> None:
    rest = relax(silicon, geometry(bulk("Si", "bcc", a=3.08)), force=1e-3).at_rest()
    result = phonons(silicon, rest, supercell=(2, 2, 2))
    assert result.verdict == "unstable"
    assert result.exact.label == "N"  # or a wave that the crystal's symmetry makes of it
    assert result.exact.softest < -2
    assert result.thermal is None
    assert "i THz at N (" in result.verdict_lines()[0]
    assert result.to_dict()["imaginary"]["label"] == "N"
    assert phonons(silicon, rest, supercell=(2, 2, 2), threshold=5.0).verdict == "stable"


@pytest.mark.parametrize("repeats", [(2, 1, 1), (3, 2, 1)])
def test_the_verdict_is_of_waves_that_fit_a_supercell_of_a_conventional_cell(
    repeats: tuple[int, int, int],
) -> None:
    """The softest of them is a frequency of the supercell, which needs no wave."""
    copper = geometry(bulk("Cu", "fcc", a=3.59, cubic=True))
    result = phonons(EMT(), copper, supercell=repeats)
    assert result.exact.exact
    box = geometry(make_supercell(copper.to_ase(), np.diag(repeats)))
    found = frequencies_of(finite_differences(EMT(), box).force_constants, box)
    expected = found[np.argsort(np.abs(found))[3]]  # after the translations
    assert result.exact.softest == pytest.approx(expected, rel=0.01)


def test_noise_between_the_waves_of_a_supercell_is_no_instability() -> None:
    lithium = CarNetCalculator("lithium", compile="never")
    rest = relax(lithium, geometry(bulk("Li")), force=1e-4).at_rest()
    small = phonons(lithium, rest, supercell=(5, 5, 5))
    assert small.verdict == "interpolated"
    assert small.exact.softest > 0.5
    assert small.between.softest < -0.3
    assert not small.between.exact
    assert "between waves that fit the supercell" in small.verdict_lines()[0]
    assert small.thermal is not None
    large = phonons(lithium, rest)
    assert large.supercell == (6, 6, 6)
    assert large.verdict == "stable"


def test_supercells_are_even_and_wide_and_of_primitive_cells() -> None:
    copper = geometry(bulk("Cu", cubic=True))
    primitive = primitive_of(copper)
    assert len(primitive) == 1
    assert primitive.volume == pytest.approx((copper.volume or 0) / 4)
    heights = np.array([1, 2, 13]) * 3.0
    wide = geometry(Atoms("Cu", cell=np.diag(heights), pbc=True))
    assert supercell_of(wide, 12.0) == (4, 2, 1)
    assert supercell_of(wide, 13.0) == (6, 4, 1)
    result = phonons(EMT(), copper, length=7.0)
    assert result.supercell == (4, 4, 4)
    assert len(result.engine.supercell) == 64
    given = phonons(EMT(), copper, supercell=(2, 2, 2))
    assert len(given.engine.supercell) == 32
    mirrored = Geometry(copper.numbers, copper.positions, -copper.cell, copper.periodic)
    other = phonons(EMT(), mirrored, supercell=(2, 2, 2))
    for one, two in zip(given.points, other.points, strict=True):
        np.testing.assert_allclose(one.frequencies, two.frequencies, atol=1e-3)


class Pushed(Calculator):  # type: ignore[misc] # ASE states no types
    """Another calculator and a force on every atom that does not change."""

    implemented_properties = ("energy", "forces")

    def __init__(self, other: Any) -> None:
        super().__init__()
        self.other = other

    def calculate(self, atoms: Any = None, properties: Any = (), system_changes: Any = ()) -> None:
        super().calculate(atoms, properties, system_changes)
        draw = np.random.default_rng(0)
        self.results = {
            "energy": 0.0,
            "forces": self.other.get_property("forces", atoms)
            + 0.01 * draw.normal(size=(len(atoms), 3)),
        }


def test_forces_left_in_the_crystal_do_not_count() -> None:
    copper = relax(EMT(), geometry(bulk("Cu")), force=1e-4).at_rest()
    still = phonons(EMT(), copper, supercell=(2, 2, 2))
    pushed = phonons(Pushed(EMT()), copper, supercell=(2, 2, 2))
    for one, two in zip(still.points, pushed.points, strict=True):
        np.testing.assert_allclose(one.frequencies, two.frequencies, atol=1e-6)


def salt() -> tuple[Any, Geometry]:
    """A rocksalt of springs, whose polar modes only charges can split."""
    calculator = MorsePotential(epsilon=0.5, r0=2.8, rho0=6.0, rcut1=5.0, rcut2=6.0)
    return calculator, geometry(bulk("NaCl", "rocksalt", a=5.6))


def test_charges_split_polar_modes(tmp_path: Path) -> None:
    calculator, structure = salt()
    charge, permittivity = 1.1, 2.4
    matrices = [permittivity * np.eye(3), charge * np.eye(3), -charge * np.eye(3)]
    lines = [" ".join(f"{each:.6f}" for each in matrix.ravel()) for matrix in matrices]
    (tmp_path / "BORN").write_text("\n".join(["default", *lines]) + "\n")
    plain = phonons(calculator, structure, supercell=(2, 2, 2))
    split = phonons(calculator, structure, supercell=(2, 2, 2), born=tmp_path / "BORN")
    assert (plain.polar, plain.charges) == (True, False)
    assert (split.polar, split.charges) == (False, True)
    transverse = plain.engine.run_qpoints([[0, 0, 0]]).frequencies[0]
    assert np.allclose(transverse[3:], transverse[3])
    along = split.engine.run_qpoints([[0, 0, 0]], nac_q_direction=[1, 0, 0]).frequencies[0]
    mass = 1 / sum(1 / each for each in split.engine.primitive.masses)
    coulomb = units._e**2 / units._eps0 / units._e * 1e10  # e^2/ε0, eV Å
    gap = coulomb * charge**2 / permittivity / mass / (structure.volume or 0) * TO_THZ**2
    assert along[-1] ** 2 - transverse[-1] ** 2 == pytest.approx(gap, rel=1e-3)
    at_zone_centre = next(each for each in split.points if each.label == "Γ")
    np.testing.assert_allclose(at_zone_centre.frequencies, transverse, atol=1e-3)
    (tmp_path / "wrong").write_text("default\n1 2\n")
    with pytest.raises(PhononError, match="wrong: no charges of NaCl"):
        phonons(calculator, structure, supercell=(2, 2, 2), born=tmp_path / "wrong")


@pytest.fixture(scope="module")
def small(silicon: CarNetCalculator, diamond: Geometry) -> Phonons:
    return phonons(silicon, diamond, supercell=(2, 2, 2))


def test_phonopy_goes_on_from_the_files(small: Phonons, tmp_path: Path) -> None:
    written = write_phonons(small, tmp_path / "new", "silicon")
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {path.name for path in written}
    assert names == {
        "phonopy.yaml", "FORCE_CONSTANTS", "band.yaml", "total_dos.dat", "phonons.json", "bands.png"
    }  # fmt: skip
    again = phonopy.load(str(tmp_path / "new" / "phonopy.yaml"), log_level=0)
    for each in small.points:
        found = again.run_qpoints([each.q]).frequencies[0]
        np.testing.assert_allclose(found, each.frequencies, atol=1e-3)
    document = json.loads((tmp_path / "new" / "phonons.json").read_text())
    assert document["verdict"] == "stable"
    assert document["model"] == "silicon"
    assert document["points"][0]["label"] == "Γ"
    assert (tmp_path / "new" / "bands.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"supercell": (0, 1, 1)}, r"supercell is \(0, 1, 1\); allowed"),
        ({"distance": 0.0}, "distance is 0; allowed: more than 0"),
        ({"length": -1.0}, "length is -1"),
        ({"threshold": 0.0}, "threshold is 0"),
        ({"temperature": float("nan")}, "temperature is nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: Any, words: str) -> None:
    with pytest.raises(PhononError, match=words):
        phonons(EMT(), geometry(bulk("Cu")), **options)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quick = ("-m", "silicon", "--supercell", "1", "1", "1", "--mesh", "6", "6", "6")
    shown = carnet("phonons", str(STRUCTURES / "si.cif"), *quick, "-o", "out").stdout
    for words in (
        "Si, silicon", "volume +2.", "supercell 1 x 1 x 1, 8 atoms, 1 displacement\n", "Γ",
        "0.00 x3", "(1/2 0 1/2)", "no imaginary modes: of the waves that fit",
        "zero-point energy", "Debye",
    ):  # fmt: skip
        assert words in shown
    assert "Born" not in shown  # one element
    assert Path("out", "phonopy.yaml").is_file()
    write("water.xyz", molecule("H2O"))
    write("cu.cif", bulk("Cu"))
    write("si.vasp", bulk("Si"))
    result = carnet("phonons", "si.vasp", "water.xyz", "cu.cif", "-o", "two", "--json", *quick)
    document = json.loads(result.stdout)
    assert document["model"] == "silicon"
    first, *others = document["phonons"]
    assert first["verdict"] == "stable"
    assert first["volume_change"] is not None
    assert ["error" in each for each in others] == [True, True]
    assert Path("two", "si", "bands.png").is_file()
    assert "does not know Cu" in result.stderr
    error = carnet_error("phonons", "cu.cif", *quick, code=1)
    assert "does not know Cu" in error
    for wrong, words in (
        (("--supercell", "0", "1", "1"), "--supercell is (0, 1, 1); allowed"),
        (("--mesh", "1", "1", "0"), "--mesh is (1, 1, 0); allowed"),
        (("--born", "none"), "there is no file none"),
    ):
        assert words in carnet_error("phonons", "cu.cif", "-m", "silicon", *wrong)


def test_an_unstable_crystal_is_printed_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("bcc.vasp", bulk("Si", "bcc", a=3.08))
    shown = carnet(
        "phonons", "bcc.vasp", "-m", "silicon", "--supercell", "2", "2", "2", "-o", "out"
    ).stdout
    assert "unstable: 2." in shown
    assert "i THz at N (" in shown
    assert "zero-point" not in shown
