"""Reductions under rotations, and of random symmetries."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from natural_tensors import (
    from_voigt,
    reduction,
    rotation,
    to_voigt,
)
from natural_tensors.decomposition.copies import Basis
from tests.helpers.numbers import ELASTIC, EPS, EPS32, PROMISE, ROTATIONS, relative, rng
from tests.helpers.oracles import (
    BASES,
    CLASSES,
    FOURTH,
    Case,
    averaged,
    cycles,
    group_of,
    random_tensor,
    rotated,
    signed_strings,
)

# --- equivariance ---------------------------------------------------------------------------------


ROTATED = [c for c in CLASSES if c.rank <= 5]


@pytest.mark.parametrize("axial", [False, True], ids=["polar", "axial"])
@pytest.mark.parametrize("kind", list(ROTATIONS))
@pytest.mark.parametrize("case", ROTATED, ids=repr)
def test_parts_rotate_as_natural_tensors_with_their_parity(
    case: Case, kind: str, axial: bool
) -> None:
    matrix = ROTATIONS[kind]
    result = reduction(case.symmetry, axial=axial)
    tensor = random_tensor(case.symmetry, rng())
    sign = round(np.linalg.det(matrix))
    turned = rotated(tensor, matrix, case.rank) * (sign if axial else 1)
    found = result.rotate(tensor, matrix)
    # each of `rank` contractions is a sum of three products; R is orthogonal to rounding
    tolerance = 100 * EPS * np.linalg.norm(tensor)
    assert np.abs(found - turned).max() <= tolerance
    packed, at = result.pack(tensor), 0
    fresh = result.pack(turned)
    parts = result.decompose(tensor)
    for (weight, copy), part in result.decompose(turned).items():
        # a natural tensor of weight l and parity p: (-1)^l p is the sign an inversion adds
        extra = sign if result.parity != (-1) ** weight else 1
        expected = rotated(parts[weight, copy], matrix, weight) * extra
        assert np.abs(part - expected).max() <= 3 * tolerance
        size = 2 * weight + 1
        expected = rotation(weight, matrix) @ packed[at : at + size] * extra
        assert np.abs(fresh[at : at + size] - expected).max() <= 3 * tolerance
        at += size
    shares, again = result.fractions(tensor), result.fractions(turned)
    assert all(abs(shares[weight] - again[weight]) <= 200 * EPS for weight in shares)


def test_rotation_by_a_right_angle_by_hand() -> None:
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x to y, y to -x
    vector = reduction("i")
    assert vector.rotate([1.0, 0, 0], quarter).tolist() == [0, 1, 0]
    assert reduction("i", axial=True).rotate([1.0, 0, 0], -np.eye(3)).tolist() == [1, 0, 0]
    strain = np.array([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    assert np.array_equal(reduction("ij=ji").rotate(strain, quarter), quarter @ strain @ quarter.T)


def test_rotate_takes_a_batch_and_both_libraries() -> None:
    result = reduction(ELASTIC)
    tensors = random_tensor(ELASTIC, rng(), (2, 3))
    matrix = Rotation.random(rng=1).as_matrix()
    found = result.rotate(tensors, matrix)
    for place in product(range(2), range(3)):
        single = result.rotate(tensors[place], matrix)
        assert np.abs(found[place] - single).max() <= 50 * EPS * np.abs(tensors).max()
    array = result.rotate(torch.from_numpy(tensors).float(), matrix)
    assert array.dtype == torch.float32
    assert np.abs(array.numpy() - found).max() <= 50 * EPS32 * np.abs(tensors).max()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(2), r"a rotation is a 3x3 matrix, got shape \(2, 2\)"),
        (2 * np.eye(3), "differs from the identity by 3.00e"),
        (np.full((3, 3), np.nan), "differs from the identity by nan"),
    ],
)
def test_what_is_no_rotation_is_refused(matrix: ArrayLike, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        reduction("ij=ji").rotate(np.eye(3), matrix)


# --- at random ------------------------------------------------------------------------------------


@cache
def dimension_of(text: str) -> int:
    group = group_of(text)
    total = sum(sign * 3 ** len(cycles(slots)) for slots, sign in group)
    return int(total // len(group))


@settings(max_examples=60)
@given(signed_strings(), st.integers(0, 2**32 - 1))
def test_random_symmetries_symmetrize_by_the_group_average(text: str, seed: int) -> None:
    assume(dimension_of(text))
    result = reduction(text)
    array = rng(seed).standard_normal((2, *(3,) * result.rank))
    group = group_of(text)
    expected = averaged(array, group, result.rank) / len(group)
    size = np.abs(array).max()
    found = result.symmetrize(array)
    # a mean of at most 120 numbers
    assert np.abs(found - expected).max() <= 120 * EPS * size
    assert np.abs(result.symmetrize(found) - found).max() <= 120 * EPS * size


@settings(max_examples=60)
@given(signed_strings(), st.integers(0, 2**32 - 1), st.sampled_from(BASES), st.booleans())
def test_random_symmetries_make_the_round_trip(
    text: str, seed: int, basis: Basis, axial: bool
) -> None:
    assume(dimension_of(text))
    result = reduction(text, basis=basis, axial=axial)
    tensor = random_tensor(text, rng(seed))
    assume(np.abs(tensor).max() > 0.01)
    parts = result.decompose(tensor)
    assert relative(result.reconstruct(parts), tensor) < PROMISE
    packed = result.pack(tensor)
    assert packed.shape == (dimension_of(text),)
    assert np.linalg.norm(packed) == pytest.approx(np.linalg.norm(tensor), rel=200 * EPS)
    assert relative(result.unpack(packed), tensor) < PROMISE


@settings(max_examples=40)
@given(signed_strings(highest_rank=4), st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_random_symmetries_are_equivariant(
    text: str, seed: int, axial: bool, inverted: bool
) -> None:
    assume(dimension_of(text))
    result = reduction(text, axial=axial)
    tensor = random_tensor(text, rng(seed))
    matrix = Rotation.random(rng=seed).as_matrix() * (-1 if inverted else 1)
    turned = result.decompose(result.rotate(tensor, matrix))
    for (weight, copy), part in result.decompose(tensor).items():
        extra = -1 if inverted and result.parity != (-1) ** weight else 1
        expected = rotated(part, matrix, weight) * extra
        gap = np.abs(turned[weight, copy] - expected).max()
        assert gap <= 300 * EPS * np.linalg.norm(tensor)


@pytest.mark.parametrize("case", [FOURTH], ids=repr)
def test_full_rank_8_tensors_go_through(case: Case) -> None:
    result = reduction(case.symmetry)
    components = rng().standard_normal(case.components)
    tensor = result.convert(components, source="components", target="full")
    assert tensor.shape == (3,) * 8
    parts = result.decompose(tensor)
    assert relative(result.reconstruct(parts), tensor) < PROMISE
    assert np.linalg.norm(result.pack(tensor)) == pytest.approx(
        np.linalg.norm(tensor), rel=500 * EPS
    )


def test_packed_shapes_and_matrix_forms_are_checked() -> None:
    with pytest.raises(ValueError, match=r"packed coordinates of .* end in the shape \(21,\)"):
        reduction("elastic").unpack(np.zeros(20))
    for convert in (to_voigt, from_voigt):
        with pytest.raises(ValueError, match="form 'full' is not one of 'voigt'"):
            convert(np.zeros((6, 6)), form="full")


def test_reductions_are_equal_by_class_and_basis() -> None:
    assert reduction("elastic") == reduction(ELASTIC)
    assert hash(reduction("elastic")) == hash(reduction(ELASTIC))
    assert reduction("elastic") != reduction("elastic", basis="orthonormal")
    assert reduction("elastic") != "elastic"
