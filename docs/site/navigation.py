"""The navigation: every page has a place, and links that leave the site are text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

TABLE = re.compile(r"^```\{toctree\}\n.*?^```", re.M | re.S)


def entries(text: str) -> list[str]:
    """Return what the tables of contents of a page name: pages, and patterns of pages."""
    lines = [line for table in TABLE.findall(text) for line in table.split("\n")[1:-1]]
    return [line for line in lines if line and not line.startswith(":")]


def completed(front: str, pages: Iterable[str]) -> str:
    """Return the front page with all further pages at the end of its last table of contents."""
    missing = sorted(set(pages) - set(entries(front)) - {"index"})
    *_, last = TABLE.finditer(front)
    end = last.end() - len("```")
    return front[:end] + "".join(f"{page}\n" for page in missing) + front[end:]


OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]+\)")
"""A link out of the folder of the pages: in the repository it leads to a file, here to nothing."""


def read(app: Sphinx, name: str, source: list[str]) -> None:
    """Change a page when Sphinx reads it; pages in folders have patterns and links of their own."""
    if "/" not in name:
        source[0] = OUTSIDE.sub(r"\1", source[0])
    if name == "index":
        source[0] = completed(source[0], (page.stem for page in Path(app.srcdir).glob("*.md")))


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
