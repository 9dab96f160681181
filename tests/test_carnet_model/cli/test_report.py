"""The command report of carnet as users meet it, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from natural_tensors import examples
from tests.helpers.command_lines import carnet
from tests.helpers.page_files import page_data, written
from tests.helpers.paths import ROOT

QUARTZ_CIF = ROOT / "docs" / "structures" / "quartz.cif"

QUARTZ = examples.load("quartz").values

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.mark.slow
def test_the_report_of_a_structure() -> None:
    result = carnet("report", str(QUARTZ_CIF))
    assert result.stdout.startswith("wrote quartz.html: SiO2: Elastic stiffness, C")
    found = page_data("quartz.html")["report"]
    assert found["frame"] == "canonical"
    assert found["point_group"] == "32"
    assert found["space_group"] == "P3_221 (154)"
    assert found["density_kg_m3"] == pytest.approx(2646, rel=1e-3)


@pytest.mark.slow
def test_the_report_of_a_measured_tensor_beside_its_structure() -> None:
    file = written(QUARTZ, unit="GPa", name="Bechmann 1958")
    result = carnet(
        "report", str(QUARTZ_CIF), "--tensor", file, "--axes", "canonical", "-o", "a.html"
    )
    assert "a.html" in result.stdout
    assert "Bechmann 1958" in Path("a.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_derived_tensor_stands_beside_a_predicted_one() -> None:
    write("cu.vasp", bulk("Cu", "fcc", a=3.59), format="vasp")
    carnet("elastic", "cu.vasp", "--calculator", "ase.calculators.emt:EMT", "-o", "emt.json")
    carnet("report", "cu.vasp", "--tensor", "emt.json", "-o", "cu.html")
    derived = json.loads(Path("emt.json").read_text(encoding="utf-8"))["predictions"][0]
    page = page_data("cu.html")
    (beside,) = page["report"]["beside"]
    assert beside["title"].startswith("predicted by elastic")
    # of the structure that is given, not of the relaxed one
    assert beside["distance"] == pytest.approx(derived["disagreement"]["relative"], abs=0.02)
    assert "Beside other tensors" in Path("cu.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.cif"], "there is no such file or folder"),
        ([str(QUARTZ_CIF), "--unit", "kbar"], "go with --tensor FILE"),
        ([str(QUARTZ_CIF), "--tensor", "none.json"], "there is no such file"),
        ([str(QUARTZ_CIF), "--frame", "crystal"], "'crystal' is not one of structure, canonical"),
        ([str(QUARTZ_CIF), "-o", "a.txt"], "allowed: .html"),
    ],
)
def test_structures_that_get_no_page(arguments: list[str], message: str) -> None:
    assert message in carnet("report", *arguments, code=2).stderr


def test_the_tensor_of_another_crystal_is_refused() -> None:
    """What carnet writes says of which crystal it is; so may any file."""
    write("si.cif", bulk("Si"))
    carnet("predict", "si.cif", "-o", "si.json")
    told = carnet("report", str(QUARTZ_CIF), "--tensor", "si.json", code=2).stderr
    assert "holds a tensor of Si, and the structure is SiO2" in told
    document = {"tensor": np.eye(6).tolist(), "class": "elastic", "unit": "GPa"}
    Path("c.json").write_text(json.dumps({**document, "formula": "Ge"}))
    assert "tensor of Ge" in carnet("report", "si.cif", "--tensor", "c.json", code=2).stderr


def test_a_tensor_that_does_not_fit_its_structure_is_refused() -> None:
    random = np.random.default_rng(1).normal(size=(6, 6))
    text = carnet("report", str(QUARTZ_CIF), "--tensor", written(random + random.T), code=2).stderr
    assert "violates the point group 32 by" in text
    assert "--project takes the mean over the group" in text
