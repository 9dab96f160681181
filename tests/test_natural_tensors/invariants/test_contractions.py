"""Contractions: all of them, and evaluation against sums over full arrays."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest

from natural_tensors import unpack_natural
from natural_tensors.invariants.characters import joint_invariants
from natural_tensors.invariants.contractions import contractions, independent_contractions
from natural_tensors.invariants.evaluation import contract, nodes_of
from natural_tensors.invariants.invariant import at_monomials


def test_every_index_is_joined_once() -> None:
    for weights in combinations_with_replacement(range(1, 5), 4):
        for each in contractions(weights):
            ends = [0] * len(weights)
            for i, j, shared in each.edges:
                assert i < j
                ends[i] += shared
                ends[j] += shared
            for factor in each.epsilon:
                ends[factor] += 1
            assert tuple(ends) == weights
            assert len(each.epsilon) == (3 if sum(weights) % 2 else 0)


def test_distinct_factors_have_the_known_numbers() -> None:
    # 2-regular multigraphs on four points: three pairs of double bonds, three rings
    assert len(contractions((2, 2, 2, 2))) == 6
    assert contractions((1, 3)) == []
    # three weights that obey the triangle rule couple in one way, otherwise in none
    for weights in combinations_with_replacement(range(1, 6), 3):
        fits = weights[2] <= weights[0] + weights[1]
        assert len(contractions(weights)) == int(fits)


@pytest.mark.parametrize("weights", [(2, 2, 4, 4), (1, 2, 2), (3, 4, 4, 2), (2, 3, 3, 3)])
def test_values_are_sums_over_all_indices(weights: tuple[int, ...]) -> None:
    generator = np.random.default_rng(1)
    tensors = [unpack_natural(generator.normal(size=(2, 2 * w + 1)), w) for w in weights]
    rows = [at_monomials(t, w) for t, w in zip(tensors, weights, strict=True)]
    epsilon = np.zeros((3, 3, 3))
    epsilon[[0, 1, 2], [1, 2, 0], [2, 0, 1]] = 1
    epsilon[[0, 1, 2], [2, 0, 1], [1, 2, 0]] = -1
    for each in contractions(weights)[:5]:
        letters = iter("abcdefghijklm")
        names = [""] * len(weights)
        legs = ""
        for factor in each.epsilon:
            legs += (letter := next(letters))
            names[factor] += letter
        for i, j, shared in each.edges:
            word = "".join(next(letters) for _ in range(shared))
            names[i] += word
            names[j] += word
        terms = ["Z" + name for name in names] + ([legs] if legs else [])
        arrays = [*tensors, epsilon] if legs else tensors
        expected = np.einsum(",".join(terms) + "->Z", *arrays, optimize=True)
        found = contract(nodes_of(weights, each.edges, each.epsilon), rows)
        np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(expected).max() + 1e-13)


def test_a_basis_is_as_long_as_the_characters_say() -> None:
    for factors in (((2, 4),), ((4, 4),), ((6, 4),), ((3, 3), (2, 1)), ((1, 1), (2, 1), (3, 1))):
        assert len(independent_contractions(factors)) == joint_invariants(factors)
    assert joint_invariants(((4, 4),)) == 2  # the square of the norm, and one more
    assert joint_invariants(((3, 3),)) == 0
