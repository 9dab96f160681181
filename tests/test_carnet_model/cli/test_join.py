"""The command `join`: an ensemble, and its spread scaled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error as error_of
from tests.helpers.tiny_models import saved, write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_networks_are_joined_and_their_spread_scaled() -> None:
    for folder in ("a", "b"):
        saved(Path(folder), members=1)
    run("join", "a", "b", "-o", "plain")
    data = write_crystals(8)
    text = run("join", "a", "b", "-o", "both", "--data", data, "--split", "all").stdout
    assert "2 networks joined in both" in text
    record = json.loads(Path("both/model.json").read_text())
    assert record["metrics"]["all"]["structures"] == 8
    assert record["metrics"]["all"]["bulk_mae"] > 0
    assert record["spread_scale"]["bulk"] > 0
    assert "spread_scale" not in json.loads(Path("plain/model.json").read_text())
    assert "none of its 8 examples" in error_of(
        "join", "a", "b", "-o", "c", "--data", data, "--split", "reserved"
    )
