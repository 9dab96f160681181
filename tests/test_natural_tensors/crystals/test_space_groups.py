"""Point groups of space groups, against spglib: all 230, in 530 settings."""

from __future__ import annotations

import warnings

import pytest
import spglib

from natural_tensors import point_group
from natural_tensors.crystals.point_groups import NAMES
from natural_tensors.crystals.space_groups import AXES, SYMBOLS, point_group_symbols

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # about how spglib reports errors
    SETTINGS = [spglib.get_spacegroup_type(hall) for hall in range(1, 531)]


def test_the_list_is_that_of_the_international_tables() -> None:
    assert len(set(SYMBOLS)) == 230
    short = {setting.number: setting.international_short for setting in reversed(SETTINGS)}
    assert [short[number] for number in range(1, 231)] == list(SYMBOLS)


@pytest.mark.parametrize("number", [n for n in range(1, 231) if str(n) not in AXES])
def test_numbers(number: int) -> None:
    wanted = next(each for each in SETTINGS if each.number == number).pointgroup_international
    assert {NAMES[symbol] for symbol in point_group_symbols(str(number))} == {wanted}
    if str(number) not in NAMES:
        assert point_group(str(number)).name == wanted


def test_symbols_of_every_setting_with_and_without_blanks() -> None:
    tried = 0
    for setting in SETTINGS:
        full = setting.international_full
        if full.startswith("P 4") and "2_1/" in full and full.count("/") == 2:
            continue  # spglib mixes short and full there: P 4/m 2_1/b m
        for written in (setting.international_short, full):
            for symbol in (written, written.replace("_", ""), written.replace(" ", "")):
                assert point_group(symbol).name == setting.pointgroup_international, symbol
                tried += 1
    assert tried > 3000
