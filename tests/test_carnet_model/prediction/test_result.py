"""The fields of a prediction agree with each other."""

from __future__ import annotations

import re

import numpy as np

import carnet_model
from carnet_model.prediction.predictor import Predictor
from natural_tensors import elasticity, from_voigt
from tests.helpers.paths import STRUCTURES
from tests.helpers.predictions import gap
from tests.helpers.tiny_models import (
    RECORDS,
)


def test_the_fields_agree_with_each_other(model: Predictor) -> None:
    found = model.predict(RECORDS[0])
    assert found.name == "mp-559"
    assert found.formula == "YPd3"
    assert (found.target, found.unit) == ("elastic", "GPa")
    assert found.stiffness is not None
    assert found.moduli is not None
    assert found.stiffness.shape == (6, 6)
    assert np.array_equal(found.stiffness, found.stiffness.T)
    assert gap(from_voigt(found.stiffness), found.tensor) < 1e-12
    assert np.allclose(found.lattice, RECORDS[0]["lattice"])
    assert found.stable is True
    assert found.moduli.bulk_hill == elasticity.moduli(found.stiffness).bulk_hill
    assert repr(found) == (
        f"Prediction(mp-559: YPd3, K = {found.moduli.bulk_hill:.1f} GPa, "
        f"G = {found.moduli.shear_hill:.1f} GPa)"
    )
    text = str(found)
    for part in ("YPd3  mp-559", "Voigt order xx yy zz yz xz xy", "lattice vectors [Å]", "± "):
        assert part in text
    assert "-0.0" not in text


def test_a_crystal_that_was_measured_has_the_measurement_beside() -> None:
    elastic = carnet_model.load("elastic")
    quartz = elastic.predict(STRUCTURES / "quartz.cif")
    assert quartz.stiffness is not None
    lines = str(quartz).splitlines()
    (head,) = [line for line in lines if "measured" in line and "predicted" in line]
    assert re.split(" {2,}", head.strip()) == ["predicted", "± 68 %", "± 95 %", "measured"]
    rows = {line.split("  ")[0]: line.split()[-4:] for line in lines}
    wide, sure = (quartz.uncertainty[f"stiffness{end}"][2, 2] for end in ("", "_95"))
    values = (quartz.stiffness[2, 2], wide, sure, 107.2)  # Bechmann's
    assert rows["C33"] == [f"{value:.1f}" for value in values]
    assert rows["|C14|"][0] == f"{abs(quartz.stiffness[0, 3]):.1f}"
    assert rows["|C14|"][-1] == "17.9"
    assert "measured: R. Bechmann 1958, Phys. Rev. 110, 1060; 293 K" in lines
    # in other axes constants have other names: moduli alone are compared
    atoms = quartz.structure.to_ase()
    atoms.rotate(40, (1, 2, 3), rotate_cell=True)
    text = str(elastic.predict(atoms))
    assert "C33" not in text
    assert re.search(r"^bulk modulus K \[GPa\] .* 37\.8$", text, re.M)
    assert "C33" in str(elastic.predict(atoms, frame="canonical"))


def test_other_crystals_have_no_column_of_measurements(model: Predictor) -> None:
    found = model.predict(RECORDS[0])
    assert found.measured is None
    (head,) = [line for line in found.lines() if "predicted" in line]
    assert head.split() == ["predicted", "±"]
    alone = Predictor(model.models[:1]).predict(RECORDS[0])
    (head,) = [line for line in alone.lines() if "predicted" in line]
    assert head.split() == ["predicted"]
