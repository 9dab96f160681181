"""Inputs of every kind: the same structures, by the ids that they have or are given."""

from __future__ import annotations

import gzip
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ase.db import connect
from ase.io import write

from carnet_model.prediction.result import Failure
from carnet_model.screening.documents import InputsError, documents
from carnet_model.screening.parsing import name_of, structures
from carnet_model.structures.geometry import Geometry
from tests.helpers.tiny_models import CRYSTALS, RECORDS

SOME = RECORDS[:3]
IDS = [record["id"] for record in SOME]
ATOMS = [CRYSTALS[name].to_ase() for name in IDS]


def optimade(record: dict[str, Any]) -> dict[str, Any]:
    crystal = CRYSTALS[record["id"]]
    symbols = list(crystal.to_ase().symbols)
    return {
        "id": record["id"],
        "type": "structures",
        "attributes": {
            "lattice_vectors": crystal.cell.tolist(),
            "cartesian_site_positions": crystal.positions.tolist(),
            "species_at_sites": symbols,
            "species": [
                {"name": each, "chemical_symbols": [each], "concentration": [1.0]}
                for each in sorted(set(symbols))
            ],
            "dimension_types": [1, 1, 1],
        },
    }


def as_json(path: Path) -> None:
    path.write_text(json.dumps(SOME))


def as_packed_json(path: Path) -> None:
    path.write_bytes(gzip.compress(json.dumps(SOME).encode()))


def as_lines(path: Path) -> None:
    path.write_text("\n".join(map(json.dumps, SOME)))


def as_optimade(path: Path) -> None:
    path.write_text(json.dumps({"meta": {}, "data": [*map(optimade, SOME)], "links": {}}))


def as_xyz(path: Path) -> None:
    for name, atoms in zip(IDS, ATOMS, strict=True):
        write(path, _with(atoms, id=name), format="extxyz", append=True)


def _with(atoms: Any, **info: Any) -> Any:
    copy = atoms.copy()
    copy.info.update(info)
    return copy


def as_parquet(path: Path) -> None:
    keys = ("id", "numbers", "lattice", "frac")
    pq.write_table(pa.Table.from_pylist([{key: each[key] for key in keys} for each in SOME]), path)


def as_table_of_text(path: Path) -> None:
    text = [json.dumps(CRYSTALS[name].to_pymatgen().as_dict()) for name in IDS]
    pq.write_table(pa.table({"material_id": IDS, "structure": text}), path)


def as_database(path: Path) -> None:
    with connect(path) as rows:
        for name, atoms in zip(IDS, ATOMS, strict=True):
            rows.write(atoms, material_id=name)


FORMS: dict[str, Callable[[Path], None]] = {
    "some.json": as_json,
    "some.json.gz": as_packed_json,
    "some.jsonl": as_lines,
    "optimade.json": as_optimade,
    "some.extxyz": as_xyz,
    "some.parquet": as_parquet,
    "text.parquet": as_table_of_text,
    "some.db": as_database,
}


def read(place: str) -> list[Geometry | Failure]:
    return [each for document in documents(place) for each in structures(document)]


def are_the_crystals(found: list[Geometry | Failure]) -> None:
    assert [each.name for each in found] == IDS
    for each in found:
        assert isinstance(each, Geometry)
        reference = CRYSTALS[each.name]
        assert (each.numbers == reference.numbers).all()
        np.testing.assert_allclose(each.positions, reference.positions, atol=1e-7)  # 8 digits
        np.testing.assert_allclose(each.cell, reference.cell, atol=1e-7)


@pytest.mark.parametrize("name", FORMS)
def test_every_format_holds_the_same(name: str, own_folder: Path) -> None:
    FORMS[name](Path(name))
    are_the_crystals(read(name))
    assert name_of(next(documents(name))) in (IDS[0], f"{name}#1")


@pytest.mark.parametrize("packed", ["x.zip", "x.tar", "x.tar.gz"])
def test_archives_hold_files_of_every_text_format(packed: str, own_folder: Path) -> None:
    names = ["some.json", "some.json.gz", "some.extxyz", "some.parquet"]
    for name in names:
        FORMS[name](Path(name))
    write("one.cif", ATOMS[0])
    Path("readme.txt").write_text("no structure")
    members = [*names, "one.cif", "readme.txt"]
    if packed.endswith(".zip"):
        with zipfile.ZipFile(packed, "w") as archive:
            for name in members:
                archive.write(name, f"inner/{name}")
    else:
        with tarfile.open(packed, "w:gz" if packed.endswith("gz") else "w") as tar:
            for name in members:
                tar.add(name, f"inner/{name}")
    found = read(packed)
    for start in range(0, 12, 3):
        are_the_crystals(found[start : start + 3])
    assert [each.name for each in found[12:]] == [f"{packed}/inner/one.cif#1"]


def test_what_has_no_id_is_called_by_its_file_and_number(own_folder: Path) -> None:
    write("two.extxyz", ATOMS[:2], format="extxyz")
    write("one.cif", ATOMS[0])
    Path("bare.json").write_text(json.dumps([{k: v for k, v in SOME[0].items() if k != "id"}]))
    assert [each.name for each in read("two.extxyz")] == ["two.extxyz#1", "two.extxyz#2"]
    assert [each.name for each in read("one.cif")] == ["one.cif#1"]
    assert [each.name for each in read("bare.json")] == ["bare.json#1"]


def test_a_folder_is_read_with_its_folders_by_their_names(own_folder: Path) -> None:
    Path("in/b/c").mkdir(parents=True)
    for place in ("in/b/c/x.cif", "in/b/a.cif", "in/a.cif", "in/c.cif"):
        write(place, ATOMS[0])
    Path("in/notes.txt").write_text("no structure")
    Path("in/.hidden.cif").write_text("data_")
    write("in/POSCAR", ATOMS[1])
    names = [each.name for each in read("in")]
    assert names == ["in/POSCAR#1", "in/a.cif#1", "in/b/a.cif#1", "in/b/c/x.cif#1", "in/c.cif#1"]
    inside = [each.origin for each in documents("in", Path("in/b").resolve())]
    assert inside == ["in/POSCAR", "in/a.cif", "in/c.cif"]


def test_what_cannot_be_read_costs_none_of_the_others(own_folder: Path) -> None:
    Path("in").mkdir()
    Path("in/a.cif").write_text("no crystal at all")
    Path("in/b.json").write_text(json.dumps([*SOME, {"id": "odd", "x": 1}, 5])[:-1] + ", {")
    Path("in/c.zip").write_bytes(b"no archive")
    Path("in/d.db").write_bytes(b"")
    write("in/e.cif", ATOMS[0])
    found = read("in")
    failures = {each.name: each for each in found if isinstance(each, Failure)}
    assert list(failures) == ["in/a.cif#1", "odd", "in/b.json#5", "in/b.json#6", "in/c.zip#1",
                              "in/d.db#1"]  # fmt: skip
    assert "holds no structure; its keys are id, x" in failures["odd"].reason
    assert "stands where" in failures["in/b.json#6"].reason or failures["in/b.json#6"].reason
    assert [each.name for each in found if isinstance(each, Geometry)] == [*IDS, "in/e.cif#1"]


def test_an_input_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputsError, match=r"nowhere: there is no such file"):
        list(documents("nowhere"))


def test_a_disordered_entry_of_optimade_is_refused(own_folder: Path) -> None:
    entry = optimade(SOME[0])
    kind = entry["attributes"]["species"][0]
    kind.update(chemical_symbols=["Fe", "Ni"], concentration=[0.5, 0.5])
    Path("x.json").write_text(json.dumps({"data": [entry]}))
    (found,) = read("x.json")
    assert isinstance(found, Failure)
    assert "is disordered" in found.reason
