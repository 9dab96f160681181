"""The layout of packed tensors of several weights, and their rotation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors.so3 import blocks, grids
from natural_tensors.so3.blocks import Blocks
from tests.helpers.stiffnesses import random_stable

WEIGHTS = (0, 0, 2, 2, 4)


# --- generators -----------------------------------------------------------------------------------


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


# --- blocks ---------------------------------------------------------------------------------------


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
