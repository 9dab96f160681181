"""Simulations that notice where their potential no longer holds."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS

from carnet_model.calculators.ase import CarNetCalculator
from carnet_model.calculators.dynamics import (
    MOST,
    DomainMonitor,
    OutsideDomainError,
    OutsideDomainWarning,
)
from carnet_model.prediction.predictor import Predictor
from natural_tensors.errors import InputError
from tests.helpers import tiny_potentials


def ensemble(members: int = 2, **record: Any) -> CarNetCalculator:
    """A potential that has learnt nothing, of networks that agree about nothing."""
    models = [tiny_potentials.model(seed) for seed in range(members)]
    known = {"elements": [1, 8, 14], **record}
    return CarNetCalculator(Predictor(models, precision="double", record=known), compile="never")


def moving(calculator: Any, kick: float = 0.0, timestep: float = 1.0) -> VelocityVerlet:
    """Silicon whose first atom flies along x, Å/fs, between pairs of others."""
    atoms = bulk("Si", cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = calculator
    velocities = np.zeros((8, 3))
    velocities[0] = kick / units.fs * np.array([1.0, 0, 0])
    atoms.set_velocities(velocities)
    return VelocityVerlet(atoms, timestep * units.fs)


def test_a_simulation_stops_where_the_ensemble_disagrees(tmp_path: Path) -> None:
    file = tmp_path / "left.extxyz"
    free = moving(ensemble(), kick=0.02)
    spreads = []
    free.attach(
        lambda: spreads.append(
            np.linalg.norm(free.atoms.calc.results["forces_spread"], axis=1).max()
        )
    )
    free.run(30)
    assert max(spreads) > 1.02 * spreads[0]
    limit = (spreads[0] + max(spreads)) / 2
    expected = int(np.argmax(np.array(spreads) > limit))
    assert expected > 0
    watched = moving(ensemble(), kick=0.02)
    monitor = DomainMonitor(watched, disagreement=limit, path=file)
    watched.attach(monitor)
    with pytest.raises(OutsideDomainError, match="networks disagree by") as caught:
        watched.run(30)
    assert caught.value.step == watched.nsteps == expected
    assert monitor.largest == pytest.approx(spreads[expected])
    assert str(file) in str(caught.value)
    saved = read(file)
    assert isinstance(saved, Atoms)
    assert np.allclose(saved.positions, watched.atoms.positions)
    assert saved.info["step"] == expected
    assert "disagree" in saved.info["reason"]
    assert saved.get_potential_energy() == pytest.approx(watched.atoms.get_potential_energy())
    assert np.allclose(saved.get_forces(), watched.atoms.get_forces(), atol=1e-7)


def test_a_simulation_goes_on_and_warns_once_each_time_it_leaves(tmp_path: Path) -> None:
    file = tmp_path / "left.xyz"
    dynamics = moving(LennardJones(sigma=0.3, epsilon=1e-6, rc=1.0), kick=0.05)
    monitor = DomainMonitor(
        dynamics, closest={"Si-Si": 2.35}, nearer=0.9, reaction="warn", path=file
    )
    dynamics.attach(monitor)
    with pytest.warns(
        OutsideDomainWarning, match=r"are \d.\d+ Å apart, 0.\d\d of 2.35 Å"
    ) as caught:
        dynamics.run(105)  # 5.2 Å: between two pairs, 1.92 Å from either atom
    assert len(caught) == len(monitor.left) == 2
    assert 0.7 < monitor.nearest < 0.9
    assert monitor.largest is None
    frames = read(file, ":")
    steps = [frame.info["step"] for frame in frames]
    assert steps == sorted(set(steps))
    assert len(frames) == len(caught) < MOST


def test_distances_are_those_of_the_weights_else_of_radii() -> None:
    stated = DomainMonitor(moving(ensemble(closest={"Si-Si": 2.0})))
    assert stated.closest.distances[14, 14] == 2.0
    given = DomainMonitor(moving(ensemble(closest={"Si-Si": 2.0})), closest={"Si-Si": 1.5})
    assert given.closest.distances[14, 14] == 1.5
    for unstated in (DomainMonitor(moving(ensemble())), DomainMonitor(moving(LennardJones()))):
        near = unstated.nearer * unstated.closest.distances[14, 14]
        assert near == pytest.approx(1.11)  # Cordero et al.: 1.11 Å, half of the sum
    usual = moving(LennardJones(sigma=0.3, rc=1.0))
    usual.attach(DomainMonitor(usual))
    usual.run(3)


def test_a_relaxation_of_the_cell_is_watched() -> None:
    atoms = bulk("Si")
    atoms.set_cell(atoms.cell * 0.8, scale_atoms=True)
    atoms.calc = ensemble(1, closest={"Si-Si": 2.3})
    relaxation = BFGS(FrechetCellFilter(atoms), logfile=None)
    relaxation.attach(DomainMonitor(relaxation))
    with pytest.raises(OutsideDomainError, match=r"atoms 0 .Si. and 1 .Si. are 1.88 Å apart"):
        relaxation.run(fmax=0.01, steps=3)


def test_no_more_than_some_structures_are_kept() -> None:
    dynamics = moving(LennardJones(sigma=0.3, rc=1.0))
    monitor = DomainMonitor(dynamics, closest={"Si-Si": 3.0}, reaction="warn")
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        for _ in range(MOST + 5):
            monitor.nearer = 0.1
            monitor()
            monitor.nearer = 0.9
            monitor()
    assert len(monitor.left) == MOST


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"disagreement": 0}, "disagreement is 0; allowed: more than 0"),
        ({"nearer": -1}, "nearer is -1"),
        ({"reaction": "shout"}, "reaction is 'shout'; allowed: stop, warn"),
        ({"closest": {"Si": 2}}, "closest: 'Si': 2 is no distance"),
        ({"path": "left.cif"}, "cif"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        DomainMonitor(moving(LennardJones()), **options)
