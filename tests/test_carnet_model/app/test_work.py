"""What a worker answers: the same as the command line, and an error for whatever goes wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest

from carnet_model.app import work
from natural_tensors.examples import load
from tests.helpers.app_jobs import asked, asked_about, document
from tests.helpers.command_lines import carnet
from tests.helpers.paths import ROOT

SILICON = ROOT / "docs" / "structures" / "si.cif"


def test_predict_answers_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "si.cif").write_bytes(SILICON.read_bytes())
    monkeypatch.chdir(tmp_path)  # the command names the file as it was given
    for form, options in (("json", {}), ("csv", {"frame": "canonical"})):
        given = [word for key, value in options.items() for word in (f"--{key}", value)]
        printed = carnet("predict", "si.cif", "--format", form, *given).stdout
        answer = asked_about("predict", SILICON, form=form, **options)
        assert answer.status == 200
        assert_alike(answer.body.decode(), printed)


NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


def assert_alike(one: str, other: str) -> None:
    """Two texts are the same but for the rounding of single precision in their numbers."""
    assert NUMBER.sub("#", one) == NUMBER.sub("#", other)
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    for a, b in ((float(first), float(second)) for first, second in pairs):
        assert abs(a - b) <= 1e-5 * max(abs(a), abs(b), 1.0)


def test_a_file_with_nothing_to_predict_has_its_errors_and_a_status_that_says_so() -> None:
    found = document(asked("predict", "notes.cif", "nothing of a crystal"), 422)
    (entry,) = found["predictions"]
    assert entry["name"] == "notes.cif"
    assert entry["error"]
    assert entry["remedy"]


def test_extended_xyz_is_answered_too() -> None:
    answer = asked_about("predict", SILICON, form="extxyz")
    assert answer.body.decode().splitlines()[0] == "8"
    assert answer.media.startswith("chemical/x-xyz")


def test_csv_has_a_row_for_each_structure() -> None:
    rows = list(
        csv.DictReader(io.StringIO(asked_about("predict", SILICON, form="csv").body.decode()))
    )
    assert [row["formula"] for row in rows] == ["Si"]


def test_the_view_has_what_the_page_shows() -> None:
    found = document(asked_about("view", SILICON, frame="canonical"))
    assert found["kind"] == "prediction"
    assert found["entries"] == ["si.cif"]
    assert found["group"]["symbol"] == "m-3m"
    assert found["group"]["independent"] == 3
    assert found["matrix"]["values"] == found["stiffness"]
    assert found["matrix"]["marks"][0][3] == "."
    assert len(found["structure"]["balls"]) == 18
    assert {each["name"] for each in found["surfaces"]["surfaces"]} >= {"youngs", "shear-min"}
    assert found["pressures"]["kbar"] == 0.1
    assert json.loads(found["json"])["predictions"][0]["name"] == "si.cif"
    assert found["csv"].startswith("name,")
    assert "10.1038/sdata.2015.9" in found["bibtex"]


def test_a_structure_of_several_is_chosen_by_its_place() -> None:
    frame = '1\nLattice="{0} 0 0 0 {0} 0 0 0 {0}" Properties=species:S:1:pos:R:3\nCu 0 0 0\n'
    several = frame.format(2.4) + frame.format(2.6)
    first, second = (document(asked("view", "two.extxyz", several, entry=n)) for n in (0, 1))
    assert first["entries"] == second["entries"] == ["two.extxyz#1", "two.extxyz#2"]
    assert first["name"] == "two.extxyz#1"
    assert second["name"] == "two.extxyz#2"
    assert second["moduli"]["bulk_hill"] < first["moduli"]["bulk_hill"]
    refused = document(asked("view", "two.extxyz", several, entry=2), 422)
    assert refused["error"].endswith("has no structure 2")


def test_a_tensor_is_shown_with_its_moduli() -> None:
    silicon = load("silicon").values
    rows = "\n".join(",".join(map(str, row)) for row in silicon.tolist())
    found = document(asked("view", "silicon.csv", rows, group="m-3m"))
    assert found["kind"] == "tensor"
    # K = (C11 + 2 C12)/3
    assert found["moduli"]["bulk_hill"] == pytest.approx((silicon[0, 0] + 2 * silicon[0, 1]) / 3)
    assert found["stable"] is True
    assert found["group"]["latex"].startswith("\\left[")
    assert found["warnings"] == ["taken for 'elastic' by its shape"]
    assert "structure" not in found


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", "1,2\n3,4", {}, "does not say what tensor it is"),
        ("a.csv", "1,2,3\n4,5,6\n7,8,9", {"kind": "elastic"}, "is no elastic tensor"),
        ("a.csv", "1,0,0\n0,2,0\n0,0,3", {"group": "m-3m"}, "violates the point group m-3m"),
        ("a.csv", "1,0,0\n0,2,0\n0,0,3", {"group": "m5m"}, "m5m"),
        ("a.csv", "1,0,0\n0,2,0\n0,0,3", {"kind": "nonsense!"}, "nonsense!"),
        ("a.json", "{", {}, "a.json"),
        ("a.json", "[" * 100_000, {}, "nested too deeply"),
        ("a.cif", "data_x\n_cell_length_a 1e999", {}, "a.cif"),
        ("structure.zip", b"PK\x03\x04", {}, "archive"),
    ],
)
@pytest.mark.parametrize("job", ["view", "report"])
def test_what_cannot_be_shown_says_why(
    job: str, name: str, content: bytes | str, options: dict[str, str], message: str
) -> None:
    found = document(asked(job, name, content, **options), 422)
    assert message in found["error"] + found["remedy"]
    assert "/tmp" not in found["error"] + found["remedy"]


def test_the_report_is_the_page_of_the_command() -> None:
    answer = asked_about("report", SILICON, frame="canonical")
    assert answer.media.startswith("text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")
    assert b"si.cif" in answer.body


def test_a_worker_goes_back_to_where_it_was() -> None:
    before = os.getcwd()
    asked("predict", "x.cif", "")
    assert os.getcwd() == before


def test_what_nobody_foresaw_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(work, "JOBS", {"predict": broken})
    found = document(asked("predict", "si.cif", ""), 500)
    assert found["error"] == "it could not be computed: KeyError"
    assert "secret" not in str(found)
    said = capsys.readouterr().err
    assert said.startswith("error: KeyError in ")
    assert said.count("\n") == 1
