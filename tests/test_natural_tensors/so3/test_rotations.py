"""Rotations of packed natural tensors, exact and numeric, against e3nn."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation

from natural_tensors import (
    harmonic,
    pack_natural,
    rotation,
)
from tests.helpers.numbers import EPS, directions, rng
from tests.helpers.oracles import random_natural, rotated

# the recursion makes at most 7 steps, each two sums of some ten products of orthonormal rows
ROTATION = 100 * EPS


@pytest.mark.parametrize("weight", range(9))
def test_rotation_matrices_are_orthogonal_and_a_homomorphism(weight: int) -> None:
    a, b = Rotation.random(2, rng=1).as_matrix()
    b = -b
    first, second = rotation(weight, a), rotation(weight, b)
    assert first.shape == (2 * weight + 1, 2 * weight + 1)
    for matrix in (first, second):
        assert np.abs(matrix @ matrix.T - np.eye(2 * weight + 1)).max() <= ROTATION
    assert np.abs(rotation(weight, a @ b) - first @ second).max() <= ROTATION
    assert np.abs(rotation(weight, a.T) - first.T).max() <= ROTATION
    assert np.linalg.det(first) == pytest.approx(1, abs=20 * ROTATION)


@pytest.mark.parametrize("weight", range(9))
def test_identity_and_inversion(weight: int) -> None:
    identity = np.eye(2 * weight + 1)
    assert np.abs(rotation(weight, np.eye(3)) - identity).max() <= ROTATION
    assert np.abs(rotation(weight, -np.eye(3)) - (-1) ** weight * identity).max() <= ROTATION


def test_rotation_of_weight_one_is_the_matrix_itself() -> None:
    matrix = Rotation.random(rng=2).as_matrix()
    assert np.array_equal(rotation(1, matrix), matrix)
    assert rotation(0, matrix).tolist() == [[1.0]]


@pytest.mark.parametrize("improper", [False, True])
@pytest.mark.parametrize("weight", range(9))
def test_harmonics_of_rotated_directions_are_rotated(weight: int, improper: bool) -> None:
    matrix = Rotation.random(rng=5).as_matrix() * (-1 if improper else 1)
    n = directions(20)
    piece = harmonic(weight, "orthonormal")
    gap = piece(n @ matrix.T) - piece(n) @ rotation(weight, matrix).T
    # both evaluations and the rotation: no angles, no loss of digits
    assert np.abs(gap).max() <= 2 * ROTATION


@pytest.mark.parametrize("weight", range(6))
def test_natural_tensors_rotate_index_by_index(weight: int) -> None:
    matrix = -Rotation.random(rng=8).as_matrix()
    tensor = random_natural(weight, rng()).astype(float)
    turned = pack_natural(rotated(tensor, matrix, weight), weight)
    expected = rotation(weight, matrix) @ pack_natural(tensor, weight)
    assert np.abs(turned - expected).max() <= ROTATION * np.linalg.norm(tensor)


@pytest.mark.parametrize("weight", range(7))
def test_rotation_matrices_are_the_wigner_d_of_e3nn(weight: int, double: None) -> None:
    for seed in range(3):
        matrix = Rotation.random(rng=seed).as_matrix()
        theirs = o3.Irrep(weight, 1).D_from_matrix(torch.from_numpy(matrix)).numpy()
        # e3nn goes through angles: acos of a cosine c loses sqrt(eps) where c is near 1, and
        # eps / sin(beta) elsewhere, here below 10 eps; the matrix multiplies an angle's error by l
        beta = np.arccos(matrix[1, 1])
        assert np.sin(beta) > 0.1
        tolerance = 100 * EPS * (weight + 1)
        assert np.abs(rotation(weight, matrix) - theirs).max() <= tolerance
        improper = o3.Irrep(weight, (-1) ** weight).D_from_matrix(torch.from_numpy(-matrix)).numpy()
        found = rotation(weight, -matrix)  # natural parity
        assert np.abs(found - improper).max() <= tolerance


def cayley(a: int, b: int, c: int) -> sympy.Matrix:
    """Return an exact rational rotation."""
    skew = sympy.Matrix([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    identity = sympy.eye(3)
    return (identity - skew).inv() * (identity + skew)


@pytest.mark.parametrize("weight", range(5))
@pytest.mark.parametrize("sign", [1, -1])
def test_exact_rotations_agree_with_numeric_ones_and_are_exactly_orthogonal(
    weight: int, sign: int
) -> None:
    matrix = sign * cayley(sympy.Rational(1, 2), sympy.Rational(-1, 3), 2)
    exact = rotation(weight, matrix)
    assert exact.shape == (2 * weight + 1, 2 * weight + 1)
    assert not exact.has(sympy.Float)
    product_ = (exact * exact.T).applyfunc(lambda entry: sympy.nsimplify(sympy.expand(entry)))
    assert product_ == sympy.eye(2 * weight + 1)
    numeric = rotation(weight, np.array(matrix.tolist(), dtype=float))
    assert np.abs(np.array(exact.tolist(), dtype=float) - numeric).max() <= ROTATION


@pytest.mark.parametrize("weight", range(4))
def test_exact_rotations_are_a_homomorphism(weight: int) -> None:
    a, b = cayley(1, 2, 0), -cayley(sympy.Rational(1, 3), 0, 1)
    gap = rotation(weight, a * b) - rotation(weight, a) * rotation(weight, b)
    assert gap.applyfunc(sympy.expand) == sympy.zeros(2 * weight + 1)


def test_rotation_about_an_axis_stays_symbolic() -> None:
    angle = sympy.Symbol("t", real=True)
    matrix = sympy.Matrix(
        [
            [sympy.cos(angle), 0, sympy.sin(angle)],
            [0, 1, 0],
            [-sympy.sin(angle), 0, sympy.cos(angle)],
        ]
    )
    found = rotation(2, matrix)
    # about the polar axis y: the component m = 0 stays, m = 2 turns with twice the angle
    assert sympy.simplify(found[2, 2]) == 1
    assert sympy.simplify(found[4, 4] - sympy.cos(2 * angle)) == 0


@pytest.mark.parametrize("weight", [1, 2, 3, 4])
def test_the_smallest_rotations_are_not_lost(weight: int) -> None:
    """Through angles they would be: the cosine of 1e-9 is 1."""
    for axis in np.eye(3):
        for angle in (1e-6, 1e-9):
            found = rotation(weight, Rotation.from_rotvec(angle * axis).as_matrix())
            # the eigenvalues of a rotation by t are exp(i m t), with m up to the weight
            largest = np.linalg.norm(found - np.eye(2 * weight + 1), 2)
            assert largest == pytest.approx(weight * angle, rel=1e-6)


def test_rotations_take_a_batch() -> None:
    matrices = Rotation.random(6, rng=1).as_matrix().reshape(2, 3, 3, 3)
    for weight in range(4):
        found = rotation(weight, matrices)
        assert found.shape == (2, 3, 2 * weight + 1, 2 * weight + 1)
        for place in product(range(2), range(3)):
            single = rotation(weight, matrices[place])
            assert np.abs(found[place] - single).max() <= 20 * EPS
        assert rotation(weight, np.zeros((0, 3, 3))).shape == (0, 2 * weight + 1, 2 * weight + 1)


def test_rotations_of_torch_tensors_and_their_gradients() -> None:
    vector = torch.tensor([0.3, -0.8, 0.5], dtype=torch.float64, requires_grad=True)

    def matrix(v: torch.Tensor) -> torch.Tensor:
        zero = torch.zeros((), dtype=v.dtype)
        rows = [zero, -v[2], v[1], v[2], zero, -v[0], -v[1], v[0], zero]
        return torch.matrix_exp(torch.stack(rows).reshape(3, 3))

    for weight in range(1, 4):
        found = rotation(weight, matrix(vector))
        assert isinstance(found, torch.Tensor)
        expected = rotation(weight, matrix(vector).detach().numpy())
        assert np.abs(found.detach().numpy() - expected).max() <= ROTATION
        assert torch.autograd.gradcheck(lambda v, w=weight: rotation(w, matrix(v)), vector)
    single = rotation(2, torch.eye(3))
    assert single.dtype == torch.float32


@pytest.mark.parametrize(
    ("weight", "matrix", "message"),
    [
        (2, np.ones((3, 3)), "not a rotation"),
        (2, np.eye(4), r"3x3 matrix, got shape \(4, 4\)"),
        (2, np.ones(3), r"3x3 matrix, got shape \(3,\)"),
        (-1, np.eye(3), "weight -1 is negative"),
        (2, 2 * sympy.eye(3), "not a rotation"),
        (2, sympy.eye(2), "not a rotation"),
        (2, np.full((3, 3), np.nan), "not a rotation"),
    ],
    ids=["not-orthogonal", "4x4", "vector", "negative", "exact", "exact-2x2", "nan"],
)
def test_what_is_no_rotation_is_refused(weight: int, matrix: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rotation(weight, matrix)
