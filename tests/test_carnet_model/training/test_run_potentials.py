"""Runs of potentials, and of several targets at once: what they predict in the end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import carnet_model
from carnet_model.data.reading import read_examples
from carnet_model.evaluation.evaluation import evaluate
from carnet_model.evaluation.formats import write_report
from carnet_model.network.batch import collate
from carnet_model.prediction.result import Prediction
from carnet_model.training.run import train
from carnet_model.weights import checkpoint
from tests.helpers.trainings import (
    ENERGIES,
    POTENTIAL,
    alloy_config,
    alloys,
    energies_and_dipoles,
    geometry_of,
    prepared,
    readings,
)

pytestmark = pytest.mark.usefixtures("own_graph_cache")


@pytest.mark.slow
def test_a_potential_learns_and_is_measured(tmp_path: Path) -> None:
    config = alloy_config(tmp_path, epochs=60, data=[
        {"path": "alloys.xyz", "labels": ENERGIES, "role": "auto"}])  # fmt: skip
    run = train(config, progress=False)
    predictor = carnet_model.load(run.checkpoint)
    assert predictor.target.potential
    examples = list(read_examples(tmp_path / "alloys.xyz", readings(config), for_training=False))
    measured = evaluate(predictor, examples, baseline=examples, draws=50)
    assert measured.baselines is not None
    (trivial,) = measured.baselines.tables.values()
    for name in ("energy_mae", "forces_mae", "stress_mae"):
        # on the training set itself: that it learns, not how well
        assert measured.errors[name].value < 0.5 * trivial[name].value, name
    assert trivial["forces_ratio"].value == pytest.approx(1.0)
    result = predictor.predict(examples[0].geometry)
    assert isinstance(result, Prediction)
    assert result.forces is not None
    assert result.stress is not None
    assert result.forces.shape == (4, 3)
    assert "largest force" in str(result)
    assert "stress [GPa]" in str(result)
    assert {"forces", "stress"} <= result.to_dict().keys()
    written = write_report(measured, tmp_path / "report")
    assert {path.name for path in written} == {"report.json", "predictions.csv", "parity.png"}


def test_energies_keep_their_digits_in_single_precision(tmp_path: Path) -> None:
    """An offset of 10,000 eV an atom, as all-electron energies have, costs no force and no meV."""
    cells = alloys(20)
    records = [
        {
            "numbers": cell.numbers.tolist(), "positions": cell.positions.tolist(),
            "lattice": cell.cell[:].tolist(),
            "energy": cell.get_potential_energy() + float(np.sum(350.0 * cell.numbers)),
            "forces": cell.get_forces().tolist(),
        }
        for cell in cells
    ]  # fmt: skip
    (tmp_path / "offset.json").write_text(json.dumps(records))
    config = alloy_config(
        tmp_path, data=[{"path": "offset.json", "labels": {"energy": {}, "forces": {}}}]
    )
    run = train(config, progress=False)
    (member,) = checkpoint.load(run.checkpoint).models
    own = member.outputs[0].assembly.reference
    assert own is not None
    reference = own.float().table
    assert reference.dtype == torch.float64
    assert float(reference[29, 0]) == pytest.approx(350 * 29, abs=20)
    graphs = collate([sample.graph for sample in prepared(config).train[:4]])
    single = member(graphs)["energy"]
    double = member.double()(graphs.to(dtype=torch.float64))["energy"]
    assert single.dtype == torch.float64
    # float32 of the total would err by 4e-3; of the interaction alone, by 1e-5
    torch.testing.assert_close(single, double, rtol=0, atol=1e-4)


def test_several_targets_from_one_trunk(tmp_path: Path) -> None:
    config = alloy_config(tmp_path, **energies_and_dipoles(tmp_path))
    samples = prepared(config)
    # a structure that two sources label differently counts with both labels
    assert len(samples.train) + len(samples.val) == 4 + 6
    run = train(config, progress=False)
    stored = checkpoint.load(run.checkpoint)
    assert [target.key for target in stored.targets] == ["energy", "dipole"]
    structure = geometry_of(samples.train[0])
    energy = carnet_model.load(run.checkpoint).predict(structure)
    dipole = carnet_model.load(run.checkpoint, target="dipole").predict(structure)
    assert energy.tensor.shape == ()
    assert energy.forces is not None
    assert dipole.tensor.shape == (3,)
    assert dipole.unit == "e Å"
    with pytest.raises(carnet_model.ModelError, match=r"'spin'.*energy, dipole"):
        carnet_model.load(run.checkpoint, target="spin")


def test_a_molecule_beside_crystals_breaks_no_loss(tmp_path: Path) -> None:
    cell = alloys(1)[0]
    crystal = {
        "numbers": cell.numbers.tolist(), "positions": cell.positions.tolist(),
        "lattice": cell.cell[:].tolist(), "dielectric": (np.eye(3) * 3).tolist(),
    }  # fmt: skip
    molecule = {"numbers": [29, 13], "positions": [[0, 0, 0], [0, 0, 2.5]], "dipole": [0, 0, 1]}
    (tmp_path / "crystals.json").write_text(json.dumps([crystal] * 8))
    (tmp_path / "molecules.json").write_text(json.dumps([molecule] * 8))
    config = alloy_config(
        tmp_path, target=["dielectric", {"name": "dipole", "unit": "e Å"}],
        network=POTENTIAL | {"weight": 2},
        data=[
            {"path": "crystals.json", "labels": {"dielectric": {}}},
            {"path": "molecules.json", "labels": {"dipole": {}}},
        ],
    )  # fmt: skip
    assert all(np.isfinite(record["loss"]) for record in train(config, progress=False).history)


def test_a_sum_is_extensive(tmp_path: Path) -> None:
    """Two molecules far apart have the sum of both tensors, reference included."""
    records = [
        {
            "numbers": cell.numbers[:3].tolist(), "positions": cell.positions[:3].tolist(),
            "alpha": (np.eye(3) * (8 + cell.numbers[0])).tolist(),
        }
        for cell in alloys(10)
    ]  # fmt: skip
    (tmp_path / "alpha.json").write_text(json.dumps(records))
    config = alloy_config(
        tmp_path, target={"name": "polarizability", "unit": "a.u."},
        data=[{"path": "alpha.json", "labels": {"polarizability": "alpha"}}],
        network=POTENTIAL | {"weight": 2},
    )  # fmt: skip
    run = train(config, progress=False)
    predictor = carnet_model.load(run.checkpoint, precision="double")
    one = geometry_of(prepared(config).train[0])
    far = type(one)(
        np.tile(one.numbers, 2), np.concatenate([one.positions, one.positions + 50.0]),
        one.cell, one.periodic,
    )  # fmt: skip
    single, pair = predictor.predict(one), predictor.predict(far)
    np.testing.assert_allclose(pair.tensor, 2 * single.tensor, rtol=1e-10)
    assert abs(np.trace(single.tensor)) > 3  # there is a reference
