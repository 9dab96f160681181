"""Predictions in files are read back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.network.targets import Target
from carnet_model.prediction.formats import as_csv, as_document, as_extxyz
from carnet_model.prediction.predictor import Predictor
from carnet_model.prediction.result import Failure, Prediction
from natural_tensors.files.saving import to_json
from tests.helpers.predictions import gap
from tests.helpers.tiny_models import (
    CRYSTALS,
    network,
)


@pytest.fixture
def results(model: Predictor) -> list[Prediction | Failure]:
    return model.predict([CRYSTALS["mp-804"], "nothing.cif", CRYSTALS["mp-101"]])


def test_json(model: Predictor, results: list[Prediction | Failure]) -> None:
    document = json.loads(to_json(as_document(results, model)))
    assert document["unit"] == "GPa"
    assert document["form"] == "voigt"
    first, second, third = document["predictions"]
    result = results[0]
    assert isinstance(result, Prediction)
    assert result.stiffness is not None
    assert result.moduli is not None
    assert np.allclose(first["stiffness"], result.stiffness)
    assert first["uncertainty"]["relative"] > 0
    assert np.shape(first["uncertainty"]["stiffness"]) == (6, 6)
    assert first["moduli"]["bulk_hill"] == pytest.approx(result.moduli.bulk_hill)
    assert first["lattice"] == CRYSTALS["mp-804"].cell.tolist()
    assert second["error"] == "there is no such file or folder"
    assert third["formula"] == "Ir"


def test_csv(results: list[Prediction | Failure]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(results))))
    assert [row["name"] for row in rows] == ["mp-804", "nothing.cif", "mp-101"]
    first = results[0]
    assert isinstance(first, Prediction)
    assert first.stiffness is not None
    assert float(rows[0]["C23"]) == pytest.approx(first.stiffness[1, 2], rel=1e-6)
    assert float(rows[0]["bulk_spread"]) == pytest.approx(first.uncertainty["bulk"], rel=1e-6)
    assert rows[0]["stable"] == "true"
    assert rows[1]["error"].startswith("there is no such file or folder; check the path")
    assert rows[1]["C11"] == ""
    assert rows[0]["error"] == ""


def test_extended_xyz_is_read_back_as_labelled_structures(
    results: list[Prediction | Failure], tmp_path: Path
) -> None:
    file = tmp_path / "out.extxyz"
    file.write_text(as_extxyz(results))
    source = LabelSource("elastic", "stiffness", "voigt", "GPa")
    examples = read_examples(file, source, for_training=False)
    assert len(examples) == 2
    first = results[0]
    assert isinstance(first, Prediction)
    assert gap(examples[0].labels["elastic"], first.tensor) < 1e-6
    assert np.allclose(examples[0].geometry.cell, first.lattice)


def test_a_full_tensor_goes_into_files_too(tmp_path: Path) -> None:
    model = Predictor([network(target=Target("dielectric", positive=False))])
    found = model.predict([CRYSTALS["mp-804"]])
    assert as_csv(found).splitlines()[0].startswith("name,formula,T_xx,T_xy")
    assert as_document(found, model)["form"] == "full"
    file = tmp_path / "out.extxyz"
    file.write_text(as_extxyz(found))
    examples = read_examples(file, LabelSource("dielectric", "tensor"), for_training=False)
    assert gap(examples[0].labels["dielectric"], found[0].tensor) < 1e-6  # type: ignore[union-attr]
    assert "dielectric" in str(found[0])
