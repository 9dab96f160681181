"""Checkpoints: what is written is read, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.network.targets import Target
from carnet_model.prediction.intervals import Measure, from_record
from carnet_model.structures.graph import build
from carnet_model.weights import checkpoint
from carnet_model.weights.arrays import arrays_of, fingerprints_from
from carnet_model.weights.record import FORMAT, CheckpointError
from carnet_model.weights.state import load_state
from tests.helpers.processes import dead_process
from tests.helpers.tiny_checkpoints import SALT, SETTINGS, fingerprints, network, record

TARGET = {
    "tensor": "dielectric", "axial": False, "pooling": "mean", "positive": True, "title": "",
    "unit": "1", "symmetry": "ij=ji",
}  # fmt: skip


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


def test_the_first_and_the_last_element_may_be_known(saved: Path) -> None:
    edited(elements=[1, 118])(saved)
    assert checkpoint.load(saved).elements == {1, 118}


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


def test_half_the_precision_is_half_the_size(tmp_path: Path) -> None:
    model = network(0)
    sizes = []
    for half in (False, True):
        checkpoint.save(tmp_path / f"{half}", [model], record(), half=half)
        sizes.append((tmp_path / f"{half}" / "weights.safetensors").stat().st_size)
    count = sum(value.numel() for value in model.state_dict().values())
    assert sizes[0] - sizes[1] == pytest.approx(2 * count, rel=0.2)  # names have other lengths
    (read,) = checkpoint.load(tmp_path / "True").models
    for key, value in read.state_dict().items():
        expected = model.state_dict()[key]
        assert value.dtype == expected.dtype
        exact = not value.is_floating_point() or key.endswith(".reference.table")
        assert torch.equal(value, expected if exact else expected.half().to(value)), key
    with torch.no_grad():
        model.start.bias[0] = 1e5
    with pytest.raises(CheckpointError, match=r"start.bias reaches 1e\+05, beyond the 65504"):
        checkpoint.save(tmp_path / "large", [model], record(), half=True)
    assert not (tmp_path / "large").exists()


@pytest.mark.parametrize("failing", [1, 2])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(28, "No space left on device"), CheckpointError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=["full", "interrupted"],
)
def test_a_swap_that_fails_leaves_the_old_checkpoint_where_it_was(
    saved: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
    error: BaseException,
    raised: type[BaseException],
) -> None:
    """Whichever of the two renamings fails: the old folder aside, the new one into its place."""
    calls = 0
    replace = os.replace

    def broken(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise error
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", broken)
        with pytest.raises(raised, match=r"cannot be written: No space left|^$"):
            checkpoint.save(saved, [network(1)], record(seeds=[1]))
    assert checkpoint.load(saved).record["seeds"] == [3]
    assert [entry.name for entry in saved.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("kind", [torch.float32, torch.float64], ids=str)
def test_energies_of_the_elements_keep_double_precision(tmp_path: Path, kind: torch.dtype) -> None:
    """A total energy of -54321.123456789 eV is known to less than a meV; float32 keeps 4 meV."""
    energy = -54321.123456789
    torch.manual_seed(0)
    model = CarNet(SETTINGS, Target("energy", pooling="sum")).to(kind)
    reference = model.outputs[0].assembly.reference
    assert reference is not None
    reference.table[17] = energy
    checkpoint.save(tmp_path / "model", [model], record())
    loaded = checkpoint.load(tmp_path / "model").models[0].outputs[0].assembly.reference
    assert loaded is not None
    assert loaded.table.dtype == torch.float64
    assert loaded.table[17].tolist() == [energy]
    stored = load_file(tmp_path / "model" / "weights.safetensors")
    others = {v.dtype for k, v in stored.items() if not k.endswith("table")}
    assert others == {torch.float32}  # nothing else is written with more digits


def test_a_kill_while_it_is_replaced_loses_no_checkpoint(saved: Path) -> None:
    old, new = (saved.with_name(f".model.{kind}.{dead_process()}.1.tmp") for kind in ("old", "new"))
    saved.rename(old)  # and the kill came before the new one had taken its place
    new.mkdir()
    (new / "weights.safetensors").write_bytes(b"half")
    checkpoint.recover(saved)
    assert checkpoint.load(saved).record["config"] == {"seed": 3}
    assert [entry.name for entry in saved.parent.iterdir()] == ["model"]
    saved.with_name(f".model.old.{dead_process()}.2.tmp").mkdir()  # it came after
    checkpoint.recover(saved)
    assert checkpoint.load(saved).models
    assert [entry.name for entry in saved.parent.iterdir()] == ["model"]


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
        (edited(format=FORMAT + 1), ["reads formats up to", "install a newer"]),
        (edited(format=0), ["states no format"]),
        (edited(format="2"), ["states no format"]),
        (edited(conventions=0), ["conventions 0"]),
        (lambda folder: (folder / "model.json").write_text("[" * 10**5), ["is nested"]),
        (lambda folder: (folder / "model.json").write_text(f"[{'9' * 5000}]"), ["an integer of"]),
        (lambda folder: (folder / "model.json").write_bytes(b"\xff"), ["no UTF-8 text"]),
        (edited(format=True), ["states no format"]),
        (edited(targets=[None]), ["'targets' is [None]; allowed: objects with tensor"]),
        (edited(targets=[]), ["'targets' is []"]),
        (edited(targets=[{**TARGET, "unit": [1]}]), ["'targets' is", "objects with tensor"]),
        (edited(targets=[{**TARGET, "pooling": "max"}]), ["'targets' is"]),
        (edited(targets=[{**TARGET, "tensor": "elastc"}]), ["does not fit", "elastic"]),
        (edited(elements=["x"]), ["'elements' is ['x']; allowed: atomic numbers"]),
        (edited(elements=[0]), ["'elements' is [0]"]),
        (edited(closest={"Na": 2.0}), ["'closest' is {'Na': 2.0}; allowed: nothing, or distances"]),
        (edited(closest={"Na-Cl": 0}), ["'closest' is {'Na-Cl': 0}"]),
        (edited(closest=[1]), ["'closest' is [1]"]),
        (edited(elements=[1, 119]), ["'elements' is [1, 119]"]),
        (edited(networks=None), ["'networks' is None"]),
        (edited(networks=[[]]), ["'networks' is [[]]"]),
        (edited(networks=[{"layers": 10**9}]), ["does not fit"]),
        (edited(members=10**9), ["'members' is 1000000000"]),
        (edited(metrics=[], seeds={}), ["'seeds' is {}"]),
        (edited(intervals={"bulk": {"powers": "x"}}), ["'intervals' is"]),
        (edited(members=2), ["does not fit", "2 members, but 1 networks"]),
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
    assert "\n" not in str(caught.value)


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


@pytest.mark.parametrize("names", [(), ("one",), ("a b", "ü", "")])
def test_fingerprints_travel_as_arrays(names: tuple[str, ...]) -> None:
    before = fingerprints(*names)
    after = fingerprints_from(arrays_of(before))
    assert after is not None
    assert after.identifiers == before.identifiers
    assert after.formulas == before.formulas
    assert np.array_equal(after.signatures, before.signatures)


def test_a_checkpoint_of_format_1_is_upgraded(saved: Path) -> None:
    """One target, whose output was not in a list."""
    tensors = {
        key.replace("outputs.0.", ""): value
        for key, value in load_file(saved / "weights.safetensors").items()
    }
    assert any(key.startswith("0.readouts") for key in tensors)
    save_file(tensors, saved / "weights.safetensors")
    known = json.loads((saved / "model.json").read_text())
    (target,) = known.pop("targets")
    unit, _ = target.pop("unit"), target.pop("title")
    digest = hashlib.sha256((saved / "weights.safetensors").read_bytes()).hexdigest()
    old = {**known, "format": 1, "target": target, "unit": unit, "sha256": digest}
    old["spread_scale"] = {"relative": 2.5}  # of all formats before the third
    (saved / "model.json").write_text(json.dumps(old))
    upgraded = checkpoint.load(saved)
    errors = from_record(upgraded.record)["relative"]
    assert errors.half_widths(Measure(2.0, 3.0, 4.0)) == (pytest.approx(5.0), None)
    assert upgraded.targets == (Target("dielectric", positive=True),)
    expected = network(0).state_dict()
    state = upgraded.models[0].state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in state.items())
