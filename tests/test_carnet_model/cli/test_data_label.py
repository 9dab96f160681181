"""The command `data label`: what a model predicts becomes data for a training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import carnet_model
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.network.targets import Target
from carnet_model.training.config import Config
from carnet_model.training.plan import resolve
from carnet_model.training.preparation import prepare
from carnet_model.weights import checkpoint
from natural_tensors import to_voigt
from tests.helpers.command_lines import carnet as run
from tests.helpers.tiny_models import ELEMENTS, RECORDS, network, saved

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_labels_are_the_predictions() -> None:
    saved(Path("model"))
    records = [*RECORDS[:4], {**RECORDS[0], "numbers": [0]}]
    Path("some.json").write_text(json.dumps(records))
    told = run("data", "label", "some.json", "-m", "model", "-o", "taught.json.gz").stdout
    assert told.strip() == "taught.json.gz: 4 crystals written; left out: 1 unreadable"
    examples = read_examples("taught.json.gz", LabelSource("elastic", key="C", form="upper"))
    predictor = carnet_model.load("model")
    for example, record in zip(examples, RECORDS[:4], strict=True):
        assert example.identifier == record["id"]
        expected = predictor.predict(example.geometry).stiffness
        assert expected is not None
        label = to_voigt(np.asarray(example.labels["elastic"]), symmetry="elastic")
        np.testing.assert_allclose(label, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_to_have_learnt_from_labels_is_not_to_know_a_crystal(tmp_path: Path) -> None:
    saved(Path("model"))
    records = [json.loads(json.dumps(record)) for record in RECORDS[:12]]
    Path("some.json").write_text(json.dumps(records[:4]))
    run("data", "label", "some.json", "-m", "model", "-o", "taught.json")
    Path("others.json").write_text(json.dumps([{**one, "split": "train"} for one in records[4:]]))
    labels = {"elastic": {"key": "C", "form": "upper"}}
    config = Config.model_validate({
        "target": "elastic",
        "data": [
            {"path": "others.json", "labels": labels},
            {"path": "taught.json", "role": "train", "labels": labels},
        ],
        "network": {"cutoff": 3.0},
        "output": "run",
    })  # fmt: skip
    samples = prepare(resolve(config), cache=tmp_path / "cache")
    trained = {sample.identifier for sample in samples.train}
    known = set(samples.train.signatures().identifiers)
    assert trained > known
    assert known == trained - {record["id"] for record in records[:4]}


def test_some_are_left_out() -> None:
    saved(Path("model"))
    Path("some.json").write_text(json.dumps(RECORDS[:6]))
    atoms = sorted(len(record["numbers"]) for record in RECORDS[:6])
    small = sum(count <= atoms[2] for count in atoms)
    options = ("some.json", "-m", "model", "-o", "taught.json")
    told = run("data", "label", *options, "--most-atoms", str(atoms[2])).stdout
    assert f"{small} crystals written; left out: {6 - small} too large" in told
    told = run("data", "label", *options, "--spread", "0").stdout
    assert "0 crystals written; left out: 6 uncertain" in told


def test_what_cannot_be_done_is_said() -> None:
    Path("some.json").write_text(json.dumps(RECORDS[:2]))
    energy = Target("energy", pooling="sum")
    checkpoint.save("potential", [network(0, energy)], {"elements": ELEMENTS})
    told = run("data", "label", "some.json", "-m", "potential", "-o", "taught.json", code=2).stderr
    assert "predicts energies" in told
    saved(Path("one"), members=1)
    options = ("--spread", "0.3", "-o", "taught.json")
    told = run("data", "label", "some.json", "-m", "one", *options, code=2).stderr
    assert "one network has no spread" in told
    told = run("data", "label", "some.json", "-o", "taught.csv", code=2).stderr
    assert ".json" in told
    assert not Path("taught.csv").exists()
