"""The command `evaluate`: the report, and labels read otherwise."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.helpers.command_lines import carnet as run
from tests.helpers.tiny_models import RECORDS, write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


TRAIN = [record for record in RECORDS if record["split"] == "train"]


@pytest.mark.slow
def test_evaluate_writes_a_report() -> None:
    write_crystals(12)
    Path("train.json.gz").write_bytes(gzip.compress(json.dumps(TRAIN[:8]).encode()))
    result = run(
        "evaluate", "some.json", "--split", "train", "--baseline-data", "train.json.gz",
        "--output", "report",
    )  # fmt: skip
    assert "bulk_mae [GPa]" in result.stdout
    assert "median moduli" in result.stdout
    report = json.loads(Path("report/report.json").read_text())
    wanted = sum(record["split"] == "train" for record in RECORDS[:12])
    assert report["predicted"] == report["known"] == wanted
    assert report["baselines"]
    assert Path("report/parity_moduli.png").exists()


@pytest.mark.slow
def test_evaluate_reads_other_labels_and_skips_bad_ones() -> None:
    run("predict", write_crystals(3), "-q", "-o", "own.extxyz")
    text = Path("own.extxyz").read_text()
    Path("own.extxyz").write_text(text.replace("stiffness=", "other=", 1))
    result = run(
        "evaluate", "own.extxyz", "--key", "stiffness", "--form", "voigt", "--unit", "GPa",
        "-o", "report",
    )  # fmt: skip
    assert "warning: own.extxyz#1: has no 'stiffness'" in result.stderr
    errors = json.loads(Path("report/report.json").read_text())["errors"]["all"]
    assert errors["bulk_mae"]["value"] == pytest.approx(0, abs=1e-3)
