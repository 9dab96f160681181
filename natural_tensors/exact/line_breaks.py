r"""LaTeX that fits a page: equations of an ``aligned`` block, broken before their signs.

>>> print(latex_lines(r"T_{ij} &= A_{ij} + B_{ij}", width=60))
T_{ij} &= A_{ij} \\
&\quad + B_{ij}
"""

from __future__ import annotations

import re

WIDTH = 620
"""Tenths of a letter: the text of an article at ten points holds 62 letters of mathematics."""

LETTER, SMALL = 10, 7
"""Width of a letter, and of one in an index or a fraction, in the same unit."""

_SIGN = r" (?=[+-] )"
_IN_SUMS = re.compile(rf"{_SIGN}|[{{}}]")
_IN_BRACKETS = re.compile(rf"{_SIGN}|[{{}}]|\\left\b|\\right\b")
_OPENING = ("{", r"\left")
_GROWING = re.compile(r"\\(left|right)\b")
_FRACTION = re.compile(r"\\tfrac\{((?:[^{}]|\{[^{}]*\})*)\}\{([^{}]*)\}")
_INDICES = re.compile(r"[_^]\{([^{}]*)\}")
_NOTHING = re.compile(r"\\(?:left|right|bigl|bigr|,)|[{} &]")
_COMMAND = re.compile(r"\\[a-z]+")


def latex_lines(equation: str, width: int = WIDTH) -> str:
    r"""Break an equation of an ``aligned`` block into lines that fit a page.

    A term that is too wide itself is broken too, and its brackets no longer grow with their
    content: ``\left`` and ``\right`` must stand on one line.

    Args:
        equation: the left side, ``&=``, the right side.
        width: of a line, in tenths of a letter.
    """
    pieces: list[str] = []
    for term in _cut(equation, _IN_BRACKETS):
        if _printed(term) > width:
            pieces += _cut(_GROWING.sub(_of_fixed_size, term), _IN_SUMS)
        else:
            pieces.append(term)
    lines, used = pieces[:1], _printed(pieces[0])
    for piece in pieces[1:]:
        size = _printed(piece)
        if used + size <= width:
            lines[-1] += f" {piece}"
            used += size
        else:
            lines.append(piece)
            used = size + 2 * LETTER
    return " \\\\\n&\\quad ".join(lines)


def _cut(text: str, marks: re.Pattern[str]) -> list[str]:
    """Cut a sum before each sign that stands inside none of the brackets that are looked for."""
    pieces, start, depth = [], 0, 0
    for match in marks.finditer(text):
        if match[0] != " ":
            depth += 1 if match[0] in _OPENING else -1
        elif not depth:
            pieces.append(text[start : match.start()])
            start = match.end()
    return [*pieces, text[start:]]


def _of_fixed_size(match: re.Match[str]) -> str:
    return {"left": r"\bigl", "right": r"\bigr"}[match[1]]


def _printed(text: str) -> int:
    """Return how wide LaTeX is on paper, roughly, in tenths of a letter."""
    size = 0
    for upper, lower in _FRACTION.findall(text):
        size += max(_printed(upper), _printed(lower)) * SMALL // LETTER
    text = _FRACTION.sub("", text)
    size += SMALL * sum(len(indices) for indices in _INDICES.findall(text))
    text = _INDICES.sub("", text)
    spaces = len(re.findall(r"(?:^| )[-+] |&=", text))
    return size + LETTER * (spaces + len(_COMMAND.sub("x", _NOTHING.sub("", text))))
