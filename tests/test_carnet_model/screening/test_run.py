"""Screenings with a small network: what is in the tables, and what a second run does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from ase.io import write

from carnet_model.prediction.predictor import load
from carnet_model.prediction.result import Prediction
from carnet_model.screening.documents import InputsError
from carnet_model.screening.folder import Results, ResultsError
from carnet_model.screening.run import Progress, screen, settings_for
from carnet_model.screening.tables import ABOUT
from tests.helpers.screening import ids_of, rows_of
from tests.helpers.tiny_models import CRYSTALS, RECORDS, saved, write_crystals

MODEL = "model"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("weights") / MODEL)


def run(
    inputs: Sequence[str], folder: str, model: Path, *, workers: int = 0, shard: Any = None,
    **options: Any,
) -> Progress:  # fmt: skip
    settings = settings_for(str(model), folder, **{"part": 8, **options})
    *_, last = screen(inputs, settings, workers=workers, shard=shard)
    return last


def test_rows_are_what_predict_says(own_folder: Path, model: Path) -> None:
    write_crystals(10)
    assert run(["some.json"], "results", model).predicted == 10
    rows = rows_of(Path("results"))
    predictor = load(model)
    assert [row["id"] for row in rows] == [record["id"] for record in RECORDS[:10]]
    for row in rows:
        expected = predictor.predict(CRYSTALS[row["id"]])
        assert isinstance(expected, Prediction)
        assert expected.moduli is not None
        assert expected.stiffness is not None
        # together and alone, float32 rounds differently
        np.testing.assert_allclose(row["stiffness"], expected.stiffness, atol=2e-3)
        assert row["bulk"] == pytest.approx(float(expected.moduli.bulk_hill), rel=1e-5)
        assert row["bulk_spread"] == pytest.approx(expected.uncertainty["bulk"], rel=1e-3)
        assert row["stable"] is expected.stable
        assert row["known"] == expected.known
        assert row["strangeness"] == expected.strangeness
        assert row["warnings"] == list(expected.warnings)
        np.testing.assert_array_equal(row["lattice"], CRYSTALS[row["id"]].cell)
        assert row["atoms"] == len(CRYSTALS[row["id"]])
    (part, *_) = sorted(Path("results/predictions").iterdir())
    schema = pq.read_schema(part)
    about = json.loads(schema.metadata[ABOUT])
    assert about["unit"] == "GPa"
    assert about["order"].startswith("xx yy zz yz xz xy")
    assert schema.field("bulk").metadata == {b"unit": b"GPa"}
    assert schema.field("poisson").metadata == {b"unit": b"1"}


@pytest.mark.slow
@pytest.mark.compiler
def test_a_program_computes_the_same_and_is_kept_to(own_folder: Path, model: Path) -> None:
    """By the C++ program, to rounding; a folder is not continued by PyTorch, which rounds
    otherwise."""
    write_crystals(10)
    assert run(["some.json"], "torch", model).predicted == 10
    assert run(["some.json"], "program", model, program="always", part=5).predicted == 10
    for ours, theirs in zip(rows_of(Path("program")), rows_of(Path("torch")), strict=True):
        assert ours["id"] == theirs["id"]
        np.testing.assert_allclose(ours["stiffness"], theirs["stiffness"], atol=2e-3)
        assert ours["bulk_spread"] == pytest.approx(theirs["bulk_spread"], rel=1e-3)
    with pytest.raises(ResultsError, match="program true, this run has program false"):
        run(["some.json"], "program", model, program="never", part=5)
    before = rows_of(Path("program"))
    next(Path("program/predictions").iterdir()).unlink()
    assert run(["some.json"], "program", model, part=5).documents > 0
    assert rows_of(Path("program")) == before


def test_failures_have_a_table_of_their_own(own_folder: Path, model: Path) -> None:
    unknown = {**RECORDS[0], "id": "unknown", "numbers": [92] * len(RECORDS[0]["numbers"])}
    Path("some.json").write_text(json.dumps([RECORDS[0], unknown, {"id": "odd"}, RECORDS[1]]))
    assert run(["some.json"], "results", model).failed == 2
    assert ids_of(Path("results")) == [RECORDS[0]["id"], RECORDS[1]["id"]]
    failures = rows_of(Path("results"), "failures")
    assert [set(row) for row in failures] == [{"id", "reason", "remedy"}] * 2
    assert [row["id"] for row in failures] == ["unknown", "odd"] or [
        row["id"] for row in failures
    ] == ["odd", "unknown"]
    reasons = {row["id"]: row["reason"] for row in failures}
    assert reasons["unknown"] == "these weights do not know U"


def test_a_second_run_has_nothing_to_do_and_changes_nothing(own_folder: Path, model: Path) -> None:
    write_crystals(20)
    first = run(["some.json"], "results", model)
    assert (first.before, first.documents) == (0, 20)
    parts = {path: path.stat() for path in Path("results").rglob("*.parquet")}
    again = run(["some.json"], "results", model)
    assert (again.before, again.documents) == (20, 0)
    assert {path: path.stat() for path in Path("results").rglob("*.parquet")} == parts


def test_what_is_missing_is_done_and_gives_the_same(own_folder: Path, model: Path) -> None:
    write_crystals(20)
    run(["some.json"], "results", model)
    before = {path.name: path.read_bytes() for path in Path("results/predictions").iterdir()}
    for name in list(before)[::2]:
        Path("results/predictions", name).unlink()
    assert 0 < run(["some.json"], "results", model).documents < 20
    after = {path.name: path.read_bytes() for path in Path("results/predictions").iterdir()}
    assert after == before


def test_equal_structures_under_two_ids_are_two_rows(own_folder: Path, model: Path) -> None:
    Path("some.json").write_text(json.dumps([RECORDS[0], {**RECORDS[0], "id": "other"}]))
    run(["some.json"], "results", model)
    first, second = rows_of(Path("results"))
    assert [first["id"], second["id"]] == [RECORDS[0]["id"], "other"]
    assert first["structure_hash"] == second["structure_hash"]
    assert first["stiffness"] == second["stiffness"]


def test_an_input_that_changes_is_done_again_where_it_did(own_folder: Path, model: Path) -> None:
    records = [dict(record) for record in RECORDS[:20]]
    Path("some.json").write_text(json.dumps(records))
    run(["some.json"], "results", model)
    scaled = [[1.01 * x for x in row] for row in records[19]["lattice"]]
    records[19] = {**records[19], "lattice": scaled}
    Path("some.json").write_text(json.dumps(records[1:]))
    assert run(["some.json"], "results", model).documents < 20
    rows = {row["id"]: row for row in rows_of(Path("results"))}
    assert len(ids_of(Path("results"))) == 19
    assert set(rows) == {record["id"] for record in records[1:]}
    np.testing.assert_allclose(rows[records[19]["id"]]["lattice"], scaled)


def test_further_inputs_are_added(own_folder: Path, model: Path) -> None:
    write_crystals(3)
    run(["some.json"], "results", model)
    Path("more").mkdir()
    write("more/a.cif", CRYSTALS[RECORDS[5]["id"]].to_ase())
    assert run(["more"], "results", model).documents == 1
    assert run(["some.json", "more"], "results", model).documents == 0
    assert set(ids_of(Path("results"))) == {*(r["id"] for r in RECORDS[:3]), "more/a.cif#1"}
    inputs = Results(Path("results")).manifest()["inputs"]
    assert sorted(each["path"] for each in inputs.values()) == ["more", "some.json"]


def test_shards_together_are_the_whole(own_folder: Path, model: Path) -> None:
    write_crystals(30)
    run(["some.json"], "whole", model, part=4)
    shares = [run(["some.json"], "shared", model, part=4, shard=(n, 3)) for n in (3, 1, 2)]
    assert sum(share.documents for share in shares) == 30
    assert all(share.documents for share in shares)
    assert rows_of(Path("shared")) == rows_of(Path("whole"))


def test_processes_give_the_same_as_none(own_folder: Path, model: Path) -> None:
    write_crystals(20)
    run(["some.json"], "alone", model)
    run(["some.json"], "two", model, workers=2)
    assert rows_of(Path("two")) == rows_of(Path("alone"))


def test_another_model_or_option_is_refused(own_folder: Path, model: Path, tmp_path: Path) -> None:
    write_crystals(2)
    run(["some.json"], "results", model)
    other = saved(tmp_path / "other", members=1)
    with pytest.raises(ResultsError, match=r"are of the model .*, this run has the model .*other"):
        run(["some.json"], "results", other)
    with pytest.raises(ResultsError, match='precision "single", this run has precision "double"'):
        run(["some.json"], "results", model, precision="double")
    with pytest.raises(ResultsError, match="part 8, this run has part 9"):
        run(["some.json"], "results", model, part=9)
    moved = model.rename(tmp_path / "moved")  # the same weights in another place
    try:
        assert run(["some.json"], "results", moved).documents == 0
    finally:
        moved.rename(model)


def test_a_folder_of_something_else_is_left_alone(own_folder: Path, model: Path) -> None:
    write_crystals(2)
    Path("thesis").mkdir()
    Path("thesis/chapter.tex").write_text("x")
    with pytest.raises(ResultsError, match=r"holds chapter\.tex, and no results"):
        run(["some.json"], "thesis", model)
    assert [each.name for each in Path("thesis").iterdir()] == ["chapter.tex"]


def test_inputs_that_would_be_read_twice_are_refused(own_folder: Path, model: Path) -> None:
    Path("in").mkdir()
    write_crystals(2, "in/some.json")
    for twice in (["in", "in/some.json"], ["in/some.json", "./in/some.json"]):
        with pytest.raises(InputsError, match="would be predicted twice"):
            run(twice, "results", model)
    with pytest.raises(InputsError, match="there is no such file"):
        run(["in", "nowhere"], "results", model)
    assert not Path("results").exists()
    run(["in"], "in/results", model)  # results are no input
    assert run(["in"], "in/results", model).total == 2


def test_progress_adds_up() -> None:
    start = Progress(total=100, before=20)
    assert (start.rate, start.left) == (0, None)
    later = replace(start, documents=40, predicted=38, failed=2, seconds=10)
    assert (later.rate, later.left) == (4, 10)
