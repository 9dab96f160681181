"""What a page says about a stiffness."""

from __future__ import annotations

from natural_tensors import elasticity
from natural_tensors.formatting import typeset
from natural_tensors.pictures.directional import stiffness_of
from tests.helpers.example_crystals import (
    quartz,
)
from tests.helpers.pages import parsed


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


def test_a_crystal_without_density_says_so() -> None:
    found = parsed("copper")
    assert "need a density" in found.words("sound")
    assert "Debye" not in found.words("")
    assert "velocity" not in found.scripts["figure"]


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
