"""Settings: what is read, what is refused, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carnet_model.network.model import CarNet
from carnet_model.network.settings import ConfigError, NetworkSettings
from carnet_model.training.config import Config, TargetSettings
from carnet_model.training.config_reading import describe, make_config, read_config
from tests.helpers.paths import ROOT

DATA = [{"path": "a.json", "labels": {"elastic": {"key": "C", "form": "upper", "unit": "GPa"}}}]


def written(folder: Path, text: str) -> Path:
    place = folder / "run.yaml"
    place.write_text(text, encoding="utf-8")
    return place


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config({"data": DATA, **values})
    return str(caught.value)


def test_only_data_is_needed_and_paths_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETS", "sets")
    config = read_config(written(tmp_path, "data:\n  - ${SETS}/a.json\noutput: out\n"))
    assert config.data[0].path == str(tmp_path / "sets" / "a.json")
    assert config.output == str(tmp_path / "out")
    assert config.targets[0].name == "elastic"
    assert config.targets[0].positive


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
        ({"data": []}, ["data", "path"]),
        ({"data": [{"role": "train"}]}, ["'data.0.path' is missing"]),
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data: [a\n", ["is no YAML"]),
        ("- 1\n", ["holds"]),
        ("data: [a.json]\nseed: 1\nseed: 2\n", ["line 3", "'seed'", "twice"]),
        ("data: ['${NOT_SET_ANYWHERE}/a.json']\n", ["data.0", "NOT_SET_ANYWHERE", "not set"]),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(written(tmp_path, text))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_config(tmp_path / "none.yaml")


def test_targets_by_name_and_by_symmetry() -> None:
    assert make_config({"data": DATA, "target": "elastic"}).targets[0].positive
    by_name = make_config({"data": ["a"], "target": {"name": "dielectric", "positive": False}})
    assert not by_name.targets[0].positive
    symmetry = {"symmetry": "ijkl=jikl=klij", "positive": True}
    target = make_config({"data": ["a"], "target": symmetry}).targets[0]
    assert (target.positive, target.dimension) == (True, 21)
    assert not TargetSettings(symmetry="ij=ji").build().positive


def test_labels_may_be_a_list_or_name_keys_only() -> None:
    labels = [{"name": "elastic", "key": "C"}, {"name": "bulk", "key": "K"}]
    first = make_config({"data": [{"path": "a", "labels": labels}]})
    second = make_config({"data": [{"path": "a", "labels": {"elastic": "C", "bulk": "K"}}]})
    assert first == second


def test_yaml_numbers_without_a_point_are_numbers(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, "data: [a]\noptimizer: {lr: 1e-3}")).optimizer.lr == 1e-3


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


def test_the_description_has_every_key_with_type_default_and_meaning() -> None:
    text = describe()
    for model in (Config, NetworkSettings):
        for name, field in model.model_fields.items():
            assert f"{name}: " in text
            assert field.description
            assert field.description in text
    assert "lr: number, > 0; default 0.002" in text
    assert "path: text; required" in text
    assert "compile: auto | always | never; default auto" in text


RECIPES = sorted((ROOT / "carnet_model" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipes_can_be_read_and_their_networks_made(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_DATA", str(tmp_path))
    monkeypatch.setenv("PWD", str(tmp_path))
    config = read_config(recipe)
    assert Path(config.output).parent == tmp_path / "runs"
    assert {Path(source.path).parent for source in config.data} == {tmp_path}
    model = CarNet(config.network.model_copy(update={"channels": 2}), *config.targets)
    assert model.targets == config.targets


def test_stiffness_and_dielectric_tensors_are_positive() -> None:
    for name in ("elastic", "dielectric"):
        assert make_config({"data": ["a"], "target": name}).targets[0].positive
