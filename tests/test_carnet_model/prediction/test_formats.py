"""Predictions in files are read back."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read as ase_read

from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.network.targets import Target
from carnet_model.prediction.formats import as_csv, as_document, as_extxyz, to_dataframe
from carnet_model.prediction.intervals import HILL
from carnet_model.prediction.predictor import Predictor, load
from carnet_model.prediction.result import Failure, Prediction
from natural_tensors.arrays import to_lists
from natural_tensors.elasticity import Moduli
from natural_tensors.files.saving import to_json
from natural_tensors.formatting import visible
from tests.helpers.predictions import cubic, gap, transformed
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


def test_csv(model: Predictor, results: list[Prediction | Failure]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(results, model))))
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


COMMON = ("natural_tensors", "conventions", "model", "networks", "class", "symmetry", "form",
          "precision")  # fmt: skip


def from_csv(row: dict[str, str]) -> dict[str, Any]:
    """Return what JSON holds of a stiffness, from a row of CSV."""
    if row["error"]:
        reason, _, remedy = row["error"].partition("; ")
        return {"name": row["name"], "error": reason, "remedy": remedy}

    def matrix(suffix: str) -> list[list[float]]:
        names = ["".join(map(str, sorted((i, j)))) for i in range(1, 7) for j in range(1, 7)]
        return np.reshape([float(row[f"C{name}{suffix}"]) for name in names], (6, 6)).tolist()

    def modulus(name: str) -> float | None:
        text = row[name if name in row else name.removesuffix("_hill")]
        return float(text) if text else None

    uncertainty = {name: float(row[f"{name}_spread"]) for name in (*HILL, "relative")}
    return {
        "name": row["name"],
        "formula": row["formula"],
        "target": row["target"],
        "unit": row["unit"],
        "stiffness": matrix(""),
        "moduli": {entry.name: modulus(entry.name) for entry in fields(Moduli)},
        "stable": row["stable"] == "true",
        "uncertainty": {**uncertainty, "stiffness": matrix("_spread")},
        "frame": {"name": row["frame"], "rotation": json.loads(row["rotation"])},
        "lattice": json.loads(row["lattice"]),
        "known": row["known"] or None,
        "strangeness": float(row["strangeness"]) if row["strangeness"] else None,
        "warnings": row["warnings"].split("; ") if row["warnings"] else [],
    }


def same(one: Any, other: Any) -> bool:
    """Say whether JSON values are equal but for the rounding of numbers."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-6, atol=1e-9))
    return bool(one == other)


@pytest.fixture
def mixed(folder: Path) -> tuple[Predictor, list[Prediction | Failure]]:
    """Return results with warnings, a known crystal, and failures with and without atoms."""
    model = load(folder)
    gas = Atoms("Si", cell=[9] * 3, pbc=True)
    stretched = transformed(CRYSTALS["mp-101"], 1.4 * np.eye(3))
    given = [CRYSTALS["mp-804"], "nothing.cif", gas, cubic("Po", 3.4), stretched]
    results = model.predict(given)
    assert [type(one).__name__ for one in results] == ["Prediction", *["Failure"] * 3, "Prediction"]
    assert results[0].known == "mp-804"
    assert len(results[4].warnings) > 1
    return model, results


def test_every_format_holds_what_json_does(
    mixed: tuple[Predictor, list[Prediction | Failure]],
) -> None:
    model, results = mixed
    document = json.loads(to_json(as_document(results, model)))
    wanted = document.pop("predictions")
    rows = list(csv.DictReader(io.StringIO(as_csv(results, model))))
    frames = ase_read(io.StringIO(as_extxyz(results, model)), index=":", format="extxyz")
    assert len(wanted) == len(rows) == len(frames) == len(results)
    for entry, row, frame in zip(wanted, rows, frames, strict=True):
        found = from_csv(row)
        if "error" in found:  # what separates reason and remedy may stand in either
            assert f"{entry.pop('error')}; {entry.pop('remedy')}" == row["error"]
            found = {"name": row["name"]}
        assert same(found, entry)
        assert all(str(document[key]) == row[key] for key in (*COMMON, "unit"))
        assert all(document[key] == frame.info[key] for key in (*COMMON, "unit"))
    for entry, frame in zip(
        json.loads(to_json(as_document(results, model)))["predictions"], frames, strict=True
    ):
        lattice = entry.pop("lattice", None)
        if lattice is not None:
            assert np.allclose(lattice, frame.cell.array)
        if entry.get("known") is None:
            entry.pop("known", None)
        info = {
            key: to_lists(value) if isinstance(value := frame.info[key], np.ndarray) else value
            for key in entry
        }
        assert same(info, entry)
    assert [len(frame) for frame in frames] == [4, 0, 1, 4, 1]
    assert frames[2].get_chemical_formula() == "Si"
    assert frames[3].pbc.all()


@pytest.mark.parametrize(
    "name",
    ["=1+1", "@x", "+a", "-b", "5", "T", "a b", 'it is "so"', "C:\\data\\si.cif", "\ttab",
     "_JSON 1", "[1]", "a=b c='d'", "Å"],
)  # fmt: skip
def test_names_come_back(name: str, model: Predictor) -> None:
    results = model.predict([replace(CRYSTALS["mp-101"], name=name)])
    wanted = visible(name)
    (frame,) = ase_read(io.StringIO(as_extxyz(results, model)), index=":", format="extxyz")
    assert frame.info["name"] == wanted
    assert as_document(results, model)["predictions"][0]["name"] == wanted
    (row,) = csv.DictReader(io.StringIO(as_csv(results, model)))
    formula = name[0] in "=+-@"
    assert row["name"] == (f"'{wanted}" if formula else wanted)


def test_names_that_act_are_escaped_in_every_format(model: Predictor, tmp_path: Path) -> None:
    crystal = replace(CRYSTALS["mp-101"], name="a\nb\x1b[2J\x9b1m\u202e")
    results = model.predict([crystal, tmp_path / "gone\n\x1b[2J.cif"])
    texts = [to_json(as_document(results, model)), as_csv(results, model), str(results[0]),
             as_extxyz(results, model), str(results[1])]  # fmt: skip
    for text in texts:
        assert not set("\x1b\x9b\u202e\r") & set(text)
    assert as_csv(results, model).count("\n") == 3
    assert "a\\nb\\x1b[2J\\x9b1m\\u202e" in texts[1]


def test_energies_with_forces(tmp_path: Path) -> None:
    model = Predictor([network(target=Target("energy", pooling="sum"))], precision="double")
    results = model.predict([CRYSTALS["mp-804"]])
    (one,) = results
    assert isinstance(one, Prediction)
    assert one.forces is not None
    (row,) = csv.DictReader(io.StringIO(as_csv(results, model)))
    assert np.allclose(json.loads(row["forces"]), one.forces)
    (frame,) = ase_read(io.StringIO(as_extxyz(results, model)), index=":", format="extxyz")
    assert np.allclose(frame.get_forces(), one.forces, atol=1e-8)
    assert frame.get_potential_energy() == pytest.approx(float(one.tensor))
    assert frame.info["frame"]["name"] == "structure"


def test_extended_xyz_is_read_back_as_labelled_structures(
    model: Predictor, results: list[Prediction | Failure], tmp_path: Path
) -> None:
    file = tmp_path / "out.extxyz"
    file.write_text(as_extxyz(results, model))
    source = LabelSource("elastic", "stiffness", "voigt", "GPa")
    examples = read_examples(file, source, for_training=False, on_error="skip")
    assert len(examples) == 2
    first = results[0]
    assert isinstance(first, Prediction)
    assert gap(examples[0].labels["elastic"], first.tensor) < 1e-6
    assert np.allclose(examples[0].geometry.cell, first.lattice)


def test_a_full_tensor_goes_into_files_too(tmp_path: Path) -> None:
    model = Predictor([network(target=Target("dielectric", positive=False))])
    found = model.predict([CRYSTALS["mp-804"]])
    assert as_csv(found, model).splitlines()[0].startswith("name,formula,T_xx,T_xy")
    assert as_document(found, model)["form"] == "full"
    file = tmp_path / "out.extxyz"
    file.write_text(as_extxyz(found, model))
    examples = read_examples(file, LabelSource("dielectric", "tensor"), for_training=False)
    assert gap(examples[0].labels["dielectric"], found[0].tensor) < 1e-6  # type: ignore[union-attr]
    assert "dielectric" in str(found[0])


def test_a_table_of_pandas_holds_the_numbers_of_the_predictions(
    results: list[Prediction | Failure],
) -> None:
    table = to_dataframe(results)
    assert list(table["name"]) == [result.name for result in results]
    first, failed = results[0], results[1]
    assert isinstance(first, Prediction)
    assert isinstance(failed, Failure)
    assert first.stiffness is not None
    assert first.moduli is not None
    row = table.iloc[0]
    # eight digits are written
    assert row["C14"] == pytest.approx(first.stiffness[0, 3], rel=1e-7, abs=1e-12)
    assert row["bulk"] == pytest.approx(first.moduli.bulk_hill, rel=1e-7)
    assert table[["C11", "bulk", "bulk_spread"]].dtypes.map(str).unique().tolist() == ["float64"]
    assert np.allclose(row["lattice"], first.lattice)
    assert row["stable"] is first.stable
    missing = table.iloc[1]
    assert failed.reason in missing["error"]
    assert np.isnan(missing["C11"])
    assert missing["stable"] is None
    assert missing["lattice"] is None
