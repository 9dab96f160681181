"""What a page is made of: sections of tables, pictures and text, and how symbols are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from markupsafe import Markup, escape

from ..formatting import with_minus
from ..pictures.output import inline_svg

Words = str | Markup
"""Text to be escaped, or markup that was made of escaped text."""


@dataclass(frozen=True)
class Paragraph:
    """Text. A tone is ``"lead"`` (how to read what follows) or ``"alarm"``."""

    kind: ClassVar[str] = "paragraph"
    text: Words
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows.

    Attributes:
        headings: one for each column; none for a list of terms and what they are.
        rows: cells, as many as headings each.
        caption: what it shows.
        stacked: on a narrow screen the cells of a row stand below each other, with their headings.
    """

    kind: ClassVar[str] = "table"
    headings: Sequence[Words]
    rows: Sequence[Sequence[Words]]
    caption: Words = ""
    stacked: bool = False


@dataclass(frozen=True)
class Picture:
    """A still picture.

    Attributes:
        svg: the element.
        alt: what it shows, for those who do not see it.
        caption: what stands below it.
        wide: it keeps its width, and scrolls in its own box on a narrow screen.
        print_only: the screen has something better.
    """

    kind: ClassVar[str] = "picture"
    svg: Markup
    alt: str
    caption: Words = ""
    wide: bool = False
    print_only: bool = False


@dataclass(frozen=True)
class Turning:
    """Surfaces to turn, and buttons to choose one.

    Attributes:
        scene: what is drawn, as JSON that is safe inside a script element.
        choices: for each family, its words and ``(name, label)`` of each surface.
        alt: what it shows.
    """

    kind: ClassVar[str] = "turning"
    scene: Markup
    choices: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    alt: str


@dataclass(frozen=True)
class Buttons:
    """What to take away.

    Attributes:
        copies: ``(label, key)``: copies that matrix of the data to the clipboard.
    """

    kind: ClassVar[str] = "buttons"
    copies: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Fold:
    """Blocks that open when asked for; open in print."""

    kind: ClassVar[str] = "fold"
    summary: Words
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Row:
    """Blocks beside each other where the page is wide enough."""

    kind: ClassVar[str] = "row"
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Column:
    """Blocks below each other, in one place of a row."""

    kind: ClassVar[str] = "column"
    blocks: Sequence[Block]


Block = Paragraph | Table | Picture | Turning | Buttons | Fold | Row | Column


@dataclass(frozen=True)
class Section:
    """A heading and what is under it.

    Attributes:
        name: anchor of the heading.
        title: its words.
        blocks: in order.
    """

    name: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Fact:
    """One number at a glance.

    Attributes:
        symbol: ``K``.
        words: ``bulk modulus``.
        value: with unit.
        tone: ``"good"``, ``"alarm"`` or nothing.
    """

    symbol: Words
    words: str
    value: Words
    tone: str = ""


def picture(figure: Any, name: str, alt: str, caption: Words = "", **options: bool) -> Picture:
    """Return a figure of matplotlib as a block; the name keeps its identifiers apart."""
    # inline_svg makes it of numbers and of letters drawn as paths, never of input
    return Picture(Markup(inline_svg(figure, name)), alt, caption, **options)


# --- symbols -------------------------------------------------------------------------------------


def formula(text: str) -> Markup:
    """Return a chemical formula with its numbers lowered: ``Y(SiIr)2``."""
    return Markup(re.sub(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)", r"<sub>\1</sub>", str(escape(text))))


def hermann_mauguin(text: str) -> Markup:
    """Return a point or space group with bars and screw axes: ``-3m``, ``P3_221 (154)``."""
    safe = str(escape(text))
    safe = re.sub(r"-(\d)", r'<span class="bar">\1</span>', safe)
    return Markup(re.sub(r"_(\d)", r"<sub>\1</sub>", safe))


def schoenflies(text: str) -> Markup:
    """Return a Schoenflies symbol with its index lowered: ``D3d``."""
    return Markup("{}<sub>{}</sub>").format(text[:1], text[1:])


def component(text: str) -> Markup:
    """Return symbols of components with their indices lowered: ``1/2 C11 - 1/2 C12``."""
    safe = with_minus(str(escape(text)))
    safe = re.sub(r"\b(\d+)/(\d+)\b", r"\1⁄\2", safe)
    return Markup(re.sub(r"\b([A-Za-zεπχκσα])_?(\d+)\b", r"<var>\1</var><sub>\2</sub>", safe))
