"""Fine-tuning: from the weights of another network, parts of it frozen, to other tensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import carnet_model
from carnet_model.data.reading import read_examples
from carnet_model.evaluation.evaluation import evaluate
from carnet_model.network.settings import ConfigError
from carnet_model.training.fine_tuning import load_donor
from carnet_model.training.run import train
from carnet_model.weights import checkpoint
from tests.helpers.trainings import (
    alloy_config,
    alloys,
    crystal_config,
    energies_and_dipoles,
    fine_tuned,
    readings,
)

pytestmark = pytest.mark.usefixtures("own_graph_cache")


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return train(alloy_config(tmp_path, output="first"), progress=False).checkpoint


def test_fine_tuning_starts_where_the_other_ended(tmp_path: Path, trained: Path) -> None:
    run = fine_tuned(tmp_path, str(trained), optimizer={"lr": 1e-9}, ema=0.0)
    before, after = (checkpoint.load(place).models[0] for place in (trained, run.checkpoint))
    state = after.state_dict()
    for name, value in before.state_dict().items():
        if not name.endswith("reference.table"):
            torch.testing.assert_close(state[name], value, rtol=0, atol=1e-6, msg=name)


def test_parts_can_be_frozen(tmp_path: Path, trained: Path) -> None:
    run = fine_tuned(
        tmp_path, {"model": str(trained), "freeze": ["embedding", "interactions.0"]},
        optimizer={"lr": 0.05, "warmup_steps": 0},
    )  # fmt: skip
    before, after = (checkpoint.load(place).models[0] for place in (trained, run.checkpoint))
    state = after.state_dict()
    for name, value in before.named_parameters():
        frozen = name.startswith(("embedding.", "interactions.0."))
        assert torch.equal(state[name], value) == frozen, name


def test_new_elements_and_another_reference(tmp_path: Path, trained: Path) -> None:
    cells = alloys(12, ("Cu", "Ag"))
    records = [
        {
            "numbers": cell.numbers.tolist(), "positions": cell.positions.tolist(),
            "lattice": cell.cell[:].tolist(), "energy": cell.get_potential_energy() - 500.0,
            "forces": cell.get_forces().tolist(),
        }
        for cell in cells
    ]  # fmt: skip
    (tmp_path / "silver.json").write_text(json.dumps(records))
    run = fine_tuned(
        tmp_path, str(trained),
        data=[{"path": "silver.json", "labels": {"energy": {}, "forces": {}}}],
    )  # fmt: skip
    stored = checkpoint.load(run.checkpoint)
    assert 47 in stored.elements
    prediction = carnet_model.load(run.checkpoint).predict(cells[0])
    # 500 eV lower after one epoch: the reference was fitted, not learnt
    assert float(prediction.tensor) == pytest.approx(cells[0].get_potential_energy() - 500, abs=20)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": {"freeze": ["head"]}}, ["'head'", "embedding.free", "outputs.0"]),
        (
            {"start": {"freeze": ["embedding", "start", "interactions", "outputs"]}},
            ["nothing is left to learn"],
        ),
        ({"start": {"member": 3}}, ["got 3", "holds 1 networks"]),
        ({"start": {"model": "nosuch"}}, ["no folder", "nosuch", "elastic, elastic-small"]),
        ({"network": {"channels": 4}}, ["channels is 4 and 8 there", "more channels"]),
        ({"network": {"channels": 16, "layers": 3}}, ["layers is 3 and ", "leave out all"]),
        (
            {"network": {"channels": 16}, "start": {"freeze": ["embedding", "interactions.0"]}},
            ["channels is 16 and 8 there", "keeps interactions.0"],
        ),
    ],
)
def test_what_cannot_be_fine_tuned(
    tmp_path: Path, trained: Path, changes: dict[str, Any], words: list[str]
) -> None:
    start = {"model": str(trained), **changes.get("start", {})}
    with pytest.raises(ConfigError) as caught:
        fine_tuned(tmp_path, start, network=changes.get("network", {}))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_fine_tuning_for_another_tensor_keeps_the_trunk(tmp_path: Path, trained: Path) -> None:
    records = energies_and_dipoles(tmp_path)
    run = fine_tuned(
        tmp_path, {"model": str(trained), "freeze": ["embedding", "start", "interactions"]},
        target=records["target"][1], data=records["data"][1:],
    )  # fmt: skip
    before, after = (checkpoint.load(place).models[0] for place in (trained, run.checkpoint))
    assert [target.key for target in after.targets] == ["dipole"]
    state = after.state_dict()
    trunk = [name for name in before.state_dict() if not name.startswith("outputs")]
    assert all(torch.equal(state[name], before.state_dict()[name]) for name in trunk)


def test_repulsion_of_nuclei_stays_with_the_energy(tmp_path: Path) -> None:
    records = energies_and_dipoles(tmp_path)
    config = alloy_config(tmp_path, output="repelled", network={"repulsion": True})
    potential = str(train(config, progress=False).checkpoint)
    other = {"target": records["target"][1], "data": records["data"][1:], "output": "dipoles"}
    for changes, repelled in (({}, True), (other, False)):
        run = fine_tuned(tmp_path, potential, **changes)
        (model,) = checkpoint.load(run.checkpoint).models
        assert (model.repulsion is not None) == repelled
        assert model.settings.repulsion == repelled


def test_forces_alone_train_are_measured_and_start_another(tmp_path: Path) -> None:
    data = [{"path": "alloys.xyz", "labels": {"forces": {}}}]
    config = alloy_config(tmp_path, data=data)
    run = train(config, progress=False)
    assert np.isfinite(run.history[-1]["score"])
    examples = list(read_examples(tmp_path / "alloys.xyz", readings(config), for_training=False))
    measured = evaluate(carnet_model.load(run.checkpoint), examples, baseline=examples, draws=20)
    assert np.isnan(measured.errors["energy_mae"].value)
    assert measured.errors["forces_mae"].value > 0
    # the first network knows no energies: those of the second are fitted all the same
    other = fine_tuned(tmp_path, str(run.checkpoint))
    cell = alloys(1)[0]
    energy = carnet_model.load(other.checkpoint).predict(cell).tensor
    assert float(energy) == pytest.approx(cell.get_potential_energy(), abs=2)
    (member,) = checkpoint.load(other.checkpoint).models
    reference = member.outputs[0].assembly.reference
    assert reference is not None
    assert reference.table.any()


def test_shipped_weights_are_named(tmp_path: Path) -> None:
    start = crystal_config(tmp_path, network={}, start="elastic").start
    assert start is not None
    assert start.model == "elastic"  # no path in the folder of the configuration
    state = load_donor(start).model.state_dict()
    shipped = carnet_model.load("elastic").models[0].state_dict()
    assert state.keys() == shipped.keys()
    assert all(torch.equal(state[name], shipped[name]) for name in state)
