"""The command relax as users meet it: where structures go, what is said, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.io import read, write

from carnet_model.relaxation import relaxing
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.reading import read_geometries
from tests.helpers.command_lines import carnet, carnet_error

pytestmark = pytest.mark.slow

EMT = ("--calculator", "ase.calculators.emt:EMT")


@pytest.fixture(autouse=True)
def structures(own_folder: Path) -> None:
    """Copper too large, aluminium too small, silicon, which the calculator does not know."""
    Path("in").mkdir()
    write("in/cu.cif", bulk("Cu", "fcc", a=3.7))
    write("in/POSCAR", bulk("Al", "fcc", a=3.9), format="vasp")
    write("in/two.extxyz", [bulk("Cu", "hcp", a=2.6, c=4.3), bulk("Si")])


def test_the_general_potential_relaxes_unless_another_is_named() -> None:
    result = carnet("relax", "in/cu.cif")
    assert "in/cu.cif, Cu, universal" in result.stdout
    assert "Fm-3m (225), kept" in result.stdout
    (found,) = read_geometries("cu-relaxed.cif")
    assert isinstance(found, Geometry)
    assert found.volume == pytest.approx(3.63**3 / 4, rel=0.02)  # of PBE
    carnet("elastic", "cu-relaxed.cif", "-o", "cu.json")
    (tensor,) = json.loads(Path("cu.json").read_text())["predictions"]
    assert np.trace(tensor["stiffness"]) == pytest.approx(3 * (176 + 77), rel=0.15)  # of PBE
    result = carnet("predict", "--relax", "in/cu.cif")
    assert "relaxed first by universal" in result.stdout


def test_a_structure_is_relaxed_and_written_here() -> None:
    result = carnet("relax", "in/cu.cif", *EMT)
    for words in ("in/cu.cif, Cu, ase.calculators.emt:EMT", "converged after", "Fm-3m (225), kept",
                  "written to cu-relaxed.cif", "eV an atom"):  # fmt: skip
        assert words in result.stdout
    assert result.stderr == ""
    (found,) = read_geometries("cu-relaxed.cif")
    assert isinstance(found, Geometry)
    assert found.volume == pytest.approx(3.59**3 / 4, rel=2e-3)
    # it is at rest already
    assert "converged after 0 steps" in carnet("relax", "cu-relaxed.cif", *EMT).stdout


def test_a_folder_of_structures_is_a_table_and_a_folder() -> None:
    result = carnet("relax", "in", *EMT, "-o", "out", code=1)
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "POSCAR.cif", "cu.cif", "two-1.cif",
    ]  # fmt: skip
    assert "at rest" in result.stdout
    assert "3 structures are in out" in result.stdout
    assert "error: in/two.extxyz#2: the calculator cannot compute it" in result.stderr
    vasp = carnet("relax", "in/cu.cif", *EMT, "-o", "out", "--format", "poscar").stdout
    assert "written to out/cu.vasp" in vasp


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("a.extxyz", ["a.extxyz#1", "a.extxyz#2", "a.extxyz#3"]),
        ("a.json", ["in/POSCAR", "in/cu.cif", "in/two.extxyz#1", "in/two.extxyz#2"]),
    ],
)
def test_a_file_holds_all_of_them(file: str, names: list[str]) -> None:
    carnet("relax", "in", *EMT, "-o", file, "-q", code=1)
    assert [each.name for each in read_geometries(file)] == names


def test_what_does_not_come_to_rest_is_written_and_marked() -> None:
    result = carnet("relax", "in/cu.cif", *EMT, "--steps", "1", code=1)
    assert "NOT converged after 1 steps" in result.stdout
    assert "error: in/cu.cif: it did not come to rest" in result.stderr
    assert Path("cu-relaxed.cif").read_text(encoding="utf-8").startswith("# NOT RELAXED")


def test_pressure_cell_and_json() -> None:
    text = carnet("relax", "in/cu.cif", *EMT, "--pressure", "10", "--json").stdout
    (record,) = json.loads(text)
    assert np.diag(record["stress"]) == pytest.approx([-10] * 3, abs=0.1)
    assert record["calculator"] == EMT[1]
    (fixed,) = json.loads(carnet("relax", "in/cu.cif", *EMT, "--fixed-cell", "--json").stdout)
    assert fixed["volume_change"] == 0


def test_the_trajectory_has_every_step() -> None:
    Path("t.extxyz").write_text("what was there before", encoding="utf-8")
    text = carnet("relax", "in/cu.cif", "in/POSCAR", *EMT, "--trajectory", "t.extxyz", "--json")
    steps = [record["steps"] for record in json.loads(text.stdout)]
    frames: list[Any] = read("t.extxyz", index=":")
    assert len(frames) == sum(steps) + 2
    assert [frame.info["step"] for frame in frames] == [*range(steps[0] + 1), *range(steps[1] + 1)]
    assert {frame.info["name"] for frame in frames} == {"in/cu.cif", "in/POSCAR"}
    assert frames[0].get_potential_energy() > frames[steps[0]].get_potential_energy()
    assert frames[0].cell.volume == pytest.approx(3.7**3 / 4)


def test_an_interruption_keeps_what_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    class Interrupting(relaxing.FIRE):  # type: ignore[misc, name-defined]
        def step(self, *given: Any) -> None:
            counted.append(0)
            if len(counted) == 3:
                raise KeyboardInterrupt
            super().step(*given)

    monkeypatch.setattr(relaxing, "FIRE", Interrupting)
    result = carnet("relax", "in/cu.cif", "in/POSCAR", *EMT, "-o", "out", code=130)
    assert [path.name for path in Path("out").iterdir()] == ["cu.cif"]
    text = Path("out/cu.cif").read_text(encoding="utf-8")
    assert text.startswith("# NOT RELAXED (interrupted at step 2)")
    assert "interrupted: 0 of 2 came to rest" in result.stderr


def test_a_run_that_was_ended_goes_on_where_it_is_asked_to() -> None:
    given = ("relax", "in", *EMT, "-o", "out")
    carnet(*given, "--steps", "1", "-q", code=1)
    carnet("relax", "in/cu.cif", *EMT, "-o", "out", "-q")
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert before.keys() == {"POSCAR.cif", "cu.cif", "two-1.cif"}
    result = carnet(*given, "--resume", "--json", code=1)
    assert [each["id"] for each in json.loads(result.stdout)] == [
        "in/POSCAR", "in/two.extxyz#1", "in/two.extxyz#2",
    ]  # fmt: skip
    after = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert [name for name in before if before[name] == after[name]] == ["cu.cif"]
    result = carnet(*given, "--resume", code=1)  # silicon is never done
    assert "3 of 4 are at rest in out already" in result.stdout
    again = carnet("relax", "in/cu.cif", *EMT, "-o", "out", "--resume", "--pressure", "9").stdout
    assert "written to out/cu.cif" in again
    write("in/cu.cif", bulk("Pd", "fcc", a=3.9))  # of that name there is another crystal now
    carnet("relax", "in/cu.cif", *EMT, "-o", "out", "--resume", "-q")
    (relaxed,) = read_geometries("out/cu.cif")
    assert isinstance(relaxed, Geometry)
    assert set(relaxed.numbers) == {46}


def test_molecules_and_gases() -> None:
    pair = molecule("H2")
    pair.set_atomic_numbers([29, 29])
    pair.positions *= 3
    write("pair.xyz", pair)
    result = carnet("relax", "pair.xyz", *EMT)
    assert "written to pair-relaxed.extxyz" in result.stdout
    assert "only the atoms moved" in result.stderr
    pair.center(6)
    pair.pbc = True
    write("gas.xyz", pair, format="extxyz")
    assert "--fixed-cell" in carnet("relax", "gas.xyz", *EMT, code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["in/cu.cif", "-m", "no-such"], "there is no calculator 'no-such'"),
        (["in/cu.cif", "-m", "elastic"], "computes elastic"),
        (["in/cu.cif", "-m", "silicon", *EMT], "leave one out"),
        (["in/cu.cif", *EMT, "-o", "a.pdb"], "allowed: .cif"),
        (["in/cu.cif", *EMT, "-o", "none/a.cif"], "there is no directory"),
        (["in/cu.cif", *EMT, "--trajectory", "a.traj"], "allowed: .extxyz"),
        (["in", *EMT, "-o", "CONTCAR"], "a POSCAR holds one structure, and there are 4"),
        (["in/cu.cif", *EMT, "--steps", "0"], "--steps"),
        (["in", *EMT, "-o", "a.json", "--resume"], "--resume goes with a folder"),
    ],
)
def test_refusals(arguments: list[str], words: str) -> None:
    assert words in carnet_error("relax", *arguments)


def test_a_potential_says_what_it_does_not_know() -> None:
    text = carnet("relax", "in/cu.cif", "-m", "silicon", code=1).stderr
    assert "this potential does not know Cu\n  it knows Si" in text
