"""How numbers and tables look as text: results hold numbers, and these functions write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

MINUS = "\u2212"
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


def typeset(value: SupportsFloat, digits: int = 4) -> str:
    """Write a number for a page: with a true minus and powers of ten, a dash for NaN.

    >>> typeset(-0.25), typeset(6.02e23, 3)
    ('−0.2500', '6.02 × 10^23')

    Args:
        value: the number.
        digits: significant digits, zeros at the end included.
    """
    real = float(value)
    if not np.isfinite(real):
        return "∞" if np.isinf(real) else NOTHING
    if not real:
        return "0"
    size = int(np.floor(np.log10(abs(real))))
    if not -4 <= size < 7:
        mantissa, _, power = f"{real:.{digits - 1}e}".partition("e")
        return with_minus(f"{mantissa} × 10^{int(power)}")
    return with_minus(f"{real:.{max(digits - 1 - size, 0)}f}")


def typeset_spread(value: SupportsFloat, spread: SupportsFloat | None, unit: str = "") -> str:
    """Write ``37.8 ± 1.2 GPa`` for a page: the spread with one digit, or two after a 1."""
    tail = f" {unit}" if unit else ""
    if spread is None or not np.isfinite(float(spread)) or not float(spread):
        return typeset(value) + tail
    mantissa, _, power = f"{float(spread):.0e}".partition("e")
    decimals = max(int(mantissa == "1") - int(power), 0)
    return with_minus(f"{float(value):.{decimals}f} ± {float(spread):.{decimals}f}{tail}")


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


def did_you_mean(word: str, words: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a hint at the nearest word, or nothing."""
    near = get_close_matches(word, list(words), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""
