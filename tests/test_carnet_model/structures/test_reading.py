"""Files and folders of every kind: each entry is read, or says why not."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from monty.serialization import dumpfn
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


SILICON = {"numbers": [14, 14], "lattice": [[0, 2.7, 2.7], [2.7, 0, 2.7], [2.7, 2.7, 0]]}


@pytest.mark.parametrize("flag", [True, 1, [1, 1, 1]])
def test_flags_are_true_or_one(tmp_path: Path, flag: object) -> None:
    record = {**SILICON, "frac": [[0, 0, 0], [0.25, 0.25, 0.25]], "periodic": flag}
    (tmp_path / "a.json").write_text(json.dumps(record))
    assert only(tmp_path / "a.json").periodic == (True, True, True)


def test_folders_in_a_folder_are_read(tmp_path: Path) -> None:
    for name in ("b.xyz", "a/POSCAR", "a/c/d.xyz", ".hidden/e.xyz", "a/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        kind = "vasp" if "POSCAR" in name else "extxyz"
        write(tmp_path / name, bulk("Cu"), format=kind)
    (tmp_path / "a" / "again").symlink_to(tmp_path)  # a circle
    names = [str(Path(entry.name).relative_to(tmp_path)) for entry in read_geometries(tmp_path)]
    assert names == ["a/POSCAR", "a/c/d.xyz", "b.xyz"]


def test_a_closed_folder_costs_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "POSCAR", bulk("Cu"), format="vasp")
    listed = Path.iterdir

    def closed(self: Path) -> Iterator[Path]:
        if self.name == "a":
            raise PermissionError(13, "Permission denied", str(self))
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", closed)
    first, second = read_geometries(tmp_path)
    assert str(first).startswith(f"{tmp_path / 'a'}: cannot be read: Permission denied")
    assert isinstance(second, Geometry)
    with pytest.raises(GeometryError, match="cannot be read: File name too long"):
        read_geometries("x" * 300)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("README.txt", "This folder holds the results of our calculations.", "is running text"),
        ("a.vasp", "data_x\n_cell_length_a 4\n", "looks like a CIF: give it a name that ends"),
        ("a.cif", "Cu\n1.0\n4 0 0\n0 4 0\n0 0 4\nCu\n1\ndirect\n0 0 0\n", "looks like a POSCAR"),
        ("POSCAR", "1\n\nCu 0.0 0.0 0.0\n", "looks like an XYZ file"),
        ("a.cif", "<!DOCTYPE html><html>not found</html>", "is a web page, no download"),
        ("a.xyz", "PK\x03\x04", "is an archive"),
        ("a.cif", '[{"numbers": [1]}]', "looks like JSON"),
        ("a.json", "data_x\nloop_\n_atom_site_label\nCu\n", "looks like a CIF"),
    ],
)
def test_a_misleading_name_is_told(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    (entry,) = read_geometries(tmp_path / name)
    assert isinstance(entry, GeometryError)
    assert words in str(entry)


def test_a_file_packed_without_a_name_and_a_cut_one_are_told(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(SILICON).encode() * 20)
    (tmp_path / "a.json").write_bytes(packed)
    (tmp_path / "b.json.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "c.cif.gz").write_bytes(packed[:10] + b"?" * 40)
    found = [str(entry) for entry in read_geometries(tmp_path)]
    assert "packed by gzip" in found[0]
    assert "it ends early" in found[1]
    assert "copy or pack it again" in found[2]


def test_reading_writes_nothing(tmp_path: Path) -> None:
    """ASE makes the tables of a database where it finds an empty file."""
    (tmp_path / "a.db").touch()
    read_geometries(tmp_path)
    assert (tmp_path / "a.db").read_bytes() == b""
    assert len(list(tmp_path.iterdir())) == 1


def test_no_module_is_imported_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pymatgen decodes by `@module` and `@class` stays text here."""
    (tmp_path / "planted.py").write_text("import os\nos.environ['PLANTED'] = 'yes'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("PLANTED", raising=False)
    planted = {"@module": "planted", "@class": "Anything", "@callable": "f"}
    structure = Structure(Lattice.cubic(3), ["Cu"], [[0, 0, 0]]).as_dict()
    structure["properties"] = {"a": planted}
    structure["sites"][0]["properties"] = {"b": planted}
    structure["sites"][0]["species"][0]["spin"] = planted
    structure["lattice"]["more"] = planted
    (tmp_path / "a.json").write_text(json.dumps([structure, {"structure": structure}, planted]))
    *read, refused = read_geometries(tmp_path / "a.json")
    assert [entry.formula for entry in read if isinstance(entry, Geometry)] == ["Cu", "Cu"]
    assert "holds no structure" in str(refused)
    assert "PLANTED" not in os.environ
    assert "planted" not in sys.modules


def test_arrays_as_pymatgen_dumps_them_are_read(tmp_path: Path) -> None:
    record = {
        "numbers": np.array([29]), "frac": np.zeros((1, 3)), "lattice": 3.0 * np.eye(3) + 0j
    }  # fmt: skip
    dumpfn([record, Structure(Lattice.cubic(3), ["Cu"], [[0, 0, 0]])], tmp_path / "a.json")
    for entry in read_geometries(tmp_path / "a.json"):
        assert isinstance(entry, Geometry)
        assert np.array_equal(entry.cell, 3 * np.eye(3))


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
        ("a.json", "{", "line 1, column 2 is not JSON"),
        ("a.json", "[" * 900 + "]" * 900, "nested too deeply"),
        ("a.json", f'{{"numbers": [{"9" * 5000}]}}', "an integer of thousands of digits"),
        ("a.json", '{"numbers": [1], "positions": [[0, 0, 1e999]]}', "is inf"),
        ("a.json", f'{{"numbers": [{"9" * 400}], "pos": [[0, 0, 0]]}}', "no table of numbers"),
        ("a.json", '{"numbers": [1], "pos": [[0, 0, 0]], "periodic": "abc"}', "periodic is abc"),
        ("a.db", "", "no database of ASE"),
        ("a.db", "SQLite format 3\0 and no more", "no database of ASE"),
        ("²", "²\n\nH 0 0 0\n", "cannot be read"),
        ("a.xyz", "²\n\nH 0 0 0\n", "a frame starts with"),
        ("a.cif", "nothing", "starts with data_"),
        ("a.cif", "", "empty"),
        ("a.cif", "data_x\n_journal_year 2015\n", "cannot be read"),
        ("a.xyz", "\n", "empty"),
        ("a.json", "[]", "holds no structure"),
        ("a.unknown", "?", "cannot be read: neither its name nor its content is of a format"),
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
