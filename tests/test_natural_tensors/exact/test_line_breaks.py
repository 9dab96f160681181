"""LaTeX in lines that fit a page."""

from __future__ import annotations

import re

import pytest

from natural_tensors import reduction
from natural_tensors.exact.line_breaks import latex_lines

LONGEST = 330
"""Characters of source in a line of 62 letters: a letter takes five, as in ``X^{(2,0)}_{ij}``."""


def unbroken(text: str) -> str:
    return text.replace(" \\\\\n&\\quad ", " ")


def test_short_equations_stay_as_they_are() -> None:
    text = r"X^{(0,0)} &= \tfrac{2}{15}\,T_{aabb} - \tfrac{1}{15}\,T_{abab}"
    assert latex_lines(text) == text


def test_breaks_stand_before_signs_outside_of_growing_brackets() -> None:
    text = r"T &= \left(a + b\right) - c"
    assert latex_lines(text, width=1) == "T &= \\bigl(a \\\\\n&\\quad + b\\bigr) \\\\\n&\\quad - c"
    assert latex_lines(text, width=100) == "T &= \\left(a + b\\right) \\\\\n&\\quad - c"
    assert latex_lines("T &= -a + X_{i + j}", width=70) == "T &= -a \\\\\n&\\quad + X_{i + j}"


@pytest.mark.parametrize("basis", ["dual", "orthonormal"])
@pytest.mark.parametrize("name", ["piezoelectric", "third-order-elastic", "four-wave-mixing"])
def test_lines_of_large_classes(name: str, basis: str) -> None:
    text = reduction(name, basis=basis).latex()  # type: ignore[call-overload]
    for line in text.splitlines():
        assert len(line) < LONGEST
        assert line.count(r"\left") == line.count(r"\right"), line
        assert line.count("{") == line.count("}")
    assert text.count(r"\bigl") == text.count(r"\bigr")
    whole = re.sub(r"\\big([lr])\b", lambda match: {"l": r"\left", "r": r"\right"}[match[1]], text)
    equations = unbroken(whole).splitlines()
    assert len(equations) == 3 + len(reduction(name).copies)
