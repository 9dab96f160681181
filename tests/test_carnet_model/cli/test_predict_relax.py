"""Structures relaxed before they are predicted: what is predicted, and what is said of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from carnet_model.prediction.predictor import load
from carnet_model.prediction.result import Prediction
from carnet_model.relaxation.noting import noted
from carnet_model.relaxation.relaxing import relax
from carnet_model.structures.conversion import geometry
from tests.helpers.command_lines import carnet, carnet_error

pytestmark = pytest.mark.slow

MODEL = ("-m", "elastic-small")
RELAX = ("--relax", "--relax-model", "ase.calculators.emt:EMT")


@pytest.fixture(autouse=True)
def structures(own_folder: Path) -> None:
    write("cu.cif", bulk("Cu", "fcc", a=3.7))
    write("si.cif", bulk("Si"))


def test_the_relaxed_structure_is_predicted_and_its_volume_stated() -> None:
    carnet("relax", "cu.cif", "--calculator", RELAX[2], "-o", "rest.extxyz")
    carnet("predict", "rest.extxyz", *MODEL, "-o", "known.json", "-q")
    result = carnet("predict", "cu.cif", "si.cif", *MODEL, *RELAX, "-o", "found.json")
    assert "relaxed first by ase.calculators.emt:EMT: " in result.stdout
    assert "volume -8.67 %" in result.stdout
    assert "warning: the volume changed by -8.7 % in the relaxation" not in result.stdout
    assert "error: si.cif: the calculator cannot compute it" in result.stderr
    (known,) = json.loads(Path("known.json").read_text(encoding="utf-8"))["predictions"]
    found, failed = json.loads(Path("found.json").read_text(encoding="utf-8"))["predictions"]
    np.testing.assert_allclose(found["stiffness"], known["stiffness"], rtol=0, atol=0.01)
    assert found["name"] == "cu.cif"
    assert found["relaxation"]["converged"] is True
    assert found["relaxation"]["volume_change"] == pytest.approx(-0.0867, abs=1e-4)
    assert set(failed) == {"name", "error", "remedy"}
    assert "relaxation" not in known
    carnet("predict", "cu.cif", *MODEL, *RELAX, "-o", "found.csv", "-q")
    with Path("found.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert float(row["volume_change"]) == pytest.approx(found["relaxation"]["volume_change"])
    assert json.loads(row["relaxation"]) == found["relaxation"]


def test_a_large_change_and_no_rest_are_warned_of() -> None:
    write("large.cif", bulk("Cu", "fcc", a=3.9))
    text = carnet("predict", "large.cif", *MODEL, *RELAX, "--full").stdout
    assert "warning: the volume changed by -22.0 % in the relaxation" in text
    moving = relax(EMT(), geometry(bulk("Cu", "fcc", a=3.7)), steps=1)
    (predicted,) = load(MODEL[1]).predict([moving.structure])
    assert isinstance(predicted, Prediction)
    result = noted(predicted, moving, "emt")
    assert isinstance(result, Prediction)
    assert result.relaxation is not None
    assert result.relaxation["converged"] is False
    assert any("it did not come to rest under emt" in each for each in result.warnings)


def test_the_potential_goes_with_the_option() -> None:
    assert "goes with --relax" in carnet_error("predict", "cu.cif", *MODEL, *RELAX[1:])
    text = carnet_error("predict", "cu.cif", *MODEL, "--relax", "--relax-model", "no-such")
    assert "there is no calculator 'no-such'" in text
