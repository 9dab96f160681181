"""Pictures as files, and as text inside a page."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from ..files.saving import check_suffix, write_bytes
from .colours import INK

STILL_SUFFIXES = (".svg", ".png", ".pdf")
RESOLUTION = 200
"""Dots per inch of PNG, and of what is rasterized inside SVG and PDF."""

PAGE_RESOLUTION = 144
"""Dots per inch of what is rasterized inside a picture of a page, which holds many."""

PRECISION = 2
"""Decimals of a point, 1/72 inch, in the pictures of a page: a hundredth is finer than print."""


def save(figure: Any, path: str | Path) -> Path:
    """Write a picture, the whole file or nothing, and return its path.

    Args:
        figure: of matplotlib (``.svg``, ``.png``, ``.pdf``) or of plotly (``.html``: one file that
            opens without a network).
        path: where to; the suffix names the format.

    Raises:
        FileError: when the suffix names no format of such a figure, or writing fails.
    """
    target = Path(path)
    if hasattr(figure, "to_html"):
        check_suffix(str(target), (".html",))
        content = figure.to_html(include_plotlyjs=True).encode()
    else:
        check_suffix(str(target), STILL_SUFFIXES)
        content = _rendered(figure, target.suffix.lower().removeprefix("."))
    write_bytes(str(target), content)
    return target


def inline_svg(figure: Any, prefix: str) -> str:
    """Return a matplotlib figure as an ``svg`` element for a page.

    Ink takes the colour of the text around it. A page holds several such elements, so their
    identifiers get a prefix.
    """
    text = _rendered(figure, "svg", PAGE_RESOLUTION).decode()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    # equal colour bars get one identifier, which nothing refers to
    text = re.sub(r'(<image\b[^>]*?) id="[^"]*"', r"\1", text)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r'(?<=\bd=")[^"]+', _shortened, text)
    return text.replace(INK, "currentColor")


def _shortened(outline: re.Match[str]) -> str:
    """Return a path without the decimals and blanks that nobody sees."""
    rounded = re.sub(r"-?\d+\.\d{3,}", lambda n: f"{float(n[0]):z.{PRECISION}f}", outline[0])
    return " ".join(rounded.split())


def _rendered(figure: Any, kind: str, resolution: int = RESOLUTION) -> bytes:
    from matplotlib import rc_context

    buffer = io.BytesIO()
    # letters as paths look alike everywhere; a fixed salt gives the same file every time
    dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "natural-tensors"}):
        figure.savefig(buffer, format=kind, dpi=resolution, metadata=dated[kind])
    return buffer.getvalue()
