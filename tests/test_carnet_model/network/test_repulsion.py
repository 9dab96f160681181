"""The repulsion of nuclei: its size, its reach, and where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms

from carnet_model.network.batch import Batch, collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target, TargetError
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures import graph
from carnet_model.structures.conversion import geometry
from carnet_model.structures.elements import core_radii

ENERGY = Target("energy", pooling="sum")
SMALL = {"channels": 4, "layers": 1, "body_order": 2, "cutoff": 4.0, "neighbours": 5.0}


def network(**settings: bool) -> CarNet:
    torch.manual_seed(0)
    return CarNet(NetworkSettings(**SMALL, **settings), ENERGY).double()  # type: ignore[arg-type]


def pair(symbols: str, length: float) -> Batch:
    """Two atoms, as near as no structure may be that is read."""
    atoms = Atoms(symbols, [[0, 0, 0], [0, 0, 1.0]])
    batch = collate([graph.build(geometry(atoms), 4.0)], torch.float64)
    return replace(batch, positions=batch.positions * length)


def repulsion(symbols: str, length: float) -> float:
    model, batch = network(repulsion=True), pair(symbols, length)
    assert model.repulsion is not None
    return float(model.repulsion(model.bonds(batch), batch))


def test_near_nuclei_have_nearly_their_coulomb_energy() -> None:
    """The screening function falls from 1, at first by its slope -1.71 for each length."""
    charges, length = 14 * 14, 1e-3
    screening = 0.46850 / (2 * 14**0.23)
    slope = -(0.18175 * 3.19980 + 0.50986 * 0.94229 + 0.28022 * 0.40290 + 0.02817 * 0.20162)
    expected = 14.399645 * charges / length * (1 + slope * length / screening)
    # the factors sum to 1, and the square of the ratio is 6e-5
    assert repulsion("Si2", length) == pytest.approx(expected, rel=3e-4)


def test_silicon_at_an_angstrom() -> None:
    """By the formula with a calculator in hand: x = 7.8330, screening 0.018061, envelope 0.9072."""
    assert repulsion("Si2", 1.0) == pytest.approx(14.399645 * 196 * 0.018061 * 0.9072, rel=1e-3)


@pytest.mark.parametrize("symbols", ["Si2", "OMg", "UHe", "Ar2"])
def test_it_ends_smoothly_where_atoms_bond(symbols: str) -> None:
    numbers = Atoms(symbols, [[0, 0, 0], [0, 0, 1]]).numbers
    reach = float(core_radii()[numbers].sum())
    assert 0.5 < reach < 4
    step = 1e-3
    assert repulsion(symbols, reach + step) == 0
    # the envelope begins with the third power
    assert 0 < repulsion(symbols, reach - step) < 1e-5
    lengths = np.linspace(0.2, reach - 0.01, 50)
    energies = [repulsion(symbols, length) for length in lengths]
    assert (np.diff(energies) < 0).all()


def test_it_is_added_to_the_energy_and_its_forces_follow() -> None:
    near = pair("OMg", 0.9)
    with_core, without = (
        energy_and_derivatives(network(repulsion=flag), near) for flag in (True, False)
    )
    added = float(with_core.energy - without.energy)
    assert added == pytest.approx(repulsion("OMg", 0.9), rel=1e-10)
    step = 1e-5
    slope = (repulsion("OMg", 0.9 + step) - repulsion("OMg", 0.9 - step)) / (2 * step)
    found = (with_core.forces - without.forces)[1, 2].item()
    assert found == pytest.approx(-slope, rel=1e-6)


def test_only_an_energy_has_it() -> None:
    with pytest.raises(TargetError, match=r"dielectric is no energy .* leave repulsion out"):
        CarNet(NetworkSettings(repulsion=True), Target("dielectric", positive=True))
