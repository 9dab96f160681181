"""What is known of the elements: their place in the periodic table, and measured numbers."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from carnet_model.structures.elements import ELEMENTS, descriptors, position

PLACES = {
    1: (1, 1, (1, 0, 0, 0)),
    2: (1, 2, (2, 0, 0, 0)),
    3: (2, 1, (1, 0, 0, 0)),
    6: (2, 4, (2, 2, 0, 0)),
    10: (2, 8, (2, 6, 0, 0)),
    11: (3, 1, (1, 0, 0, 0)),
    18: (3, 8, (2, 6, 0, 0)),
    19: (4, 1, (1, 0, 0, 0)),
    26: (4, 8, (2, 0, 6, 0)),
    30: (4, 12, (2, 0, 10, 0)),
    36: (4, 18, (2, 6, 10, 0)),
    37: (5, 1, (1, 0, 0, 0)),
    54: (5, 18, (2, 6, 10, 0)),
    55: (6, 1, (1, 0, 0, 0)),
    58: (6, 4, (2, 0, 0, 2)),
    70: (6, 16, (2, 0, 0, 14)),
    71: (6, 17, (2, 0, 1, 14)),
    86: (6, 32, (2, 6, 10, 14)),
    87: (7, 1, (1, 0, 0, 0)),
    118: (7, 32, (2, 6, 10, 14)),
}


@pytest.mark.parametrize("number", PLACES)
def test_places_in_the_periodic_table(number: int) -> None:
    assert position(number) == PLACES[number]


def test_descriptors_are_standardized() -> None:
    """Mean 0 and deviation 1 of what is known; an unknown number is the mean, and flagged."""
    rows = descriptors()
    table = json.loads(
        files("carnet_model.structures").joinpath("elements.json").read_text(encoding="utf-8")
    )
    names, measured = list(table["columns"]), list(table["elements"].values())
    assert rows.shape == (ELEMENTS, len(names) + 6 + 2)
    assert not rows[0].any()
    assert np.isfinite(rows).all()
    for column, name in enumerate(names):
        stated = [row[column] for row in measured]
        known = np.array([n for n, value in enumerate(stated, start=1) if value is not None])
        values = rows[known, column]
        assert abs(values.mean()) < 1e-12
        assert abs(values.std() - 1) < 1e-12
        unknown = np.setdiff1d(np.arange(1, ELEMENTS), known)
        assert not rows[unknown, column].any()
        raw = np.array([stated[n - 1] for n in known])
        logarithmic = name in (
            "melting_point", "boiling_point", "density", "bulk_modulus", "shear_modulus",
        )  # fmt: skip
        raw = np.log(raw) if logarithmic else raw
        np.testing.assert_allclose(values, (raw - raw.mean()) / raw.std(), atol=1e-12)
    shells = np.array([[*position(n)[:2], *position(n)[2]] for n in range(1, ELEMENTS)])
    np.testing.assert_allclose(
        rows[1:, len(names) : -2], (shells - shells.mean(axis=0)) / shells.std(axis=0), atol=1e-12
    )
    for flag, name in ((-2, "bulk_modulus"), (-1, "shear_modulus")):
        missing = [row[names.index(name)] is None for row in measured]
        missing += [True] * (ELEMENTS - 1 - len(measured))  # of the last nothing was measured
        assert rows[1:, flag].tolist() == [float(each) for each in missing]
