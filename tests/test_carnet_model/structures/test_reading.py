"""Files and folders of every kind: each entry is read, or says why not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from pymatgen.core import Lattice, Structure

from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.reading import read_geometries
from tests.helpers.structure_files import only


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
