"""Units of a stiffness that were mistaken, guessed from its bulk modulus."""

from __future__ import annotations

import re

import pytest

from natural_tensors import (
    examples,
)
from natural_tensors.elasticity.units import unit_warning

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*OLD_ERROR_HANDLING.*:DeprecationWarning"  # spglib, as pymatgen calls it
)


@pytest.mark.parametrize(
    ("name", "factor", "expected", "says"),
    [
        ("quartz", 1, None, None),
        ("quartz", 1, 40.0, None),
        ("quartz", 10, None, None),  # 380 GPa is that of some crystals, but not of this one:
        ("quartz", 10, 40.0, "K = 380 GPa, but 40 GPa is expected; it looks like kbar: state"),
        ("copper", 10, None, r"K = 1.37e\+03 GPa is that of no crystal .* like kbar \(or MPa\)"),
        ("copper", 0.1, 130.0, "K = 13.7 GPa, but 130 GPa is expected"),
        ("copper", 1e9, None, "looks like Pa: state that unit, or multiply by 1e-09"),
        ("quartz", 1e-2, None, r"looks like eV/A\^3 \(or Mbar\)"),
    ],
)
def test_wrong_units_are_guessed(
    name: str, factor: float, expected: float | None, says: str | None
) -> None:
    doubt = unit_warning(examples.load(name).values * factor, expected_bulk_gpa=expected)
    assert (doubt is None) == (says is None)
    assert says is None or re.search(says, doubt or "")
