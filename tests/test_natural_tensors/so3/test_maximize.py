"""Maxima over all rotations, against dense grids and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import natural_tensors as nt
from natural_tensors.so3 import grids
from natural_tensors.so3.blocks import Blocks
from natural_tensors.so3.maximize import Linear, Objective, Ratio, SquaredNorm, maximize
from tests.helpers.stiffnesses import random_stable

Floats = NDArray[np.float64]


WEIGHTS = (0, 0, 2, 2, 4)


def functional(*indices: int) -> Floats:
    """Return what reads one component, by its symmetric images, of a packed elastic tensor."""
    tensor = np.zeros((3, 3, 3, 3))
    tensor[indices] = 1
    return np.asarray(nt.reduction("elastic").pack(tensor, invalid="project"))


def objectives() -> dict[str, Objective]:
    rows = np.linalg.qr(np.random.default_rng(3).normal(size=(21, 6)))[0].T
    return {
        "linear": Linear(functional(0, 0, 0, 0)),
        "shear": Linear(functional(0, 1, 0, 1)),
        "ratio": Ratio(functional(0, 0, 1, 1), functional(0, 0, 0, 0)),
        "squared": SquaredNorm(rows),
    }


@pytest.mark.parametrize("name", objectives())
def test_derivatives_of_the_objectives(name: str) -> None:
    objective = objectives()[name]
    rng = np.random.default_rng(4)
    y = rng.normal(size=(5, len(objective.rows))) + 3
    step = 1e-5
    for axis in range(y.shape[1]):
        ends = [y + sign * step * np.eye(y.shape[1])[axis] for sign in (1, -1)]
        slope = (objective.value(ends[0]) - objective.value(ends[1])) / (2 * step)
        assert np.allclose(objective.gradient(y)[:, axis], slope, rtol=1e-7, atol=1e-8)
        curve = (objective.gradient(ends[0]) - objective.gradient(ends[1])) / (2 * step)
        hessian = np.broadcast_to(objective.hessian(y), (5, y.shape[1], y.shape[1]))
        assert np.allclose(hessian[:, axis], curve, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", objectives())
def test_no_rotation_of_a_dense_grid_is_better(name: str) -> None:
    objective = objectives()[name]
    packed = nt.reduction("elastic").pack(nt.from_voigt(random_stable(12, seed=5)))
    found = maximize(objective, packed, WEIGHTS)
    states = Blocks(WEIGHTS).rotate(packed[:, None], grids.rotation_grid(12_000))
    best = objective.value(states @ objective.rows.T).max(axis=1)
    assert (found.value >= best * (1 - 1e-12)).all()
    # the grid has a point within 9 degrees, where a function of weight 4 has fallen a little
    assert np.allclose(found.value, best, rtol=0.08)
    there = Blocks(WEIGHTS).rotate(packed, found.rotation)
    assert np.allclose(objective.value(there @ objective.rows.T), found.value, rtol=1e-12)


def test_the_largest_component_of_a_matrix_is_its_largest_eigenvalue() -> None:
    rng = np.random.default_rng(6)
    matrix = rng.normal(size=(50, 3, 3))
    matrix += matrix.swapaxes(1, 2)
    matrix[0] = np.diag([1, 1, -2])  # one flat direction
    matrix[1] = np.eye(3)  # flat everywhere
    reduction = nt.reduction("ij=ji")
    read = reduction.pack(np.diag([1.0, 0, 0]))
    found = maximize(Linear(read), reduction.pack(matrix), (0, 2))
    assert np.allclose(found.value, np.linalg.eigvalsh(matrix)[:, 2], rtol=1e-12)
    first = found.rotation[:, 0]
    assert np.allclose(
        np.einsum("nij,nj->ni", matrix, first), found.value[:, None] * first, atol=1e-6
    )


def test_a_quartic_maximum_is_reached() -> None:
    # T_1111 of r⁴ - z⁴ has the maximum 1 on the whole equator, where it falls as the fourth power
    reduction = nt.reduction("ijkl=jikl=klij=ikjl")
    delta = np.eye(3)
    ball = sum(np.einsum(f"{pair},{rest}->ijkl", delta, delta) for pair, rest in
               (("ij", "kl"), ("ik", "jl"), ("il", "jk"))) / 3  # fmt: skip
    peak = np.zeros((3, 3, 3, 3))
    peak[2, 2, 2, 2] = 1
    read = np.zeros((3, 3, 3, 3))
    read[0, 0, 0, 0] = 1
    weights = [weight for weight, _ in reduction.copies]
    found = maximize(Linear(reduction.pack(read)), reduction.pack(ball - peak), weights)
    assert found.value == pytest.approx(1, abs=1e-10)


def test_starts_may_be_given() -> None:
    packed = nt.reduction("elastic").pack(nt.from_voigt(random_stable(3, seed=7)))
    objective = objectives()["linear"]
    free = maximize(objective, packed, WEIGHTS)
    again = maximize(objective, packed, WEIGHTS, starts=free.rotation[:, None])
    assert np.allclose(again.value, free.value, rtol=1e-13)
    one = maximize(objective, packed, WEIGHTS, starts=grids.rotation_grid(1))
    there = Blocks(WEIGHTS).rotate(packed, np.eye(3)) @ objective.rows[0]
    assert (one.value >= there).all()  # a climb, but a local one
    with pytest.raises(ValueError, match=r"rotations of shape \(starts, 3, 3\), got .* \(3, 3\)"):
        maximize(objective, packed, WEIGHTS, starts=np.eye(3))
    with pytest.raises(ValueError, match="count 0 is not positive"):
        maximize(objective, packed, WEIGHTS, starts=0)


@pytest.mark.parametrize("batch", [(), (0,), (2, 3)])
def test_shapes_of_maxima(batch: tuple[int, ...]) -> None:
    matrix = random_stable(6, seed=8)[: int(np.prod(batch))].reshape(*batch, 6, 6)
    packed = nt.reduction("elastic").pack(nt.from_voigt(matrix))
    found = maximize(objectives()["ratio"], packed, WEIGHTS, starts=2)
    assert found.value.shape == batch
    assert found.rotation.shape == (*batch, 3, 3)


def test_a_tensor_with_a_nan_has_no_maximum_and_leaves_its_neighbours_alone() -> None:
    packed = nt.reduction("elastic").pack(nt.from_voigt(random_stable(3, seed=9)))
    objective = objectives()["linear"]
    expected = maximize(objective, packed, WEIGHTS).value
    packed[1, 5] = np.nan
    found = maximize(objective, packed, WEIGHTS)
    assert np.isnan(found.value).tolist() == [False, True, False]
    assert np.isnan(found.rotation[1]).all()
    assert np.allclose(found.value[::2], expected[::2], rtol=1e-13)


def test_an_objective_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"reads 21 coordinates, but .* have 6"):
        maximize(objectives()["linear"], np.zeros(6), (0, 2))
