"""Training of potentials, of several targets at once, and from a trained network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

import carnet_model
from carnet_model.data.examples import DatasetError
from carnet_model.data.reading import read_examples
from carnet_model.evaluation.evaluation import evaluate
from carnet_model.evaluation.formats import write_report
from carnet_model.network.graph import collate
from carnet_model.network.settings import ConfigError
from carnet_model.prediction.result import Prediction
from carnet_model.structures.units import EV_PER_A3
from carnet_model.training import graph_cache, preparation
from carnet_model.training.config import Config
from carnet_model.training.config_reading import make_config
from carnet_model.training.label_tensors import PotentialLabels, TensorLabels
from carnet_model.training.losses import PotentialLoss
from carnet_model.training.run import train
from carnet_model.weights import checkpoint

NETWORK = {
    "channels": 8, "layers": 1, "weight": 1, "body_order": 3, "radial": 6, "radial_hidden": 8,
    "embedding": 4, "head_hidden": 8, "cutoff": 4.0,
}  # fmt: skip
LABELS = {"energy": {}, "forces": {}, "stress": {"form": "voigt", "unit": "eV/A^3"}}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_cache, "cache_folder", lambda: tmp_path / "cache")


def alloys(count: int, elements: tuple[str, ...] = ("Cu", "Al")) -> list[Atoms]:
    """Rattled and strained fcc cells of two metals, with ASE's effective medium theory."""
    generator = np.random.default_rng(0)
    found = []
    for number in range(count):
        body = bulk("Cu", cubic=True, a=3.8)
        body.symbols = [elements[(number >> site) % len(elements)] for site in range(4)]
        strain = 0.03 * generator.normal(size=(3, 3))
        body.set_cell(body.cell @ (np.eye(3) + strain + strain.T), scale_atoms=True)
        body.positions += 0.08 * generator.normal(size=(4, 3))
        body.calc = EMT()
        body.get_potential_energy(), body.get_forces(), body.get_stress()
        found.append(body)
    return found


def configured(folder: Path, **changes: Any) -> Config:
    place = folder / "alloys.xyz"
    if not place.exists():
        write(place, alloys(32), format="extxyz")
    values = {
        "target": "energy",
        "data": [{"path": "alloys.xyz", "labels": LABELS}],
        "network": NETWORK,
        "split": {"by": "note"},
        "epochs": 2,
        "batch": 5,
        "threads": 1,
        "ema": 0.9,
        "optimizer": {"lr": 0.01, "warmup_steps": 10},
        **changes,
    }
    return make_config(values, folder=folder)


# --- labels ---------------------------------------------------------------------------------------


def test_energy_forces_and_stress_as_ase_and_vasp_write_them(tmp_path: Path) -> None:
    """Order, sign and unit: ASE xx yy zz yz xz xy in eV/A^3; VASP xx yy zz xy yz zx, -kbar."""
    body = alloys(1)[0]
    full = body.get_stress(voigt=False)
    pressures = -full[[0, 1, 2, 0, 1, 2], [0, 1, 2, 1, 2, 0]] * EV_PER_A3 * 10
    record = {
        "numbers": body.numbers.tolist(), "positions": body.positions.tolist(),
        "lattice": body.cell[:].tolist(), "energy": body.get_potential_energy() / 27.211386245988,
        "forces": (body.get_forces() * 1000).tolist(), "stress": pressures.tolist(),
    }  # fmt: skip
    (tmp_path / "vasp.json").write_text(json.dumps([record]))
    write(tmp_path / "ase.xyz", body, format="extxyz")
    vasp = {
        "energy": {"unit": "Ha"}, "forces": {"unit": "meV/A"},
        "stress": {"form": "vasp", "unit": "kbar"},
    }  # fmt: skip
    for name, labels in (("ase.xyz", LABELS), ("vasp.json", vasp)):
        config = configured(tmp_path, data=[{"path": name, "labels": labels}])
        settings = config.labels_of(config.data[0])
        sources = [label.build(key, config.targets[0]) for key, label in settings.items()]
        (example,) = read_examples(tmp_path / name, sources, for_training=False)
        # the files hold eight digits
        assert float(example.labels["energy"]) == pytest.approx(body.get_potential_energy())
        np.testing.assert_allclose(example.labels["forces"], body.get_forces(), atol=1e-7)
        np.testing.assert_allclose(example.labels["stress"], full, atol=1e-7)


def test_reference_energies_are_those_of_the_elements(tmp_path: Path) -> None:
    config = configured(tmp_path)
    found = preparation.prepare(config).scales["energy"]
    assert found.reference is not None
    assert set(np.flatnonzero(found.reference[:, 0])) == {13, 29}
    assert not found.mean.any()
    labels = [sample.labels["energy"] for sample in preparation.prepare(config).train]
    forces = torch.cat([part.forces for part in labels if isinstance(part, PotentialLabels)])
    assert found.loss["forces"] == pytest.approx(float(forces.norm(dim=1).mean()), rel=1e-5)


def test_a_stress_without_volume_is_refused(tmp_path: Path) -> None:
    record = {"numbers": [29], "positions": [[0, 0, 0]], "energy": 1.0, "stress": [1] * 6}
    (tmp_path / "atom.json").write_text(json.dumps([record]))
    labels = {"energy": {}, "stress": {"form": "voigt"}}
    with pytest.raises(DatasetError, match="has a stress and no volume"):
        preparation.prepare(configured(tmp_path, data=[{"path": "atom.json", "labels": labels}]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": ["energy", "energy"]}, ["two are called alike"]),
        (
            {"target": ["energy", {"name": "energy", "title": "other"}]},
            ["a network has one energy"],
        ),
        ({"target": {"name": "energy", "unit": "Ha"}}, ["energies are in eV", "'Ha'"]),
        ({"loss": {"energy": 0, "forces": 0, "stress": 0}}, ["energy", "nothing to learn"]),
        ({"data": [{"path": "a", "labels": {"froces": {}}}]}, ["'froces'", "forces, stress"]),
        ({"target": "dipole"}, ["'energy' is no label of dipole"]),
        (
            {"data": [{"path": "a", "labels": {"energy": {"sign": "unknown"}}}]},
            ["sign", "negative"],
        ),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, changes: Any, words: list[str]) -> None:
    if changes.get("data") and "sign" in str(changes):
        changes = {**changes, "target": {"name": "dielectric", "title": "energy"}}
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, **changes)
    assert all(word in str(caught.value) for word in words), str(caught.value)


# --- learning -------------------------------------------------------------------------------------


def test_the_loss_of_a_potential_counts_what_is_known() -> None:
    labels = PotentialLabels(
        energies=torch.tensor([1.0, 2.0], dtype=torch.float64), forces=torch.zeros(3, 3),
        strain_derivative=torch.zeros(2, 3, 3), energy_weight=torch.tensor([1.0, 0.0]),
        forces_weight=torch.tensor([0.0, 0.5, 0.5]), stress_weight=torch.zeros(2),
        sizes=torch.tensor([1.0, 2.0]), volumes=torch.ones(2),
    )  # fmt: skip
    loss = PotentialLoss(1.0, 10.0, 1.0, {"energy": 0.5, "forces": 2.0, "stress": 1.0})
    energies = torch.tensor([2.0, 9.0], dtype=torch.float64)
    forces = torch.tensor([[9.0, 0, 0], [3.0, 4.0, 0], [0, 0, 0]])
    # |1| / 1 / 0.5 and 10 (5 / 2) / 2, halved by the two structures; rounded off at 1e-4 of scale
    expected = (1 / 0.5 + 10 * (0.5 * 5 / 2)) / 2
    assert float(loss(energies, forces, None, labels)) == pytest.approx(expected, rel=1e-3)


def test_a_potential_learns_and_is_measured(tmp_path: Path) -> None:
    config = configured(tmp_path, epochs=60, data=[
        {"path": "alloys.xyz", "labels": LABELS, "role": "auto"}])  # fmt: skip
    run = train(config, progress=False)
    predictor = carnet_model.load(run.checkpoint)
    assert predictor.target.potential
    sources = [
        label.build(name, config.targets[0])
        for name, label in config.labels_of(config.data[0]).items()
    ]
    examples = list(read_examples(tmp_path / "alloys.xyz", sources, for_training=False))
    found = evaluate(predictor, examples, baseline=examples, draws=50)
    assert found.baselines is not None
    (trivial,) = found.baselines.tables.values()
    for name in ("energy_mae", "forces_mae", "stress_mae"):
        # on the training set itself: that it learns, not how well
        assert found.errors[name].value < 0.5 * trivial[name].value, name
    assert trivial["forces_ratio"].value == pytest.approx(1.0)
    result = predictor.predict(examples[0].geometry)
    assert isinstance(result, Prediction)
    assert result.forces is not None
    assert result.stress is not None
    assert result.forces.shape == (4, 3)
    assert "largest force" in str(result)
    assert "stress [GPa]" in str(result)
    assert {"forces", "stress"} <= result.to_dict().keys()
    written = write_report(found, tmp_path / "report")
    assert {path.name for path in written} == {"report.json", "predictions.csv", "parity.png"}


def test_energies_keep_their_digits_in_single_precision(tmp_path: Path) -> None:
    """An offset of 10,000 eV an atom, as all-electron energies have, costs no force and no meV."""
    bodies = alloys(20)
    records = [
        {
            "numbers": body.numbers.tolist(), "positions": body.positions.tolist(),
            "lattice": body.cell[:].tolist(),
            "energy": body.get_potential_energy() + float(np.sum(350.0 * body.numbers)),
            "forces": body.get_forces().tolist(),
        }
        for body in bodies
    ]  # fmt: skip
    (tmp_path / "offset.json").write_text(json.dumps(records))
    config = configured(
        tmp_path, data=[{"path": "offset.json", "labels": {"energy": {}, "forces": {}}}]
    )
    run = train(config, progress=False)
    (member,) = checkpoint.load(run.checkpoint).models
    reference = member.outputs[0].assembly.reference.float().table
    assert reference.dtype == torch.float64
    assert float(reference[29, 0]) == pytest.approx(350 * 29, abs=20)
    graphs = collate([sample.graph for sample in preparation.prepare(config).train[:4]])
    single = member(graphs)["energy"]
    double = member.double()(graphs.to(dtype=torch.float64))["energy"]
    assert single.dtype == torch.float64
    # float32 of the total would err by 4e-3; of the interaction alone, by 1e-5
    torch.testing.assert_close(single, double, rtol=0, atol=1e-4)


def test_every_parameter_has_a_gradient_whatever_a_batch_knows(tmp_path: Path) -> None:
    """What several devices need: a parameter left out of one loss stops them all."""
    from carnet_model.training.batches import joined
    from carnet_model.training.learner import Learner

    records = samples_of_two_kinds(tmp_path)
    config = configured(tmp_path, **records)
    found = preparation.prepare(config)
    learner = Learner(config, found)
    learner.log = lambda *_, **__: None  # type: ignore[method-assign]
    energy = next(s for s in found.train if s.labels["energy"].weigh)
    dipole = next(s for s in found.train if s.labels["dipole"].weigh)
    for chosen in (energy, dipole):
        learner.zero_grad()
        learner.training_step(joined([chosen]), 0).backward()
        missing = [n for n, p in learner.model.named_parameters() if p.grad is None]
        assert not missing


def samples_of_two_kinds(folder: Path) -> dict[str, Any]:
    bodies = alloys(8)
    plain = [
        {"id": f"s{number}", "numbers": body.numbers.tolist(), "positions": body.positions.tolist()}
        for number, body in enumerate(bodies)
    ]
    energies = [
        {**record, "energy": body.get_potential_energy()}
        for record, body in zip(plain[:4], bodies, strict=False)
    ]
    dipoles = [{**record, "dipole": [0.1, 0.2, 0.3]} for record in plain[2:]]
    (folder / "energies.json").write_text(json.dumps(energies))
    (folder / "dipoles.json").write_text(json.dumps(dipoles))
    return {
        "target": ["energy", {"name": "dipole", "unit": "e Å"}],
        "data": [
            {"path": "energies.json", "labels": {"energy": {}}},
            {"path": "dipoles.json", "labels": {"dipole": {}}},
        ],
        "split": {"by": "note"},
    }


def test_several_targets_from_one_trunk(tmp_path: Path) -> None:
    config = configured(tmp_path, **samples_of_two_kinds(tmp_path))
    found = preparation.prepare(config)
    # a structure that two sources label differently counts with both labels
    assert len(found.train) + len(found.val) == 4 + 6
    run = train(config, progress=False)
    stored = checkpoint.load(run.checkpoint)
    assert [target.key for target in stored.targets] == ["energy", "dipole"]
    thing = found.train[0].example.geometry
    energy = carnet_model.load(run.checkpoint).predict(thing)
    dipole = carnet_model.load(run.checkpoint, target="dipole").predict(thing)
    assert energy.tensor.shape == ()
    assert energy.forces is not None
    assert dipole.tensor.shape == (3,)
    assert dipole.unit == "e Å"
    with pytest.raises(carnet_model.ModelError, match=r"'spin'.*energy, dipole"):
        carnet_model.load(run.checkpoint, target="spin")


def test_forces_alone_train_are_measured_and_start_another(tmp_path: Path) -> None:
    labels = {"forces": {}}
    config = configured(tmp_path, data=[{"path": "alloys.xyz", "labels": labels}])
    run = train(config, progress=False)
    assert np.isfinite(run.history[-1]["score"])
    source = config.labels_of(config.data[0])["forces"].build("forces", config.targets[0])
    examples = list(read_examples(tmp_path / "alloys.xyz", source, for_training=False))
    found = evaluate(carnet_model.load(run.checkpoint), examples, baseline=examples, draws=20)
    assert np.isnan(found.errors["energy_mae"].value)
    assert found.errors["forces_mae"].value > 0
    # the first network knows no energies: those of the second are fitted all the same
    other = begun(tmp_path, str(run.checkpoint))
    body = alloys(1)[0]
    energy = carnet_model.load(other.checkpoint).predict(body).tensor
    assert float(energy) == pytest.approx(body.get_potential_energy(), abs=2)
    (member,) = checkpoint.load(other.checkpoint).models
    assert member.outputs[0].assembly.reference.table.any()


def test_a_molecule_beside_crystals_breaks_no_loss(tmp_path: Path) -> None:
    body = alloys(1)[0]
    crystal = {
        "numbers": body.numbers.tolist(), "positions": body.positions.tolist(),
        "lattice": body.cell[:].tolist(), "dielectric": (np.eye(3) * 3).tolist(),
    }  # fmt: skip
    molecule = {"numbers": [29, 13], "positions": [[0, 0, 0], [0, 0, 2.5]], "dipole": [0, 0, 1]}
    (tmp_path / "crystals.json").write_text(json.dumps([crystal] * 8))
    (tmp_path / "molecules.json").write_text(json.dumps([molecule] * 8))
    config = configured(
        tmp_path, target=["dielectric", {"name": "dipole", "unit": "e Å"}],
        network=NETWORK | {"weight": 2},
        data=[
            {"path": "crystals.json", "labels": {"dielectric": {}}},
            {"path": "molecules.json", "labels": {"dipole": {}}},
        ],
    )  # fmt: skip
    assert all(np.isfinite(record["loss"]) for record in train(config, progress=False).history)


def test_frames_of_one_material_are_all_there(tmp_path: Path) -> None:
    frames = [
        {"material_id": "mp-30", "numbers": body.numbers.tolist(), "energy": 1.0,
         "positions": body.positions.tolist(), "lattice": body.cell[:].tolist()}
        for body in alloys(6)
    ]  # fmt: skip
    (tmp_path / "frames.json").write_text(json.dumps(frames))
    sources = [{"path": "frames.json", "labels": {"energy": {}}}] * 2
    found = preparation.prepare(configured(tmp_path, data=sources))
    assert len(found.train) + len(found.val) == 6
    assert any("6 in an earlier source" in remark for remark in found.remarks)


def test_a_sum_is_extensive(tmp_path: Path) -> None:
    """Two molecules far apart have the sum of both tensors, reference included."""
    records = [
        {
            "numbers": body.numbers[:3].tolist(), "positions": body.positions[:3].tolist(),
            "alpha": (np.eye(3) * (8 + body.numbers[0])).tolist(),
        }
        for body in alloys(10)
    ]  # fmt: skip
    (tmp_path / "alpha.json").write_text(json.dumps(records))
    config = configured(
        tmp_path, target={"name": "polarizability", "unit": "a.u."},
        data=[{"path": "alpha.json", "labels": {"polarizability": "alpha"}}],
        network=NETWORK | {"weight": 2},
    )  # fmt: skip
    run = train(config, progress=False)
    predictor = carnet_model.load(run.checkpoint, precision="double")
    one = preparation.prepare(config).train[0].example.geometry
    far = type(one)(
        np.tile(one.numbers, 2), np.concatenate([one.positions, one.positions + 50.0]),
        one.cell, one.periodic,
    )  # fmt: skip
    single, pair = predictor.predict(one), predictor.predict(far)
    np.testing.assert_allclose(pair.tensor, 2 * single.tensor, rtol=1e-10)
    assert abs(np.trace(single.tensor)) > 3  # there is a reference


def test_the_sign_of_a_label_may_be_unknown(tmp_path: Path) -> None:
    polar = np.arange(18.0).reshape(3, 6)
    records = [
        {
            "numbers": body.numbers.tolist(), "positions": body.positions.tolist(),
            "lattice": body.cell[:].tolist(), "piezo": (sign * polar).tolist(),
        }
        for body, sign in zip(alloys(6), [1, -1] * 3, strict=True)
    ]  # fmt: skip
    (tmp_path / "piezo.json").write_text(json.dumps(records))
    label = {"key": "piezo", "form": "voigt", "sign": "unknown"}
    config = configured(
        tmp_path, target="piezoelectric-stress", network=NETWORK | {"weight": 3, "layers": 2},
        data=[{"path": "piezo.json", "labels": {"tensor": label}}],
    )  # fmt: skip
    run = train(config, progress=False)
    labels = preparation.prepare(config).train[0].labels["piezoelectric-stress"]
    assert isinstance(labels, TensorLabels)
    from carnet_model.training.label_tensors import nearer

    for sign in (1, -1):
        guess = sign * labels.tensors * 0.9
        torch.testing.assert_close(nearer(labels, guess), sign * labels.tensors)
    (source,) = [
        entry.build("piezoelectric-stress", config.targets[0])
        for entry in config.labels_of(config.data[0]).values()
    ]
    examples = list(read_examples(tmp_path / "piezo.json", source, for_training=False))
    model = carnet_model.load(run.checkpoint)
    found = evaluate(model, examples, draws=20, either_sign=True)
    strict = evaluate(model, examples, draws=20)
    assert found.errors["frobenius_mean"].value <= strict.errors["frobenius_mean"].value


def test_a_share_of_the_training_set_is_part_of_a_larger_one(tmp_path: Path) -> None:
    chosen = []
    for share in (0.25, 0.5, 1.0):
        config = configured(tmp_path, split={"by": "note", "share": share})
        found = preparation.prepare(config)
        chosen.append({sample.example.identifier for sample in found.train})
    assert chosen[0] < chosen[1] < chosen[2]
    assert len(chosen[1]) == round(0.5 * len(chosen[2]))


# --- from a trained network -----------------------------------------------------------------------


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return train(configured(tmp_path, output="first"), progress=False).checkpoint


def begun(folder: Path, start: Any, **changes: Any) -> Any:
    settings = {"output": "second", "network": {}, "start": start, "epochs": 1, **changes}
    return train(configured(folder, **settings), progress=False)


def test_fine_tuning_starts_where_the_other_ended(tmp_path: Path, trained: Path) -> None:
    run = begun(tmp_path, str(trained), optimizer={"lr": 1e-9}, ema=0.0)
    before, after = (checkpoint.load(place).models[0] for place in (trained, run.checkpoint))
    state = after.state_dict()
    for name, value in before.state_dict().items():
        if not name.endswith("reference.table"):
            torch.testing.assert_close(state[name], value, rtol=0, atol=1e-6, msg=name)


def test_parts_can_be_frozen(tmp_path: Path, trained: Path) -> None:
    run = begun(
        tmp_path, {"model": str(trained), "freeze": ["embedding", "interactions.0"]},
        optimizer={"lr": 0.05, "warmup_steps": 0},
    )  # fmt: skip
    before, after = (checkpoint.load(place).models[0] for place in (trained, run.checkpoint))
    state = after.state_dict()
    for name, value in before.named_parameters():
        frozen = name.startswith(("embedding.", "interactions.0."))
        assert torch.equal(state[name], value) == frozen, name


def test_new_elements_and_another_reference(tmp_path: Path, trained: Path) -> None:
    bodies = alloys(12, ("Cu", "Ag"))
    records = [
        {
            "numbers": body.numbers.tolist(), "positions": body.positions.tolist(),
            "lattice": body.cell[:].tolist(), "energy": body.get_potential_energy() - 500.0,
            "forces": body.get_forces().tolist(),
        }
        for body in bodies
    ]  # fmt: skip
    (tmp_path / "silver.json").write_text(json.dumps(records))
    run = begun(
        tmp_path, str(trained),
        data=[{"path": "silver.json", "labels": {"energy": {}, "forces": {}}}],
    )  # fmt: skip
    stored = checkpoint.load(run.checkpoint)
    assert 47 in stored.elements
    found = carnet_model.load(run.checkpoint).predict(bodies[0])
    # 500 eV lower after one epoch: the reference was fitted, not learnt
    assert float(found.tensor) == pytest.approx(bodies[0].get_potential_energy() - 500, abs=20)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": {"freeze": ["head"]}}, ["'head'", "embedding.free", "outputs.0"]),
        (
            {"start": {"freeze": ["embedding", "start", "interactions", "outputs"]}},
            ["nothing is left to learn"],
        ),
        ({"start": {"member": 3}}, ["got 3", "holds 1 networks"]),
        ({"network": {"channels": 16}}, ["channels is 16 and 8 there", "leave"]),
    ],
)
def test_what_cannot_be_fine_tuned(
    tmp_path: Path, trained: Path, changes: dict[str, Any], words: list[str]
) -> None:
    start = {"model": str(trained), **changes.get("start", {})}
    with pytest.raises(ConfigError) as caught:
        begun(tmp_path, start, network=changes.get("network", {}))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_fine_tuning_for_another_tensor_keeps_the_trunk(tmp_path: Path, trained: Path) -> None:
    records = samples_of_two_kinds(tmp_path)
    run = begun(
        tmp_path, {"model": str(trained), "freeze": ["embedding", "start", "interactions"]},
        target=records["target"][1], data=records["data"][1:],
    )  # fmt: skip
    before, after = (checkpoint.load(place).models[0] for place in (trained, run.checkpoint))
    assert [target.key for target in after.targets] == ["dipole"]
    state = after.state_dict()
    trunk = [name for name in before.state_dict() if not name.startswith("outputs")]
    assert all(torch.equal(state[name], before.state_dict()[name]) for name in trunk)
