"""Formulas as MathML: browsers draw it themselves, without a script, a font or a network."""

from __future__ import annotations

from html import escape

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def mathml(latex: str, kind: str) -> str:
    """Return a formula as a ``math`` element, ``"inline"`` or ``"block"``.

    Raises:
        ValueError: when something of the formula is not understood.
    """
    text = latex.strip().removeprefix(r"\displaystyle").strip()  # the kind says it
    for begin in (r"\begin{", r"\end{"):
        text = text.replace(begin + "aligned}", begin + "split}")  # alike, and known
    element = convert(text, display=kind)
    if "<mi>&</mi>" in element or "\\" in element:
        raise ValueError(f"no MathML for all of {latex!r}: use what latex2mathml knows")
    return element


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    translator.body.append(f'<span class="math">{mathml(node.astext(), "inline")}</span>')
    raise nodes.SkipNode


def display(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own; what is wider than the page is scrolled."""
    label = f' id="{escape(node["ids"][0])}"' if node.get("ids") else ""
    formula = mathml(node.astext(), "block")
    translator.body.append(f'<div class="math"{label} tabindex="0">{formula}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the renderer to Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
