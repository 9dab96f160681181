"""Crystals on their way to rest: there in a few steps, each with what the potential says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from carnet_model.calculators.approach import NEAR_FORCE, NEAR_STRESS, approach
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.units import EV_PER_A3


def labels(structure: Geometry) -> dict[str, Any]:
    atoms = structure.to_ase(EMT())
    return {
        "energy": atoms.get_potential_energy(),
        "forces": atoms.get_forces(),
        "stress": atoms.get_stress(voigt=False),
    }


@pytest.mark.parametrize("size", [0.92, 1.0, 1.08])
def test_a_crystal_comes_near_rest(size: float) -> None:
    rough = bulk("AuCu", "cesiumchloride", a=3.0 * size)
    rough.positions[1] += [0.1, 0.0, -0.05]
    start = replace(geometry(rough), name="AuCu")
    steps = list(approach(start, labels, 8))
    assert [here.name for here, _, _ in steps] == [f"AuCu@{n}" for n in range(len(steps))]
    assert [near for _, _, near in steps] == [False] * (len(steps) - 1) + [True]
    np.testing.assert_allclose(steps[0][0].positions, start.positions)
    last, said, _ = steps[-1]
    assert np.abs(np.asarray(said["forces"])).max() < NEAR_FORCE
    assert np.abs(np.asarray(said["stress"])).max() * EV_PER_A3 < NEAR_STRESS
    np.testing.assert_allclose(said["energy"], labels(last)["energy"])


def test_it_ends_where_there_are_no_labels() -> None:
    start = replace(geometry(bulk("Cu", "fcc", a=3.0)), name="Cu")
    said = iter([labels(start)])
    assert len(list(approach(start, lambda _: next(said, None), 8))) == 1
    assert len(list(approach(start, labels, 2))) == 2
