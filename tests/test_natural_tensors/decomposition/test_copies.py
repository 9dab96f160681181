"""How often each weight occurs: against tables, the recursion and exact characters."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from natural_tensors import IndexSymmetry, SymmetryError, reduction
from natural_tensors.decomposition.components import independent_components
from natural_tensors.decomposition.copies import multiplicities
from tests.helpers.oracles import (
    EVERY,
    FIFTH,
    GENERAL_TABLE,
    LETTERS,
    Case,
    by_characters,
    by_recursion,
    group_of,
    signed_strings,
)


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_multiplicities_and_components_are_those_of_the_table(case: Case) -> None:
    result = reduction(case.symmetry)
    assert dict(result.multiplicities) == dict(case.multiplicities)
    assert result.dimension == case.components
    assert result.rank == case.rank


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_multiplicities_are_those_of_the_character(case: Case) -> None:
    assert dict(reduction(case.symmetry).multiplicities) == by_characters(
        case.rank, group_of(case.symmetry)
    )


@pytest.mark.parametrize("rank", range(11))
def test_general_multiplicities_follow_the_recursion(rank: int) -> None:
    symmetry = IndexSymmetry.general(rank)
    counted = multiplicities(independent_components(symmetry).orbits, rank)
    assert counted == by_recursion(rank)
    if rank <= 6:
        assert dict(reduction(symmetry).multiplicities) == by_recursion(rank)


@pytest.mark.parametrize("rank", sorted(GENERAL_TABLE))
def test_the_oracles_agree_with_each_other(rank: int) -> None:
    table = dict(enumerate(map(int, GENERAL_TABLE[rank].split())))
    assert by_recursion(rank) == table
    assert by_characters(rank, group_of(LETTERS[:rank])) == table


def test_the_group_of_fifth_order_elasticity_has_3840_elements() -> None:
    assert len(group_of(FIFTH.symmetry)) == 3840


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_components_of_all_parts_add_up(case: Case) -> None:
    result = reduction(case.symmetry)
    assert sum((2 * weight + 1) * count for weight, count in result.multiplicities.items()) == (
        result.dimension
    )
    assert sum(2 * weight + 1 for weight, _ in result.copies) == result.dimension


@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_weights_that_do_not_occur_are_omitted_and_copies_are_listed_in_order(case: Case) -> None:
    result = reduction(case.symmetry)
    assert all(result.multiplicities.values())
    assert list(result.multiplicities) == sorted(result.multiplicities)
    assert result.copies == tuple(
        (weight, copy) for weight, count in case.multiplicities for copy in range(count)
    )


@pytest.mark.parametrize("axial", [False, True])
@pytest.mark.parametrize("case", EVERY[:-2], ids=repr)
def test_parity_of_polar_and_axial_classes(case: Case, axial: bool) -> None:
    result = reduction(case.symmetry, axial=axial)
    parity = (-1) ** case.rank * (-1 if axial else 1)
    assert result.parity == parity
    letter = {1: "e", -1: "o"}[parity]
    assert result.irreps == "+".join(
        f"{count}x{weight}{letter}" for weight, count in case.multiplicities
    )
    # being axial changes nothing else
    assert result.multiplicities == reduction(case.symmetry).multiplicities


def test_scalar_and_vector() -> None:
    scalar = reduction(IndexSymmetry.general(0))
    assert (dict(scalar.multiplicities), scalar.dimension, scalar.irreps) == ({0: 1}, 1, "1x0e")
    vector = reduction("i")
    assert (dict(vector.multiplicities), vector.dimension, vector.irreps) == ({1: 1}, 3, "1x1o")
    assert reduction("i", axial=True).irreps == "1x1e"


def test_multiplicities_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        reduction("ij=ji").multiplicities[0] = 2  # type: ignore[index]


@settings(max_examples=100)
@given(signed_strings())
def test_random_symmetries_have_the_multiplicities_of_their_character(text: str) -> None:
    rank = len(text.partition("=")[0])
    expected = by_characters(rank, group_of(text))
    if not expected:
        with pytest.raises(SymmetryError):
            reduction(text)
        return
    result = reduction(text)
    assert dict(result.multiplicities) == expected
    assert sum((2 * weight + 1) * count for weight, count in expected.items()) == result.dimension
