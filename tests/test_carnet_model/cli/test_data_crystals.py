"""The commands `data substitute` and `data stresses`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from tests.helpers.command_lines import carnet as run
from tests.helpers.tiny_models import RECORDS

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_crystals_with_other_elements_are_read_again() -> None:
    Path("some.json").write_text(json.dumps(RECORDS))
    told = run("data", "substitute", "some.json", "--count", "5", "-o", "new.json").stdout
    assert told.startswith("new.json: 5 crystals made of ")
    made = json.loads(Path("new.json").read_text())
    assert len({record["id"] for record in made}) == 5
    assert not {record["formula"] for record in made} & {record["formula"] for record in RECORDS}
    assert "data frames --approach" in run("data", "substitute", "--help").stdout


def test_stresses_are_read_as_labels() -> None:
    Path("some.json").write_text(json.dumps(RECORDS))
    told = run("data", "stresses", "some.json", "--most-atoms", "4", "-o", "known.jsonl").stdout
    assert told.startswith("known.jsonl: ")
    sources = [LabelSource("forces", sites="all"), LabelSource("stress")]
    examples = read_examples("known.jsonl", sources)
    assert len(examples) == int(told.split()[1])
    assert "known.json: " in run("data", "stresses", "some.json", "-o", "known.json", code=2).stderr
