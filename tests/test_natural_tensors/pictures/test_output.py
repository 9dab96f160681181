"""Pictures as files and inside a page."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from natural_tensors import pictures
from natural_tensors.crystals.tensor import CrystalTensor
from natural_tensors.files.saving import FileError
from natural_tensors.pictures.colours import INK
from natural_tensors.pictures.output import inline_svg
from tests.helpers.example_crystals import (
    copper,
    quartz,
)


@pytest.mark.parametrize(
    ("draw", "name", "start"),
    [
        (pictures.matrix, "m.svg", b"<?xml"),
        (pictures.matrix, "m.png", b"\x89PNG"),
        (pictures.parts, "p.pdf", b"%PDF"),
        (pictures.surface, "s.html", b"<!doctype html>"),
    ],
)
def test_pictures_are_saved_in_the_format_of_the_suffix(
    tmp_path: Path, draw: Callable[[CrystalTensor], Any], name: str, start: bytes
) -> None:
    path = pictures.save(draw(copper()), tmp_path / name)
    assert path.read_bytes().lower().startswith(start.lower())


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    first, second = (
        pictures.save(pictures.matrix(quartz()), tmp_path / name).read_bytes()
        for name in ("1.svg", "2.svg")
    )
    assert first == second


@pytest.mark.parametrize(
    ("draw", "name", "allowed"),
    [(pictures.matrix, "m.gif", ".svg, .png, .pdf"), (pictures.surface, "s.png", ".html")],
)
def test_other_suffixes_are_refused(
    tmp_path: Path, draw: Callable[[CrystalTensor], Any], name: str, allowed: str
) -> None:
    with pytest.raises(FileError, match=allowed):
        pictures.save(draw(copper()), tmp_path / name)


def test_a_picture_inside_a_page_takes_the_colour_of_its_text() -> None:
    text = inline_svg(pictures.parts(copper()), "one")
    assert text.startswith("<svg")
    assert "currentColor" in text
    assert INK not in text
    assert 'id="figure_1"' not in text


def test_pictures_import_no_library_before_they_draw() -> None:
    import subprocess

    code = (
        "import sys, natural_tensors.pictures;"
        "print([m for m in ('plotly', 'matplotlib', 'jinja2') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
