"""Everything that follows from a stiffness, as plain lists."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from natural_tensors import elasticity, examples
from tests.helpers.stiffnesses import cubic


def units_of(tree: Any) -> set[str]:
    """Return the endings of all keys of nested dictionaries that name a unit."""
    if not isinstance(tree, dict):
        return set()
    endings = {ending for ending in ("_gpa", "_per_tpa", "_m_s", "_k") for key in tree
               if key.endswith(ending)}  # fmt: skip
    return endings.union(*(units_of(value) for value in tree.values()))


def test_a_summary_gathers_everything_as_plain_lists() -> None:
    copper = examples.load("copper").values
    found = elasticity.summary(copper, density_kg_m3=8960.0, atoms_per_m3=8.49e28)
    tree: dict[str, Any] = found.to_dict()
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree
    assert units_of(tree) == {"_gpa", "_per_tpa", "_m_s", "_k"}
    assert tree["youngs"]["maximum_gpa"] == found.extremes.youngs.maximum
    assert tree["bulk_hill_gpa"] == found.moduli.bulk_hill
    assert tree["poisson_hill"] == found.moduli.poisson_hill
    assert tree["poisson"]["ratio"] is None  # the minimum is negative
    assert tree["debye_temperature_k"] == found.debye_temperature_k
    assert tree["weight_shares"]["4"] == pytest.approx(0.0535, abs=5e-5)
    text = repr(found)
    for word in ("stable", "Moduli", "Young's modulus", "not totally symmetric", "m/s", "331"):
        assert word in text


def test_a_summary_of_a_batch_has_none_where_there_is_no_value() -> None:
    batch = [examples.load("quartz").values, cubic(100.0, 120.0, 50.0), np.zeros((6, 6))]
    found = elasticity.summary(batch, density_kg_m3=2649.0, atoms_per_m3=8e28)
    tree: dict[str, Any] = found.to_dict()
    json.dumps(tree, allow_nan=False)
    assert tree["stable"] == [True, False, False]
    assert [value is None for value in tree["youngs"]["minimum_gpa"]] == [False, True, True]
    assert [value is None for value in tree["debye_temperature_k"]] == [False, True, True]
    assert tree["youngs"]["minimum_direction"][1] == [None, None, None]


def test_a_summary_leaves_out_what_was_not_asked_for() -> None:
    quartz = examples.load("quartz").values
    assert not units_of(elasticity.summary(quartz).to_dict()) & {"_m_s", "_k"}
    assert units_of(elasticity.summary(quartz, density_kg_m3=2649.0).to_dict()) >= {"_m_s"}
    with pytest.raises(ValueError, match="without density_kg_m3; the Debye temperature needs both"):
        elasticity.summary(quartz, atoms_per_m3=8e28)
    assert "batch of shape (0,)" in repr(elasticity.summary(np.zeros((0, 6, 6))))
