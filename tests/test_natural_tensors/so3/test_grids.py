"""Grids of rotations and directions, and generators."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors.so3 import grids

Floats = NDArray[np.float64]


def angles(one: Floats, other: Floats) -> Floats:
    """Return the angles between rotations and the nearest of a grid, radians."""
    cosine = (one.reshape(-1, 9) @ other.reshape(-1, 9).T).max(axis=1)
    return np.asarray(np.arccos(np.clip((cosine - 1) / 2, -1, 1)))


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
            function(2.5)  # type: ignore[arg-type]


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
