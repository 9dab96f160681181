"""Crystals with elements changed: like chemistry, a fitting size, nothing that is there already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from carnet_model.data.examples import DatasetError, split_of
from carnet_model.data.substitution import alike, atomic_volumes, substitutes
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.periodic_table import SYMBOLS

SALTS = {
    "LiF": 4.03, "LiCl": 5.13, "LiBr": 5.50, "NaF": 4.62, "NaCl": 5.64, "NaBr": 5.97, "KF": 5.35,
    "KCl": 6.29, "KBr": 6.60, "MgO": 4.21, "CaO": 4.81, "MgS": 5.20, "CaS": 5.69,
}  # fmt: skip


def salts() -> list[Geometry]:
    return [replace(geometry(bulk(n, "rocksalt", a=a)), name=n) for n, a in SALTS.items()]


def test_what_is_alike_is_alike_both_ways() -> None:
    for number in range(1, 104):
        assert number not in alike(number)
        for other in alike(number):
            assert number in alike(other), (SYMBOLS[number], SYMBOLS[other])
    assert SYMBOLS.index("K") in alike(SYMBOLS.index("Na"))
    assert SYMBOLS.index("Cl") not in alike(SYMBOLS.index("Na"))


def test_volumes_of_atoms_add_up() -> None:
    volumes = atomic_volumes(salts())
    shares = [
        sum(volumes[n] for n in each.numbers.tolist()) / (each.volume or 0) for each in salts()
    ]
    # radii add up, volumes do to a fifth, from the smallest ions to the largest
    np.testing.assert_allclose(shares, 1, atol=0.2)


LEFT = ("LiBr", "NaF", "KCl", "KBr", "CaS")


def test_substitutes_are_new_and_may_be_trained_on() -> None:
    given = [each for each in salts() if each.formula not in LEFT]
    made = list(substitutes(given, 12, seed=3))
    allowed = {formula for formula in LEFT if split_of(formula) == "train"}
    assert len(allowed) > 2
    assert {each.formula for each in made} == allowed
    formulas = [each.formula for each in made]
    assert len(set(formulas)) == len(formulas)
    present = {n for each in given for n in each.numbers.tolist()}
    for each in made:
        assert set(each.numbers.tolist()) <= present
        # the structure is a parent's: rocksalt, at a size that is between those of the salts
        assert 4.0 < (4 * (each.volume or 0)) ** (1 / 3) < 6.8
        np.testing.assert_allclose(
            np.abs(each.fractional - np.round(each.fractional * 2) / 2), 0, atol=1e-9
        )
    again = [each.formula for each in substitutes(given, 12, seed=3)]
    assert again == formulas


def test_elements_alone_are_no_parents() -> None:
    with pytest.raises(DatasetError, match="none holds two elements"):
        next(substitutes([geometry(bulk("Cu"))], 3))
