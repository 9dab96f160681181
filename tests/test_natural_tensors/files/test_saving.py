"""Where files that are kept go."""

from __future__ import annotations

from pathlib import Path

import pytest

from natural_tensors.files import saving


def test_the_cache_folder_is_the_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", "/somewhere")
    assert saving.cache_folder() == Path("/somewhere")
    monkeypatch.delenv("NATURAL_TENSORS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert saving.cache_folder() == Path("/caches/natural-tensors")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert saving.cache_folder() == Path.home() / ".cache" / "natural-tensors"
