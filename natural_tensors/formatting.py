"""How numbers and tables look as text: results hold numbers, and these functions write them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

MINUS = "\u2212"
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
"""Digits to those of a power."""

NOISE = 1e-6
"""A share of the whole below this is rounding of single precision, in which networks compute."""

NOTHING = "\u2013"
"""What stands on a page for a number that does not exist."""


def number(
    value: SupportsFloat, digits: int = 6, *, noise: float = 0.0, missing: str | None = None
) -> str:
    """Write a number in plain text.

    >>> number(1 / 3), number(1e-17, noise=1e-15), number(float("nan"), missing="-")
    ('0.333333', '0', '-')

    Args:
        value: the number, or an array of one.
        digits: significant digits; zeros at the end are left out.
        noise: what is not above it is 0.
        missing: what to write for NaN and infinity; by default their names.
    """
    real = float(value)
    if missing is not None and not np.isfinite(real):
        return missing
    return "0" if abs(real) <= noise else f"{real:.{digits}g}"


def percent(share: float) -> str:
    """Write a share; what rounding leaves of nothing is 0."""
    if np.isnan(share):
        return "-"
    if share < 1e-20:
        return "0"
    return f"{100 * share:.2f} %" if share >= 5e-5 else f"{100 * share:.2g} %"


def typeset(value: SupportsFloat, digits: int = 4, *, noise: float = 0.0) -> str:
    """Write a number for a page: with a true minus and powers of ten, a dash for NaN.

    >>> typeset(-0.25), typeset(6.02e23, 3), typeset(-1e-9, noise=1e-6)
    ('−0.2500', '6.02 × 10²³', '0')

    Args:
        value: the number.
        digits: significant digits, zeros at the end included.
        noise: what is not above it is 0.
    """
    real = float(value)
    if not np.isfinite(real):
        return with_minus("∞" if real > 0 else "-∞") if np.isinf(real) else NOTHING
    if abs(real) <= noise:
        return "0"
    mantissa, _, power = f"{real:.{digits - 1}e}".partition("e")
    size = int(power)
    if not -4 <= size < 7:
        return f"{with_minus(mantissa)} × 10{str(int(power)).translate(RAISED)}"
    return with_minus(f"{real:.{max(digits - 1 - size, 0)}f}")


def typeset_fixed(value: SupportsFloat, decimals: int) -> str:
    """Write a number for a page with so many decimals; what rounds to zero is ``0``.

    >>> typeset_fixed(0.5, 3), typeset_fixed(-1e-4, 3)
    ('0.500', '0')
    """
    text = f"{float(value):.{decimals}f}"
    return with_minus(text) if float(text) else "0"


def typeset_alike(values: ArrayLike, digits: int = 4, *, of: float | None = None) -> list[str]:
    """Write numbers of one kind for a page, all with the decimals that the largest one needs.

    What is known of a matrix is known relative to its largest entry: the small ones have fewer
    digits, and what is rounding of the large ones is ``0``.

    >>> typeset_alike([168.4, -17.91, -1.6e-6])
    ['168.4', '−17.9', '0']

    Args:
        values: any shape.
        digits: significant digits of the largest.
        of: the size of the largest, where it is not among the values.
    """
    flat = np.ravel(np.asarray(values, dtype=np.float64))
    finite = np.abs(flat[np.isfinite(flat)])
    largest = float(finite.max(initial=0.0)) if of is None else of
    size = int(np.floor(np.log10(largest))) if largest else 0
    if not -4 <= size < 7:
        noise = 0.5 * 10.0 ** (size - digits + 1)
        return [typeset(value, digits, noise=noise) for value in flat]
    decimals = max(digits - 1 - size, 0)
    return [
        typeset_fixed(value, decimals) if np.isfinite(value) else typeset(value) for value in flat
    ]


def typeset_percent(share: SupportsFloat, *, noise: float = 1e-10) -> str:
    """Write a share for a page; what rounding leaves of nothing is 0.

    >>> typeset_percent(0.25), typeset_percent(1e-6), typeset_percent(1e-12)
    ('25.00 %', '< 0.01 %', '0')

    Args:
        share: 1 is the whole.
        noise: what is not above it is 0; by default for shares of a squared norm.
    """
    real = float(share)
    if real <= noise:
        return "0"
    return f"{100 * real:.2f} %" if real >= 1e-4 else "< 0.01 %"


def typeset_spread(value: SupportsFloat, spread: SupportsFloat | None, unit: str = "") -> str:
    """Write ``37.8 ± 1.2 GPa`` for a page: the spread with one digit, or two after a 1."""
    tail = f" {unit}" if unit else ""
    if spread is None or not np.isfinite(float(spread)) or not float(spread):
        return typeset(value) + tail
    mantissa, _, power = f"{float(spread):.0e}".partition("e")
    decimals = max(int(mantissa == "1") - int(power), 0)
    return with_minus(f"{float(value):z.{decimals}f} ± {float(spread):.{decimals}f}{tail}")


def with_minus(text: str) -> str:
    """Return text with true minus signs in place of hyphens."""
    return text.replace("-", MINUS)


def aligned(
    rows: Iterable[Sequence[str]], *, left: int = 0, between: str = "  ", equal: bool = False
) -> list[str]:
    """Return rows of text, a line each, with their columns below each other.

    >>> aligned([["metal", "K"], ["copper", "137"]], left=1)
    ['metal     K', 'copper  137']

    Args:
        rows: cells, as many in every row.
        left: so many columns are flush left, the others flush right.
        between: what separates two columns.
        equal: whether all columns are as wide as the widest.
    """
    table = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if equal:
        widths = [max(widths, default=0)] * len(widths)
    return [
        between.join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def matrix(values: ArrayLike, noise: float = 0.0) -> list[str]:
    """Return the rows of a matrix, a line each, with the decimal points below each other.

    Args:
        values: shape ``(rows, columns)``.
        noise: what is not above it is written as 0.
    """
    entries: NDArray[np.floating] = np.asarray(values)
    texts = [[number(float(entry), noise=noise) for entry in row] for row in entries]
    flat = [text for row in texts for text in row]
    if not any("e" in text for text in flat):
        after = max(len(text.partition(".")[2]) for text in flat)
        texts = [[_padded(text, after) for text in row] for row in texts]
    return aligned(texts, equal=True)


def _padded(text: str, decimals: int) -> str:
    """Return a number with blanks in place of the decimals, and the point, that it lacks."""
    missing = decimals - len(text.partition(".")[2])
    return text + " " * (missing + (1 if decimals and "." not in text else 0))


def visible(text: str) -> str:
    r"""Return text in which nothing acts on a terminal or breaks a line: such letters are escaped.

    >>> visible("a\nb"), visible("\x1b[31mred"), visible("Å")
    ('a\\nb', '\\x1b[31mred', 'Å')

    Escaped are controls (C0, C1, DEL), separators of lines and paragraphs, marks that turn the
    direction of writing, and halves of surrogate pairs.
    """
    if text.isprintable():
        return text
    return "".join(_escaped(letter) if _acts(letter) else letter for letter in text)


def _acts(letter: str) -> bool:
    category = unicodedata.category(letter)
    turns = unicodedata.bidirectional(letter) in _DIRECTIONS or letter in _MARKS
    return category in ("Cc", "Zl", "Zp", "Cs") or turns


_DIRECTIONS = ("LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_MARKS = "\u061c\u200e\u200f"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def did_you_mean(word: str, words: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a hint at the nearest word, or nothing."""
    near = get_close_matches(word, list(words), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""
