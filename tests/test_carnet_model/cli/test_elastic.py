"""The command elastic with any calculator: documents, what stands beside, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from carnet_model.calculators import elastic_constants
from natural_tensors import from_voigt
from tests.helpers.command_lines import carnet, carnet_error

pytestmark = pytest.mark.slow

EMT = ("--calculator", "ase.calculators.emt:EMT")


@pytest.fixture(autouse=True)
def copper(own_folder: Path) -> None:
    write("cu.cif", bulk("Cu", "fcc", a=3.7))
    write("si.cif", bulk("Si"))


def test_a_document_as_that_of_predictions_with_both_tensors() -> None:
    result = carnet("elastic", "cu.cif", "si.cif", "none.cif", *EMT, "-o", "e.json")
    shown = ("in the relaxation", "bulk modulus", "beside the direct prediction of elastic",
             "derived", "the tensors differ by", "1 of 3 crystals, written to e.json")  # fmt: skip
    assert [words for words in shown if words not in result.stdout] == []
    assert "error: si.cif: the calculator cannot compute it" in result.stderr
    assert "error: none.cif: there is no such file" in result.stderr
    document = json.loads(Path("e.json").read_text(encoding="utf-8"))
    assert (document["class"], document["unit"], document["form"]) == ("elastic", "GPa", "voigt")
    assert document["model"] == EMT[1]
    first, *others = document["predictions"]
    assert [set(each) for each in others] == [{"name", "error", "remedy"}] * 2
    derived, direct = (np.array(each["stiffness"]) for each in (first, first["direct"]))
    assert derived.shape == (6, 6)
    assert first["moduli"]["bulk_hill"] == pytest.approx(134, abs=3)  # of effective medium theory
    assert first["method"] == "finite strains"
    assert first["relaxation"]["symmetry"] == "Fm-3m (225), kept"
    theirs = first["disagreement"]
    size = np.linalg.norm(from_voigt(direct))
    assert theirs["relative"] == pytest.approx(
        np.linalg.norm(from_voigt(derived - direct)) / size, rel=1e-6
    )
    assert theirs["bulk"] == pytest.approx(
        first["moduli"]["bulk_hill"] - first["direct"]["moduli"]["bulk_hill"]
    )
    np.testing.assert_allclose(theirs["stiffness"], derived - direct)


def test_json_alone_and_nothing_beside() -> None:
    text = carnet("elastic", "cu.cif", *EMT, "--direct", "none", "--json").stdout
    document = json.loads(text)
    assert "direct" not in document["elastic"][0]
    assert np.array(document["elastic"][0]["stiffness"]).shape == (6, 6)


def test_what_is_relaxed_already_is_left_alone() -> None:
    carnet("relax", "cu.cif", *EMT, "-o", "rest.cif")
    options = (*EMT, "--direct", "none", "--json")
    left = json.loads(carnet("elastic", "rest.cif", "--no-relax", *options).stdout)["elastic"][0]
    again = json.loads(carnet("elastic", "rest.cif", *options).stdout)["elastic"][0]
    assert "relaxation" not in left
    np.testing.assert_allclose(left["stiffness"], again["stiffness"], rtol=0, atol=0.5)


def test_an_interruption_keeps_what_was_derived(monkeypatch: pytest.MonkeyPatch) -> None:
    strained = elastic_constants.from_finite_strains

    def stop(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(elastic_constants, "from_finite_strains", interrupt)
        return strained(*given, **more)

    def interrupt(*given: Any, **more: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(elastic_constants, "from_finite_strains", stop)
    files = ("cu.cif", "cu.cif", "si.cif")
    result = carnet("elastic", *files, *EMT, "--direct", "none", "-o", "e.json", code=130)
    assert "interrupted" in result.stderr
    found = json.loads(Path("e.json").read_text(encoding="utf-8"))["predictions"]
    assert ["stiffness" in each for each in found] == [True, False, False]
    assert all("before its turn" in each["error"] for each in found[1:])


def test_refusals() -> None:
    assert "leave it out" in carnet_error("elastic", "cu.cif", *EMT, "--by-strain")
    assert "leave one out" in carnet_error("elastic", "cu.cif", *EMT, "-m", "silicon")
    assert "allowed: .json" in carnet_error("elastic", "cu.cif", *EMT, "-o", "a.csv")
    assert "there is no model" in carnet_error("elastic", "cu.cif", *EMT, "--direct", "other")
    assert "computes elastic" in carnet_error("elastic", "cu.cif", "-m", "elastic")
    assert "there is no model 'no-such'" in carnet_error("elastic", "cu.cif", "-m", "no-such")
    assert "allowed: elastic" in carnet_error("elastic", "cu.cif", *EMT, "--direct", "silicon")
    carnet("elastic", "si.cif", *EMT, "--direct", "none", code=1)
