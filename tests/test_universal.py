"""What judges a general potential, on crystals whose answers are known."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase.build import bulk
from ase.calculators.emt import EMT

from benchmarks import __main__ as benchmarks
from benchmarks.rivals.session import Session, stepping
from benchmarks.universal import dynamics, elastic, frames, jobs, phonons, ranking, speed, volumes
from benchmarks.universal.jobs import ResultsError, Settings, results, sample
from benchmarks.universal.potentials import Potential
from carnet_model.prediction.result import Failure, Prediction
from carnet_model.relaxation.relaxing import relax
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from natural_tensors import Frame, from_voigt
from natural_tensors.errors import InputError
from tests.helpers.cards import printed

ELSEWHERE = f"emt={sys.executable} ase.calculators.emt:EMT"
"""A calculator in another process; the environment is this one."""

METALS = ("Cu", "Ni", "Ag", "Pd")


def record(structure: Geometry, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "split": "val", "numbers": structure.numbers.tolist(),
        "lattice": structure.cell.tolist(), "positions": structure.positions.tolist(), **more,
    }  # fmt: skip


def write(path: Path, records: Sequence[dict[str, Any]]) -> None:
    path.write_bytes(gzip.compress(json.dumps(records).encode()))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets that the effective medium theory agrees with, and a crystal it does not know."""
    folder = tmp_path_factory.mktemp("data")
    elastic_records, structures = [], []
    labelled: list[dict[str, Any]] = []
    for metal in METALS:
        crystal = relax(EMT(), geometry(bulk(metal)), force=1e-4).at_rest()
        stiffness = np.array(elastic.derived(EMT(), crystal)["stiffness"])
        elastic_records.append(
            record(crystal, metal, C=stiffness[np.triu_indices(6)].tolist(), formula=metal)
        )
        larger = Geometry(crystal.numbers, crystal.positions, 1.01 * crystal.cell, (True,) * 3)
        structures.append(record(larger, metal))
        for split in ("val", "train"):
            atoms = bulk(metal, cubic=True)
            atoms.rattle(0.1, seed=len(labelled))
            found = frames.single_point(EMT(), geometry(atoms))
            found["energy"] += 5.0 * len(atoms)  # another zero of the energy
            found["stress"] = (2 * np.array(found["stress"])).tolist()
            labelled.append(
                record(
                    geometry(atoms), metal, src="a", stress_ok=metal == "Cu", **found
                ) | {"split": split}
            )  # fmt: skip
    unknown = geometry(bulk("Si"))
    elastic_records.append(record(unknown, "Si", C=elastic_records[0]["C"]))
    write(folder / elastic.FILE, elastic_records)
    write(folder / volumes.FILE, [*structures, record(unknown, "Si")])
    write(folder / frames.FILE, labelled)
    return folder


@pytest.mark.slow
def test_a_potential_is_judged_by_what_it_agrees_with(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [
        "universal", "elastic", "frames", "volumes", "--calculator", ELSEWHERE,
        "--data", str(data), "-o", str(tmp_path / "runs"), "--processes", "1",
    ]  # fmt: skip
    assert benchmarks.main(arguments) == 0
    shown = capsys.readouterr().out
    tensors, ranks, of_frames, of_volumes = shown.split("potential")[1:]
    cells = printed(tensors, "emt")
    assert all(abs(float(cell.split()[0])) < 0.05 for cell in cells[1:7])
    assert cells[7:10] == ["0", "0", "1"]  # silicon
    cells = printed(ranks, "emt")
    assert cells[1:3] == ["4", "0.000"]
    assert float(cells[3]) > 0  # the weights are not this theory, which disagrees by their error
    assert cells[5].startswith("1.00")
    # the zero of the energy is fitted, the forces are the labels', the stress is half of them
    cells = printed(of_frames, "emt")
    assert (cells[2], cells[3].split()[0], cells[4], cells[6]) == ("4", "0", "0", "4")
    assert float(cells[5].split()[0]) < 5
    assert float(cells[7].split()[0]) > 0.1
    assert cells[8] == "1"
    cells = printed(of_volumes, "emt")
    assert float(cells[1]) == pytest.approx(100 * (1 - 1.01**-3), abs=0.02)
    assert float(cells[2]) == pytest.approx(100 * (1.01**-3 - 1), abs=0.02)
    assert cells[4:7] == ["0", "0", "1"]

    def never(*_: object) -> None:
        raise AssertionError("what is there is computed again")

    monkeypatch.setattr(jobs, "_work", never)
    assert benchmarks.main(arguments) == 0
    assert capsys.readouterr().out == shown


def test_results_of_something_else_are_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, folder=tmp_path)
    emt = Potential.of("emt=ase.calculators.emt:EMT")
    assert results(emt, "row", frames.single_point, {}, settings, {"force": 1}) == {}
    with pytest.raises(
        ResultsError, match=r"(?s)emt\.jsonl: holds results of .*'force': 1.*LABEL="
    ):
        results(emt, "row", frames.single_point, {}, settings, {"force": 2})
    with pytest.raises(ResultsError, match="holds results of"):
        results(Potential("emt", "lj"), "row", frames.single_point, {}, settings, {"force": 1})


def test_a_line_that_was_not_ended_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = {"row": "row", "potential": "lj"}
    lines = [head, {"id": "a", "x": 1}, {"id": "b", "x": 2}]
    place = tmp_path / "row" / "lj.jsonl"
    place.parent.mkdir()
    place.write_text("\n".join(map(json.dumps, lines))[:-3])
    asked: list[str] = []

    def work(*given: Any) -> None:
        asked.extend(given[2])
        given[-1].update({name: {"x": 3} for name in given[2]})

    monkeypatch.setattr(jobs, "_work", work)
    settings = Settings(data=tmp_path, folder=tmp_path)
    found = results(Potential.of("lj"), "row", frames.single_point, {"a": 0, "b": 0}, settings)
    assert asked == ["b"]
    assert found == {"a": {"x": 1}, "b": {"x": 3}}
    assert len(place.read_text().splitlines()) == 2


def test_failures_are_counted_and_are_no_small_errors() -> None:
    truth = {name: np.diag([100.0, 100, 100, 50, 50, 50]) for name in "abc"}
    right = {"stiffness": truth["a"].tolist(), "volume": 0.02, "seconds": 1.0}
    found = {
        "a": right,
        "b": {"failed": "unstable", "volume": -0.01, "seconds": 2.0},
        "c": {"error": "boom", "seconds": 3.0},
    }
    table = elastic.compared({"x": found}, truth, list("abc"), "")
    row = [next(iter(column.cells)) for column in table.columns]
    assert row[1] == "0.0 (nan)"
    assert row[6:10] == ["inf", "0", "1", "1"]
    assert row[10:] == ["1.50", "+0.50", "2.00"]
    table = elastic.compared({"x": found}, truth, ["a", "b"], "")
    assert list(table.columns[6].cells) == ["inf"]
    found["b"] = right
    table = elastic.compared({"x": found}, truth, list("abc"), "")
    assert list(table.columns[6].cells) == ["0.000"]


def test_the_error_of_a_tensor_is_that_of_all_its_components() -> None:
    shear = np.diag([0.0, 0, 0, 1, 0, 0])  # C_yzyz and three others: norm 2
    stretch = np.diag([1.0, 0, 0, 0, 0, 0])  # one component
    assert ranking.relative_errors(
        np.array([np.eye(6) + shear, np.eye(6) + stretch]), np.array([np.eye(6)] * 2)
    ) == pytest.approx([2 / np.sqrt(15), 1 / np.sqrt(15)])


def test_an_uncertainty_that_orders_one_kind_of_error_may_reverse_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truth = {name: np.diag([100.0, 100, 100, 50, 50, 50]) for name in "abcd"}
    derived = {
        name: {"stiffness": ((1 + wrong) * truth[name]).tolist()}
        for name, wrong in zip(truth, [0.1, 0.2, 0.3, 0.4], strict=True)
    }
    direct: list[Prediction | Failure] = [
        Prediction(
            geometry(bulk("Cu")), Frame("structure", np.eye(3)), "elastic", "GPa",
            np.asarray(from_voigt((1 - wrong) * truth["a"])), {"relative": wrong},
        )
        for wrong in (0.04, 0.03, 0.02, 0.01)
    ]  # fmt: skip
    failed: list[Prediction | Failure] = [Failure("d", "boom", "")]
    monkeypatch.setattr(ranking, "predicted", lambda results: direct[: len(results)])
    table = ranking.ranked({"x": derived}, truth)
    row = [str(next(iter(column.cells))).split()[0] for column in table.columns]
    assert row == ["x", "4", "0.250", "0.025", "1.00", "-1.00", "-1.00", "1.00"]
    monkeypatch.setattr(ranking, "predicted", lambda results: direct[:3] + failed)
    table = ranking.ranked({"x": derived}, truth)
    row = [str(next(iter(column.cells))).split()[0] for column in table.columns]
    assert row[:4] == ["x", "3", "0.200", "0.030"]
    monkeypatch.setattr(ranking, "predicted", lambda results: direct[:2] + failed * 2)
    table = ranking.ranked({"x": derived}, truth)
    assert [next(iter(column.cells)) for column in table.columns] == ["x", "2", *["-"] * 6]


def test_references_are_found_and_unknown_elements_have_none() -> None:
    zero = {1: 0.5, 8: -3.0}
    records = [
        {"numbers": numbers, "energy": -1.0 + sum(zero[n] for n in numbers)}
        for numbers in ([1, 1, 8], [8, 8], [1, 8], [1])
    ]
    found = frames.references(records, [-1.0] * 4)
    assert found == pytest.approx(zero)
    result = {"energy": 2.0, "forces": [[0, 0, 0]], "stress": [0] * 6}
    assert frames.computed(result, {"numbers": [8]}, found).energy == pytest.approx(-1.0)
    assert np.isnan(frames.computed(result, {"numbers": [8, 14]}, found).energy)
    assert frames.references([], []) == {}


def test_a_stress_that_is_not_known_is_no_label() -> None:
    given = {"energy": 0.0, "forces": [[0, 0, 0]], "stress": [1, 2, 3, 4, 5, 6]}
    assert frames.labelled({**given, "stress_ok": False}).stress is None
    known = frames.labelled({**given, "stress_ok": True}).stress
    assert known is not None
    assert known.tolist() == [[1, 6, 5], [6, 2, 4], [5, 4, 3]]


def test_samples_are_the_same_whatever_the_order_and_the_limit() -> None:
    names = [f"mp-{number}" for number in range(50)]
    assert sample(names, 10) == sample(names[::-1], 20)[:10]
    assert sorted(sample(names, None)) == sorted(names)
    assert sample(names, 10) != names[:10]


def test_weights_of_ours_are_told_from_others_of_the_same_name() -> None:
    silicon, lithium = Potential.of("silicon"), Potential.of("lithium")
    assert silicon.folder is not None
    assert silicon.identity().startswith("silicon ")
    assert silicon.identity().split()[1] != lithium.identity().split()[1]
    assert Potential.of("a/b=c:d").file_name == "a-b"


def test_weights_of_ours_read_tables_in_long_runs() -> None:
    silicon = Potential.of("silicon")
    for long_runs, precision in ((False, "double"), (True, "single")):
        settings = replace(silicon, long_runs=long_runs).calculator().todict()
        assert (settings["tables"], settings["precision"]) == (long_runs, precision)
    emt = Potential("emt", "ase.calculators.emt:EMT", long_runs=True)
    assert isinstance(emt.calculator(), EMT)


def test_an_unknown_row_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmarks.main(["universal", "beauty"]) == 2
    assert "row 'beauty' is not one of elastic, frames" in capsys.readouterr().err


class Runaway(EMT):  # type: ignore[misc] # ASE states no types
    """Copper that is well in its small cell, and pushed the wrong way in a large one."""

    def calculate(self, *given: Any, **named: Any) -> None:
        super().calculate(*given, **named)
        if len(self.atoms) > 1:
            self.results["forces"] = -10 * self.results["forces"]


@pytest.mark.slow
def test_dynamics_hold_or_are_seen_to_explode() -> None:
    copper = bulk("Cu")
    found = dynamics.simulated(EMT(), (copper, (2, 2, 2), 100))
    assert found["held"]
    assert abs(found["drift"]) < 1  # meV/atom/ps, of 50 meV that the atoms have
    assert 0 < found["noise"] < 0.5
    assert 200 < found["temperature"] < 1200  # of 8 atoms, 600 on average
    assert 0.05 < found["moved"] < 1
    found = dynamics.simulated(Runaway(), (copper, (2, 2, 2), 100))
    assert not found["held"]
    assert found["after"] < 0.5


def test_ten_materials_are_crystals_of_some_216_atoms() -> None:
    materials = dynamics.materials()
    assert len(materials) == 10
    for name, (cell, repeats) in materials.items():
        atoms = cell.repeat(repeats)
        assert 200 <= len(atoms) <= 240, name
        assert min(atoms.cell.lengths()) > 10, name
        closest = np.sort(cell.repeat(2).get_all_distances(mic=True), axis=1)[:, 1]
        assert 1.5 < closest.min() <= closest.max() < 3.0, name


def test_references_of_phonons_have_all_modes_and_their_degeneracies() -> None:
    for name, reference in phonons.REFERENCES.items():
        modes = 3 * len(reference.crystal)
        counts = {point: len(each) for point, each in reference.frequencies.items()}
        optical = {"Γ": 3} if modes == 6 else {}
        assert counts == {**optical, "X": modes, "L": modes}, name
        for point, each in reference.frequencies.items():
            assert list(each) == sorted(each), (name, point)
            assert each[0] == each[1], (name, point)  # the lowest are transverse
        assert reference.kind in ("PBE", "measured")
        assert reference.source


def test_an_imaginary_mode_is_no_small_error() -> None:
    copper = phonons.REFERENCES["Cu"]
    right = {point: list(modes) for point, modes in copper.frequencies.items()}
    assert phonons.relative_errors(right, copper) == pytest.approx([0] * 6)
    errors = phonons.relative_errors({**right, "X": [-0.5, 5.15, 7.24]}, copper)
    assert errors[0] < -1
    assert errors[1:] == pytest.approx([0] * 5)


@pytest.mark.slow
def test_phonons_of_copper_under_a_theory_that_is_near() -> None:
    found = phonons.vibrating(EMT(), "Cu")
    assert found["verdict"] == "stable"
    assert found["softest"] > 1  # nothing but translations is near zero
    assert set(found["points"]) == {"Γ", "X", "L"}
    assert found["points"]["Γ"] == []
    errors = phonons.relative_errors(found["points"], phonons.REFERENCES["Cu"])
    assert max(map(abs, errors)) < 0.15
    assert found["lattice"] == pytest.approx(3.59, abs=0.01)


def test_speed_is_that_of_weights_of_ours() -> None:
    given = [Potential.of("emt=ase.calculators.emt:EMT")]
    with pytest.raises(InputError, match="emt are no weights of ours"):
        next(speed.tables(given, Settings(data=Path(), folder=Path())))


def test_a_calculator_is_asked_as_by_dynamics() -> None:
    network = stepping("ase", bulk("Cu", cubic=True), EMT(), torch.nn.Linear(2, 3), 3.0)
    first, second = network.predict(), network.predict()
    assert (network.atoms, network.edges, network.fit) == (4, 48, None)
    assert first[0] != second[0]  # the atoms have moved
    assert first[1].shape == (4, 3)
    assert Session(network).optimizer is None
