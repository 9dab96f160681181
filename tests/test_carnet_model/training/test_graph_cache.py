"""Graphs kept on disk: read again, and built anew where the file is damaged."""

from __future__ import annotations

import inspect
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carnet_model.structures import geometry, graph, neighbours
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


def test_each_cutoff_structure_and_code_has_graphs_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the name of the file leaves out would be taken from another training."""
    (crystal,) = list(CRYSTALS.values())[:1]
    wider = replace(crystal, cell=crystal.cell * 1.01)
    moved = replace(crystal, positions=crystal.positions + np.array([0.01, 0, 0]))
    slab = replace(crystal, periodic=(True, True, False))
    heavier = replace(crystal, numbers=crystal.numbers + 1)
    asked = (
        (crystal, 3.0), (crystal, 4.0), (crystal, 4.0 + 1e-12), (wider, 4.0), (moved, 4.0),
        (slab, 4.0), (heavier, 4.0),
    )  # fmt: skip
    for kept, (structure, cutoff) in enumerate(asked, start=1):
        (found,) = graphs([structure], cutoff, tmp_path)
        expected = graph.build(structure, cutoff)
        for part in fields(expected):
            assert np.array_equal(getattr(found, part.name), getattr(expected, part.name))
        assert len(list(tmp_path.glob("*.npz"))) == kept
    source = inspect.getsource
    for module in (graph, geometry, neighbours):

        def edited(each: Any, module: Any = module) -> str:
            return source(each) + "#" * (each is module)

        with monkeypatch.context() as patch:
            patch.setattr(inspect, "getsource", edited)
            before = set(tmp_path.glob("*.npz"))
            graphs([crystal], 3.0, tmp_path)
            assert len(set(tmp_path.glob("*.npz")) - before) == 1


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
