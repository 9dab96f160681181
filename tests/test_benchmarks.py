"""The measuring itself: topics leave each other alone, networks answer from theirs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import __main__ as program
from benchmarks import domain, exact, expressions, lammps, network, numeric, screening, stages
from benchmarks.rivals.client import Rival
from benchmarks.rivals.session import growth
from benchmarks.systems import Case, cases, silicon, water
from carnet_model.data.examples import Example
from carnet_model.network.settings import NetworkSettings
from carnet_model.screening.documents import documents
from carnet_model.screening.parsing import structures
from carnet_model.structures.geometry import Geometry, structure_hash
from tests.helpers.paths import ROOT
from tests.helpers.physical_expressions import PHYSICAL
from tests.helpers.tiny_models import CRYSTALS

TINY = Case("8 atoms", silicon(1), channels=4, weight=1, body_order=3)


def rival(name: str, case: Case = TINY) -> Rival:
    return Rival(sys.executable, name, case.record(1), module="benchmarks.ours")


@pytest.mark.slow
def test_a_network_in_its_own_process_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with rival("eager") as measured:
        assert measured.ready["edges"] == len(TINY.batch().senders)
        assert measured.ready["parameters"] == sum(p.numel() for p in TINY.model().parameters())
        assert measured.ready["forces_rms"] > 0
        assert measured.ms("forces") > 0
        assert measured.ms("train") > 0
        with pytest.raises(ValueError, match="unknown request 'dance'"):
            measured.ms("dance")


@pytest.mark.slow
def test_a_process_that_ends_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(RuntimeError, match=r"(?s)the worker of eager .*ended.*body_order"):
        rival("eager", replace(TINY, body_order=99))


def test_the_systems_are_those_of_the_comparison() -> None:
    found = {
        name: (len(case.geometry), len(case.batch().senders)) for name, case in cases().items()
    }
    assert found == {"silicon": (216, 6048), "water": (192, 10612)}
    assert len(water(2)) == 24


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="no high-water mark to reset"
)
def test_growth_sees_what_a_step_allocates() -> None:
    kept: list[bytearray] = []
    assert 30 < growth(lambda: kept.append(bytearray(b"x") * (40 << 20))) < 80


def test_topics_run_in_processes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []

    def run(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        assert command[:3] == [sys.executable, "-m", "benchmarks"]
        assert not check
        started.append(command[3])
        return subprocess.CompletedProcess(command, command[3] == "numeric")

    monkeypatch.setattr(subprocess, "run", run)
    assert program.main(["exact", "numeric", "network"]) == 1
    assert started == ["exact", "numeric", "network"]
    said = capfd.readouterr()
    assert "topic numeric, 2 of 3" in said.err
    assert said.err.endswith("error: failed: numeric\n")
    started.clear()
    assert program.main([]) == 1
    assert started == [topic for topic in program.TOPICS if topic not in program.LONG]


def test_an_unknown_topic_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert program.main(["exact", "speed"]) == 2
    assert "topic 'speed' is not one of exact, numeric" in capfd.readouterr().err


def test_every_topic_has_its_file() -> None:
    folder = Path(program.__file__).parent
    files = {path.stem for path in (*folder.glob("*.py"), *folder.glob("*/__main__.py"))}
    assert set(program.TOPICS) <= files | {
        path.parent.name for path in folder.glob("*/__main__.py")
    }


def test_topics_say_what_they_do_and_leave_the_state_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    small = NetworkSettings(channels=2, message_weight=1, layers=2, body_order=2, cutoff=3.0)
    before = torch.get_default_dtype(), torch.get_num_threads()
    for topic, rows, doing in (
        (exact.tables(1, {"elastic": 0.03}), 2, "exact: elastic"),
        (numeric.tables(1, 5), 6, "numeric: 5 elastic tensors"),
        (network.tables(1, small, ("eager",)), 1, "network: first steps, eager"),
    ):
        for table in topic:
            assert table.row_count == rows
            assert (torch.get_default_dtype(), torch.get_num_threads()) == before
        assert doing in capfd.readouterr().err


def test_lammps_is_left_out_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", {"lmp": "/bin/lmp"}.get)
    assert list(lammps.tables(1)) == []
    said = capfd.readouterr().err
    assert "left out, for kim-api-collections-management is not installed" in said


@pytest.mark.compiler
@pytest.mark.slow
def test_a_program_is_measured_by_its_stages() -> None:
    table = stages.table(TINY, 1)
    names = [str(name) for name in table.columns[0].cells]
    assert len(names) == len(set(names)) == 16
    assert names[2] == "message, layer 1"
    assert names[-2:] == ["the rest", "all"]
    *parts, whole = [float(str(cell)) for cell in table.columns[1].cells]
    assert whole == pytest.approx(sum(parts), abs=0.1)
    with pytest.raises(ValueError, match="for one element"):
        stages.table(cases()["water"], 1)


@pytest.mark.compiler
@pytest.mark.slow
def test_generated_expressions_are_compared_with_einsum() -> None:
    found, error = expressions.times(PHYSICAL[4], count=8, rounds=1)
    assert set(found) > {"torch.einsum", "torch.einsum, compiled", "generated C++"}
    assert error < 1e-5  # single precision, three products of numbers near 1 in a sum


def test_the_multiplications_of_expressions_are_counted() -> None:
    table = expressions.counts(PHYSICAL[:2])
    assert [list(column.cells)[:2] for column in table.columns[1:4]] == [
        ["81", "162"], ["81", "90"], ["39", "36"],
    ]  # fmt: skip


def test_structures_to_screen_are_as_many_and_as_large_as_asked(tmp_path: Path) -> None:
    small = screening.write(tmp_path / "x.jsonl", 41)
    large = screening.write(tmp_path / "y.jsonl", 41, cells=3)
    assert large == pytest.approx(3 * small)
    found = [
        each for document in documents(str(tmp_path / "y.jsonl")) for each in structures(document)
    ]
    assert len({structure_hash(each) for each in found if isinstance(each, Geometry)}) == 41
    by_volume = [each.volume / len(each) for each in found if isinstance(each, Geometry)
                 and each.volume is not None]  # fmt: skip
    assert 8 < min(by_volume) < max(by_volume) < 60  # a cell that is repeated, not stretched


def test_the_page_says_where_the_figures_of_every_topic_are() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| \[.+\]\(.+\) \|$", page, re.M)
    assert sorted(rows) == sorted(program.TOPICS)


def test_scores_of_structures_are_judged_by_the_area_under_their_curve() -> None:
    one, two = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    assert domain.area(one, two) == pytest.approx(3.5 / 4)  # one tie of four pairs
    assert domain.area(two, one) == pytest.approx(0.5 / 4)
    crystals = [Example(each, {}, notes={"split": "val"}) for each in list(CRYSTALS.values())[:6]]
    told, areas = domain.tables(crystals)
    assert told.row_count == areas.row_count == len(domain.SCALES)
    (as_they_are,) = [row for row, factor in enumerate(domain.SCALES) if factor == 1]
    for column in areas.columns[1:]:
        values = [float(str(cell)) for cell in column.cells]
        assert values[as_they_are] == 0.5
        assert values[0] > 0.7
        assert values[-1] > 0.7
