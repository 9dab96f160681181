"""Radial weights from tables: as exact as they say, smooth, and refused where they do not reach."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from carnet_model.compiled import radial_tables
from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures.graph import build
from tests.helpers.tiny_quartz import CUTOFF, difference, graphs, potential, quartz, water


def tabulated(
    spacing: float = radial_tables.SPACING, shortest: float = radial_tables.SHORTEST
) -> CarNet:
    model = potential("always")
    radial_tables.tabulate(model, [8, 14], spacing=spacing, shortest=shortest)
    return model


@pytest.mark.compiler
def test_tables_keep_energies_and_forces_to_their_bound() -> None:
    """At the usual spacing forces hold to 1e-5 of the largest, energies better."""
    exact = energy_and_derivatives(potential("always"), graphs(quartz()), stress=True)
    errors = []
    for spacing in (0.03, 0.02, radial_tables.SPACING):
        found = energy_and_derivatives(tabulated(spacing), graphs(quartz()), stress=True)
        errors.append(float((found.forces - exact.forces).abs().max()))
        assert abs(float(found.energy - exact.energy)) < errors[-1]
    assert errors[-1] < 1e-5 * float(exact.forces.abs().max())
    for coarse, fine in pairwise(errors):  # the derivative falls with the third power at least
        assert coarse > 1.5**3 * 0.7 * fine


@pytest.mark.compiler
def test_forces_of_tables_are_differences_of_their_energy() -> None:
    model, thing = tabulated(0.03), quartz()
    found = energy_and_derivatives(model, graphs(thing))

    def energy(h: float) -> Tensor:
        positions = thing.positions.copy()
        positions[1, 1] += h
        return energy_and_derivatives(model, graphs(replace(thing, positions=positions))).energy[0]

    # a spline has kinks in its third derivative, so the step is small and the bound is wider
    assert difference(energy, 1e-5) == pytest.approx(-float(found.forces[1, 1]), abs=1e-8)


@pytest.mark.compiler
def test_tables_are_zero_beyond_the_cutoff() -> None:
    """As a neighbour list with a skin has such bonds."""
    model, thing = tabulated(), quartz()
    wide = collate([build(thing, CUTOFF + 0.5)], torch.float64)
    assert len(wide.senders) > len(graphs(thing).senders)
    found, expected = (
        energy_and_derivatives(model, wide),
        energy_and_derivatives(model, graphs(thing)),
    )
    torch.testing.assert_close(found.forces, expected.forces, rtol=0, atol=1e-14)


@pytest.mark.compiler
def test_copies_of_a_model_keep_their_tables() -> None:
    model = tabulated()
    found = energy_and_derivatives(copy.deepcopy(model), graphs(quartz()))
    assert torch.equal(found.forces, energy_and_derivatives(model, graphs(quartz())).forces)
    with pytest.raises(
        radial_tables.TableError, match=r"tables are torch\.float64 .* torch\.float32"
    ):
        energy_and_derivatives(model.float(), graphs(quartz()).to(dtype=torch.float32))


@pytest.mark.compiler
def test_what_tables_cannot_do_is_said() -> None:
    model = potential("always")
    for given, fragment in (
        ({"elements": []}, "name the elements"),
        ({"elements": [8], "spacing": 0.2}, "spacing is 0.2 Å; allowed: above 0, at most 0.1"),
        ({"elements": [8], "shortest": 4.0}, "shortest is 4 Å; allowed: from 0.14, 14 spacings"),
    ):
        with pytest.raises(radial_tables.TableError, match=fragment):
            radial_tables.tabulate(model, **given)
    radial_tables.tabulate(model, [8, 14])
    with pytest.raises(radial_tables.TableError, match=r"elements \[8, 14\], not \[1\]"):
        energy_and_derivatives(model, graphs(water()))
    close = replace(water(), numbers=np.array([8, 8, 8]), positions=0.4 * water().positions)
    with pytest.raises(
        radial_tables.TableError, match=r"0\.385 Å apart and the tables start at 0\.4"
    ):
        energy_and_derivatives(model, graphs(close))
    found = energy_and_derivatives(model, graphs(quartz()), create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        torch.autograd.backward(found.forces.square().sum())
    with pytest.raises(radial_tables.TableError, match=r"the model is torch\.bfloat16"):
        radial_tables.tabulate(potential().bfloat16(), [8])


@pytest.mark.parametrize(("elements", "other"), [([8], 14), ([14], 8), ([1, 8], 14)])
@pytest.mark.compiler
def test_elements_before_and_behind_those_of_a_table_are_named(
    elements: list[int], other: int
) -> None:
    model = potential("always")
    radial_tables.tabulate(model, elements)
    with pytest.raises(radial_tables.TableError, match=rf", not \[.*{other}.*\]: tabulate"):
        energy_and_derivatives(model, graphs(quartz()))


def test_a_grid_reaches_from_the_shortest_distance_to_the_cutoff() -> None:
    """The cutoff is a knot; each interval reads four rows, so there are three more."""
    grid = radial_tables.RadialGrid.of(potential(), [14, 8, 14], 0.1, 1.45)
    assert grid.elements == (8, 14)
    assert grid.cutoff == CUTOFF
    assert grid.start <= 1.45 < grid.start + grid.spacing
    assert grid.start + (grid.rows - 3) * grid.spacing == pytest.approx(CUTOFF, abs=1e-12)
    distances = grid.distances()
    before = distances[0] - grid.start  # margins and one row, before and behind
    behind = distances[-1] - CUTOFF
    assert float(before) == pytest.approx(-(radial_tables.MARGIN + 1) * 0.1, abs=1e-9)
    assert float(behind) == pytest.approx((radial_tables.MARGIN + 1) * 0.1, abs=1e-9)
    for spacing in (0.1001, 0.0, -0.1):
        with pytest.raises(radial_tables.TableError, match="above 0, at most"):
            radial_tables.RadialGrid.of(potential(), [8], spacing, 1.5)
    with pytest.raises(radial_tables.TableError, match=r"shortest is 1\.39"):
        radial_tables.RadialGrid.of(potential(), [8], 0.1, 1.39)
    with pytest.raises(radial_tables.TableError, match="shortest is"):
        radial_tables.RadialGrid.of(potential(), [8], 0.1, CUTOFF)
