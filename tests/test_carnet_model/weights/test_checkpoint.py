"""Checkpoints: what is written is read, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from carnet_model.data.fingerprints import Fingerprints
from carnet_model.network.graph import build, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry
from carnet_model.weights import checkpoint, ensembles
from carnet_model.weights.checkpoint import CheckpointError
from carnet_model.weights.state import load_state, save_state

SETTINGS = NetworkSettings(
    channels=4, layers=1, weight=2, message_weight=1, body_order=3, radial=4, radial_hidden=4,
    embedding=4, head_hidden=4, cutoff=3.5, neighbours=6.0,
)  # fmt: skip
SALT = Geometry(
    np.array([11, 17]),
    np.array([[0.0, 0, 0], [2.8, 0, 0]]),
    np.array([[0.0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]]),
    (True, True, True),
)


def network(seed: int, tensor: str = "dielectric") -> CarNet:
    torch.manual_seed(seed)
    return CarNet(SETTINGS, Target(tensor, positive=tensor == "dielectric"))


def record(**more: Any) -> dict[str, Any]:
    return {"elements": [11, 17], "fingerprint": "f", "metrics": {"x": 1.5}, "seeds": [3], **more}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "model", [network(0)], record(config={"seed": 3}))
    return tmp_path / "model"


def test_what_is_saved_is_loaded_and_predicts_the_same(saved: Path) -> None:
    loaded = checkpoint.load(saved)
    batch = collate([build(SALT, SETTINGS.cutoff)])
    with torch.no_grad():
        assert torch.equal(loaded.models[0](batch)["dielectric"], network(0)(batch)["dielectric"])
    assert loaded.models[0].settings == SETTINGS
    assert loaded.targets == (Target("dielectric", positive=True),)
    assert loaded.elements == {11, 17}
    assert loaded.targets[0].unit == "1"
    assert loaded.record["config"] == {"seed": 3}
    assert loaded.record["metrics"] == {"x": 1.5}
    assert loaded.fingerprints is None
    assert sorted(entry.name for entry in saved.iterdir()) == ["model.json", "weights.safetensors"]
    assert [entry.name for entry in saved.parent.iterdir()] == ["model"]


def test_loading_leaves_random_numbers_alone(saved: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    checkpoint.load(saved)
    assert torch.equal(before, torch.get_rng_state())


def test_saving_again_replaces_and_spares_folders_of_others(saved: Path) -> None:
    checkpoint.save(saved, [network(1)], record(seeds=[1]))
    assert checkpoint.load(saved).record["seeds"] == [1]
    (saved / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"notes\.txt"):
        checkpoint.save(saved, [network(1)], record())
    assert (saved / "notes.txt").exists()


def cut(folder: Path) -> None:
    place = folder / "weights.safetensors"
    place.write_bytes(place.read_bytes()[:-8])


def edited(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        place = folder / "model.json"
        place.write_text(json.dumps({**json.loads(place.read_text()), **changes}))

    return edit


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, ["SHA-256", "damaged"]),
        (lambda folder: (folder / "weights.safetensors").unlink(), ["weights.safetensors"]),
        (lambda folder: (folder / "model.json").unlink(), ["model.json", "No such file"]),
        (lambda folder: (folder / "model.json").write_text("{"), ["is not JSON"]),
        (lambda folder: (folder / "model.json").write_text("[]"), ["states no format"]),
        (edited(format=99, version="9.9"), ["format 99", "9.9", "install a newer"]),
        (edited(conventions=0), ["conventions 0"]),
        (edited(members=2), ["does not fit"]),
        (edited(networks=[{"channels": 5}]), ["does not fit"]),
        (edited(targets=[{"tensor": "elastic"}]), ["does not fit"]),
    ],
)
def test_a_damaged_checkpoint_is_refused(
    saved: Path, damage: Callable[[Path], Any], words: list[str]
) -> None:
    damage(saved)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(saved)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_nothing_pickled_is_read(saved: Path) -> None:
    torch.save({"a": 1}, saved / "weights.safetensors")
    with pytest.raises(CheckpointError):
        checkpoint.load(saved)
    with pytest.raises(CheckpointError, match="state of a training"):
        load_state(saved / "weights.safetensors")


def test_members_have_the_same_targets(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="have the same targets"):
        checkpoint.save(tmp_path / "m", [network(0), network(1, "stress")], record())
    with pytest.raises(CheckpointError, match="at least one"):
        checkpoint.save(tmp_path / "m", [], record())


def prints(*names: str) -> Fingerprints:
    rows = np.arange(16 * len(names), dtype=np.float16).reshape(-1, 16)
    return Fingerprints(names, tuple("NaCl" for _ in names), rows)


def test_an_ensemble_of_checkpoints(tmp_path: Path) -> None:
    for number, (elements, names) in enumerate([([11, 17, 3], "ab"), ([11, 17], "abc")]):
        arrays = checkpoint.arrays_of(prints(*names))
        entry = record(elements=elements, seeds=[number], fingerprint=str(number))
        checkpoint.save(tmp_path / str(number), [network(number)], entry, arrays)
    joined = ensembles.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "both")
    assert len(joined.models) == 2
    assert "2 members" in repr(joined)
    assert joined.elements == {11, 17}
    assert joined.record["seeds"] == [0, 1]
    assert joined.fingerprints is not None
    assert joined.fingerprints.identifiers == ("a", "b", "c")
    for number, model in enumerate(joined.models):
        expected = network(number).state_dict()
        assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())


def test_an_ensemble_has_an_element_in_common(tmp_path: Path) -> None:
    for number, elements in enumerate([[11, 17], [14]]):
        checkpoint.save(tmp_path / str(number), [network(number)], record(elements=elements))
    with pytest.raises(CheckpointError, match="no element is known to all"):
        ensembles.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "both")


@pytest.mark.parametrize("names", [(), ("one",), ("a b", "ü", "")])
def test_fingerprints_travel_as_arrays(names: tuple[str, ...]) -> None:
    before = prints(*names)
    after = checkpoint.fingerprints_from(checkpoint.arrays_of(before))
    assert after is not None
    assert after.identifiers == before.identifiers
    assert after.formulas == before.formulas
    assert np.array_equal(after.signatures, before.signatures)


def test_a_state_comes_back_exactly(tmp_path: Path) -> None:
    state = {
        "a": [1, 0.1, None, True, "text", (2, [float("inf")])],
        0: {"x": torch.tensor(1.5), "y.z": torch.arange(3), "": {}},
        "array": np.arange(4, dtype=np.float32),
    }
    save_state(tmp_path / "s", state)
    found = load_state(tmp_path / "s")
    assert found["a"] == state["a"]
    assert list(found) == list(state)
    assert torch.equal(found[0]["x"], torch.tensor(1.5))
    assert torch.equal(found[0]["y.z"], torch.arange(3))
    assert np.array_equal(found["array"], state["array"])


def test_a_state_holds_no_objects(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"state\.a is Path|state\.a is PosixPath"):
        save_state(tmp_path / "s", {"a": tmp_path})
    assert not (tmp_path / "s").exists()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path / "s")
