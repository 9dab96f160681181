"""Evaluations: the figures of `metrics`, in a report that says everything, with plots."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

from carnet_model.data.examples import DatasetError, Example
from carnet_model.evaluation.baselines import baselines
from carnet_model.evaluation.errors import elastic_errors
from carnet_model.evaluation.evaluation import Evaluation, crystal_system, evaluate
from carnet_model.network.targets import Target
from carnet_model.prediction.predictor import Predictor
from carnet_model.prediction.result import Prediction
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from natural_tensors import elasticity, from_voigt
from natural_tensors.files.saving import FileError
from tests.helpers.tiny_models import (
    CRYSTALS,
    RECORDS,
    SYSTEMS,
    network,
    predictor,
    seen,
    stiffness,
)

CHOSEN = RECORDS[::4]
TRAIN = RECORDS[1::4]


def example(record: dict[str, Any], **notes: Any) -> Example:
    label = np.asarray(from_voigt(stiffness(record)))
    thing = CRYSTALS[record["id"]]
    return Example(thing, {"elastic": label}, identifier=record["id"], notes=notes)


@pytest.fixture(scope="module")
def model() -> Predictor:
    return predictor(2, name="tiny", seen=seen(RECORDS[:5]))


@pytest.fixture(scope="module")
def evaluation(model: Predictor) -> Evaluation:
    return evaluate(
        model, [example(r) for r in CHOSEN], baseline=[example(r) for r in TRAIN], draws=50
    )


def test_the_figures_are_those_of_the_metrics(model: Predictor, evaluation: Evaluation) -> None:
    found = model.predict([CRYSTALS[record["id"]] for record in CHOSEN])
    guess = np.array([one.stiffness for one in found if isinstance(one, Prediction)])
    truth = np.array([stiffness(record) for record in CHOSEN])
    groups = [SYSTEMS[record["id"]] for record in CHOSEN]
    wanted = elastic_errors(guess, truth, groups, draws=50)
    for name in ("component_mae", "bulk_mae", "shear_mae", "youngs_mae", "not_positive"):
        assert evaluation.errors[name].value == pytest.approx(wanted[name].value, rel=1e-5)
    assert evaluation.errors.counts == wanted.counts
    known = baselines(np.array([stiffness(r) for r in TRAIN]), truth, draws=50)
    assert evaluation.baselines is not None
    for name, table in known.tables.items():
        value = evaluation.baselines.tables[name]["bulk_mae"].value
        assert value == pytest.approx(table["bulk_mae"].value)


def test_rankings_and_scales(evaluation: Evaluation) -> None:
    assert set(evaluation.rankings) == {"tensor", "bulk", "shear"}
    scale = evaluation.spread_scale
    assert set(scale) == {"relative", "stiffness", "bulk", "shear", "youngs"}
    truth = elasticity.moduli([stiffness(record) for record in CHOSEN]).bulk_hill
    within = [
        abs(one.moduli.bulk_hill - right) <= scale["bulk"] * one.uncertainty["bulk"]
        for one, right in zip(evaluation.predictions, truth, strict=True)
        if one.moduli is not None
    ]
    assert np.mean(within) == pytest.approx(0.683, abs=1 / len(within))


def test_the_report_of_a_folder(evaluation: Evaluation, tmp_path: Path) -> None:
    written = evaluation.write(tmp_path / "new" / "report")
    assert sorted(path.name for path in written) == [
        "parity_components.png", "parity_moduli.png", "predictions.csv", "report.json",
        "uncertainty.png",
    ]  # fmt: skip
    for path in written:
        assert path.suffix != ".png" or path.read_bytes().startswith(b"\x89PNG")
    report = json.loads((tmp_path / "new" / "report" / "report.json").read_text())
    assert report["predicted"] == len(CHOSEN)
    assert report["known"] == 2
    assert report["unit"] == "GPa"
    for group in ("all", "cubic", "hexagonal"):
        assert report["errors"][group]["bulk_mae"]["unit"] == "GPa"
    assert report["baselines"]["median moduli"]["bulk_mae"]["value"] > 0
    assert "spearman" in report["ranking"]["tensor"]
    rows = list(csv.DictReader(io.StringIO(evaluation.table())))
    assert [row["id"] for row in rows] == [record["id"] for record in CHOSEN]
    assert float(rows[0]["K_reference [GPa]"]) == pytest.approx(CHOSEN[0]["K_VRH"], rel=0.02)
    assert sorted(path.name for path in written) == sorted(
        path.name for path in (tmp_path / "new" / "report").iterdir()
    )


def test_the_text_says_what_was_known(evaluation: Evaluation) -> None:
    text = str(evaluation)
    assert text.startswith(f"tiny: elastic, {len(CHOSEN)} examples, 2 of them in its training set")
    for part in ("bulk_mae [GPa]", "median moduli", "does the uncertainty rank errors of K?"):
        assert part in text


def test_a_failure_is_reported_and_costs_nothing(model: Predictor) -> None:
    water = Example(
        geometry(molecule("H2O")), {"elastic": np.ones((3, 3, 3, 3))}, identifier="water"
    )
    found = evaluate(model, [example(CHOSEN[0]), water, example(CHOSEN[1])], draws=2)
    assert len(found.predictions) == 2
    assert [failure.reason for failure in found.failures] == [
        "it repeats along no direction, and a crystal property needs the volume of a cell"
    ]
    assert found.table().splitlines()[-1].startswith("H2O,") or "OH2" in found.table()
    assert found.baselines is None
    assert json.dumps(found.report(), allow_nan=False)


def test_what_cannot_be_evaluated(model: Predictor) -> None:
    with pytest.raises(DatasetError, match="there are no examples"):
        evaluate(model, [])
    with pytest.raises(DatasetError, match="has no label 'elastic', which the model tiny predicts"):
        evaluate(model, [replace(example(CHOSEN[0]), labels={})])
    alone = Example(geometry(molecule("H2O")), {"elastic": np.ones((3, 3, 3, 3))})
    with pytest.raises(DatasetError, match="none of 1 examples could be predicted"):
        evaluate(model, [alone])


def test_a_folder_that_cannot_be(evaluation: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="choose another --output"):
        evaluation.write(tmp_path / "file")


def test_one_network_has_no_uncertainty() -> None:
    found = evaluate(predictor(1), [example(record) for record in CHOSEN[:2]], draws=2)
    assert found.rankings == {}
    assert found.spread_scale == {}
    assert "uncertainty.png" not in found.plots()


@pytest.mark.parametrize("target", [Target("dielectric"), Target("ij=ji", pooling="atoms")])
def test_other_tensors(target: Target, tmp_path: Path) -> None:
    model = Predictor([network(seed, target) for seed in range(2)])
    atoms = target.pooling == "atoms"
    generator = np.random.default_rng(1)
    examples = []
    for record in CHOSEN[:4]:
        thing = CRYSTALS[record["id"]]
        label = generator.normal(size=((len(thing), 3, 3) if atoms else (3, 3)))
        label = label + label.swapaxes(-1, -2)
        if atoms:
            label[0] = np.nan  # an atom without a label
        examples.append(Example(thing, {target.name: label}, identifier=record["id"]))
    found = evaluate(model, examples, draws=5)
    count = sum(len(one.geometry) - 1 for one in examples) if atoms else len(examples)
    assert found.errors.count == count
    assert {path.name for path in found.write(tmp_path)} == {
        "report.json", "predictions.csv", "parity_components.png", "uncertainty.png",
    }  # fmt: skip
    assert set(found.spread_scale) == {"relative", "tensor"}


def test_crystal_systems() -> None:
    for record in RECORDS[::5]:
        assert crystal_system(example(record)) == record["crystal_system"]
    assert crystal_system(example(CHOSEN[0], crystal_system="as stated")) == "as stated"
    assert crystal_system(Example(geometry(molecule("H2O")), {})) == "molecule"
    thing = CRYSTALS["mp-101"]
    slab = Geometry(thing.numbers, thing.positions, thing.cell, (True, True, False))
    assert crystal_system(Example(slab, {})) == "other"
