"""Evaluations as text, tables and files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from carnet_model.evaluation.baselines import elastic_baselines
from carnet_model.evaluation.errors import elastic_errors
from carnet_model.evaluation.evaluation import Evaluation
from carnet_model.evaluation.formats import (
    as_csv,
    as_text,
    score_table,
    score_text,
    write_report,
)
from carnet_model.evaluation.ranking import ranking
from carnet_model.evaluation.scores import Score
from natural_tensors.files.saving import FileError
from tests.helpers.predicted_stiffnesses import GUESS, SYSTEMS, TRUTH
from tests.helpers.tiny_evaluations import CHOSEN, evaluation_of_two


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluation_of_two()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (12.3456, 0.417, "12.35 ± 0.42"),
        (123.4, 23.0, "123 ± 23"),
        (0.51234, 0.00012, "0.5123 ± 0.0001"),
        (0.0, 0.0, "0"),
        (3.0, np.nan, "3"),
        (np.nan, np.nan, "-"),
    ],
)
def test_scores_print_two_digits_of_their_error(value: float, error: float, text: str) -> None:
    score = Score("bulk_mae", "GPa", value, error, 10)
    assert score_text(score) == text


def test_a_table_has_a_column_for_each_group() -> None:
    table = elastic_errors(GUESS, TRUTH, SYSTEMS, draws=20)
    first, second, *others = score_table(table).splitlines()
    assert first.split()[:2] == ["all", f"({len(TRUTH)})"]
    assert second.startswith("component_mae [GPa]")
    assert len(others) == len(table.scores) - 1
    assert second.count("±") == sum(scores[0].error > 0 for scores in table.columns.values())


def test_baselines_and_rankings_are_tables_too() -> None:
    text = score_table(elastic_baselines(TRUTH, TRUTH, draws=2))
    assert "true moduli" in text.splitlines()[0]
    text = score_table(ranking([3.0, 1.0, 2.0], [1.0, 2.0, 6.0], draws=20))
    assert [line.split()[0] for line in text.splitlines()[1:]] == [
        "spearman", "area", "random_area", "gain", "certain_half",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_report_of_a_folder(evaluation: Evaluation, tmp_path: Path) -> None:
    written = write_report(evaluation, tmp_path / "new" / "report")
    assert sorted(path.name for path in written) == [
        "parity_components.png", "parity_moduli.png", "predictions.csv", "report.json",
        "uncertainty.png",
    ]  # fmt: skip
    for path in written:
        assert path.suffix != ".png" or path.read_bytes().startswith(b"\x89PNG")
    report = json.loads((tmp_path / "new" / "report" / "report.json").read_text())
    assert report["predicted"] == len(CHOSEN)
    assert report["known"] == 2
    assert report["unit"] == "GPa"
    for group in ("all", "cubic", "hexagonal"):
        assert report["errors"][group]["bulk_mae"]["unit"] == "GPa"
    assert report["baselines"]["median moduli"]["bulk_mae"]["value"] > 0
    assert "spearman" in report["ranking"]["tensor"]
    rows = list(csv.DictReader(io.StringIO(as_csv(evaluation))))
    assert [row["id"] for row in rows] == [record["id"] for record in CHOSEN]
    assert float(rows[0]["K_reference [GPa]"]) == pytest.approx(CHOSEN[0]["K_VRH"], rel=0.02)
    assert sorted(path.name for path in written) == sorted(
        path.name for path in (tmp_path / "new" / "report").iterdir()
    )


def test_the_text_says_what_was_known(evaluation: Evaluation) -> None:
    text = as_text(evaluation)
    assert text.startswith(f"tiny: elastic, {len(CHOSEN)} examples, 2 of them in its training set")
    for part in ("bulk_mae [GPa]", "median moduli", "does the uncertainty rank errors of K?"):
        assert part in text


def test_a_folder_that_cannot_be(evaluation: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"no folder can be made there: .*\nchoose another"):
        write_report(evaluation, tmp_path / "file")
