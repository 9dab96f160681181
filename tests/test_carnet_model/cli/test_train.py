"""The command `train`: its settings, and what it passes on."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers.command_lines import carnet as run

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_the_settings_of_a_training_are_explained() -> None:
    text = run("train", "--help-config").stdout
    for word in ("network:", "cutoff:", "epochs:", "default"):
        assert word in text


@pytest.mark.parametrize(
    ("flag", "resume"), [([], None), (["--resume"], True), (["--fresh"], False)]
)
def test_train_passes_on_what_is_asked(
    flag: list[str], resume: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(
        "carnet_model.training.config_reading.read_config", lambda path: f"config of {path}"
    )

    def train(config: str, **options: Any) -> Any:
        calls.append((config, options))
        return SimpleNamespace(metrics={"loss": 0.25}, checkpoint=Path("run/model"))

    module = SimpleNamespace(train=train)
    monkeypatch.setitem(sys.modules, "carnet_model.training.run", module)
    monkeypatch.setattr("carnet_model.training.run", module, raising=False)
    text = run("train", "config.yaml", *flag).stdout
    assert "try it: carnet predict FILE --model run/model" in text
    assert calls == [("config of config.yaml", {"resume": resume})]
