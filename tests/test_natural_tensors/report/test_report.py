"""The page of a tensor: complete, self-contained, escaped, and true to its numbers."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from natural_tensors import elasticity, from_voigt, optics, piezoelectricity
from natural_tensors.files import reading
from natural_tensors.files.saving import FileError
from natural_tensors.formatting import typeset, typeset_spread
from natural_tensors.pictures.directional import stiffness_of
from natural_tensors.report import Report, report
from natural_tensors.report.blocks import (
    component,
    formula,
    hermann_mauguin,
    schoenflies,
    vector,
)
from natural_tensors.report.directions import nearest, symbol
from tests.helpers.example_crystals import (
    QUARTZ_CELL,
    copper,
    dielectric,
    example,
    other,
    quartz,
    unstable,
)

CRYSTALS = {
    "quartz": quartz,
    "copper": copper,
    "unstable": unstable,
    "dielectric": dielectric,
    "piezoelectric": lambda: example("quartz-d", "32"),
    "piezoelectric-stress": lambda: example("quartz-e", "32"),
    "other": other,
}

INLINE = {"sub", "sup", "var", "span"}
"""Elements that do not end a word."""

VOID = {"meta", "link", "img", "br", "hr", "input", "use"}


@cache
def page(name: str) -> Report:
    return report(CRYSTALS[name]())


class Parsed(HTMLParser):
    """A page: its elements, its text by section, what stands in scripts, and whether it nests."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.text: dict[str, str] = {}
        self.section = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.elements.append((tag, known))
        if tag == "section":
            self.section = known["id"] or ""
        if tag not in INLINE:
            self.text[self.section] = self.text.get(self.section, "") + " "
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes another element, at {self.getpos()}"
        if tag == "section":
            self.section = ""

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] == "script":
            name = self.elements[-1][1].get("id") or f"code {len(self.scripts)}"
            self.scripts[name] = self.scripts.get(name, "") + data
        elif "style" not in self.stack and "svg" not in self.stack:
            self.text[self.section] = self.text.get(self.section, "") + data

    def all_of(self, tag: str) -> list[dict[str, str | None]]:
        return [known for found, known in self.elements if found == tag]

    def words(self, section: str) -> str:
        return " ".join(self.text[section].split())


@cache
def parsed(name: str) -> Parsed:
    return Parsed(page(name).html)


every = pytest.mark.parametrize("name", CRYSTALS)

# --- every page -----------------------------------------------------------------------------------


@pytest.mark.slow
@every
def test_elements_nest_and_identifiers_are_unique(name: str) -> None:
    found = parsed(name)
    assert found.stack == []
    ids = Counter(known["id"] for _, known in found.elements if "id" in known)
    assert {key for key, count in ids.items() if count > 1} == set()


@every
def test_a_page_has_language_title_and_headings_that_the_links_reach(name: str) -> None:
    found = parsed(name)
    assert found.all_of("html")[0]["lang"] == "en"
    assert f"<title>{page(name).title}" in unescape(page(name).html)
    sections = [known["id"] for known in found.all_of("section")]
    links = [known["href"] for known in found.all_of("a")]
    assert links[: len(sections)] == [f"#{section}" for section in sections]
    assert {"tensor", "parts", "provenance"} <= set(sections)


@every
def test_a_page_loads_nothing(name: str) -> None:
    found = parsed(name)
    assert not found.all_of("link")
    for tag, known in found.elements:
        for key in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            value = known.get(key) or ""
            assert value.startswith(("#", "data:")) or not value, f"{tag} {key}={value[:80]}"
    styles = re.findall(r"<style.*?</style>", page(name).html, re.DOTALL)
    for text in (*styles, *re.findall(r'style="[^"]*"', page(name).html)):
        assert "@import" not in text
        assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?([^)]*)", text))
    policy = next(known["content"] for known in found.all_of("meta") if "http-equiv" in known)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


@every
def test_pictures_say_in_words_what_they_show(name: str) -> None:
    found = parsed(name)
    labels = [
        known.get("aria-label") for known in found.all_of("div") if known.get("role") == "img"
    ]
    assert len(labels) >= len(found.all_of("svg"))
    assert all(labels)


@every
def test_the_data_of_a_page_are_those_of_the_crystal(name: str) -> None:
    crystal = CRYSTALS[name]()
    document = json.loads(parsed(name).scripts["document"])
    assert document == page(name).document
    np.testing.assert_array_equal(np.array(document["tensor"]), crystal.values)
    assert document["class"] == crystal.tensor
    assert document["name"] == crystal.name
    assert document["unit"] == crystal.unit


def test_the_data_hold_what_follows_from_the_tensor() -> None:
    expected: dict[str, Any] = {
        "quartz": elasticity.summary(
            stiffness_of(quartz()), density_kg_m3=2648.0, atoms_per_m3=7.97e28
        ),
        "dielectric": optics.summary(dielectric().values),
        "piezoelectric": piezoelectricity.summary(example("quartz-d").values, unit="pC/N"),
    }
    for name, summary in expected.items():
        found = page(name).document["report"]["properties"]
        assert found == json.loads(json.dumps(summary.to_dict()))
    assert page("other").document["report"]["properties"] == {}


@every
def test_the_command_line_reads_the_tensor_of_a_page(name: str, tmp_path: Path) -> None:
    tensor = {key: value for key, value in page(name).document.items() if key != "report"}
    (tmp_path / "tensor.json").write_text(json.dumps(tensor))
    record = reading.read_tensor(str(tmp_path / "tensor.json"))
    crystal = CRYSTALS[name]()
    np.testing.assert_array_equal(record.values, crystal.values)
    assert (record.tensor, record.unit, record.form) == (crystal.tensor, crystal.unit, "full")


# --- what is on it --------------------------------------------------------------------------------


def test_the_order_of_a_stiffness_page() -> None:
    assert [known["id"] for known in parsed("quartz").all_of("section")] == [
        "surface", "tensor", "constants", "moduli", "extremes", "sections", "parts", "classes",
        "stability", "sound", "cauchy", "notes", "provenance",
    ]  # fmt: skip


def test_the_head_of_quartz() -> None:
    head = parsed("quartz").words("")
    for words in (
        "SiO2", "docs/structures/quartz.cif", "space group P3221 (154)", "point group 32 (D3)",
        "K bulk modulus 37.8 ± 1.2 GPa", "G shear modulus 44.4 ± 0.9 GPa",
        "E Young's modulus 96 ± 2 GPa", "stable", "2648 kg/m³", "Debye temperature",
    ):  # fmt: skip
        assert words in head, words
    assert "NOT stable" not in head


def test_numbers_of_quartz() -> None:
    found = parsed("quartz")
    assert "bulk modulus K [GPa] 38.03 37.48 37.76" in found.words("moduli")
    assert "C11 86.74" in found.words("constants")
    assert "C66 = (C11 − C12)/2" in found.words("constants")
    assert "3-fold axis, [0 0 1]" in found.words("tensor")
    assert "4.9130" in found.words("tensor")
    assert "3.0 % of the tensor" in found.words("notes")
    assert "few training structures hold Si (3)" in found.words("notes")
    assert "network elastic, 4 networks" in found.words("provenance")


def test_extremes_of_quartz_are_those_of_elasticity() -> None:
    words = parsed("quartz").words("extremes")
    found = elasticity.extremes(stiffness_of(quartz()))
    assert f"smallest {typeset(found.youngs.minimum)} GPa" in words
    assert f"largest {typeset(found.poisson.maximum)}" in words


def test_the_matrix_in_the_axes_of_the_structure() -> None:
    crystal = quartz()
    matrices = page("quartz").document["report"]["matrices"]
    np.testing.assert_allclose(matrices["frame"], stiffness_of(crystal))
    # the cycle x -> y -> z -> x moves C11 to the place of C22 or C33
    rotated = np.array(matrices["structure"])
    np.testing.assert_allclose(
        sorted(np.diag(rotated)[:3]), sorted(np.diag(stiffness_of(crystal))[:3])
    )
    assert not np.allclose(rotated, stiffness_of(crystal))
    assert len(parsed("quartz").all_of("details")) == 1
    assert "structure" not in page("copper").document["report"]["matrices"]


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


def test_what_comes_in_is_escaped() -> None:
    found, html = parsed("unstable"), page("unstable").html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "Cu<b>" not in html
    assert html.count("</script>") == len(found.all_of("script"))
    assert "<script>alert(1)</script> & co" in found.words("")
    assert "<img src=x>" in found.words("notes")
    assert json.loads(found.scripts["document"])["name"] == unstable().name


def test_a_tensor_without_matrix_lists_its_components() -> None:
    found = parsed("other")
    words = found.words("tensor")
    assert "27 of 27" in words
    assert f"xyz {typeset(other().values[0, 1, 2])}" in words
    assert "figure" not in found.scripts
    assert not any("plotly" in text for text in found.scripts.values())


def test_the_optics_of_a_biaxial_crystal() -> None:
    found, expected = parsed("dielectric"), optics.summary(dielectric().values)
    head, words = found.words(""), found.words("principal")
    for text in (
        "nα refractive index 1.5000", "nγ refractive index 1.8000", "Δn birefringence 0.300",
        "biaxial, positive", f"2V between the optic axes {expected.angle_2v_deg:.1f}°",
    ):  # fmt: skip
        assert text in head, text
    assert "middle 2.5600 1.6000 0, 1.000, 0" in words
    assert f"optic axis 2 {vector(expected.optic_axes[1])}" in words


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


def test_there_is_one_copy_of_plotly() -> None:
    assert page("quartz").html.count("plotly.js v") == 1


# --- the report -----------------------------------------------------------------------------------


def test_a_report_is_written_as_a_whole(tmp_path: Path) -> None:
    path = page("copper").write(tmp_path / "copper.html")
    assert path.read_text(encoding="utf-8") == page("copper").html
    assert [entry.name for entry in tmp_path.iterdir()] == ["copper.html"]
    with pytest.raises(FileError, match=r"allowed: \.html"):
        page("copper").write(tmp_path / "copper.htm")


def test_a_notebook_shows_the_page_in_a_frame_of_its_own() -> None:
    shown = Parsed(page("unstable")._repr_html_())
    (frame,) = shown.all_of("iframe")
    assert frame["srcdoc"] == page("unstable").html
    assert len(shown.elements) == 1


@pytest.mark.slow
def test_the_same_crystal_gives_the_same_page() -> None:
    assert report(copper()).html == page("copper").html


# --- numbers and symbols --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (37.758, "37.76"), (-0.09734, "−0.09734"), (0.0, "0"), (12345.6, "12346"), (np.nan, "–"),
        (np.inf, "∞"), (1.5e-6, "1.500 × 10^−6"), (2.5e8, "2.500 × 10^8"), (9.9999, "10.000"),
    ],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert typeset(value) == text


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (37.758, 1.23, "37.8 ± 1.2 GPa"), (44.448, 0.91, "44.4 ± 0.9 GPa"),
        (95.8, None, "95.80 GPa"), (95.8, 0.0, "95.80 GPa"), (-3.0, 0.021, "−3.00 ± 0.02 GPa"),
        (5.0, 0.096, "5.00 ± 0.10 GPa"), (95.8, 14.0, "96 ± 14 GPa"),
    ],
)  # fmt: skip
def test_numbers_with_a_spread(value: float, spread: float | None, text: str) -> None:
    assert typeset_spread(value, spread, "GPa") == text


def test_symbols_of_chemistry_and_crystallography() -> None:
    assert formula("Y(SiIr)2") == "Y(SiIr)<sub>2</sub>"
    assert formula("<b>2") == "&lt;b&gt;2"
    assert hermann_mauguin("-3m") == '<span class="bar">3</span>m'
    assert hermann_mauguin("P6_3/mmc (194)") == "P6<sub>3</sub>/mmc (194)"
    assert schoenflies("D3d") == "D<sub>3d</sub>"
    assert component("(C11 - C12)/2") == (
        "(<var>C</var><sub>11</sub> − <var>C</var><sub>12</sub>)/2"
    )
    assert vector([1, -0.5, 1e-12]) == "1.000, −0.500, 0"


@pytest.mark.parametrize(
    ("uvw", "found"),
    [
        ((1, 0, 0), (1, 0, 0)), ((-1, 0, 0), (1, 0, 0)), ((2, 2, 0), (1, 1, 0)),
        ((1, -1, 2), (1, -1, 2)), ((0, 3, 4), (0, 3, 4)),
    ],
)  # fmt: skip
def test_lattice_directions_are_named(
    uvw: tuple[int, int, int], found: tuple[int, int, int]
) -> None:
    indices, degrees = nearest(np.array(uvw) @ QUARTZ_CELL, QUARTZ_CELL)
    assert indices == found
    assert degrees < 1e-6


def test_a_direction_between_lattice_directions_says_how_far_it_is_off() -> None:
    turn = np.radians(2.0)
    text = symbol(np.array([np.cos(turn), np.sin(turn), 0]), np.eye(3))
    assert text == "[1 0 0] (2.0° off)"
    assert symbol(np.array([1.0, -1.0, 0]), np.eye(3)) == '[1 <span class="bar">1</span> 0]'
