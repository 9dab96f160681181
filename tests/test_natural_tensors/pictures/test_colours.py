"""Colours: both signs meet at zero, and one value has one colour."""

from __future__ import annotations

import numpy as np
import pytest

from natural_tensors.pictures.colours import SIGNED, bounds, signed_stops


def test_colours_of_both_signs_meet_at_zero() -> None:
    stops = signed_stops(-1.0, 3.0)
    assert stops[0] == (0.0, SIGNED[0])
    assert stops[-1] == (1.0, SIGNED[-1])
    assert (0.25, SIGNED[len(SIGNED) // 2]) in stops
    assert [place for place, _ in stops] == sorted(place for place, _ in stops)


def test_one_value_has_one_colour() -> None:
    low, high = bounds(np.array([5.0, 5.0 + 1e-13]))
    assert high - low == pytest.approx(5e-3)
