"""What a page says about permittivities and piezoelectric tensors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from natural_tensors import from_voigt, optics
from natural_tensors.report import report
from natural_tensors.report.directions import vector
from tests.helpers.example_crystals import (
    dielectric,
    example,
)
from tests.helpers.pages import Parsed, parsed


def test_the_optics_of_a_biaxial_crystal() -> None:
    found, expected = parsed("dielectric"), optics.summary(dielectric().values)
    head, words = found.words(""), found.words("principal")
    for text in (
        "nα refractive index 1.5000", "nγ refractive index 1.8000", "Δn birefringence 0.300",
        "biaxial, positive", f"2V between the optic axes {expected.angle_2v_deg:.1f}°",
    ):  # fmt: skip
        assert text in head, text
    assert "middle 2.5600 1.6000 0, 1.000, 0" in words
    assert f"optic axis 2 {' '.join(vector(expected.optic_axes[1]).split())}" in words


@pytest.mark.slow
def test_the_optics_of_other_crystals() -> None:
    def words(*values: float) -> str:
        html = report(replace(dielectric(), values=np.diag(values), group=None, setting=None)).html
        return Parsed(html).words("principal")

    assert "uniaxial, positive. along x, y, z optic axis 0, 0, 1.000" in words(2.0, 2.0, 3.0)
    assert "isotropic: all directions are alike" in words(2.0, 2.0, 2.0)
    assert "light does not travel" in words(-2.0, 3.0, 3.0)


def test_responses_of_quartz_and_of_a_polar_crystal() -> None:
    words = parsed("piezoelectric").words("extremes")
    assert "longitudinal, largest 2.310" in words
    assert "hydrostatic 0 –" in words
    polar = np.zeros((3, 6))
    polar[2] = [1.0, 1, 3, 0, 0, 0]
    crystal = replace(example("quartz-e"), values=from_voigt(polar))
    words = Parsed(report(crystal).html).words("extremes")
    assert "longitudinal, largest 3.000 0, 0, 1.000" in words
    assert "hydrostatic 5.000 0, 0, 1.000" in words
