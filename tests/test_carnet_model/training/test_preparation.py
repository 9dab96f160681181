"""Preparation: which examples train, which validate, which are left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from carnet_model.data.examples import DatasetError, bucket
from tests.helpers.tiny_models import RECORDS
from tests.helpers.trainings import (
    MODULI,
    STIFFNESS,
    alloy_config,
    alloys,
    crystal_config,
    prepared,
    tensor_labels,
)

pytestmark = pytest.mark.usefixtures("own_graph_cache")


BY_NAME = {record["id"]: record for record in RECORDS}


def test_samples_are_divided_weighed_and_counted(tmp_path: Path) -> None:
    rules = [{"when": {"crystal_system": "cubic"}, "weight": 0.5}]
    config = crystal_config(tmp_path, data=[{"path": "crystals.json", "labels": STIFFNESS,
                                         "weights": rules, "max_atoms": 6}])  # fmt: skip
    samples = prepared(config)
    formulas = {sample.formula for sample in samples.val}
    assert samples.val
    assert not formulas & {sample.formula for sample in samples.train}
    assert max(sample.graph.atoms for sample in samples.train) <= 6
    for sample in samples.train:
        cubic = BY_NAME[sample.identifier]["crystal_system"] == "cubic"
        assert float(tensor_labels(sample).tensor_weight) == (0.5 if cubic else 1.0)
        weight = 0.5 if cubic else 1.0
        assert tensor_labels(sample).moduli_weight.tolist() == [[weight, weight, 0.0]]
    assert {float(tensor_labels(sample).tensor_weight) for sample in samples.val} == {1.0}
    assert "with more than 6 atoms" in samples.remarks[0]


def test_partial_labels_and_sources_for_training_only(tmp_path: Path) -> None:
    first = tmp_path / "tensors.json"
    first.write_text(json.dumps(RECORDS[:20]))
    whole = crystal_config(
        tmp_path,
        data=[
            {"path": "tensors.json", "labels": STIFFNESS},
            {"path": "crystals.json", "role": "train", "labels": MODULI},
        ],
    )
    samples = prepared(whole)
    identifiers = [sample.identifier for sample in (*samples.train, *samples.val)]
    assert len(set(identifiers)) == len(identifiers)
    assert any("20 in an earlier source" in remark for remark in samples.remarks)
    assert any("given to validation by the split" in remark for remark in samples.remarks)
    partial = [sample for sample in samples.train if not tensor_labels(sample).tensor_weight.any()]
    assert partial
    for sample in partial:
        bulk = BY_NAME[sample.identifier]["K_VRH"]
        assert float(tensor_labels(sample).moduli[0, 0]) == pytest.approx(bulk)
        assert tensor_labels(sample).moduli_weight.tolist() == [[1.0, 1.0, 0.0]]


def test_the_range_of_a_label_and_its_own_weight(tmp_path: Path) -> None:
    labels = {
        "elastic": {**STIFFNESS["elastic"], "weight": 0.25,
                    "weights": [{"when": {"crystal_system": "cubic"}, "weight": 0}]},
        "bulk": {**MODULI["bulk"], "range": [0, 100]},
        "shear": MODULI["shear"],
    }  # fmt: skip
    samples = prepared(crystal_config(tmp_path, data=[{"path": "crystals.json", "labels": labels}]))
    for sample in samples.train:
        assert 0 < tensor_labels(sample).moduli[0, 0] < 100
        cubic = BY_NAME[sample.identifier]["crystal_system"] == "cubic"
        assert float(tensor_labels(sample).tensor_weight) == (0.0 if cubic else 0.25)
        assert tensor_labels(sample).moduli_weight.tolist() == [[1.0, 1.0, 0.0]]


def test_moduli_after_voigt_and_weights_of_their_own(tmp_path: Path) -> None:
    """A crystal may have K after Voigt in place of K after Hill; each label weighs as it says."""
    rows = [{**record, "bulk": record["K_VRH"], "shear": record["G_VRH"]} for record in RECORDS]
    for number, row in enumerate(rows):
        row["bulk_agreement"] = "differ" if number % 3 else "agree"
        if number % 2:
            row["bulk_voigt"] = row.pop("bulk")
    (tmp_path / "moduli.json").write_text(json.dumps(rows))
    rules = [{"when": {"bulk_agreement": "differ"}, "weight": 0.25}]
    labels = {
        "bulk": {"optional": True, "weights": rules},
        "bulk_voigt": {"optional": True, "weights": rules},
        "shear": {"weight": 0.5},
    }
    samples = prepared(crystal_config(tmp_path, data=[{"path": "moduli.json", "labels": labels}]))
    for sample in samples.train:
        number = next(n for n, row in enumerate(rows) if row["id"] == sample.identifier)
        weight = 0.25 if number % 3 else 1.0
        expected = [0.0, 0.5, weight] if number % 2 else [weight, 0.5, 0.0]
        assert tensor_labels(sample).moduli_weight.tolist() == [expected]
        value = tensor_labels(sample).moduli[0, 2 if number % 2 else 0]
        assert float(value) == pytest.approx(rows[number]["K_VRH"])
        assert not tensor_labels(sample).tensor_weight.any()


def test_what_one_source_may_not_train_on_validates_in_another(tmp_path: Path) -> None:
    """A crystal left out of a source is not read yet; formulas that validate train nowhere."""
    teacher = [{**record, "split": "train"} for record in RECORDS]
    (tmp_path / "teacher.json").write_text(json.dumps(teacher))
    data = [
        {"path": "teacher.json", "role": "train", "labels": STIFFNESS},
        {"path": "crystals.json", "labels": MODULI},
    ]
    samples = prepared(crystal_config(tmp_path, data=data))
    assert len(samples.train) + len(samples.val) == len(RECORDS)
    assert {bucket(sample.formula) // 10 for sample in samples.val} <= {1, 2, 3}
    assert not any(10 <= bucket(sample.formula) < 40 for sample in samples.train)
    assert samples.val
    assert not any(tensor_labels(sample).tensor_weight.any() for sample in samples.val)


def test_a_composition_that_validates_does_not_train(tmp_path: Path) -> None:
    """But for what its own record says, and what the role of a source says for all of it."""
    known = next(record for record in RECORDS if bucket(record["formula"]) >= 40)
    silent = {key: value for key, value in known.items() if key != "split"}
    others = [record for record in RECORDS if record["formula"] != known["formula"]][:10]
    stated, other, val = tmp_path / "stated.json", tmp_path / "other.json", tmp_path / "val.json"
    val.write_text(json.dumps([{**known, "id": "held out", "split": "val"}, *others]))
    other.write_text(json.dumps([{**silent, "id": "polymorph"}]))
    stated.write_text(json.dumps([{**silent, "id": "chosen", "split": "train"}]))
    data = [{"path": path.name, "labels": STIFFNESS} for path in (val, other, stated)]
    samples = prepared(crystal_config(tmp_path, data=data, split={"by": "note"}))
    assert "held out" in {sample.identifier for sample in samples.val}
    trained = {sample.identifier for sample in samples.train}
    assert "chosen" in trained
    assert "polymorph" not in trained
    assert any("1 training crystals have a formula that validates" in r for r in samples.remarks)
    roles = [{**data[0], "role": "val"}, *data[1:]]
    samples = prepared(crystal_config(tmp_path, data=roles, split={"by": "formula"}))
    assert {sample.identifier for sample in samples.train} == {"polymorph", "chosen"}
    assert any("2 training crystals have a formula of a source" in r for r in samples.remarks)


def test_reserved_crystals_never_enter(tmp_path: Path) -> None:
    reserved = {**RECORDS[0], "numbers": [20, 9, 9], "id": "fluorite", "formula": "CaF2",
                "frac": [[0, 0, 0], [0.25] * 3, [0.75] * 3]}  # fmt: skip
    (tmp_path / "crystals.json").write_text(json.dumps([*RECORDS, reserved]))
    samples = prepared(crystal_config(tmp_path))
    assert all(sample.identifier != "fluorite" for sample in (*samples.train, *samples.val))
    assert "1 reserved for evaluation" in samples.remarks[0]


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no structure is left to train on"):
        prepared(crystal_config(tmp_path, split={"by": "formula", "validation": [0, 100]}))


def test_frames_of_one_material_are_all_there(tmp_path: Path) -> None:
    frames = [
        {"material_id": "mp-30", "numbers": cell.numbers.tolist(), "energy": 1.0,
         "positions": cell.positions.tolist(), "lattice": cell.cell[:].tolist()}
        for cell in alloys(6)
    ]  # fmt: skip
    (tmp_path / "frames.json").write_text(json.dumps(frames))
    sources = [{"path": "frames.json", "labels": {"energy": {}}}] * 2
    samples = prepared(alloy_config(tmp_path, data=sources))
    assert len(samples.train) + len(samples.val) == 6
    assert any("6 in an earlier source" in remark for remark in samples.remarks)


def test_frames_without_names_are_told_apart_by_their_file(tmp_path: Path) -> None:
    frames = [
        {"numbers": cell.numbers.tolist(), "energy": 1.0, "positions": cell.positions.tolist(),
         "lattice": cell.cell[:].tolist()}
        for cell in alloys(6)
    ]  # fmt: skip
    for folder, rows in (("a", frames[:3]), ("b", frames[3:])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "frames.json").write_text(json.dumps(rows))
    sources = [{"path": f"{name}/frames.json", "labels": {"energy": {}}} for name in "aba"]
    samples = prepared(alloy_config(tmp_path, data=sources))
    assert len(samples.train) + len(samples.val) == 6
    assert any("3 in an earlier source" in remark for remark in samples.remarks)


def test_a_share_of_the_training_set_is_part_of_a_larger_one(tmp_path: Path) -> None:
    chosen = []
    for share in (0.25, 0.5, 1.0):
        config = alloy_config(tmp_path, split={"by": "note", "share": share})
        samples = prepared(config)
        chosen.append({sample.identifier for sample in samples.train})
    assert chosen[0] < chosen[1] < chosen[2]
    assert len(chosen[1]) == round(0.5 * len(chosen[2]))


def test_cells_of_one_atom_are_trained_on(tmp_path: Path) -> None:
    """Their forces vanish by symmetry, their energies and stresses do not."""
    records = [
        {"numbers": [29], "positions": [[0, 0, 0]], "lattice": (np.eye(3) * a).tolist(),
         "energy": (a - 2.5) ** 2, "forces": [[0, 0, 0]], "stress": [0.1] * 6}
        for a in np.linspace(2.2, 2.9, 8)
    ]  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(records))
    labels = {"energy": {}, "forces": {}, "stress": {"form": "voigt"}}
    samples = prepared(alloy_config(tmp_path, data=[{"path": "one.json", "labels": labels}]))
    everything = (*samples.train, *samples.val)
    assert len(everything) == 8
    assert all(sample.graph.edges >= 6 for sample in everything)
    assert all(sample.labels["energy"].known for sample in everything)
