"""The crystals that come with the app: each can be read, and each says where it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from carnet_model.app import crystals
from carnet_model.structures.conversion import geometry
from carnet_model.structures.reading import read_geometries
from natural_tensors.files import reading, recognition
from tests.helpers.paths import ROOT

SHIPPED = {each.name: each for each in crystals.shipped()}
STRUCTURES = [name for name, each in SHIPPED.items() if each.holds == "structure"]
TENSORS = [name for name, each in SHIPPED.items() if each.holds != "structure"]


def test_names_are_unique_and_all_have_a_source() -> None:
    assert len(SHIPPED) == len(crystals.shipped()) > 80
    assert all(each.source for each in SHIPPED.values())


def test_structures_are_read() -> None:
    for name in STRUCTURES:
        found = geometry(json.loads(crystals.content(name).body))
        assert found.volume is not None
        # solids: between lithium, the thinnest, and carbon, the densest in atoms
        assert 5 < found.volume / len(found) < 40, name


def test_quartz_and_silicon_are_those_of_the_documentation() -> None:
    for name, file in (("quartz", "quartz.cif"), ("silicon", "si.cif")):
        (stated,) = read_geometries(ROOT / "docs" / "structures" / file)
        found = geometry(json.loads(crystals.content(name).body))
        assert not isinstance(stated, Exception)
        assert sorted(found.numbers) == sorted(stated.numbers)
        # ASE rounds the constant of silicon to 5.43
        np.testing.assert_allclose(found.cell, stated.cell, atol=2e-3)


def test_tensors_are_read(tmp_path: Path) -> None:
    for name in TENSORS:
        path = tmp_path / f"{name}.json"
        path.write_bytes(crystals.content(name).body)
        tensor = recognition.recognize(reading.read_tensor(str(path)))
        assert not tensor.guessed
        assert not tensor.batch


def test_an_unknown_name_is_refused_with_the_remedy() -> None:
    answer = crystals.content("kryptonite")
    assert answer.status == 404
    assert json.loads(answer.body) == {
        "error": "no crystal 'kryptonite' comes with the package",
        "remedy": "GET /api/crystals lists all",
    }


@pytest.mark.parametrize("name", ["silicon-measured", "mp-101-computed"])
def test_a_tensor_stands_beside_its_structure(name: str) -> None:
    stem = name.rpartition("-")[0]
    assert SHIPPED[stem].holds == "structure"
    assert SHIPPED[name].holds in ("measured", "computed")
