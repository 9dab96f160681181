"""A folder of results: its summary, and the rows of a condition."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from carnet_model.screening.filters import FilterError
from carnet_model.screening.folder import ResultsError
from carnet_model.screening.reading import selected, summary, write_selected
from carnet_model.screening.run import screen, settings_for
from tests.helpers.paths import ROOT
from tests.helpers.screening import rows_of
from tests.helpers.tiny_models import RECORDS, saved, write_crystals


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return results of twelve crystals and a failure, of which a part is missing."""
    place = tmp_path_factory.mktemp("screening")
    file = place / "some.json"
    write_crystals(12, str(file))
    (place / "odd.json").write_text('[{"id": "odd"}, {"id": "too", "numbers": []}]')
    settings = settings_for(str(saved(place / "model")), str(place / "results"), part=4)
    for _ in screen([str(file), str(place / "odd.json")], settings, workers=0):
        pass
    return place / "results"


def test_a_summary_counts_what_is_there(results: Path) -> None:
    found = summary(results)
    rows = rows_of(results)
    assert found.complete
    assert (found.predicted, found.failed) == (12, 2)
    assert found.true["stable"] == sum(row["stable"] for row in rows)
    assert found.known == 12
    bulk = [row["bulk"] for row in rows]
    assert found.quantiles["bulk"][[0, -1]].tolist() == [min(bulk), max(bulk)]
    assert sum(count for _, count in found.reasons) == 2
    assert found.about["unit"] == "GPa"
    assert [Path(path).name for path, _, _ in found.inputs] == ["some.json", "odd.json"]


def test_a_summary_says_what_is_missing(results: Path) -> None:
    part = next((results / "predictions").iterdir())
    content = part.read_bytes()
    part.unlink()
    try:
        assert not summary(results).complete
    finally:
        part.write_bytes(content)


def test_rows_are_selected_and_written(results: Path, tmp_path: Path) -> None:
    rows = rows_of(results)
    middle = sorted(row["bulk"] for row in rows)[6]
    expected = [row["id"] for row in rows if row["bulk"] > middle and row["stable"]]
    text = f"bulk > {middle!r} and stable"
    found = [row["id"] for table in selected(results, text) for row in table.to_pylist()]
    assert found == expected
    for name in ("x.parquet", "x.csv"):
        assert write_selected(results, text, tmp_path / name) == len(expected)
    whole = pq.read_table(tmp_path / "x.parquet")
    assert whole.to_pylist() == [row for row in rows if row["id"] in expected]
    plain = pyarrow.csv.read_csv(tmp_path / "x.csv")
    assert plain.column("id").to_pylist() == expected
    assert "stiffness" not in plain.column_names
    assert write_selected(results, "bulk < 0", tmp_path / "x.parquet") == 0
    assert pq.read_table(tmp_path / "x.parquet").schema.names == whole.schema.names


def test_what_cannot_be_looked_at_is_said(results: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is no folder of results"):
        summary(tmp_path)
    with pytest.raises(FilterError, match="fits no such columns"):
        list(selected(results, "bulk > 'much'"))


def test_the_first_crystals_are_the_first_rows(results: Path) -> None:
    ids = [row["id"] for row in rows_of(results)]
    assert set(ids) == {record["id"] for record in RECORDS[:12]}


@pytest.mark.parametrize("library", ["pandas", "polars", "duckdb"])
def test_other_programs_read_the_results_as_the_guide_says(
    library: str, results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(library)
    guide = (ROOT / "docs" / "screening.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, re.S)
    (example,) = [block for block in blocks if f"import {library}" in block]
    monkeypatch.chdir(results.parent)
    middle = sorted(row["bulk"] for row in rows_of(results))[6]
    exec(example.replace("300", repr(middle)), {})  # what is true of any results
    said = capsys.readouterr().out
    for row in rows_of(results):
        assert (row["id"] in said) == (row["bulk"] > middle and row["stable"])
