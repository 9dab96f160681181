"""Structures: what is refused and why, objects of other libraries, files of every kind."""

from __future__ import annotations

import gzip
import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write
from pymatgen.core import Lattice, Molecule, Structure

from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import CLOSEST, Geometry, GeometryError, reduced_formula
from carnet_model.structures.reading import read_geometries

A = 5.43
DIAMOND = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
SILICON = [*DIAMOND, *[tuple(x + 0.25 for x in place) for place in DIAMOND]]


def silicon(**changes: object) -> Geometry:
    fields = {
        "numbers": [14] * 8,
        "positions": A * np.array(SILICON),
        "cell": A * np.eye(3),
        "periodic": (True, True, True),
        "name": "Si",
    }
    return Geometry(**{**fields, **changes})  # type: ignore[arg-type]


def cif(sites: str, *, group: str = "P 1", a: float = A, angle: float = 90, extra: str = "") -> str:
    return (
        f"data_test\n{extra}_cell_length_a {a}\n_cell_length_b {a}\n_cell_length_c {a}\n"
        f"_cell_angle_alpha {angle}\n_cell_angle_beta {angle}\n_cell_angle_gamma {angle}\n"
        f"_symmetry_space_group_name_H-M '{group}'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        f"_atom_site_occupancy\n{sites}"
    )


def only(path: Path) -> Geometry:
    (entry,) = read_geometries(path)
    if isinstance(entry, GeometryError):
        raise entry
    return entry


# --- what a structure may be ----------------------------------------------------------------------


def test_a_crystal_knows_itself() -> None:
    crystal = silicon()
    assert crystal.volume == pytest.approx(A**3)
    assert crystal.formula == "Si"
    assert np.allclose(crystal.fractional, SILICON)
    assert repr(crystal) == "Geometry(Si: Si, 8 atoms, periodic abc)"
    assert crystal.numbers.dtype == np.int64
    assert crystal.positions.dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers": [], "positions": np.zeros((0, 3))}, "has no atoms"),
        ({"numbers": [14]}, "1 atoms need (1, 3)"),
        ({"positions": np.zeros((8, 2))}, "(8, 2)"),
        ({"positions": np.full((8, 3), np.nan)}, "entry (0, 0) is nan"),
        ({"cell": np.full((3, 3), np.inf)}, "entry (0, 0) is inf"),
        ({"cell": np.eye(2)}, "(2, 2)"),
        ({"numbers": [0] * 8}, "atomic number 0 is none of 1 .. 118"),
        ({"numbers": [119] * 8}, "atomic number 119"),
        ({"numbers": [1.5] * 8}, "atomic number 1.5"),
        ({"numbers": ["Si"] * 8}, "no table of numbers"),
        ({"cell": np.zeros((3, 3))}, "lattice vector 1, whose length is 0"),
        ({"cell": np.ones((3, 3)) * 4 + np.diag([1, 0, 0])}, "lie in one plane"),
        ({"positions": np.zeros((8, 3))}, f"nearer than {CLOSEST} Å"),
        ({"periodic": (True, True)}, "periodic flags have shape (2,)"),
    ],
)
def test_what_cannot_exist_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(GeometryError, match=r"^Si: ") as caught:
        silicon(**changes)
    assert words in str(caught.value)
    assert "\n" in str(caught.value)  # the remedy
    assert caught.value.name == "Si"


def test_an_atom_and_its_own_image_may_not_overlap() -> None:
    with pytest.raises(GeometryError, match=r"whose length is 0.2"):
        Geometry([1], np.zeros((1, 3)), np.diag([4, 4, 0.2]), (True, True, True))
    # a short vector made of two long ones
    with pytest.raises(GeometryError, match=r"atoms 0 and 0 \(cell shift"):
        Geometry([1], np.zeros((1, 3)), [[4, 0, 0], [4, 0.2, 0], [0, 0, 4]], (True, True, True))


def test_one_atom_and_left_handed_cells_are_crystals() -> None:
    right = Geometry([84], np.zeros((1, 3)), 3.3 * np.eye(3), (True, True, True))
    left = Geometry([84], np.zeros((1, 3)), -3.3 * np.eye(3), (True, True, True))
    assert left.volume == pytest.approx(right.volume)
    assert len(left.neighbours(3.4)[0]) == len(right.neighbours(3.4)[0]) == 6


@pytest.mark.parametrize("hand", [1, -1])
@pytest.mark.parametrize("periodic", list(itertools.product([True, False], repeat=3)))
def test_neighbours_are_those_counted_by_hand(hand: int, periodic: tuple[bool, ...]) -> None:
    generator = np.random.default_rng(5)
    cell = 4 * np.eye(3) + generator.uniform(-1, 1, (3, 3))
    cell[0] *= hand
    places = generator.uniform(0, 4, (4, 3))
    crystal = Geometry([1, 6, 7, 8], places, cell, periodic)  # type: ignore[arg-type]
    cutoff = 5.0
    wanted = 0
    ranges = [range(-4, 5) if flag else range(1) for flag in periodic]
    for shift in itertools.product(*ranges):
        gap = places[None] + np.array(shift) @ cell - places[:, None]
        lengths = np.linalg.norm(gap, axis=2)
        wanted += int(((lengths < cutoff) & (lengths > 1e-9)).sum())
    i, j, shifts, lengths = crystal.neighbours(cutoff)
    assert len(i) == wanted
    gap = crystal.positions[j] - crystal.positions[i] + shifts @ crystal.full_cell
    assert np.allclose(np.linalg.norm(gap, axis=1), lengths)


def test_rows_that_do_not_repeat_may_be_zero() -> None:
    slab = Geometry([6, 6], [[0, 0, 0], [1.42, 0, 0]], [[2.46, 0, 0], [-1.23, 2.13, 0], [0, 0, 0]],
                    (True, True, False))  # fmt: skip
    assert slab.volume is None
    assert np.allclose(np.abs(slab.full_cell[2]), [0, 0, 1])
    assert np.allclose(slab.fractional @ slab.full_cell, slab.positions)
    wire = Geometry([6], [[0, 0, 0]], [[0, 0, 0], [1.3, 1.3, 0], [0, 0, 0]], (False, True, False))
    assert len(wire.neighbours(2.0)[0]) == 2


def test_formulas_are_pymatgen_s() -> None:
    assert reduced_formula("Si2O4") == "SiO2"
    assert reduced_formula("NeHe") in ("HeNe", "NeHe")  # without a warning
    with pytest.raises(GeometryError, match="no chemical formula"):
        reduced_formula("what?")


# --- objects --------------------------------------------------------------------------------------


def test_structures_of_pymatgen_keep_their_frame() -> None:
    turned = Lattice([[0, 3, 0], [0, 0, 4], [5, 0, 0]])
    structure = Structure(turned, ["Na+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    ours = geometry(structure, name="salt")
    assert ours.cell.tolist() == turned.matrix.tolist()
    assert ours.numbers.tolist() == [11, 17]
    assert ours.periodic == (True, True, True)
    assert geometry(ours) is ours
    assert np.allclose(geometry(structure.as_dict()).positions, ours.positions)
    assert np.allclose(geometry({"structure": structure.as_dict(), "x": 1}).cell, ours.cell)


def test_molecules_repeat_nowhere() -> None:
    water = molecule("H2O")
    for thing in (
        water,
        Molecule(water.get_chemical_symbols(), water.positions),
        Molecule(water.get_chemical_symbols(), water.positions).as_dict(),
        {"numbers": water.numbers, "positions": water.positions},
        {"numbers": water.numbers.tolist(), "pos": water.positions.tolist()},
    ):
        ours = geometry(thing)
        assert ours.periodic == (False, False, False)
        assert ours.formula == "H2O"
        assert ours.volume is None


@pytest.mark.parametrize("pbc", [True, (True, True, False), False])
def test_structures_go_out_as_they_came_in(pbc: Any) -> None:
    atoms = bulk("NaCl", "rocksalt", a=5.64)
    atoms.rotate(30, "x", rotate_cell=True)
    atoms.pbc = pbc
    thing = geometry(atoms)
    for back in (geometry(thing.to_ase()), geometry(thing.to_pymatgen())):
        assert back.periodic == thing.periodic
        np.testing.assert_array_equal(back.numbers, thing.numbers)
        np.testing.assert_allclose(back.positions, thing.positions, atol=1e-12)
        repeats = np.array(thing.periodic)
        np.testing.assert_allclose(back.cell[repeats], thing.cell[repeats], atol=1e-12)


def test_atoms_of_ase_with_a_cell_that_does_not_repeat_stay_so() -> None:
    water = molecule("H2O", vacuum=0.2)
    assert water.cell.volume > 0
    ours = geometry(water)
    assert ours.periodic == (False, False, False)
    assert len(ours.neighbours(1.1)[0]) == 4
    assert geometry(bulk("Cu")).periodic == (True, True, True)


def test_disorder_is_refused_by_site() -> None:
    mixed = Structure(Lattice.cubic(4), [{"Cu": 0.5, "Au": 0.5}, "Cu"], [[0, 0, 0], [0.5, 0.5, 0]])
    with pytest.raises(GeometryError, match=r"site 0 is disordered: Cu:0.5"):
        geometry(mixed)
    with pytest.raises(GeometryError, match=r"site 0 is disordered: Cu:0.9"):
        geometry(Structure(Lattice.cubic(4), [{"Cu": 0.9}], [[0, 0, 0]]))
    atoms = Atoms("Cu", cell=[4, 4, 4], pbc=True, info={"occupancy": {"0": {"Cu": 0.9}}})
    with pytest.raises(GeometryError, match="disordered"):
        geometry(atoms)


def test_what_is_no_structure_is_refused_with_the_remedy() -> None:
    with pytest.raises(GeometryError, match="allowed: Geometry"):
        geometry(42)
    with pytest.raises(GeometryError, match="its keys are x"):
        geometry({"x": 1})
    with pytest.raises(GeometryError, match="frac but no lattice"):
        geometry({"numbers": [1], "frac": [[0, 0, 0]]})
    with pytest.raises(GeometryError, match="no complete Structure"):
        geometry({"@module": "pymatgen.core.structure", "@class": "Structure"})
    with pytest.raises(GeometryError, match="holds X0\\+, no element"):
        geometry(Structure(Lattice.cubic(4), ["X"], [[0, 0, 0]]))


# --- CIF ------------------------------------------------------------------------------------------

PRIMITIVE = "Si1 Si 0 0 0 1\nSi2 Si 0.25 0.25 0.25 1\n"


def test_a_cif_keeps_the_cell_it_describes(tmp_path: Path) -> None:
    file = tmp_path / "si.cif"
    file.write_text(cif("Si1 Si 0 0 0 1\n", group="F d -3 m"))
    assert len(only(file)) == 8
    file.write_text(cif(PRIMITIVE, a=3.84, angle=60))
    assert len(only(file)) == 2
    # pymatgen's frame: c along z, a in the xz plane
    cell = only(file).cell
    assert np.allclose([cell[2, 0], cell[2, 1], cell[0, 1]], 0)


def test_rounded_thirds_are_snapped(tmp_path: Path) -> None:
    file = tmp_path / "mg.cif"
    text = (
        "data_Mg\n_cell_length_a 3.2\n_cell_length_b 3.2\n_cell_length_c 5.2\n_cell_angle_alpha 90"
        "\n_cell_angle_beta 90\n_cell_angle_gamma 120\n_symmetry_space_group_name_H-M 'P 63/m m c'"
        "\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    )
    file.write_text(text + "Mg1 0.3333 0.6667 0.25\n")
    crystal = only(file)
    assert len(crystal) == 2
    assert np.allclose(sorted(crystal.fractional[:, 0]), [1 / 3, 2 / 3], atol=1e-9)
    file.write_text(text + "Mg1 0.333 0.667 0.25\n")  # too coarse to be taken for thirds
    with pytest.raises(GeometryError, match="more digits"):
        only(file)


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ("Nä1 Nä 0 0 0 1\n", "'ä', not ASCII"),
        ("Na1 Na 0 0 −0.5 1\n", "'−', not ASCII"),
        ("Na1 Na 0 0 0 0.9\n", "site 0 is disordered"),
        ("Na1 Na 0 0 0 0.5\nK1 K 0 0 0 0.5\n", "site 0 is disordered"),
        ("Na1 Na 0 0 0 1.2\n", "ccupancy"),
        ("Qq1 Qq 0 0 0 1\n", "'Qq', which names no element"),
        ("Na1 Na 0 0 0 1\nWat1 Wat 0.5 0.5 0.5 1\n", "hydrogen"),
        ("Na1 Na 0 0 ? 1\n", "cannot be read"),
    ],
)
def test_what_a_cif_may_not_hold(tmp_path: Path, sites: str, words: str) -> None:
    file = tmp_path / "bad.cif"
    file.write_text(cif(sites), encoding="utf-8")
    (entry,) = read_geometries(file)
    assert isinstance(entry, GeometryError)
    assert words in str(entry)
    assert entry.name == str(file)
    file.write_text(cif(sites), encoding="latin-1", errors="replace")
    assert isinstance(read_geometries(file)[0], GeometryError)


def test_atoms_missing_from_the_stated_formula_are_noticed(tmp_path: Path) -> None:
    file = tmp_path / "ice.cif"
    file.write_text(cif("O1 O 0 0 0 1\n", extra="_chemical_formula_sum 'H2 O1'\n"))
    with pytest.raises(GeometryError, match="do not make up the stated formula: Missing"):
        only(file)


def test_umlauts_in_remarks_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "si.cif"
    extra = "_publ_author_name 'Müller'\n_publ_section_title\n;\ndata_ für Silizium\n;\n"
    file.write_text(cif(PRIMITIVE, a=3.84, angle=60, extra=extra), encoding="utf-8")
    assert only(file).formula == "Si"


def test_each_block_of_a_cif_is_an_entry(tmp_path: Path) -> None:
    file = tmp_path / "three.cif"
    good, bad = cif(PRIMITIVE, a=3.84, angle=60), cif("Na1 Na 0 0 0 0.9\n")
    file.write_text("data_global\n_journal_year 2015\n" + good + bad + good)
    entries = read_geometries(file)
    assert [type(entry) for entry in entries] == [Geometry, GeometryError, Geometry]
    assert isinstance(entries[1], GeometryError)
    assert entries[1].name == f"{file}#2"


# --- other files ----------------------------------------------------------------------------------


def test_a_structure_survives_every_format(tmp_path: Path) -> None:
    atoms = bulk("NaCl", "rocksalt", a=5.64)
    atoms.rotate(30, "z", rotate_cell=True)
    ours = geometry(atoms)
    structure = Structure(Lattice(atoms.cell.array), atoms.numbers, atoms.get_scaled_positions())
    files = [tmp_path / name for name in ("POSCAR_1", "a.vasp", "a.extxyz", "a.traj", "a.xsf")]
    for file, kind in zip(files, ("vasp", "vasp", "extxyz", "traj", "xsf"), strict=True):
        write(file, atoms, format=kind)
    files.append(tmp_path / "pymatgen.json")
    files[-1].write_text(json.dumps(structure.as_dict()))
    record = {
        "lattice": ours.cell.tolist(),
        "numbers": ours.numbers.tolist(),
        "frac": ours.fractional.tolist(),
    }
    files.append(tmp_path / "own.json.gz")
    files[-1].write_bytes(gzip.compress(json.dumps(record).encode()))
    for file in files:
        back = only(file)
        assert np.allclose(back.cell, ours.cell, atol=1e-6), file
        assert np.allclose(back.fractional % 1, ours.fractional % 1, atol=1e-6), file
        assert back.numbers.tolist() == [11, 17], file
        assert back.name == str(file)
    everything = read_geometries(tmp_path)
    assert len(everything) == len(files)
    assert [entry.name for entry in everything] == sorted(map(str, files))


def test_a_database_of_ase_is_read_row_by_row(tmp_path: Path) -> None:
    from ase.db import connect

    for name in ("some.db", "some.json"):
        with connect(tmp_path / name) as database:
            database.write(bulk("Cu"))
            database.write(Atoms("H2", [[0, 0, 0], [0, 0, 0]]))
            database.write(bulk("Au"))
        entries = read_geometries(tmp_path / name)
        assert isinstance(entries[1], GeometryError)
        assert isinstance(entries[2], Geometry)
        assert entries[2].formula == "Au"
        assert [entry.name.rpartition("#")[2] for entry in entries] == ["1", "2", "3"]


def test_a_bad_frame_costs_no_other(tmp_path: Path) -> None:
    file = tmp_path / "frames.xyz"
    file.write_text("1\nfirst\nH 0 0 0\n2\nsecond\nH 0 0 0\nZz 0 0 1\n1\nthird\nO 0 0 0\n\n")
    entries = read_geometries(file)
    assert [type(entry) for entry in entries] == [Geometry, GeometryError, Geometry]
    assert entries[1].name == f"{file}#2"
    file.write_text("1\nfirst\nH 0 0 0\nnonsense\nfollows\n")
    entries = read_geometries(file)
    assert isinstance(entries[0], Geometry)
    assert "'nonsense'" in str(entries[1])


def test_entries_of_a_list_are_named_by_their_id_or_place(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    good = {"numbers": [1], "positions": [[0, 0, 0]]}
    file.write_text(json.dumps([{**good, "id": "mine"}, good, {"numbers": [1]}, "text"]))
    entries = read_geometries(file)
    assert [entry.name for entry in entries] == ["mine", *[f"{file}#{k}" for k in (2, 3, 4)]]
    assert [isinstance(entry, Geometry) for entry in entries] == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("POSCAR", "x\n1\n4 0 0\n0 4 0\n0 0 4\n1\ndirect\n0 0 0\n", "names no elements"),
        ("a.json", "{", "line 1 is not JSON"),
        ("a.cif", "nothing", "starts with data_"),
        ("a.cif", "", "empty"),
        ("a.cif", "data_x\n_journal_year 2015\n", "cannot be read"),
        ("a.xyz", "\n", "empty"),
        ("a.json", "[]", "holds no structure"),
        ("a.unknown", "?", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_entry(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    (entry,) = read_geometries(file)
    assert isinstance(entry, GeometryError)
    assert words in str(entry)
    assert str(file) in str(entry)


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match="no such file"):
        read_geometries(tmp_path / "nothing.cif")
    with pytest.raises(GeometryError, match="holds no structure file"):
        read_geometries(tmp_path)


def test_reading_raises_no_warning(tmp_path: Path) -> None:
    file = tmp_path / "si.cif"
    file.write_text(cif("Si1 Si4+ 0 0 0 1\n", group="F d -3 m"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(only(file)) == 8
    assert not caught


def test_an_element_without_electronegativity_warns_of_nothing() -> None:
    from pymatgen.core import Lattice, Structure

    assert geometry(Structure(Lattice.cubic(6.2), ["Xe"], [[0, 0, 0]])).formula == "Xe"
