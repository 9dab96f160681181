"""The shortest distances between elements."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from carnet_model.structures.closest import Closest
from carnet_model.structures.conversion import geometry


def closest(formula: str, kind: str, edge: float) -> Closest:
    crystal = geometry(bulk(formula, kind, a=edge))
    first, second, _, distances = crystal.neighbours(6.0)
    return Closest.of(crystal.numbers, first, second, distances)


def test_sets_are_joined_and_what_is_written_is_read() -> None:
    small, large = closest("NaCl", "rocksalt", 5.0), closest("NaCl", "rocksalt", 6.0)
    iron = closest("Fe", "bcc", 2.87)
    assert Closest.in_any([small, large, iron]).to_dict() == {
        "Na-Na": 3.535, "Na-Cl": 2.5, "Cl-Cl": 3.535, "Fe-Fe": 2.485,
    }  # fmt: skip
    assert Closest.in_each([small, large]).to_dict() == large.to_dict()
    assert not Closest.in_each([small, iron])
    again = Closest.from_dict(small.to_dict())
    assert again.to_dict() == small.to_dict()
    assert np.array_equal(again.distances, again.distances.T)
    assert not Closest()
    assert Closest().to_dict() == {}


def test_the_worst_pair_is_that_of_the_least_share() -> None:
    known = Closest.from_dict({"Na-Cl": 2.5, "H-H": 0.7})
    numbers = np.array([1, 1, 11, 17])
    first, second = np.array([0, 2, 2]), np.array([1, 3, 0])
    pair = known.nearest(numbers, first, second, np.array([0.69, 2.0, 0.1]))
    assert pair is not None  # nothing is known of Na-H
    assert (pair.first, pair.second, pair.elements) == (2, 3, ("Na", "Cl"))
    assert pair.share == pytest.approx(0.8)
    assert known.nearest(numbers[:1], np.array([0]), np.array([0]), np.array([0.69])) is not None
    assert known.nearest(numbers[2:], np.array([0]), np.array([0]), np.array([0.69])) is None
    assert known.largest(numbers) == 2.5
    assert known.largest(numbers[2:3]) == 0


def test_radii_stand_in_where_nothing_is_known() -> None:
    known = Closest.from_dict({"H-H": 0.7}).or_else(Closest.of_radii(0.5))
    assert known.distances[1, 1] == 0.7
    assert known.distances[14, 14] == pytest.approx(1.11)  # Cordero et al.: 1.11 Å
    assert np.isfinite(known.distances).all()


@pytest.mark.parametrize("wrong", [{"Na": 1.0}, {"Xx-Na": 1.0}, {"Na-Cl": 0}, {"Na-Cl": "2"}])
def test_what_is_no_distance_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no distance of two elements"):
        Closest.from_dict(wrong)
