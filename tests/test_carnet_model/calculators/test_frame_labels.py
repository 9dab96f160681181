"""Frames labelled by a potential: what is written is what it says, whoever ended the run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

from carnet_model.calculators.frame_labels import FrameError, label_frames
from carnet_model.calculators.visits import fallen
from carnet_model.data.examples import split_of
from carnet_model.data.records import LABELLED
from carnet_model.prediction.result import Failure
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.units import EV_PER_A3
from carnet_model.training.config_reading import make_config
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from natural_tensors.errors import InputError
from natural_tensors.files.saving import FileError
from tests.helpers.command_lines import carnet, carnet_error

METALS = {"Cu": 3.6, "Al": 4.05, "Ni": 3.5, "Pd": 3.9, "Ag": 4.1, "Au": 4.1, "Pt": 3.9}


def metals() -> list[Geometry]:
    """Those whose composition may be trained on."""
    crystals = [replace(geometry(bulk(m, "fcc", a=a)), name=m) for m, a in METALS.items()]
    return [crystal for crystal in crystals if split_of(crystal.formula) == "train"]


class Soft(Calculator):  # type: ignore[misc] # ASE states no types
    """Wants a volume 15 % larger than that of the metals, and no forces: a crystal falls apart."""

    implemented_properties: tuple[str, ...] = ("energy", "free_energy", "forces", "stress")

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = (),
        system_changes: Sequence[str] = (),
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        symbol = atoms.get_chemical_symbols()[0]
        volume = 1.15 * METALS[symbol] ** 3 / 4 * len(atoms)
        excess = atoms.get_volume() / volume - 1
        pressure = -0.2 * excess
        self.results = {
            "energy": 0.1 * volume * excess**2,
            "free_energy": 0.1 * volume * excess**2,
            "forces": np.zeros((len(atoms), 3)),
            "stress": -pressure * np.array([1.0, 1, 1, 0, 0, 0]),
        }


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_labels_are_what_the_potential_says(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    counts = label_frames(metals(), EMT(), path, frames=2)
    assert counts == {LABELLED: 2 * len(metals())}
    for row in rows(path):
        atoms = Atoms(
            row["numbers"], positions=row["positions"], cell=row["lattice"], pbc=True,
            calculator=EMT(),
        )  # fmt: skip
        assert row["energy"] == pytest.approx(atoms.get_potential_energy(), abs=2e-6)
        np.testing.assert_allclose(row["forces"], atoms.get_forces(), atol=2e-5)
        np.testing.assert_allclose(row["stress"], atoms.get_stress(voigt=False), atol=2e-8)


def test_a_run_that_was_ended_goes_on(tmp_path: Path) -> None:
    whole, ended = tmp_path / "whole.jsonl", tmp_path / "ended.jsonl"
    label_frames(metals(), EMT(), whole, frames=2)
    content = whole.read_bytes()
    ended.write_bytes(content[: len(content) * 2 // 3])  # in the middle of a line
    counts = label_frames(metals(), EMT(), ended, frames=2)
    assert 0 < counts["there already"] < 2 * len(metals())
    assert ended.read_bytes() == content


def test_parts_are_the_whole(tmp_path: Path) -> None:
    label_frames(metals(), EMT(), tmp_path / "whole.jsonl")
    parts = []
    for number in (1, 2, 3):
        path = tmp_path / f"{number}.jsonl"
        label_frames(metals(), EMT(), path, part=(number, 3))
        parts += rows(path)
    names = [row["id"] for row in parts]
    assert sorted(names, key=str) == sorted(
        (row["id"] for row in rows(tmp_path / "whole.jsonl")), key=str
    )


def test_crystals_are_brought_near_rest_first(tmp_path: Path) -> None:
    whole, ended = tmp_path / "whole.jsonl", tmp_path / "ended.jsonl"
    far = [
        replace(each, cell=1.05 * each.cell, positions=1.05 * each.positions) for each in metals()
    ]
    counts = label_frames(far, EMT(), whole, frames=2, approach=8)
    made = rows(whole)
    assert counts == {LABELLED: len(made)}
    for crystal in far:
        own = [row for row in made if row["id"].startswith(crystal.name)]
        way = [row for row in own if "@" in row["id"]]
        assert [row["kind"] for row in way] == ["path"] * (len(way) - 1) + ["near"]
        assert [row["id"] for row in own[len(way) :]] == [f"{crystal.name}#{n}" for n in (0, 1)]
        np.testing.assert_allclose(way[0]["lattice"], crystal.cell)
    content = whole.read_bytes()
    ended.write_bytes(content[: len(content) // 2])
    assert label_frames(far, EMT(), ended, frames=2, approach=8)["there already"] > 0
    assert ended.read_bytes() == content
    # one step of a cell 1.3 times as long is its start, and nothing is drawn around it if strained
    large = [replace(each, cell=1.3 * each.cell) for each in metals()[:1]]
    counts = label_frames(large, EMT(), tmp_path / "large.jsonl", frames=2, approach=1)
    assert counts["not near rest"] == (
        np.abs(rows(tmp_path / "large.jsonl")[0]["stress"]).max() * 160.2 > 15
    )


def test_molecules_move_where_there_are_any(tmp_path: Path) -> None:
    ice = geometry(
        Atoms("N2", [[0, 0, 0], [0, 0, 1.1]], cell=4.0 * np.eye(3), pbc=True), name="nitrogen"
    )
    path = tmp_path / "frames.jsonl"
    counts = label_frames([*metals(), ice], EMT(), path, frames=2, molecules=True)
    assert counts == {"without molecules": 2 * len(metals()), LABELLED: 2}
    assert [row["kind"] for row in rows(path)] == ["apart"] * 2
    assert [row["id"] for row in rows(path)] == ["nitrogen~apart0", "nitrogen~apart1"]
    with pytest.raises(FrameError, match="approach and molecules are asked for together"):
        label_frames([ice], EMT(), path, approach=3, molecules=True)


def test_frames_that_a_student_visits(tmp_path: Path) -> None:
    whole, ended = tmp_path / "whole.jsonl", tmp_path / "ended.jsonl"
    counts = label_frames(metals(), EMT(), whole, frames=2, student=Soft())
    made = rows(whole)
    assert counts[LABELLED] == len(made)
    # without forces, atoms of its dynamics come near each other
    assert counts[LABELLED] + counts["too far"] == 6 * len(metals())
    for crystal in metals():
        own = {row["id"].removeprefix(f"{crystal.name}~"): row for row in made
               if row["id"].startswith(f"{crystal.name}~")}  # fmt: skip
        falls = [own[f"fall{number}"] for number in range(3)]
        volumes = [abs(np.linalg.det(row["lattice"])) for row in falls]
        start = abs(np.linalg.det(crystal.cell))
        # the end, half of the way and a quarter of it, and the crystal itself
        assert volumes[0] > volumes[1] > volumes[2] > start
        assert own["near0"]["kind"] == "near"
        np.testing.assert_allclose(own["near0"]["lattice"], crystal.cell, atol=1e-6)
        warm = [row for row in made if row["id"].startswith(crystal.name)
                and row["kind"] in ("hot", "squeezed")]  # fmt: skip
        assert all(len(row["numbers"]) == 2 for row in warm)  # a cell of one atom, twice
    atoms = Atoms(falls[1]["numbers"], positions=falls[1]["positions"], cell=falls[1]["lattice"],
                  pbc=True, calculator=EMT())  # fmt: skip
    assert falls[1]["energy"] == pytest.approx(atoms.get_potential_energy(), abs=2e-6)
    content = whole.read_bytes()
    ended.write_bytes(content[: len(content) // 2])
    assert label_frames(metals(), EMT(), ended, frames=2, student=Soft())["there already"] > 0
    assert ended.read_bytes() == content


class Divided(Soft):
    """Two networks that disagree about the first atom, the more the larger the volume."""

    implemented_properties = (*Soft.implemented_properties, "forces_spread")

    def calculate(self, atoms: Atoms | None = None, *given: Any, **named: Any) -> None:
        super().calculate(atoms, *given, **named)
        assert atoms is not None
        spread = np.zeros((len(atoms), 3))
        spread[0, 2] = atoms.get_volume() / len(atoms) / 10
        self.results["forces_spread"] = spread


def test_frames_are_those_where_networks_disagree(tmp_path: Path) -> None:
    every, some = tmp_path / "every.jsonl", tmp_path / "some.jsonl"
    label_frames(metals(), EMT(), every, frames=2, student=Divided())
    counts = label_frames(
        metals(), EMT(), some, frames=2, student=Divided(), least_disagreement=1.5
    )

    def volume(row: dict[str, Any]) -> float:
        return float(abs(np.linalg.det(row["lattice"])) / len(row["numbers"]))

    wanted = [row for row in rows(every) if volume(row) >= 15]
    assert 0 < len(wanted) < len(rows(every))
    assert rows(some) == wanted
    assert counts["the student is sure"] >= len(rows(every)) - len(wanted)
    with pytest.raises(FrameError, match="carnet join"):
        label_frames(metals(), EMT(), some, student=Soft(), least_disagreement=1.5)
    with pytest.raises(FrameError, match=r"is 1\.5 eV/Å"):
        label_frames(metals(), EMT(), some, least_disagreement=1.5)


def test_a_student_that_agrees_falls_nowhere(tmp_path: Path) -> None:
    crystals = []
    for crystal in metals():
        atoms = crystal.to_ase(EMT())
        BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3)
        crystals.append(replace(geometry(atoms), name=crystal.name))
    label_frames(crystals, EMT(), tmp_path / "a.jsonl", frames=1, student=EMT())
    pressures: dict[str, list[float]] = {"hot": [], "squeezed": []}
    for row in rows(tmp_path / "a.jsonl"):
        pressures[row["kind"]].append(-np.trace(row["stress"]) / 3 * EV_PER_A3)
    # 5 to 700 GPa of the crystal, and what its temperature adds
    assert pressures["squeezed"]
    assert min(pressures["squeezed"]) > 3


class Lost(EMT):  # type: ignore[misc] # ASE states no types
    """EMT until the fifth call, when it is lost, as ours are at elements that they do not know."""

    calls = 0

    def calculate(self, *given: Any, **named: Any) -> None:
        self.calls += 1
        if self.calls > 5:
            raise InputError("atoms are nearer than 0.3 Å")
        super().calculate(*given, **named)


def test_failures_of_a_student_are_counted_and_end_nothing(tmp_path: Path) -> None:
    silicon = replace(geometry(bulk("Si", "diamond", a=5.43)), name="Si")  # EMT knows none
    counts = label_frames([silicon, *metals()], EMT(), tmp_path / "a.jsonl", student=EMT())
    assert counts["student failed (NotImplementedError)"] == 2
    assert counts[LABELLED] > 0
    far = replace(metals()[0], cell=1.1 * metals()[0].cell, name="far")
    counts = label_frames([far], EMT(), tmp_path / "b.jsonl", student=Lost())
    assert counts["student failed (InputError)"] == 2
    assert counts[LABELLED] == 4  # the way to where it was lost
    bare = EMT()
    bare.implemented_properties = ["energy", "forces"]
    with pytest.raises(FrameError, match="computes energy, forces, and its relaxations need"):
        label_frames([silicon], EMT(), tmp_path / "a.jsonl", student=bare)
    with pytest.raises(FrameError, match="approach and student are asked for together"):
        label_frames([silicon], EMT(), tmp_path / "a.jsonl", approach=3, student=EMT())


def test_a_fall_is_a_change_of_volume_of_shape_or_of_places() -> None:
    cell = np.diag([3.0, 3.0, 20.0])
    still, none = np.eye(3), np.zeros((2, 3))
    assert not fallen(cell, still, none)
    assert not fallen(cell, still, none + 0.4)  # all atoms together are the same crystal
    assert fallen(cell, 1.01 * still, none)  # 3 % of volume
    assert not fallen(cell, 1.005 * still, none)
    assert fallen(cell, np.diag([1.05, 1.05, 1.05**-2]), none)
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    assert not fallen(cell, turn, none)
    along, across = np.array([[0, 0, 0.015], [0, 0, -0.015]]), np.array([[0.03, 0, 0], [0, 0, 0]])
    assert fallen(cell, still, along)  # 0.3 Å each
    assert not fallen(cell, still, across)  # 0.045 Å


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    reserved = geometry(bulk("AlP", "zincblende", a=5.5))
    assert split_of(reserved.formula) == "reserved"
    silicon = geometry(bulk("Si", "diamond", a=5.43))
    molecule = geometry(Atoms("Cu2", [[0, 0, 0], [0, 0, 2.2]]))
    near = replace(geometry(bulk("CuPd", "cesiumchloride", a=1.4)), name="near")
    failure = Failure("a.cif", "no file")
    given: list[Geometry | Failure] = [*metals()[:1], reserved, silicon, molecule, near, failure]
    assert label_frames(given, EMT(), tmp_path / "a.jsonl") == {
        LABELLED: 1,
        "reserved": 1,
        "failed (NotImplementedError)": 1,
        "no crystal": 1,
        "too far": 1,
        "unreadable": 1,
    }
    with pytest.raises(FileError, match="jsonl"):
        label_frames(given, EMT(), tmp_path / "a.json")


def test_the_command_writes_what_a_training_reads(tmp_path: Path) -> None:
    folder, output = tmp_path / "crystals", tmp_path / "frames.jsonl"
    folder.mkdir()
    for crystal in metals():
        crystal.to_ase(None).write(folder / f"{crystal.name}.vasp")
    done = carnet(
        "data", "frames", str(folder), "--calculator", "ase.calculators.emt:EMT", "--frames", "3",
        "-o", str(output),
    )  # fmt: skip
    assert f"{3 * len(metals())} frames written" in done.stdout
    labels: dict[str, dict[str, str]] = {"energy": {}, "forces": {}, "stress": {}}
    config = make_config({"target": "energy", "data": [{"path": str(output), "labels": labels}]})
    samples = prepare(resolve(config), cache=tmp_path / "cache")
    assert len(samples.train) == 3 * len(metals())
    given = ["data", "frames", str(folder), "--calculator", "x:y", "-o", "a.jsonl", "--part", "4/3"]
    assert "--part 4/3: allowed are shares such as 1/100" in carnet_error(*given)
