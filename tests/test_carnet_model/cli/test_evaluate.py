"""The command `evaluate`: the report, and labels read otherwise."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from carnet_model.weights import checkpoint
from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error
from tests.helpers.tiny_checkpoints import network, record
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


@pytest.mark.parametrize("config", [{"seed": 3}, {"data": [{"path": "a", "labels": 1}]}])
def test_a_record_that_does_not_say_how_labels_were_read(config: dict[str, object]) -> None:
    checkpoint.save("model", [network(0)], record(config=config))
    message = carnet_error("evaluate", write_crystals(1), "-m", "model", "-o", "report")
    assert "how its training read labels" in message
    assert "give --key, --form and --unit" in message


def test_a_report_below_a_file_is_refused_before_the_work() -> None:
    Path("file").touch()
    message = carnet_error("evaluate", "none.json", "-o", "file/report")
    assert "file/report: no folder can be made there: Not a directory" in message
