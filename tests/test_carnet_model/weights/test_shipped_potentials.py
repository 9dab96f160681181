"""The figures of the cards of the shipped potentials, measured again where the data are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

import carnet_model
from carnet_model.data.reading import read_examples
from carnet_model.evaluation.evaluation import evaluate
from carnet_model.network.settings import NetworkSettings
from carnet_model.training.config import LossSettings, OptimizerSettings
from carnet_model.training.config_reading import read_config
from carnet_model.training.sources import resolve_sources
from tests.helpers.cards import card, figures, half_a_digit
from tests.helpers.paths import DATA, ROOT

pytestmark = pytest.mark.slow

NAMES = ("silicon", "molybdenum", "lithium")
ROWS = {
    "energy, meV an atom": "energy_mae",
    "forces, meV/Å": "forces_mae",
    "stress, GPa": "stress_mae",
}
"""Rows of a card, and the figure in each."""


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_those_of_the_card(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_DATA", str(DATA))
    recipe = read_config(ROOT / "carnet_model" / "recipes" / f"{name}.yaml")
    (source,) = resolve_sources(recipe)
    predictor = carnet_model.load(name)
    readings = [label.reading for label in source.evaluated_labels(predictor.target)]
    if not Path(source.path).is_file():
        pytest.skip("the data sets are not at hand; name their folder in NATURAL_TENSORS_DATA")
    read = read_examples(source.path, readings)
    examples = [example for example in read if example.split == "val"]
    page = card(name)
    assert f"{len(examples)} structures" in page
    found = evaluate(predictor, examples, draws=2)
    listed = predictor.record["metrics"]["val"]
    for row, figure in ROWS.items():
        value = figures(page, row)[0]
        assert listed[figure] == pytest.approx(value, abs=half_a_digit(page, row))
        # single precision differs from machine to machine; what is listed has four decimals
        assert found.errors[figure].value == pytest.approx(listed[figure], rel=1e-3, abs=6e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_is_that_of_the_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_DATA", str(DATA))
    recipe = read_config(ROOT / "carnet_model" / "recipes" / f"{name}.yaml").model_dump(mode="json")
    trained = carnet_model.load(name).record["config"]
    # what the weights do not state came later, and has its default there
    trained["network"] = NetworkSettings().model_dump(mode="json") | trained["network"]
    trained["loss"] = LossSettings().model_dump(mode="json") | trained["loss"]
    trained["optimizer"] = OptimizerSettings().model_dump(mode="json") | trained["optimizer"]
    for key in ("target", "network", "loss", "optimizer", "batch", "ema", "epochs", "seed"):
        assert trained[key] == recipe[key], key
