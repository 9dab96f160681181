"""Weights that come with the package are found by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import carnet_model
from carnet_model.weights import shipped
from carnet_model.weights.shipped import ModelError
from tests.helpers.tiny_models import saved


def test_shipped_names_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    saved(tmp_path / "weights" / "tiny")
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path / "weights")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    assert carnet_model.shipped() == ("tiny",)
    assert carnet_model.load("tiny").name == "tiny"
    with pytest.raises(ModelError, match=r"no model 'tinny'; did you mean 'tiny'\?") as caught:
        carnet_model.load("tinny")
    assert "with the package come: tiny" in str(caught.value)
