"""Numbers and tables as text."""

from __future__ import annotations

import numpy as np
import pytest

from natural_tensors import formatting
from natural_tensors.formatting import typeset, typeset_alike, typeset_spread, visible


@pytest.mark.parametrize(
    ("value", "digits", "options", "text"),
    [
        (1 / 3, 6, {}, "0.333333"),
        (1 / 3, 4, {}, "0.3333"),
        (2.50, 6, {}, "2.5"),
        (-0.0, 6, {}, "0"),
        (1e-17, 6, {"noise": 1e-15}, "0"),
        (np.nan, 6, {}, "nan"),
        (np.nan, 6, {"missing": ""}, ""),
        (np.inf, 8, {"missing": "-"}, "-"),
        (np.float32(0.1), 8, {}, "0.1"),
        (np.array(1234567.0), 8, {}, "1234567"),
    ],
)
def test_numbers(value: float, digits: int, options: dict[str, object], text: str) -> None:
    assert formatting.number(value, digits, **options) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.5, "50.00 %"), (1e-4, "0.01 %"), (1e-6, "0.0001 %"), (1e-25, "0"), (np.nan, "-")],
)
def test_shares(share: float, text: str) -> None:
    assert formatting.percent(share) == text


def test_columns_are_flush_and_as_wide_as_asked_for() -> None:
    rows = [["metal", "K", "G"], ["copper", "137", "47.3"]]
    assert formatting.aligned(rows, left=1) == ["metal     K     G", "copper  137  47.3"]
    assert formatting.aligned(rows, between=" ", equal=True) == [
        " metal      K      G",
        "copper    137   47.3",
    ]
    assert formatting.aligned([["a", ""]], left=2) == ["a"]


def test_decimal_points_of_a_matrix_are_below_each_other() -> None:
    assert formatting.matrix([[1, 2.5], [10.25, 1e-9]], noise=1e-6) == [
        " 1      2.5",
        "10.25   0",
    ]
    assert formatting.matrix([[1e-9, 2]]) == ["1e-09      2"]


def test_the_nearest_word_is_meant() -> None:
    assert formatting.did_you_mean("slicon", ["silicon", "copper"]) == "; did you mean 'silicon'?"
    assert formatting.did_you_mean("unobtainium", ["silicon"]) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (37.758, "37.76"), (-0.09734, "−0.09734"), (0.0, "0"), (12345.6, "12346"), (np.nan, "–"),
        (np.inf, "∞"), (1.5e-6, "1.500 × 10⁻⁶"), (2.5e8, "2.500 × 10⁸"), (9.9999, "10.00"),
    ],
)  # fmt: skip
def test_typeset_numbers(value: float, text: str) -> None:
    assert typeset(value) == text


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (37.758, 1.23, "37.8 ± 1.2 GPa"), (44.448, 0.91, "44.4 ± 0.9 GPa"),
        (95.8, None, "95.80 GPa"), (95.8, 0.0, "95.80 GPa"), (-3.0, 0.021, "−3.00 ± 0.02 GPa"),
        (5.0, 0.096, "5.00 ± 0.10 GPa"), (95.8, 14.0, "96 ± 14 GPa"),
    ],
)  # fmt: skip
def test_typeset_numbers_with_a_spread(value: float, spread: float | None, text: str) -> None:
    assert typeset_spread(value, spread, "GPa") == text


def test_a_column_has_the_decimals_of_its_largest_number() -> None:
    assert typeset_alike([168.4, -17.91, -1.581e-6, 0.05, 0.04]) == [
        "168.4",
        "−17.9",
        "0",
        "0.1",
        "0",
    ]
    assert typeset_alike([1.0, np.nan], 3, of=200.0) == ["1", "–"]
    assert typeset_alike([2.31e-12, -4e-13, 1e-19]) == ["2.310 × 10⁻¹²", "−4.000 × 10⁻¹³", "0"]
    assert typeset_alike([0.0, -0.0]) == ["0", "0"]


def test_a_spread_larger_than_its_value_leaves_no_signed_zero() -> None:
    assert typeset_spread(-0.2, 3.0) == "0 ± 3"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Å é 銅 ν −1 ± ∞ a b", "Å é 銅 ν −1 ± ∞ a b"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("abc\u202egpj\u2066\u200f", r"abc\u202egpj\u2066\u200f"),
        ("\udc80", r"\udc80"),  # half of a pair, as in names of files that are not UTF-8
        ("a\u00a0b", "a\u00a0b"),  # a blank that does not break
        ("", ""),
    ],
)
def test_nothing_acts_on_a_terminal(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown
