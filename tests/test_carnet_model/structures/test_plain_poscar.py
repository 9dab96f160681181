"""Plain POSCAR files give the structure that pymatgen reads; the others are left to it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pymatgen.io.vasp import Poscar

from carnet_model.structures.conversion import from_pymatgen
from carnet_model.structures.plain_poscar import plain_poscar
from tests.helpers.tiny_models import CRYSTALS

POSCAR = """quartz, moved
1.01
4.9 0.0 0.0
-2.45 4.24 0
0 0 5.4
Si O Si
1 2 1
Selective dynamics
Direct
0.1 0.2 0.3 T T F
0.5 -0.5 1.25 F F F O
.75 1e-1 +0.6 T T T
0.9 0.9 0.9 T T T
"""

VELOCITIES = "\n" + "0.0 1.0E-2 -3\n" * 4


def check(text: str) -> None:
    found = plain_poscar(text)
    assert found is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = from_pymatgen(Poscar.from_str(text).structure, "x")
    assert found.numbers.tolist() == expected.numbers.tolist()
    np.testing.assert_allclose(found.cell, expected.cell, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.positions, expected.positions, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    "text",
    [
        POSCAR,
        POSCAR + VELOCITIES,
        POSCAR.replace("Direct", "Cartesian"),
        POSCAR.replace("1.01", "-110.0"),
        POSCAR.replace("Selective dynamics\n", ""),
        POSCAR.replace("\n", "\r\n"),
    ],
    ids=["selective", "velocities", "cartesian", "volume", "all move", "windows"],
)
def test_forms(text: str) -> None:
    check(text)


@pytest.mark.parametrize("name", sorted(CRYSTALS))
def test_shipped_crystals(name: str) -> None:
    check(Poscar(CRYSTALS[name].to_pymatgen()).get_str())
    check(Poscar(CRYSTALS[name].to_pymatgen()).get_str(direct=False))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Si O Si\n", ""),
        ("Si O Si", "Si_pv O Si"),
        ("Si O Si", "Si D Si"),
        ("1 2 1", "1 2"),
        ("1 2 1", "1 0 1"),
        ("1 2 1", "1 2 2"),
        ("1.01", "1.0 1.0 1.0"),
        ("Direct", "Fractional"),
        ("0.1 0.2 0.3", "0.1 0.2-0.3"),
        ("0.1 0.2 0.3 T", "0.1 0.2 x T"),
        ("4.9 0.0 0.0", "4.9 0.0 0.0 # a"),
        ("quartz, moved", ""),
        ("0 0 5.4", "4.9 0 0"),
        ("0.9 0.9 0.9 T T T\n", "0.9 0.9 0.9 T T T\nLattice velocities and vectors\n"),
    ],
)
def test_what_is_left_to_pymatgen(old: str, new: str) -> None:
    assert old in POSCAR
    assert plain_poscar(POSCAR.replace(old, new)) is None
