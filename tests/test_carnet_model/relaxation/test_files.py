"""Relaxed structures as files: read back, marked when not at rest, each under a name of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from ase.io import read

from carnet_model.prediction.result import Failure
from carnet_model.relaxation import files, formats
from carnet_model.relaxation.relaxing import Relaxation, relax
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.reading import read_geometries
from natural_tensors.files.saving import FileError

COPPER = geometry(bulk("Cu", "hcp", a=2.6, c=4.3), name="sets/cu.cif#2")


@pytest.fixture(scope="module")
def found() -> Relaxation:
    return relax(EMT(), COPPER)


@pytest.mark.parametrize("form", formats.FORMATS)
def test_every_format_is_read_as_the_relaxed_structure(
    found: Relaxation, form: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a{formats.ENDINGS[form]}"
    path.write_text(files.as_text([found], form, "emt"), encoding="utf-8")
    assert formats.format_of(str(path)) == form
    (again,) = read_geometries(path)
    assert isinstance(again, Geometry)
    assert again.volume == pytest.approx(found.structure.volume, rel=1e-6)
    assert again.numbers.tolist() == [29, 29]


def test_a_frame_has_what_ase_looks_for(found: Relaxation, tmp_path: Path) -> None:
    lost = Failure("lost.cif", "there is no such file", "check it")
    (tmp_path / "a.xyz").write_text(files.as_text([found, lost, found], "extxyz", "emt"))
    atoms = read(tmp_path / "a.xyz", index=":")
    assert len(atoms) == 2
    assert atoms[0].get_potential_energy() == pytest.approx(found.energy)
    np.testing.assert_allclose(atoms[0].get_forces(), found.forces, atol=1e-7)
    assert atoms[0].info["id"] == "sets/cu.cif#2"
    assert atoms[0].info["converged"] is True
    assert "reason" not in atoms[0].info
    both = json.loads(files.as_text([found, lost], "json", "emt"))
    assert [record["id"] for record in both] == ["sets/cu.cif#2", "lost.cif"]
    assert both[1]["error"] == "there is no such file"


@pytest.mark.parametrize("form", formats.FORMATS)
def test_what_is_not_at_rest_says_so(form: str) -> None:
    text = files.as_text([relax(EMT(), COPPER, steps=2)], form, "emt")
    head = text if form == "json" else "\n".join(text.splitlines()[:2])
    assert "left after 2 steps" in head
    assert ("NOT RELAXED" in head) == (form in ("cif", "poscar"))


def test_a_slab_goes_into_extended_xyz_only() -> None:
    slab = relax(EMT(), geometry(fcc111("Cu", (1, 1, 3), vacuum=5)), steps=1)
    with pytest.raises(GeometryError, match="extxyz"):
        files.as_text([slab], "cif", "emt")
    assert 'pbc="T T F"' in files.as_text([slab], "extxyz", "emt")


def test_names_of_files_are_free_and_safe() -> None:
    names = [
        "a/x.cif",
        "b/x.cif",
        "x-2.cif",
        "c/all.json.gz#12",
        "mp-149",
        "../..",
        "é:*.vasp",
        "X",
    ]
    found = files.names_of_files(names)
    assert found == ["x", "x-2", "x-2-2", "all-12", "mp-149", "structure", "é", "X-3"]
    assert files.names_of_files(["x.cif"], "-relaxed") == ["x-relaxed"]


def test_formats_by_name(tmp_path: Path) -> None:
    assert formats.format_of(str(tmp_path / "CONTCAR")) == "poscar"
    assert formats.format_of(f"{tmp_path}/") is None
    (tmp_path / "run.1").mkdir()
    assert formats.format_of(str(tmp_path / "run.1")) is None
    with pytest.raises(FileError, match=r"allowed: .cif"):
        formats.format_of("a.pdb")


@pytest.mark.parametrize("form", formats.FORMATS)
def test_a_file_tells_by_what_it_came_to_rest(found: Relaxation, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{formats.ENDINGS[form]}"
    assert not files.is_at_rest(path, COPPER, "emt", 0.0)
    path.write_text(files.as_text([found], form, "emt"), encoding="utf-8")
    assert files.is_at_rest(path, COPPER, "emt", 0.0)
    assert not files.is_at_rest(path, COPPER, "em", 0.0)
    assert not files.is_at_rest(path, COPPER, "emt", 5.0)
    wider = replace(COPPER, cell=1.01 * COPPER.cell, positions=1.01 * COPPER.positions)
    for start in (wider, replace(COPPER, numbers=np.array([29, 47]))):
        assert not files.is_at_rest(path, start, "emt", 0.0)
    pressed = relax(EMT(), COPPER, pressure=5.0)
    path.write_text(files.as_text([pressed], form, "emt"), encoding="utf-8")
    assert files.is_at_rest(path, COPPER, "emt", 5.0)
    assert not files.is_at_rest(path, COPPER, "emt", 0.0)
    moving = relax(EMT(), COPPER, steps=2)
    path.write_text(files.as_text([moving], form, "emt"), encoding="utf-8")
    assert not files.is_at_rest(path, COPPER, "emt", 0.0)
    for other in ("", "[1]", "relaxed", '[{"converged": true}]', "2\n\nCu 0 0 0\nCu 0 0 2\n"):
        path.write_text(other, encoding="utf-8")
        assert not files.is_at_rest(path, COPPER, "emt", 0.0)
