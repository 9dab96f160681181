"""Grids of rotations, generators, and maxima over SO(3)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors.so3 import blocks, grids
from natural_tensors.so3.blocks import Blocks
from natural_tensors.so3.maximize import Linear, Objective, Ratio, SquaredNorm, maximize
from tests.helpers.stiffnesses import random_stable

Floats = NDArray[np.float64]

WEIGHTS = (0, 0, 2, 2, 4)


def angles(one: Floats, other: Floats) -> Floats:
    """Return the angles between rotations and the nearest of a grid, radians."""
    cosine = (one.reshape(-1, 9) @ other.reshape(-1, 9).T).max(axis=1)
    return np.arccos(np.clip((cosine - 1) / 2, -1, 1))


# --- grids -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 10, 2000])
def test_a_rotation_grid_holds_rotations_and_the_identity_first(count: int) -> None:
    grid = grids.rotation_grid(count)
    assert grid.shape == (count, 3, 3)
    assert (grid[0] == np.eye(3)).all()
    assert np.allclose(grid @ grid.swapaxes(1, 2), np.eye(3), atol=1e-13)
    assert np.allclose(np.linalg.det(grid), 1)
    assert (grid == grids.rotation_grid(count)).all()


@pytest.mark.parametrize("count", [200, 2000])
def test_a_rotation_grid_leaves_no_wide_gap(count: int) -> None:
    gap = angles(Rotation.random(2000, random_state=0).as_matrix(), grids.rotation_grid(count))
    # rotations by up to a small angle a are a³ / 6π of all: so wide are cells without overlap
    ideal = (6 * np.pi / count) ** (1 / 3)
    assert gap.max() < 1.6 * ideal
    assert gap.mean() == pytest.approx(0.8 * ideal, rel=0.1)


def test_a_rotation_grid_averages_harmonics_to_zero() -> None:
    # a plain random sample of this size has an error of 0.02
    for weight in (1, 2, 3, 4):
        mean = nt.rotation(weight, grids.rotation_grid(2000)).mean(axis=0)
        assert np.abs(mean).max() < 2e-3


def test_a_direction_grid_covers_half_the_sphere() -> None:
    grid = grids.direction_grid(1000)
    assert np.allclose(np.linalg.norm(grid, axis=1), 1)
    assert (grid[:, 2] > 0).all()
    random = Rotation.random(2000, random_state=1).as_matrix()[:, 0]
    gap = np.arccos(np.abs(random @ grid.T).max(axis=1))
    assert np.degrees(gap.max()) < 4
    assert np.einsum("ni,nj->ij", grid, grid) / 1000 == pytest.approx(np.eye(3) / 3, abs=1e-3)


def test_grids_refuse_a_count_below_one() -> None:
    for function in (grids.rotation_grid, grids.direction_grid):
        with pytest.raises(ValueError, match="count 0 is not positive"):
            function(0)
        with pytest.raises(TypeError, match="count"):
            function(2.5)


def test_starts_are_peaks_first_and_never_neighbours() -> None:
    mesh = grids.direction_mesh(1000)
    axis = np.array([0.0, 0.6, 0.8])
    second = np.array([1.0, 0, 0])
    values = np.maximum((mesh.points @ axis) ** 8, 0.95 * (mesh.points @ second) ** 8)
    chosen = mesh.starts(values, 6)
    assert np.degrees(np.arccos(np.abs(mesh.points[chosen[0]] @ axis))) < 4
    assert np.degrees(np.arccos(np.abs(mesh.points[chosen[1]] @ second))) < 4
    assert (values[chosen] >= 0.85 - 1e-12).all()
    distinct = list(dict.fromkeys(chosen.tolist()))
    for one in distinct:
        assert not set(mesh.neighbours[one].tolist()) & set(distinct)
    spoiled = np.where(np.arange(1000) == chosen[0], np.nan, values)
    assert chosen[0] not in mesh.starts(spoiled, 6)


def test_oriented_makes_the_largest_component_positive() -> None:
    vectors = np.array([[0.1, -0.9, 0.2], [-1, 1, 0], [1, -1 - 1e-9, 0], [0, 0, 0]])
    expected = [[-0.1, 0.9, -0.2], [1, -1, 0], [1, -1 - 1e-9, 0], [0, 0, 0]]
    assert grids.oriented(vectors) == pytest.approx(np.array(expected))
    assert grids.oriented(-vectors) == pytest.approx(np.array(expected))
    assert np.isnan(grids.oriented([np.nan, 1.0])).any()


def test_frames_are_right_handed_with_the_direction_first() -> None:
    n = np.concatenate([grids.direction_grid(50), -np.eye(3)])
    frame = grids.frames(5 * n)
    assert np.allclose(frame[:, 0], n, atol=1e-14)
    assert np.allclose(frame @ frame.swapaxes(1, 2), np.eye(3), atol=1e-14)
    assert np.allclose(np.linalg.det(frame), 1)
    with pytest.raises(ValueError, match=r"end in the shape \(3,\), got an array of shape \(2,\)"):
        grids.frames([1, 0])
    with pytest.raises(ValueError, match="vector 1 has no direction"):
        grids.frames([[1, 0, 0], [0, 0, 0]])


# --- generators --------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", range(7))
def test_generators_are_derivatives_of_the_rotation(weight: int) -> None:
    found = blocks.generators(weight)
    step = 1e-4
    for axis, vector in enumerate(np.eye(3)):
        ends = [nt.rotation(weight, grids.exponential(t * vector)) for t in (step, -step)]
        # error of the difference: (step weight)² / 6 of the norm weight
        assert np.allclose(found[axis], (ends[0] - ends[1]) / (2 * step), atol=1e-6)


@pytest.mark.parametrize("weight", range(1, 9))
def test_generators_form_the_algebra_of_rotations(weight: int) -> None:
    x, y, z = blocks.generators(weight)
    assert np.allclose([x, y, z], [-x.T, -y.T, -z.T], atol=1e-12)
    for a, b, c in ((x, y, z), (y, z, x), (z, x, y)):
        assert np.allclose(a @ b - b @ a, c, atol=1e-12 * weight**2)
    casimir = -weight * (weight + 1) * np.eye(2 * weight + 1)
    assert np.allclose(x @ x + y @ y + z @ z, casimir, atol=1e-12 * weight**2)
    vector = np.array([0.3, -1.1, 0.7])
    turned = expm(np.tensordot(vector, blocks.generators(weight), axes=1))
    assert np.allclose(turned, nt.rotation(weight, grids.exponential(vector)), atol=1e-12)


def test_the_exponential_agrees_with_scipy() -> None:
    vectors = np.array([[0, 0, 0], [1e-9, 0, 0], [0.3, -2, 1], [0, np.pi, 0]])
    expected = Rotation.from_rotvec(vectors).as_matrix()
    assert np.allclose(grids.exponential(vectors), expected, atol=1e-15)


# --- blocks ------------------------------------------------------------------------------------


def test_blocks_rotate_as_the_full_tensor() -> None:
    matrix = nt.from_voigt(random_stable(3, seed=1))
    rotations = Rotation.random(3, random_state=2).as_matrix()
    reduction = nt.reduction("elastic")
    found = Blocks(WEIGHTS).rotate(reduction.pack(matrix), rotations)
    expected = [reduction.rotate(c, r) for c, r in zip(matrix, rotations, strict=True)]
    assert np.allclose(reduction.unpack(found), expected, rtol=1e-12, atol=1e-10)


def test_blocks_broadcast_and_know_their_layout() -> None:
    blocks = Blocks((1, 0, 3))
    assert blocks.size == 11
    assert blocks.slices == (slice(0, 3), slice(3, 4), slice(4, 11))
    assert blocks.sizes == (3, 1, 7)
    assert blocks.entries[2:5] == ((1, 2), (0, 0), (3, 0))
    assert blocks.matrix_slices == (slice(0, 9), slice(9, 10), slice(10, 59))
    assert blocks.matrix_size == 59
    assert Blocks.up_to(2) == Blocks((0, 1, 2))
    assert Blocks.up_to(0, first=1).slices == ()
    assert blocks.rotates.tolist() == [True] * 3 + [False] + [True] * 7
    packed, rotations = np.ones((2, 1, 11)), grids.rotation_grid(5)
    assert blocks.rotate(packed, rotations).shape == (2, 5, 11)
    assert np.allclose(blocks.rotate(packed, np.eye(3)), packed, atol=1e-14)
    with pytest.raises(ValueError, match=r"end in the shape \(11,\), got an array of shape \(3,\)"):
        blocks.rotate(np.zeros(3), np.eye(3))
    with pytest.raises(ValueError, match="negative"):
        Blocks((2, -1))


# --- maxima ------------------------------------------------------------------------------------


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
