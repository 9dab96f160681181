"""The command `models`: the weights at hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carnet_model.weights import shipped
from tests.helpers.command_lines import carnet as run

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_models_are_listed_with_their_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = run("models").stdout
    for part in ("elastic", "GPa", "networks", "val.bulk_mae", "12.5"):
        assert part in text
    (entry,) = json.loads(run("models", "--json").stdout)["models"]
    assert entry["metrics"]["val.shear_mae"] == 11.25
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    assert "no weights come with this installation" in run("models").stdout
