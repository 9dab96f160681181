"""Settings from YAML: what is read, what is refused, how it is described."""

from __future__ import annotations

from pathlib import Path

import pytest

from carnet_model.network.model import CarNet
from carnet_model.network.settings import ConfigError, NetworkSettings
from carnet_model.training.config import Config
from carnet_model.training.config_reading import describe, read_config
from tests.helpers.paths import ROOT


def written(folder: Path, text: str) -> Path:
    place = folder / "run.yaml"
    place.write_text(text, encoding="utf-8")
    return place


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
    ("text", "words"),
    [
        ("data: [a\n", ["is no YAML"]),
        ("- 1\n", ["holds"]),
        ("data: [a.json]\nseed: 1\nseed: 2\n", ["line 3", "'seed'", "twice"]),
        ("data: [a]\noptimizer: {lr: .inf}\n", ["optimizer.lr: got inf", "finite"]),
        ("data: [a]\nloss: {tensor: .nan}\n", ["loss.tensor: got nan"]),
        ("data: [a]\nloss: {forces: .inf}\n", ["loss.forces: got inf", "finite"]),
        ("data: [a]\nseed: 2001-99-99\n", ["is no YAML", "month must be in"]),
        (f"data: [a]\nseed: {'9' * 5000}\n", ["is no YAML", "an integer of thousands"]),
        ("data: " + "[" * 2000 + "]" * 2000, ["is no YAML", "nested too deeply"]),
        ("data: !!python/object/apply:os.system [ls]\n", ["is no YAML", "could not determine"]),
        ("data: [a]\n1: 2\n", ["1: got 1; keys should be strings"]),
        ("data: [a]\n? [1]\n: 2\n", ["is no YAML", "unhashable"]),
        ("data: \0\n", ["is no YAML"]),
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


def test_a_range_may_have_no_bound(tmp_path: Path) -> None:
    label = "labels: {bulk: {key: K, range: [1, .inf]}}"
    config = read_config(written(tmp_path, f"data:\n  - path: a\n    {label}\n"))
    assert config.data[0].labels["bulk"].range == (1.0, float("inf"))


def test_yaml_numbers_without_a_point_are_numbers(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, "data: [a]\noptimizer: {lr: 1e-3}")).optimizer.lr == 1e-3


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
    assert "range: [number, number] | null; default null" in text


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


def bomb(levels: int) -> str:
    """Return YAML of a line for each level, each alias written out nine times in the next."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join([*lines, f"data: *a{levels - 1}\n"])


def test_aliases_are_counted_before_they_are_written_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"run\.yaml: writes out 8\.34e\+09 values, more than"):
        read_config(written(tmp_path, bomb(10)))
    for text in ("data: &a [*a]\n", "data: &a\n  x: [1, *a]\n"):
        with pytest.raises(ConfigError, match=r"line [12]: an alias stands inside what it stands"):
            read_config(written(tmp_path, text))
    shared = "data: [{path: a.json, labels: &l {elastic: {unit: GPa}}}, {path: b.json, labels: *l}]"
    first, second = read_config(written(tmp_path, shared)).data
    assert first.labels == second.labels


def test_threads_have_a_limit(tmp_path: Path) -> None:
    text = "data: [a.json]\nthreads: {}\n"
    assert read_config(written(tmp_path, text.format(1024))).threads == 1024
    with pytest.raises(
        ConfigError, match=r"threads is 100000, more than the limit threads of 1,024"
    ):
        read_config(written(tmp_path, text.format(100_000)))
