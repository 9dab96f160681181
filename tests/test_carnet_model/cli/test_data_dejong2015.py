"""The command `data dejong2015`: what it passes on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers.command_lines import carnet as run

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_the_public_set_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def fetch(path: str, archive: str | None = None) -> str:
        calls.append((path, archive))
        return "3 crystals written"

    monkeypatch.setattr("carnet_model.data.dejong2015.fetch", fetch)
    result = run("data", "dejong2015", "out.json.gz", "--archive", "a.tar.gz")
    assert result.stdout == "3 crystals written\n"
    assert calls == [("out.json.gz", "a.tar.gz")]
