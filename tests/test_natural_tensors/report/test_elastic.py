"""What a page says about a stiffness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from natural_tensors import elasticity, from_voigt
from natural_tensors.crystals.frames import Frame
from natural_tensors.crystals.point_groups import point_group
from natural_tensors.crystals.tensor import Beside
from natural_tensors.formatting import typeset
from natural_tensors.pictures.directional import stiffness_of
from natural_tensors.report import report
from tests.helpers.example_crystals import (
    copper,
    quartz,
)
from tests.helpers.pages import Parsed, parsed

CUBE = 3.61 * np.eye(3)  # Å


def test_the_head_of_quartz() -> None:
    head = parsed("quartz").words("")
    for words in (
        "SiO2", "docs/structures/quartz.cif", "space group P3221 (154)", "point group 32 (D3)",
        "K bulk modulus 37.8 ± 1.2 GPa", "G shear modulus 44.4 ± 0.9 GPa",
        "E Young's modulus 96 ± 2 GPa", "stable", "2648 kg/m³", "Debye temperature",
    ):  # fmt: skip
        assert words in head, words
    assert "NOT stable" not in head


def test_extremes_of_quartz_are_those_of_elasticity() -> None:
    words = parsed("quartz").words("extremes")
    found = elasticity.extremes(stiffness_of(quartz()))
    assert f"smallest {typeset(found.youngs.minimum)} GPa" in words
    assert f"largest {typeset(found.poisson.maximum)}" in words


EXTREMES_OF_COPPER = (
    "Young's modulus, smallest 66.69 GPa 1.000, 0, 0 – 3 directions",
    "Young's modulus, largest 191.1 GPa 0.577, 0.577, 0.577 – 4 directions",
    "linear compressibility, smallest 2.432 1/TPa any – all directions",
    "linear compressibility, largest 2.432 1/TPa any – all directions",
    "shear modulus, smallest 23.50 GPa 0.707, 0.707, 0 0.707, −0.707, 0 3 pairs",
    "shear modulus, largest 75.40 GPa any across 1.000, 0, 0 1.000, 0, 0 3 circles",
    "Poisson's ratio, smallest −0.1357 0.707, 0.707, 0 0.707, −0.707, 0 6 pairs",
    "Poisson's ratio, largest 0.8187 0.707, 0.707, 0 0, 0, 1.000 6 pairs",
)


def test_extremes_of_a_cubic_crystal_name_families() -> None:
    words = parsed("copper").words("extremes")
    for line in EXTREMES_OF_COPPER:
        assert line in words, line


@pytest.mark.slow
def test_single_precision_changes_no_word_of_a_page() -> None:
    exact = replace(
        copper(),
        group=point_group("m-3m"),
        setting=np.eye(3),
        frame=Frame("given", np.eye(3), CUBE),
    )
    noise = np.random.default_rng(3).normal(size=(6, 6)) * 2e-5  # GPa, 1e-7 of C11
    shaken = replace(exact, values=exact.values + from_voigt(noise + noise.T))
    before, after = (Parsed(report(crystal).html) for crystal in (exact, shaken))
    for section in before.text:
        assert after.words(section) == before.words(section), section
    assert "1.000, 0, 0 ⟨1 0 0⟩ – 3 directions" in after.words("extremes")
    assert "C14 = C56 0 0 0" in after.words("cauchy")


def test_another_tensor_stands_beside_with_its_distance() -> None:
    page = report(copper().with_beside(Beside("predicted by some", 1.1 * copper().values)))
    words = Parsed(page.html).words("beside")
    assert "this page 137.1 47.34" in words
    assert "predicted by some 150.8 52.07" in words
    assert "9.09 %" in words  # 0.1 / 1.1
    (kept,) = page.document["report"]["beside"]
    assert kept["distance"] == pytest.approx(1 / 11)
    assert np.allclose(kept["tensor"], 1.1 * copper().values)
    assert "beside" not in parsed("copper").text


def test_a_crystal_without_density_says_so() -> None:
    found = parsed("copper")
    assert "need a density" in found.words("sound")
    assert "Debye" not in found.words("")
    assert "velocity" not in found.scripts["scene"]


def test_an_unstable_crystal_shows_its_mode_at_the_top() -> None:
    found = parsed("unstable")
    alarms = [known for known in found.all_of("p") if known.get("role") == "alert"]
    assert len(alarms) == 1
    head = found.words("")
    assert "NOT stable" in head
    assert head.count("(Kelvin modulus −20.00 GPa)") == 2  # C11 - C12 is twofold
    assert "e_xx" in head
    assert "no extremes" in found.words("extremes")
    choices = [
        known["data-property"] for known in found.all_of("button") if "data-property" in known
    ]
    assert choices == ["longitudinal-stiffness", "linear-compressibility"]
