"""Numbers of invariants: the literature, the tables of forms, and means over rotation matrices."""

from __future__ import annotations

from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from natural_tensors import PointGroupError, catalog, form, point_group, reduction
from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC, GROUPS
from natural_tensors.exact import floats
from natural_tensors.invariants.counts import count_invariants


@pytest.mark.parametrize(
    ("name", "rotations", "all_orthogonal"),
    [
        ("elastic", (2, 7, 22, 63), (2, 7, 22, 63)),
        ("piezoelectric", (0, 5, 7, 43), (0, 5, 0, 43)),  # odd degrees are pseudoscalars
        ("third-order-elastic", (3, 17, 111, 808), (3, 17, 111, 808)),
        ("dielectric", (1, 2, 3, 4), (1, 2, 3, 4)),  # a polynomial ring in degrees 1, 2, 3
    ],
)
def test_published_numbers_under_all_rotations(
    name: str, rotations: tuple[int, ...], all_orthogonal: tuple[int, ...]
) -> None:
    assert count_invariants(name, "SO(3)", 4).numbers == rotations
    assert count_invariants(name, "O(3)", 4).numbers == all_orthogonal


def test_rings_whose_series_are_known() -> None:
    # one symmetric matrix: free generators of degree 1, 2, 3
    free = [sum(1 for b in range(d // 2 + 1) for c in range(d // 3 + 1) if 2 * b + 3 * c <= d)
            for d in range(1, 41)]  # fmt: skip
    assert list(count_invariants("ij=ji", "SO(3)", 40).numbers) == free
    # one vector: powers of its square; one antisymmetric matrix is an axial vector
    assert count_invariants("i", "O(3)", 6).numbers == (0, 1, 0, 1, 0, 1)
    assert count_invariants("ij=-ji", "SO(3)", 6).numbers == (0, 1, 0, 1, 0, 1)
    # any matrix under SO(3) (Spencer, Continuum Physics I (1971), 239: traces of S and W):
    # (1 + t^6) / ((1-t)(1-t^2)^2(1-t^3)^2(1-t^4))
    series = np.zeros(21, dtype=object)
    series[[0, 6]] = 1
    for degree in (1, 2, 2, 3, 3, 4):
        for d in range(degree, 21):
            series[d] += series[d - degree]
    assert count_invariants("ij", "SO(3)", 20).numbers == tuple(series[1:])


@pytest.mark.parametrize("name", ["elastic", "piezoelectric", "magnetoelectric", "gyration"])
def test_linear_invariants_are_the_constants_of_the_form(name: str) -> None:
    groups = [*GROUPS, "4'/mmm'", "m'm'2", "m-3m1'", "∞/mm'", "∞m'"]
    for group in groups:
        counted = count_invariants(name, group, 1).numbers[0]
        assert counted == form(name, group).independent, group


def test_without_symmetry_every_polynomial_is_invariant() -> None:
    numbers = count_invariants("elastic", "1", 5).numbers
    assert numbers == tuple(comb(20 + degree, degree) for degree in range(1, 6))


@pytest.mark.parametrize("group", ["32", "-4", "6mm", "-43m", "m-3", "-6m2"])
@pytest.mark.parametrize("name", ["elastic", "piezoelectric"])
def test_counts_are_the_mean_of_the_series_of_rotation_matrices(name: str, group: str) -> None:
    """Molien's mean over matrices on packed tensors, whose power sums give the series."""
    tensors = reduction(name)
    degree = 5
    total = np.zeros(degree + 1)
    operations = point_group(group).operations
    for operation in operations:
        matrix = np.array(
            [[floats.surd_to_float(entry) for entry in row] for row in operation.matrix]
        )
        units = tensors.unpack(np.eye(tensors.dimension))
        action = tensors.pack(tensors.rotate(units, matrix))
        powers = [np.trace(np.linalg.matrix_power(action, k)) for k in range(degree + 1)]
        series = [1.0]
        for d in range(1, degree + 1):  # Newton: d h_d = sum of p_k h_(d-k)
            series.append(sum(powers[k] * series[d - k] for k in range(1, d + 1)) / d)
        total += series
    # sums of thousands of products near 1: exact to some 1e-9, and the answers are integers
    counted = count_invariants(name, group, degree).numbers
    np.testing.assert_allclose(total[1:] / len(operations), counted, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["ij=ji", "ij", "ijk=ikj", "ijk", "i", "ijk=jik=ikj"]),
    st.booleans(),
    st.sampled_from(list(CRYSTALLOGRAPHIC)),
)
def test_subgroups_have_at_least_as_many(symmetry: str, axial: bool, group: str) -> None:
    tensors = reduction(symmetry, axial=axial)
    orthogonal = count_invariants(tensors, "O(3)", 6).numbers
    under_group = count_invariants(tensors, group, 6).numbers
    every = count_invariants(tensors, "1", 6).numbers
    for least, middle, most in zip(orthogonal, under_group, every, strict=True):
        assert least <= middle <= most


def test_high_degrees_are_integers_and_grow() -> None:
    numbers = count_invariants("third-order-elastic", "SO(3)", 60).numbers
    assert all(a < b for a, b in pairwise(numbers))


def test_all_named_tensors_have_a_quadratic_invariant() -> None:
    for name in catalog:
        numbers = count_invariants(name, "O(3)", 2).numbers
        assert numbers[1] >= sum(k * (k + 1) // 2 for k in reduction(name).multiplicities.values())


def test_representation_says_what_was_counted() -> None:
    counts = count_invariants("piezoelectric", "32", 3)
    assert repr(counts).startswith("InvariantCounts(piezoelectric under 32, degrees 1 to 3: 2, ")
    assert counts.total == sum(counts.numbers)


def test_bad_input_says_what_is_allowed() -> None:
    with pytest.raises(PointGroupError, match="no point group"):
        count_invariants("elastic", "SO(4)")
    with pytest.raises(ValueError, match="degree 0 is too small"):
        count_invariants("elastic", "SO(3)", 0)
    with pytest.raises(TypeError, match="degree="):
        count_invariants("elastic", "SO(3)", True)
    with pytest.raises(ValueError, match="allowed: 1"):
        count_invariants("elastic", "SO(3)", time_reversal=0)
