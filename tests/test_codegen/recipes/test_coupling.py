"""Code of couplings and of rotations of features proved."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from codegen import (
    CouplingRecipe,
    RotationRecipe,
)
from tests.helpers.formal import WEIGHT, blocks_of, coupled_sum, function, ring_of, total

TRIPLES = [
    (a, b, c) for a, b, c in product(range(WEIGHT + 1), repeat=3) if abs(a - b) <= c <= a + b
]


@pytest.mark.parametrize("l3", range(WEIGHT + 1))
def test_couplings_equal_the_exact_ones(l3: int) -> None:
    for triple in TRIPLES:
        if triple[2] == l3:
            (program,) = CouplingRecipe(*triple).functions()
            ring = ring_of("v", 2 * (triple[0] + triple[1]) + 2)
            first, second = ring.gens[: 2 * triple[0] + 1], ring.gens[2 * triple[0] + 1 :]
            expected = coupled_sum(triple, "component", first, second)
            assert program.run(first, second)["coupled"] == expected, triple


@pytest.mark.parametrize("normalization", ["legendre", "orthonormal"])
@pytest.mark.parametrize("triple", [(1, 1, 1), (2, 2, 4), (3, 2, 2), (4, 4, 4), (3, 0, 3)])
def test_couplings_on_pairs_of_a_basis(triple: Any, normalization: Any) -> None:
    l1, l2, l3 = triple
    (program,) = CouplingRecipe(l1, l2, l3, normalization).functions()
    one, two, _ = (np.eye(2 * weight + 1, dtype=int).tolist() for weight in triple)
    for x, y in product(one, two):
        assert program.run(x, y)["coupled"] == coupled_sum(triple, normalization, x, y)


@pytest.mark.parametrize("name", ["rotate", "rotate_back"])
def test_rotation_of_features_is_the_product_with_the_matrices(name: str) -> None:
    features = (WEIGHT + 1) ** 2
    entries = sum((2 * ell + 1) ** 2 for ell in range(1, WEIGHT + 1))
    ring = ring_of("v", features + entries)
    x, flat = ring.gens[:features], ring.gens[features:]
    matrices = blocks_of(flat, WEIGHT)
    expected: list[Any] = [x[0]]
    for ell, matrix in matrices.items():
        part = x[ell * ell : (ell + 1) ** 2]
        rows = matrix if name == "rotate" else list(zip(*matrix, strict=True))
        expected += [total(a * b for a, b in zip(row, part, strict=True)) for row in rows]
    assert function(RotationRecipe(WEIGHT), name).run(x, flat)["rotated"] == expected
