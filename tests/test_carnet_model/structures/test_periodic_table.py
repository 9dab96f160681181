"""Formulas are those of pymatgen."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from ase.data import covalent_radii
from pymatgen.core import Composition, Element

from carnet_model.structures.bonding import radii
from carnet_model.structures.periodic_table import (
    SYMBOLS,
    electronegativities,
    hill_formula,
    number_of,
    reduced_formula,
)

COMMON = (1, 3, 6, 7, 8, 9, 11, 15, 16, 17, 19, 14, 26, 12, 37, 55)
"""Elements whose formulas have rules of their own: groups, peroxides, gases."""


def test_symbols_and_electronegativities() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # noble gases have none
        for number in range(1, 119):
            element = Element.from_Z(number)
            assert SYMBOLS[number] == element.symbol
            assert number_of(element.symbol) == number
            np.testing.assert_equal(electronegativities()[number], float(element.X))
    assert number_of("X") is None
    np.testing.assert_array_equal(radii(np.arange(119)), covalent_radii)


@pytest.mark.parametrize("elements", [tuple(range(1, 119)), COMMON], ids=["all", "common"])
def test_formulas(elements: tuple[int, ...]) -> None:
    draw = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(1000):
            chosen = draw.choice(elements, size=draw.integers(1, 6), replace=False).tolist()
            counts = {z: int(draw.choice([1, 1, 2, 2, 3, 4, 6, 8, 12])) for z in chosen}
            expected = Composition({Element.from_Z(z): count for z, count in counts.items()})
            assert reduced_formula(counts) == expected.reduced_formula
            assert hill_formula(counts) == expected.hill_formula.replace(" ", "")
