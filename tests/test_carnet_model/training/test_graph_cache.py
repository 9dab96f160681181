"""Graphs kept on disk: read again, and built anew where the file is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from carnet_model.network import graph
from carnet_model.training.graph_cache import KEPT_CACHES, cache_folder, graphs
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from tests.helpers.tiny_models import CRYSTALS
from tests.helpers.trainings import crystal_config


def test_graphs_are_kept_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = crystal_config(tmp_path)
    first = prepare(resolve(config), cache=tmp_path)
    (stored,) = tmp_path.glob("*.npz")
    content = stored.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(graph, "build", None)
        second = prepare(resolve(config), cache=tmp_path)
    for one, other in zip(first.train, second.train, strict=True):
        for name in ("senders", "receivers", "shifts", "cell", "positions", "numbers"):
            before, after = getattr(one.graph, name), getattr(other.graph, name)
            assert before.dtype == after.dtype
            assert np.array_equal(before, after)
    stored.write_bytes(content[:100])
    prepare(resolve(config), cache=tmp_path)
    assert stored.read_bytes() == content


def test_the_folder_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "graphs"


def test_the_oldest_go(tmp_path: Path) -> None:
    structures = list(CRYSTALS.values())[:1]
    for number in range(KEPT_CACHES + 2):
        graphs(structures, 2.0 + 0.1 * number, tmp_path)
        os.utime(
            max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns), (number, number)
        )
    assert len(list(tmp_path.iterdir())) == KEPT_CACHES
