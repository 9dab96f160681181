"""Sources: labels as they are read from a configuration."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.io import write

from carnet_model.data.examples import Example
from carnet_model.data.reading import read_examples
from carnet_model.network.settings import ConfigError
from carnet_model.structures.units import EV_PER_A3
from carnet_model.training.config_reading import make_config
from carnet_model.training.sources import resolve_sources
from tests.helpers.tiny_models import CRYSTALS
from tests.helpers.trainings import ENERGIES, MODULI, STIFFNESS, alloy_config, alloys, readings


def test_energy_forces_and_stress_as_ase_and_vasp_write_them(tmp_path: Path) -> None:
    """Order, sign and unit: ASE xx yy zz yz xz xy in eV/A^3; VASP xx yy zz xy yz zx, -kbar."""
    cell = alloys(1)[0]
    full = cell.get_stress(voigt=False)
    pressures = -full[[0, 1, 2, 0, 1, 2], [0, 1, 2, 1, 2, 0]] * EV_PER_A3 * 10
    record = {
        "numbers": cell.numbers.tolist(), "positions": cell.positions.tolist(),
        "lattice": cell.cell[:].tolist(), "energy": cell.get_potential_energy() / 27.211386245988,
        "forces": (cell.get_forces() * 1000).tolist(), "stress": pressures.tolist(),
    }  # fmt: skip
    (tmp_path / "vasp.json").write_text(json.dumps([record]))
    write(tmp_path / "ase.xyz", cell, format="extxyz")
    vasp = {
        "energy": {"unit": "Ha"}, "forces": {"unit": "meV/A"},
        "stress": {"form": "vasp", "unit": "kbar"},
    }  # fmt: skip
    for name, labels in (("ase.xyz", ENERGIES), ("vasp.json", vasp)):
        config = alloy_config(tmp_path, data=[{"path": name, "labels": labels}])
        (example,) = read_examples(tmp_path / name, readings(config), for_training=False)
        # the files hold eight digits
        assert float(example.labels["energy"]) == pytest.approx(cell.get_potential_energy())
        np.testing.assert_allclose(example.labels["forces"], cell.get_forces(), atol=1e-7)
        np.testing.assert_allclose(example.labels["stress"], full, atol=1e-7)


def test_labels_may_be_a_list_or_name_keys_only() -> None:
    labels = [{"name": "elastic", "key": "C"}, {"name": "bulk", "key": "K"}]
    first = make_config({"data": [{"path": "a", "labels": labels}]})
    second = make_config({"data": [{"path": "a", "labels": {"elastic": "C", "bulk": "K"}}]})
    assert first == second


def test_labels_know_their_target_and_how_they_are_read() -> None:
    targets = [{"name": "elastic", "title": "stiffness"}, {"name": "nmr-shielding"}]
    labels = {"stiffness": {"unit": "kbar"}, "bulk": {"range": [0, 9]}, "nmr-shielding": {}}
    rules = [{"when": {"suspect": True}, "weight": 0.5}]
    data = [{"path": "a", "labels": labels, "weights": rules, "max_atoms": 9, "role": "train"}]
    config = make_config({"data": data, "target": targets, "network": {"body_order": 4}})
    (source,) = resolve_sources(config)
    assert (source.role, source.max_atoms, source.rules[0].weight) == ("train", 9, 0.5)
    stiffness, bulk, shielding = source.labels
    assert source.labels_of(config.targets[0]) == (stiffness, bulk)
    assert source.evaluated_labels(config.targets[0]) == (stiffness,)
    assert (stiffness.reading.kept, stiffness.reading.symmetry) == ("GPa", "elastic")
    assert (bulk.reading.form, bulk.reading.kept, bulk.range) == ("scalar", "GPa", (0, 9))
    assert (shielding.reading.sites, shielding.target) == ("all", config.targets[1])


def test_without_labels_each_tensor_stands_under_its_key() -> None:
    (source,) = resolve_sources(make_config({"data": ["a"], "target": ["elastic", "dielectric"]}))
    assert [label.name for label in source.labels] == ["elastic", "dielectric"]
    assert [label.reading.key for label in source.labels] == ["elastic", "dielectric"]


def test_weight_and_range_of_a_label() -> None:
    rules = [{"when": {"suspect": True}, "weight": 0.5}]
    bulk_modulus = {**MODULI["bulk"], "weight": 3, "weights": rules, "range": [0, 100]}
    labels = {**STIFFNESS, "bulk": bulk_modulus}
    (source,) = resolve_sources(make_config({"data": [{"path": "a", "labels": labels}]}))
    _, bulk = source.labels
    geometry = next(iter(CRYSTALS.values()))
    suspect = Example(geometry, {"bulk": np.array(50.0)}, weight=2.0, notes={"suspect": True})
    assert bulk.weight_in(suspect) == 3.0
    assert bulk.weight_in(replace(suspect, notes={})) == 6.0
    assert bulk.in_range(suspect)
    assert not bulk.in_range(replace(suspect, labels={"bulk": np.array(100.0)}))
    assert bulk.in_range(replace(suspect, labels={}))


@pytest.mark.parametrize(
    "target", [{"name": "elastic", "positive": False}, "compliance", "viscosity"]
)
def test_moduli_are_labels_of_stiffnesses_that_stay_positive(target: object) -> None:
    data = {"path": "a", "labels": {"tensor": {}}}
    config = make_config({"target": target, "data": [data]})
    assert config.loss.of(config.targets[0]) == config.loss.tensor + config.loss.coordinates
    with pytest.raises(ConfigError, match="'bulk' is no label of"):
        make_config({"target": target, "data": [{**data, "labels": {"tensor": {}, "bulk": {}}}]})
