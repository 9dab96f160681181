"""The command `screen`: what it says, in text and for programs, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error as error_of
from tests.helpers.screening import ids_of
from tests.helpers.tiny_models import RECORDS, write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")

HERE = ("--workers", "0")  # no other process, which would take seconds to begin


def test_a_screening_says_what_it_did_and_goes_on() -> None:
    write_crystals(5)
    first = run("screen", "some.json", "si.cif", "-o", "out", *HERE)
    assert first.stdout.startswith("6 structures predicted, 0 failed in ")
    assert first.stderr.splitlines()[0] == "0 of 6 (0.0 %), 0 failed"
    expected = {*(record["id"] for record in RECORDS[:5]), "si.cif#1"}
    assert set(ids_of(Path("out"))) == expected
    again = run("screen", "some.json", "si.cif", "-o", "out", *HERE)
    assert "; 6 were done before: out" in again.stdout


def test_progress_for_programs_is_lines_of_json() -> None:
    write_crystals(3)
    result = run("screen", "some.json", "-o", "out", "--log", "json", *HERE)
    assert result.stderr == ""
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events][:1] == ["begin"]
    assert events[-1]["event"] == "done"
    assert (events[-1]["total"], events[-1]["predicted"], events[-1]["failed"]) == (3, 3, 0)


def test_quiet_says_nothing() -> None:
    assert run("screen", "si.cif", "-o", "out", "-q", *HERE).output == ""


def test_the_exit_code_is_1_when_nothing_could_be_predicted() -> None:
    Path("bad.json").write_text('[{"id": "odd"}]')
    assert "0 structures predicted, 1 failed" in run(
        "screen", "bad.json", "-o", "out", *HERE, code=1
    ).stdout  # fmt: skip
    assert ids_of(Path("out"), "failures") == ["odd"]


def test_what_is_wrong_is_said() -> None:
    assert "name the folder of the results by -o" in error_of("screen", "si.cif")
    assert "there is no such file or folder" in error_of("screen", "nowhere", "-o", "out")
    assert "there is no model 'elastc'" in error_of("screen", "si.cif", "-o", "out", "-m", "elastc")
    assert "allowed are shares" in error_of("screen", "si.cif", "-o", "out", "--shard", "5/4")
    assert not Path("out").exists()
    run("screen", "si.cif", "-o", "out", "-q", *HERE)
    text = error_of("screen", "si.cif", "-o", "out", "--precision", "double", *HERE)
    assert 'precision "single", this run has precision "double"' in text


def test_results_are_summarized_and_filtered() -> None:
    write_crystals(5)
    Path("odd.json").write_text('[{"id": "odd"}]')
    run("screen", "some.json", "odd.json", "-o", "out", "-q", *HERE)
    text = run("screen", "--summary", "out").stdout
    for words in ("predicted", "5", "some.json", "bulk", "holds no structure"):
        assert words in text
    assert json.loads(run("screen", "out", "--summary", "--log", "json").stdout)["failed"] == 1
    shown = run("screen", "--filter", "bulk > 0", "out").stdout
    assert shown.splitlines()[0].split()[:3] == ["id", "formula", "bulk"]
    assert shown.endswith("5 rows\n")
    assert run("screen", "--filter", "bulk > 0", "out", "-o", "x.csv").stdout == "5 rows: x.csv\n"
    assert Path("x.csv").read_text().count("\n") == 6
    assert "did you mean 'bulk'" in error_of("screen", "--filter", "bluk > 0", "out")
    assert "allowed: .parquet, .csv" in error_of("screen", "--filter", "stable", "out", "-o", "x")
    assert "takes one folder" in error_of("screen", "--summary", "out", "some.json")
