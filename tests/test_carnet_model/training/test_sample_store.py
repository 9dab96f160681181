"""Samples on disk: what is read back is what was written, once for each content."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carnet_model.data.examples import Example
from carnet_model.data.fingerprints import Fingerprints, fingerprint
from carnet_model.data.reading import read_examples
from carnet_model.network.settings import NetworkSettings
from carnet_model.structures import graph
from carnet_model.structures.closest import Closest
from carnet_model.training import sample_cache, sample_store
from carnet_model.training.batches import Share, StepData, join_samples
from carnet_model.training.building import prepare_examples
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from carnet_model.training.sample_cache import KEPT_STORES, cache_folder
from carnet_model.training.samples import Samples
from tests.helpers.tiny_models import RECORDS
from tests.helpers.trainings import alloy_config, crystal_config, readings


def assert_alike(one: Samples, other: Samples) -> None:
    for mine, theirs in ((one.train, other.train), (one.val, other.val)):
        assert len(mine) == len(theirs)
        for first, second in zip(mine, theirs, strict=True):
            assert first.identifier == second.identifier
            for part in fields(first.graph):
                before, after = (getattr(each.graph, part.name) for each in (first, second))
                assert before.dtype == after.dtype
                assert np.array_equal(before, after)
            for key, labels in first.labels.items():
                for part in fields(labels):
                    values = getattr(second.labels[key], part.name)
                    assert torch.equal(getattr(labels, part.name), values)


@pytest.mark.parametrize("make", [crystal_config, alloy_config])
def test_samples_are_read_once_and_hold_what_the_files_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setattr(sample_store, "BLOCK", 7)
    config = make(tmp_path)
    plan, cache = resolve(config), tmp_path / "cache"
    first = prepare(plan, cache=cache)
    with monkeypatch.context() as patch:
        patch.setattr(graph, "build", None)
        assert_alike(first, prepare(plan, cache=cache))
        shutil.copytree(tmp_path, tmp_path / "elsewhere", ignore=lambda *_: {"elsewhere", "cache"})
        assert_alike(first, prepare(resolve(make(tmp_path / "elsewhere")), cache=cache))
    assert_alike(first, prepare(plan, cache=Path(os.devnull)))  # in memory, where no disk takes it
    examples = read_examples(config.data[0].path, readings(config))
    by_name = {example.identifier: example for example in examples}
    for sample in first.train:
        expected = graph.build(by_name[sample.identifier].geometry, config.network.cutoff)
        for part in fields(expected):
            assert np.array_equal(getattr(sample.graph, part.name), getattr(expected, part.name))
    training = [by_name[sample.identifier] for sample in first.train]
    assert first.fingerprint == fingerprint(training)
    seen, expected_prints = first.train.signatures(), Fingerprints.of(training)
    assert seen.identifiers == expected_prints.identifiers
    assert seen.formulas == expected_prints.formulas
    assert np.array_equal(seen.signatures, expected_prints.signatures)
    near = Closest.in_any(
        Closest.of(
            each.numbers, each.receivers, each.senders, np.linalg.norm(each.vectors(), axis=1)
        )
        for each in (sample.graph for sample in first.train)
    )
    assert np.allclose(first.train.closest().distances, near.distances)
    assert near
    sizes = [sample.graph.edges for sample in first.train]
    assert first.train.edges.tolist() == sizes
    assert first.train[2:5][1].identifier == first.train[3].identifier


@pytest.mark.parametrize("make", [crystal_config, alloy_config])
def test_a_step_is_what_its_samples_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setattr(sample_store, "BLOCK", 7)
    samples = prepare(resolve(make(tmp_path)), cache=tmp_path / "cache").train
    rows = (9, 2, 11, 3)
    step = StepData(samples)[Share(rows, 0.5)]
    graphs, labels = join_samples([samples[row] for row in rows])
    pairs: list[tuple[Any, Any]] = [
        (step.graphs, graphs),
        *((step.labels[key], labels[key]) for key in labels),
    ]
    for ours, theirs in pairs:
        for part in fields(theirs):
            one, other = (getattr(each, part.name) for each in (ours, theirs))
            assert one.dtype == other.dtype
            assert torch.equal(one, other)
    assert step.factor == 0.5


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    plan, cache = resolve(crystal_config(tmp_path)), tmp_path / "cache"
    first = prepare(plan, cache=cache)
    (path,) = cache.glob("*.arrow")
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no Arrow" * 99):
        path.unlink()
        path.write_bytes(damaged)
        assert_alike(first, prepare(plan, cache=cache))
        assert path.read_bytes() == content
    assert [file.name for file in cache.iterdir()] == [path.name]


def test_what_decides_the_samples_decides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the name of the file leaves out would be taken from another training."""
    cache = tmp_path / "cache"
    read = partial(prepare, cache=cache)
    plan = resolve(crystal_config(tmp_path))

    def changed(**changes: Any) -> Any:
        return resolve(plan.config.model_copy(update=changes))

    other_split = plan.config.split.model_copy(update={"validation": (20, 50)})
    wider = plan.config.network.model_copy(update={"cutoff": 3.5})
    light = plan.config.data[0].model_copy(update={"max_atoms": 4})
    plans = [plan, changed(split=other_split), changed(network=wider), changed(data=(light,))]
    for count, each in enumerate(plans, start=1):
        read(each)
        read(each)
        assert len(list(cache.iterdir())) == count
    read(changed(epochs=77, split=plan.config.split.model_copy(update={"share": 0.5})))
    assert len(list(cache.iterdir())) == 4
    records = [{**RECORDS[0], "id": "renamed"}, *RECORDS[1:]]
    (tmp_path / "crystals.json").write_text(json.dumps(records))
    read(plan)
    assert len(list(cache.iterdir())) == 5
    monkeypatch.setattr(sample_cache, "code_digest", lambda: b"edited")
    read(plan)
    assert len(list(cache.iterdir())) == 6


def test_structures_that_a_table_names_decide_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    table = tmp_path / "table.csv"
    table.write_text("file,C11\na.json,1\n")
    first = [sample_cache.digest_of_files([path]) for path in (table, tmp_path)]
    (tmp_path / "a.json").write_text("[]")
    second = [sample_cache.digest_of_files([path]) for path in (table, tmp_path)]
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_each_structure_of_a_list_decides(tmp_path: Path) -> None:
    config = crystal_config(tmp_path)
    examples = list(read_examples(config.data[0].path, readings(config)))[:12]
    settings, targets = NetworkSettings(cutoff=3.0), config.targets

    def count(given: list[Example]) -> int:
        prepare_examples(given, targets, settings, cache=tmp_path / "cache")
        return len(list((tmp_path / "cache").iterdir()))

    crystal = examples[0].geometry
    moved = replace(crystal, positions=crystal.positions + np.array([0.01, 0, 0]))
    assert count(examples) == count(list(examples)) == 1
    assert count([replace(examples[0], geometry=moved), *examples[1:]]) == 2
    assert count(examples[1:]) == 3


def test_the_folder_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "samples"


def test_the_oldest_go(tmp_path: Path) -> None:
    plan, cache = resolve(crystal_config(tmp_path)), tmp_path / "cache"
    for number in range(KEPT_STORES + 2):
        settings = plan.config.network.model_copy(update={"cutoff": 2.0 + 0.1 * number})
        prepare(resolve(plan.config.model_copy(update={"network": settings})), cache=cache)
        newest = max(cache.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (number, number))
    assert len(list(cache.iterdir())) == KEPT_STORES
