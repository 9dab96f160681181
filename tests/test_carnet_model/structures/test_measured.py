"""Measured tensors beside a structure: held against its point group, in axes that are named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from carnet_model.structures.geometry import GeometryError
from carnet_model.structures.measured import MisfitError, measured, read_structure
from carnet_model.structures.symmetry import canonical, frame_of
from natural_tensors import (
    examples,
    from_voigt,
)
from natural_tensors.files.saving import FileError
from tests.helpers.paths import STRUCTURES
from tests.helpers.stated_tensors import ELASTIC, QUARTZ, quartz, tensor_file

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*OLD_ERROR_HANDLING.*:DeprecationWarning"  # spglib, as pymatgen calls it
)


def test_a_measured_tensor_is_held_against_the_structure(tmp_path: Path) -> None:
    thing = read_structure(str(STRUCTURES / "quartz.cif"))
    _, frame = canonical(thing)
    own = ELASTIC.rotate(quartz().values, frame.rotation.T)
    found = measured(thing, tensor_file(tmp_path, own, form="full", unit="GPa"))
    assert found.frame.name == "canonical"
    assert found.voigt == pytest.approx(QUARTZ, abs=1e-6)
    kbar = tensor_file(tmp_path, own * 10, form="full", unit="kbar")
    assert measured(thing, kbar).voigt == pytest.approx(QUARTZ, abs=1e-6)
    assert found.formula == "SiO2"

    ieee = frame_of(thing, "ieee")
    there = ELASTIC.rotate(own, ieee.rotation)
    path = tensor_file(tmp_path, there, form="full", unit="GPa")
    assert measured(thing, path, axes="ieee").voigt == pytest.approx(QUARTZ, abs=1e-3)

    turned = ELASTIC.rotate(own, Rotation.random(random_state=3).as_matrix())
    path = tensor_file(tmp_path, turned, form="full", unit="GPa")
    with pytest.raises(
        MisfitError, match=r"(?s)violates the point group 32 by .* other axes"
    ) as error:
        measured(thing, path)
    assert "5 % are allowed" in str(error.value)
    assert measured(thing, path, project=True).residual == pytest.approx(0, abs=1e-9)


def test_the_axes_that_fit_are_named(tmp_path: Path) -> None:
    (entry,) = [e for e in examples.entries("dejong2015") if e["id"] == "mp-2851"]
    path = tmp_path / "VSb2.json"
    path.write_text(json.dumps({key: entry[key] for key in ("id", "lattice", "numbers", "frac")}))
    thing = read_structure(str(path))
    tensor = from_voigt(examples.load("mp-2851").values, symmetry="elastic")
    ieee = frame_of(thing, "ieee")
    turned = ELASTIC.rotate(tensor, ieee.rotation)
    with pytest.raises(MisfitError) as error:
        measured(thing, tensor_file(tmp_path, turned, form="full", unit="GPa"))
    assert "it fits when it is stated in" in str(error.value)
    assert "--axes ieee" in str(error.value)


def test_bad_files(tmp_path: Path) -> None:
    thing = read_structure(str(STRUCTURES / "quartz.cif"))
    with pytest.raises(FileError, match="there is no such file"):
        measured(thing, str(tmp_path / "none.json"))
    with pytest.raises(FileError, match="'psi' is no unit of a stiffness"):
        measured(thing, tensor_file(tmp_path, QUARTZ, unit="psi"))
    with pytest.raises(FileError, match="holds several tensors"):
        measured(thing, tensor_file(tmp_path, [QUARTZ, QUARTZ]))
    with pytest.raises(GeometryError, match="there is no such file or folder"):
        read_structure(str(tmp_path / "none.cif"))
    copper = {"numbers": [29], "lattice": (3 * np.eye(3)).tolist(), "frac": [[0, 0, 0]]}
    (tmp_path / "two.json").write_text(json.dumps([copper, copper]))
    with pytest.raises(GeometryError, match="holds 2 structures\na page shows one"):
        read_structure(str(tmp_path / "two.json"))
