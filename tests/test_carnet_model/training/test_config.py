"""Settings: defaults, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carnet_model.network.settings import ConfigError
from carnet_model.training.config import Config, TargetSettings
from carnet_model.training.config_reading import make_config
from tests.helpers.trainings import alloy_config

pytestmark = pytest.mark.usefixtures("own_graph_cache")

DATA = [{"path": "a.json", "labels": {"elastic": {"key": "C", "form": "upper", "unit": "GPa"}}}]


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config({"data": DATA, **values})
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"netwrok": {}}, ["'netwrok'", "did you mean 'network'", "optimizer"]),
        ({"network": {"chanels": 3}}, ["'network.chanels'", "'channels'", "body_order"]),
        ({"optimizer": {"lr": "fast"}}, ["optimizer.lr", "'fast'", "number"]),
        ({"network": {"cutoff": -1}}, ["network.cutoff", "-1", "greater than 0"]),
        ({"compile": "maybe"}, ["compile", "'maybe'", "'auto', 'always' or 'never'"]),
        ({"epochs": 0}, ["epochs", "got 0"]),
        ({"target": "elastc"}, ["elastc", "elastic"]),
        ({"target": {"name": "elastic", "symmetry": "ij=ji"}}, ["name or a symmetry"]),
        ({"target": {"symmetry": "ijk=ikj", "positive": True}}, ["positive"]),
        ({"target": {"name": "elastic", "unit": "kbar"}}, ["'kbar'", "in GPa", "label's own"]),
        ({"loss": "mse"}, ["loss: got 'mse'", "keys with values, of tensor, moduli"]),
        ({"data": []}, ["data", "path"]),
        ({"data": [{"role": "train"}]}, ["'data.0.path' is missing"]),
        (
            {"data": [{"path": "a", "weights": [{"elements": ["Ox"], "weight": 2}]}]},
            ["'Ox' is no element"],
        ),
        ({"data": [{"path": "a", "labels": {"C": {}}}]}, ["'C'", "bulk, shear"]),
        ({"data": [{"path": "a", "labels": {"bulk": {"frm": 1}}}]}, ["frm", "'form'", "tolerance"]),
        ({"data": [{"path": "a", "labels": {"elastic": {"unit": "psi"}}}]}, ["psi", "kbar"]),
        ({"split": {"validation": [20, 10]}}, ["split.validation", "(20, 10)"]),
        (
            {"loss": {"tensor": 0, "moduli": 0, "log_moduli": 0}},
            ["loss", "nothing to learn"],
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_place_value_and_what_is_allowed(
    values: dict[str, Any], words: list[str]
) -> None:
    message = refused(values)
    for word in words:
        assert word in message, message
    assert "after validation" not in message  # of what is inside, and said by itself


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
        alloy_config(tmp_path, **changes)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_targets_by_name_and_by_symmetry() -> None:
    assert make_config({"data": DATA, "target": "elastic"}).targets[0].positive
    by_name = make_config({"data": ["a"], "target": {"name": "dielectric", "positive": False}})
    assert not by_name.targets[0].positive
    symmetry = {"symmetry": "ijkl=jikl=klij", "positive": True}
    target = make_config({"data": ["a"], "target": symmetry}).targets[0]
    assert (target.positive, target.dimension) == (True, 21)
    assert not TargetSettings(symmetry="ij=ji").build().positive


def test_stiffness_and_dielectric_tensors_are_positive() -> None:
    for name in ("elastic", "dielectric"):
        assert make_config({"data": ["a"], "target": name}).targets[0].positive


def test_differences_are_named_and_the_output_does_not_count() -> None:
    one = make_config({"data": DATA, "output": "a"})
    assert one.differences(one.model_copy(update={"output": "b"})) == []
    other = make_config({"data": [{**DATA[0], "max_atoms": 9}], "optimizer": {"lr": 0.1}})
    assert one.differences(other) == [
        "data.0.max_atoms: 9 there, None here",
        "optimizer.lr: 0.1 there, 0.002 here",
    ]


def test_settings_survive_json() -> None:
    config = make_config({"data": ["a"], "target": {"symmetry": "ijkl=jikl=klij"}}, folder="/x")
    assert Config.model_validate_json(config.model_dump_json()) == config
