"""The command `data dejong2015`: what it passes on."""

from __future__ import annotations

from typing import Any

import pytest

from carnet_model.data.dejong2015 import FetchSummary
from tests.helpers.command_lines import carnet as run

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_the_public_set_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def fetch(path: str, archive: str | None = None) -> FetchSummary:
        calls.append((path, archive))
        return FetchSummary(3, 2, ("mp-1 (Al): no matrix",))

    monkeypatch.setattr("carnet_model.data.dejong2015.fetch", fetch)
    result = run("data", "dejong2015", "out.json.gz", "--archive", "a.tar.gz")
    assert result.stdout == (
        "3 crystals written; left out: 2 reserved for evaluation, 1 faulty\n"
        "  mp-1 (Al): no matrix\n"
    )
    assert calls == [("out.json.gz", "a.tar.gz")]
