"""The commands `data moduli` and `data correct`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from tests.helpers.command_lines import carnet as run
from tests.helpers.tiny_models import RECORDS

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_moduli_are_joined_and_tensors_set_to_them() -> None:
    Path("old.json").write_text(
        json.dumps([{**record, "K_VRH_mp2025": record["K_VRH"] * 1.05} for record in RECORDS[:3]])
    )
    told = run("data", "moduli", "old.json", "-o", "moduli.json").stdout
    assert told.strip() == "moduli.json: 3 crystals written; left out: none"
    told = run(
        "data", "correct", "old.json", "--moduli", "moduli.json", "-o", "teacher.json"
    ).stdout
    assert told.strip() == "teacher.json: 3 crystals written; left out: none"
    sources = [LabelSource("elastic", key="C", form="upper"), LabelSource("bulk", form="scalar")]
    examples = read_examples("teacher.json", sources)
    assert [float(example.labels["bulk"]) for example in examples] == pytest.approx(
        [record["K_VRH"] * 1.05 for record in RECORDS[:3]]
    )


def test_moduli_of_a_file_that_is_absent() -> None:
    told = run("data", "moduli", "absent.json", "-o", "moduli.json", code=2).stderr
    assert "absent.json" in told
    assert not Path("moduli.json").exists()
    told = run("data", "correct", "absent.json", "--moduli", "x.json", "-o", "a.csv", code=2).stderr
    assert "x.json" in told
