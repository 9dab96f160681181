"""Units of labels, against numbers that were looked up apart from the code."""

from __future__ import annotations

import pytest

from carnet_model.structures.units import UNITS

STATED = {
    ("GPa", "GPa"): 1.0,
    ("GPa", "kbar"): 0.1,
    ("GPa", "Mbar"): 100.0,
    ("GPa", "Pa"): 1e-9,
    ("GPa", "eV/A^3"): 160.2176634,
    ("eV", "eV"): 1.0,
    ("eV", "meV"): 1e-3,
    ("eV", "Ha"): 27.211386245988,
    ("eV", "Ry"): 13.605693122994,
    ("eV", "kcal/mol"): 0.0433641042,
    ("eV", "kJ/mol"): 0.01036426966,
    ("eV", "J"): 6.241509074e18,
    ("eV/A", "eV/A"): 1.0,
    ("eV/A", "eV/Bohr"): 1.8897261246,
    ("eV/A", "Ha/Bohr"): 51.42206747,
    ("eV/A", "Ha/A"): 27.211386245988,
    ("eV/A^3", "eV/A^3"): 1.0,
    ("eV/A^3", "GPa"): 6.241509074e-3,
    ("eV/A^3", "kbar"): 6.241509074e-4,
}


@pytest.mark.parametrize(("kept", "unit"), STATED)
def test_sizes_of_units(kept: str, unit: str) -> None:
    assert UNITS[kept][unit] == pytest.approx(STATED[kept, unit], rel=1e-8)


def test_every_energy_comes_over_every_length() -> None:
    assert set(UNITS["eV/A"]) == {
        f"{energy}/{length}" for energy in UNITS["eV"] for length in ("A", "Bohr")
    }
    assert set(UNITS["eV/A^3"]) == set(UNITS["GPa"])
