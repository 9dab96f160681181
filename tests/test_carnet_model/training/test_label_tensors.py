"""Labels as tensors: of atoms, of unknown sign, of what is not known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import carnet_model
from carnet_model.data.examples import DatasetError
from carnet_model.data.reading import read_examples
from carnet_model.evaluation.evaluation import evaluate
from carnet_model.training.label_tensors import TensorLabels, nearest_sign
from carnet_model.training.run import train
from tests.helpers.tiny_models import RECORDS
from tests.helpers.trainings import (
    NETWORK,
    POTENTIAL,
    alloy_config,
    alloys,
    crystal_config,
    prepared,
    readings,
    tensor_labels,
)

pytestmark = pytest.mark.usefixtures("own_graph_cache")


def test_a_label_for_each_atom(tmp_path: Path) -> None:
    records = []
    for crystal in RECORDS[:12]:
        places = list(range(0, len(crystal["numbers"]), 2))
        tensors = [(np.eye(3) * place).tolist() for place in places]
        records.append({key: crystal[key] for key in ("lattice", "numbers", "frac")}
                       | {"shielding": tensors, "sites": places})  # fmt: skip
    (tmp_path / "nmr.json").write_text(json.dumps(records))
    labels = {"nmr-shielding": {"key": "shielding", "sites": "sites"}}
    config = crystal_config(
        tmp_path, epochs=1, target={"name": "nmr-shielding", "pooling": "atoms"},
        network=NETWORK | {"body_order": 4},
        data=[{"path": "nmr.json", "labels": labels}],
    )  # fmt: skip
    sample = prepared(config).train[0]
    assert tensor_labels(sample).tensors.shape == (sample.graph.atoms, 9)
    assert float(tensor_labels(sample).tensor_weight.sum()) == pytest.approx(1.0)
    assert train(config, progress=False).history


def test_the_sign_of_a_label_may_be_unknown(tmp_path: Path) -> None:
    polar = np.arange(18.0).reshape(3, 6)
    records = [
        {
            "numbers": cell.numbers.tolist(), "positions": cell.positions.tolist(),
            "lattice": cell.cell[:].tolist(), "piezo": (sign * polar).tolist(),
        }
        for cell, sign in zip(alloys(6), [1, -1] * 3, strict=True)
    ]  # fmt: skip
    (tmp_path / "piezo.json").write_text(json.dumps(records))
    label = {"key": "piezo", "form": "voigt", "sign": "unknown"}
    config = alloy_config(
        tmp_path, target="piezoelectric-stress", network=POTENTIAL | {"weight": 3, "layers": 2},
        data=[{"path": "piezo.json", "labels": {"tensor": label}}],
    )  # fmt: skip
    run = train(config, progress=False)
    labels = prepared(config).train[0].labels["piezoelectric-stress"]
    assert isinstance(labels, TensorLabels)
    for sign in (1, -1):
        guess = sign * labels.tensors * 0.9
        assert nearest_sign(labels, guess).tolist() == [[sign]]
    examples = list(read_examples(tmp_path / "piezo.json", readings(config), for_training=False))
    model = carnet_model.load(run.checkpoint)
    lenient = evaluate(model, examples, draws=20, either_sign=True)
    strict = evaluate(model, examples, draws=20)
    assert lenient.errors["frobenius_mean"].value <= strict.errors["frobenius_mean"].value


def test_a_stress_without_volume_is_refused(tmp_path: Path) -> None:
    record = {"numbers": [29], "positions": [[0, 0, 0]], "energy": 1.0, "stress": [1] * 6}
    (tmp_path / "atom.json").write_text(json.dumps([record]))
    labels = {"energy": {}, "stress": {"form": "voigt"}}
    with pytest.raises(DatasetError, match="has a stress and no volume"):
        prepared(alloy_config(tmp_path, data=[{"path": "atom.json", "labels": labels}]))


def test_a_stiffness_that_is_not_stable_has_no_moduli(tmp_path: Path) -> None:
    """Averages of it exist, and mean nothing: G after Hill of this one is 2,369 GPa."""
    stiffness = np.full((6, 6), 0.0)
    stiffness[:3, :3] = 50 + 50 * np.eye(3)
    stiffness[3:, 3:] = -38 * np.eye(3)
    record = {**RECORDS[0], "C": stiffness[np.triu_indices(6)].tolist(), "split": "train"}
    (tmp_path / "crystals.json").write_text(json.dumps([record, *RECORDS[1:10]]))
    samples = prepared(crystal_config(tmp_path, split={"by": "note"}))
    (unstable,) = [one for one in samples.train if one.identifier == record["id"]]
    assert float(tensor_labels(unstable).tensor_weight) == 1.0
    assert tensor_labels(unstable).moduli_weight.tolist() == [[0.0, 0.0, 0.0]]
