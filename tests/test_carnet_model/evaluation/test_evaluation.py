"""Evaluations hold the figures of `errors`, `baselines` and `ranking`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule

from carnet_model.data.examples import DatasetError, Example
from carnet_model.evaluation.baselines import elastic_baselines
from carnet_model.evaluation.errors import elastic_errors
from carnet_model.evaluation.evaluation import Evaluation, crystal_system, evaluate
from carnet_model.evaluation.formats import as_csv, as_document, as_plots, write_report
from carnet_model.network.targets import Target
from carnet_model.prediction.predictor import Predictor
from carnet_model.prediction.result import Prediction
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from natural_tensors import elasticity
from tests.helpers.tiny_evaluations import CHOSEN, TRAIN, evaluation_of_two, example, two_networks
from tests.helpers.tiny_models import (
    CRYSTALS,
    RECORDS,
    SYSTEMS,
    network,
    predictor,
    stiffness,
)


@pytest.fixture(scope="module")
def model() -> Predictor:
    return two_networks()


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluation_of_two()


def test_the_figures_are_those_of_the_metrics(model: Predictor, evaluation: Evaluation) -> None:
    results = model.predict([CRYSTALS[record["id"]] for record in CHOSEN])
    guess = np.array([one.stiffness for one in results if isinstance(one, Prediction)])
    truth = np.array([stiffness(record) for record in CHOSEN])
    groups = [SYSTEMS[record["id"]] for record in CHOSEN]
    wanted = elastic_errors(guess, truth, groups, draws=50)
    for name in ("component_mae", "bulk_mae", "shear_mae", "youngs_mae", "not_positive"):
        assert evaluation.errors[name].value == pytest.approx(wanted[name].value, rel=1e-5)
    assert evaluation.errors.counts == wanted.counts
    known = elastic_baselines(np.array([stiffness(r) for r in TRAIN]), truth, draws=50)
    assert evaluation.baselines is not None
    for name, table in known.tables.items():
        value = evaluation.baselines.tables[name]["bulk_mae"].value
        assert value == pytest.approx(table["bulk_mae"].value)


def test_rankings_and_what_is_within(evaluation: Evaluation) -> None:
    assert set(evaluation.rankings) == {"tensor", "bulk", "shear"}
    assert set(evaluation.within) == {"relative", "stiffness", "bulk", "shear", "youngs"}
    truth = elasticity.moduli([stiffness(record) for record in CHOSEN]).bulk_hill
    within = [
        abs(one.moduli.bulk_hill - right) <= one.uncertainty["bulk"]
        for one, right in zip(evaluation.predictions, truth, strict=True)
        if one.moduli is not None
    ]
    likely, sure = evaluation.within["bulk"]
    assert likely == pytest.approx(np.mean(within))
    assert sure is None


def test_a_failure_is_reported_and_costs_nothing(model: Predictor) -> None:
    water = Example(
        geometry(molecule("H2O")), {"elastic": np.ones((3, 3, 3, 3))}, identifier="water"
    )
    result = evaluate(model, [example(CHOSEN[0]), water, example(CHOSEN[1])], draws=2)
    assert len(result.predictions) == 2
    assert [failure.reason for failure in result.failures] == [
        "it repeats along no direction, and a crystal property needs the volume of a cell"
    ]
    assert repr(result) == "Evaluation(tiny: elastic, 2 examples, 1 failed)"
    assert as_csv(result).splitlines()[-1].startswith("H2O,") or "OH2" in as_csv(result)
    assert result.baselines is None
    assert json.dumps(as_document(result), allow_nan=False)


def test_what_cannot_be_evaluated(model: Predictor) -> None:
    with pytest.raises(DatasetError, match="there are no examples"):
        evaluate(model, [])
    with pytest.raises(DatasetError, match="has no label 'elastic', which the model tiny predicts"):
        evaluate(model, [replace(example(CHOSEN[0]), labels={})])
    alone = Example(geometry(molecule("H2O")), {"elastic": np.ones((3, 3, 3, 3))})
    with pytest.raises(DatasetError, match="none of 1 examples could be predicted"):
        evaluate(model, [alone])


def test_one_network_has_no_uncertainty() -> None:
    result = evaluate(predictor(1), [example(record) for record in CHOSEN[:2]], draws=2)
    assert result.rankings == {}
    assert result.within == {}
    assert "uncertainty.png" not in as_plots(result)


@pytest.mark.parametrize(
    "target", [Target("dielectric", positive=False), Target("ij=ji", pooling="atoms")]
)
def test_other_tensors(target: Target, tmp_path: Path) -> None:
    model = Predictor([network(seed, target) for seed in range(2)])
    atoms = target.pooling == "atoms"
    generator = np.random.default_rng(1)
    examples = []
    for record in CHOSEN[:4]:
        crystal = CRYSTALS[record["id"]]
        label = generator.normal(size=((len(crystal), 3, 3) if atoms else (3, 3)))
        label = label + label.swapaxes(-1, -2)
        if atoms:
            label[0] = np.nan  # an atom without a label
        examples.append(Example(crystal, {target.name: label}, identifier=record["id"]))
    result = evaluate(model, examples, draws=5)
    count = sum(len(one.geometry) - 1 for one in examples) if atoms else len(examples)
    assert result.errors.count == count
    assert {path.name for path in write_report(result, tmp_path)} == {
        "report.json", "predictions.csv", "parity_components.png", "uncertainty.png",
    }  # fmt: skip
    assert set(result.within) == {"relative", "tensor"}


def test_crystal_systems() -> None:
    for record in RECORDS[::5]:
        assert crystal_system(example(record)) == record["crystal_system"]
    assert crystal_system(example(CHOSEN[0], crystal_system="as stated")) == "as stated"
    assert crystal_system(Example(geometry(molecule("H2O")), {})) == "molecule"
    crystal = CRYSTALS["mp-101"]
    slab = Geometry(crystal.numbers, crystal.positions, crystal.cell, (True, True, False))
    assert crystal_system(Example(slab, {})) == "other"
