"""The page of a tensor: complete, self-contained, escaped, and true to its numbers."""

from __future__ import annotations

import json
import re
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from natural_tensors import elasticity, optics, piezoelectricity
from natural_tensors.files import reading
from natural_tensors.files.saving import FileError
from natural_tensors.pictures.directional import stiffness_of
from natural_tensors.report import report
from tests.helpers.example_crystals import (
    copper,
    dielectric,
    example,
    quartz,
    unstable,
)
from tests.helpers.pages import CRYSTALS, Parsed, page, parsed

every = pytest.mark.parametrize("name", CRYSTALS)


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


def test_the_order_of_a_stiffness_page() -> None:
    assert [known["id"] for known in parsed("quartz").all_of("section")] == [
        "surface", "tensor", "constants", "moduli", "extremes", "sections", "parts", "classes",
        "stability", "sound", "cauchy", "notes", "provenance",
    ]  # fmt: skip


def test_what_comes_in_is_escaped() -> None:
    found, html = parsed("unstable"), page("unstable").html
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "Cu<b>" not in html
    assert html.count("</script>") == len(found.all_of("script"))
    assert "<script>alert(1)</script> & co" in found.words("")
    assert "<img src=x>" in found.words("notes")
    assert json.loads(found.scripts["document"])["name"] == unstable().name


LARGEST_PAGE = 1.5e6
"""Bytes; quartz, which has all there is to show, takes 1.3e6."""


@every
def test_a_page_is_small_and_draws_with_its_own_script(name: str) -> None:
    html = page(name).html
    assert len(html.encode()) < LARGEST_PAGE
    assert "plotly" not in html.lower()
    assert ("const surfacesIn" in html) == (name != "other")


@every
def test_no_zero_has_a_sign_and_no_number_is_rounding(name: str) -> None:
    for section, text in parsed(name).text.items():
        words = " ".join(text.split())
        assert not re.search(r"[−-]0(?:\.0*)?(?![.\d])", words), section
        # what is 10^-6 of anything shown here is rounding
        assert not re.search(r"10⁻(?:[6-9]|[¹²³])", words), section


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
