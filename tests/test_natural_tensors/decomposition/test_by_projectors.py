"""Every symmetry class up to rank 4 is derived again by projectors, in SymPy alone, and agrees."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import sympy

import natural_tensors as nt
from natural_tensors.errors import SymmetryError
from tests.helpers import by_projectors, oracles

# Groups of permutations with a sign for each, up to the naming of the indices. Of rank 4 there are
# eleven groups: the identity; one swap; two swaps; a cycle of three; of four; swaps of two pairs,
# the Klein group; S3; D4; A4; S4. Their signs: 1 + 2 + 2 + 1 + 2 + 3 + 2 + 2 + 4 + 1 + 2.
COUNTS = {0: 1, 1: 1, 2: 3, 3: 6, 4: 22}
CLASSES = [symmetry for rank in COUNTS for symmetry in by_projectors.symmetry_classes(rank)]
EMPTY = "ijkl=iklj=-jikl"  # antisymmetric in four indices of three values
NAMES = [symmetry for symmetry in CLASSES if symmetry != EMPTY]
NAMED = sorted({entry.symmetry for entry in nt.catalog.values() if entry.rank <= 4})

# Turns by arctan(4/3), no fraction of a full turn, about two axes: their products come as near to
# any rotation as one likes, so that what commutes with both commutes with every rotation.
TURNS = {
    "z": sympy.ImmutableMatrix([[3, -4, 0], [4, 3, 0], [0, 0, 5]]) / 5,
    "x": sympy.ImmutableMatrix([[5, 0, 0], [0, 3, -4], [0, 4, 3]]) / 5,
}


def shown(symmetry: str) -> str:
    return symmetry or "scalar"


@cache
def generic_piece(symmetry: str, weight: int) -> Any:
    tensor = by_projectors.generic_tensor(by_projectors.rank_of(symmetry))
    return by_projectors.piece(symmetry, weight, tensor)


def as_array(tensor: Any) -> Any:
    """Return a tensor of the package as an array, a scalar too."""
    return tensor if isinstance(tensor, sympy.NDimArray) else sympy.Array([tensor], ())


# --- the second derivation itself -----------------------------------------------------------------


def test_every_class_is_there_once() -> None:
    assert {rank: len(by_projectors.symmetry_classes(rank)) for rank in COUNTS} == COUNTS
    assert len({by_projectors.signed_words(symmetry) for symmetry in CLASSES}) == len(CLASSES)
    for symmetry in CLASSES[1:]:
        slots = {
            (tuple(symmetry.partition("=")[0].index(letter) for letter in word), sign)
            for word, sign in by_projectors.signed_words(symmetry)
        }
        assert slots == oracles.group_of(symmetry)


@pytest.mark.parametrize("axis", TURNS)
@pytest.mark.parametrize("rank", COUNTS)
def test_weights_are_projectors_and_commute_with_rotations(rank: int, axis: str) -> None:
    rotation = sympy.eye(1).as_immutable()
    for _ in range(rank):
        rotation = sympy.kronecker_product(rotation, TURNS[axis]).as_immutable()
    weights = [by_projectors.weight_projector(rank, weight) for weight in range(rank + 1)]
    assert sum(weights, start=0 * weights[0]) == sympy.eye(3**rank)
    for projector in weights:
        assert projector * projector == projector == projector.T
        assert projector * rotation == rotation * projector


@pytest.mark.parametrize("symmetry", CLASSES, ids=shown)
def test_classes_are_projectors_and_commute_with_weights(symmetry: str) -> None:
    rank = by_projectors.rank_of(symmetry)
    mean = by_projectors.class_projector(symmetry)
    assert mean * mean == mean == mean.T
    for weight in range(rank + 1):
        projector = by_projectors.weight_projector(rank, weight)
        assert projector * mean == mean * projector
    if symmetry:
        counts = oracles.by_characters(rank, oracles.group_of(symmetry))
        assert by_projectors.multiplicities(symmetry) == counts


@pytest.mark.parametrize("case", oracles.SMALL, ids=repr)
def test_tables_of_the_literature_come_out(case: oracles.Case) -> None:
    assert by_projectors.dimension(case.symmetry) == case.components
    assert by_projectors.multiplicities(case.symmetry) == dict(case.multiplicities)


def test_matrices_come_apart_as_every_textbook_has_it() -> None:
    """A third of the trace, the antisymmetric part, and what is left."""
    matrix = by_projectors.generic_tensor(2).tomatrix()
    isotropic = sympy.eye(3) * matrix.trace() / 3
    skew = (matrix - matrix.T) / 2
    for weight, part in enumerate([isotropic, skew, matrix - isotropic - skew]):
        assert generic_piece("ij", weight) == sympy.Array(part.applyfunc(sympy.expand))


# --- the package against it -----------------------------------------------------------------------


@pytest.mark.parametrize("symmetry", sorted({*NAMES, *NAMED}), ids=shown)
def test_dimension_and_multiplicities(symmetry: str) -> None:
    reduction = nt.reduction(symmetry)
    assert reduction.dimension == by_projectors.dimension(symmetry)
    assert dict(reduction.multiplicities) == by_projectors.multiplicities(symmetry)


def test_a_class_of_nothing_but_zero_is_refused() -> None:
    assert by_projectors.dimension(EMPTY) == 0
    assert by_projectors.multiplicities(EMPTY) == {}
    with pytest.raises(SymmetryError):
        nt.reduction(EMPTY)


@pytest.mark.parametrize("symmetry", NAMES, ids=shown)
def test_the_piece_of_each_weight(symmetry: str) -> None:
    tensor = by_projectors.generic_tensor(by_projectors.rank_of(symmetry))
    reduction = nt.reduction(symmetry)
    for weight in reduction.multiplicities:
        part = reduction.part(tensor, weight, invalid="project")
        assert as_array(part) == generic_piece(symmetry, weight)


def put_together(symmetry: str, basis: Any) -> None:
    """Take a generic tensor apart and put each weight together alone."""
    tensor = by_projectors.generic_tensor(by_projectors.rank_of(symmetry))
    reduction = nt.reduction(symmetry, basis=basis)
    parts = reduction.decompose(tensor, invalid="project")
    for weight in reduction.multiplicities:
        whole = reduction.reconstruct({key: parts[key] for key in parts if key[0] == weight})
        assert as_array(whole) == generic_piece(symmetry, weight)


@pytest.mark.parametrize("symmetry", NAMES, ids=shown)
def test_dual_copies_put_together(symmetry: str) -> None:
    put_together(symmetry, "dual")


@pytest.mark.parametrize(
    "symmetry",
    [
        pytest.param(name, marks=[pytest.mark.slow] if name.startswith("ijkl") else [])
        for name in NAMES
    ],
    ids=shown,
)
def test_orthonormal_copies_put_together(symmetry: str) -> None:
    put_together(symmetry, "orthonormal")
