"""Bases of invariants: complete, independent, unchanged by rotations, exact."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from natural_tensors import (
    InvariantBasis,
    InvariantsError,
    form,
    invariant_basis,
    reduction,
)
from natural_tensors.arrays import Floats
from natural_tensors.invariants.invariant import Invariant

NAMES = ("elastic", "piezoelectric", "dielectric", "gyration", "elasto-optic", "magnetoelectric")


def random_rotation(generator: np.random.Generator) -> Floats:
    matrix, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    return np.asarray(matrix * np.linalg.det(matrix))


def by_einsum(basis: InvariantBasis, member: Invariant, tensor: Floats) -> Floats:
    """Evaluate a formula as it is printed."""
    parts = basis.reduction.decompose(tensor)
    epsilon = np.array(
        [[[(a - b) * (b - c) * (c - a) / 2 for c in range(3)] for b in range(3)] for a in range(3)]
    )
    arrays, indices = [], []
    for name, weight, copy, letters in re.findall(
        r"(ε|X)(?:\((\d+),(\d+)\))?(?:_(\w+))?", str(member)
    ):
        arrays.append(epsilon if name == "ε" else parts[int(weight), int(copy)])
        indices.append(letters if name == "ε" else "..." + letters)
    return np.asarray(np.einsum(",".join(indices) + "->...", *arrays, optimize=True))


@pytest.mark.parametrize(
    ("name", "counts", "generators"),
    [
        ("elastic", (2, 7, 22, 63), (2, 4, 10, 16)),
        ("piezoelectric", (0, 5, 7, 43), (0, 5, 7, 28)),
        ("third-order-elastic", (3, 17, 111, 808), (3, 11, 68, 457)),
        ("ij=ji", (1, 2, 3, 4), (1, 1, 1, 0)),
        # traces of S and W (Spencer, Continuum Physics I (1971), 239), tr SW = 0
        ("ij", (1, 3, 5, 9), (1, 2, 2, 1)),
    ],
)
def test_members_are_as_many_as_the_characters_say(
    name: str, counts: tuple[int, ...], generators: tuple[int, ...]
) -> None:
    basis = invariant_basis(name, 4)
    assert basis.counts == counts
    found = [sum(member.degree == d for member in basis.generators) for d in range(1, 5)]
    assert tuple(found) == generators


@pytest.mark.parametrize("name", NAMES)
def test_members_are_independent_and_do_not_change(name: str) -> None:
    basis = invariant_basis(name, 3)
    tensors = reduction(name)
    generator = np.random.default_rng(7)
    batch = tensors.unpack(generator.normal(size=(2 * len(basis), tensors.dimension)))
    values = basis.evaluate(batch)
    assert np.linalg.matrix_rank(values / np.abs(values).max(axis=0)) == len(basis)
    rotated = basis.evaluate(tensors.rotate(batch, random_rotation(generator)))
    # products of up to three entries of size 10 and sums of some hundred of them
    np.testing.assert_allclose(rotated, values, atol=1e-11 * np.abs(values).max())
    inverted = basis.evaluate(tensors.rotate(batch, -np.eye(3)))
    np.testing.assert_allclose(inverted, values * [member.parity for member in basis], atol=1e-12)


@pytest.mark.parametrize(("name", "degree"), [("elastic", 4), ("piezoelectric", 4), ("ijk", 3)])
def test_formulas_say_what_is_evaluated(name: str, degree: int) -> None:
    basis = invariant_basis(name, degree)
    tensors = reduction(name)
    tensor = tensors.unpack(np.random.default_rng(3).normal(size=(4, tensors.dimension)))
    values = basis.evaluate(tensor)
    for member, column in zip(basis, values.T, strict=True):
        expected = by_einsum(basis, member, tensor)
        np.testing.assert_allclose(column, expected, atol=1e-10 * np.abs(values).max())


def test_an_odd_number_of_indices_takes_one_epsilon() -> None:
    basis = invariant_basis("ijk", 3)
    odd = [member for member in basis if member.contraction.epsilon]
    assert odd
    for member in odd:
        assert sum(weight for weight, _ in member.parts) % 2 == 1
        assert str(member).count("ε") == 1


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(["ij", "ij=-ji", "ijk=ikj", "ijk=-ikj", "ijkl=jikl=ijlk=klij"]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_rotations_change_nothing(symmetry: str, axial: bool, seed: int) -> None:
    tensors = reduction(symmetry, axial=axial)
    basis = invariant_basis(tensors, 3)
    generator = np.random.default_rng(seed)
    tensor = tensors.unpack(generator.normal(size=tensors.dimension))
    rotated = tensors.rotate(tensor, random_rotation(generator))
    scale = np.linalg.norm(tensor) ** np.array([member.degree for member in basis])
    difference = (basis.evaluate(rotated) - basis.evaluate(tensor)) / scale
    assert np.abs(difference).max(initial=0) < 1e-12


def test_symbols_agree_with_numbers() -> None:
    basis = invariant_basis("elastic", 4)
    general = form("elastic", "6/mmm")
    exact = basis.evaluate(general.to_sympy(), form="voigt")
    assert exact.shape == (94,)
    symbols = sorted(exact.free_symbols, key=str)
    numbers = dict(zip(symbols, (300, 110, 80, 320, 70), strict=True))
    numeric = basis.evaluate(
        np.array(general.to_sympy().subs(numbers).tolist(), dtype=float), form="voigt"
    )
    expected = np.array([float(entry) for entry in exact.subs(numbers)])
    np.testing.assert_allclose(numeric, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


def test_exact_numbers_stay_exact_and_rotations_change_nothing_at_all() -> None:
    tensors = reduction("piezoelectric")
    basis = invariant_basis("piezoelectric", 4)
    tensor = np.array([[5, 1, 0, 2, 7, 1], [0, 3, 1, 1, 0, 2], [4, 0, 1, 6, 1, 1]], dtype=object)
    full = tensors.convert(tensor, source="voigt", target="full", exact=True)
    turn = sympy.Matrix([[1, -2, 2], [2, -1, -2], [2, 2, 1]]) / 3
    assert basis.evaluate(full) == basis.evaluate(tensors.rotate(full, turn))
    mirrored = basis.evaluate(tensors.rotate(full, -turn))
    for member, one, other in zip(basis, basis.evaluate(full), mirrored, strict=True):
        assert one == member.parity * other


def test_roots_and_angles_come_out_canonical() -> None:
    basis = invariant_basis("ij=ji", 3)
    angle = sympy.Symbol("t", real=True)
    c, s = sympy.cos(angle), sympy.sin(angle)
    turn = sympy.Matrix([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    a = sympy.Matrix([[1, 2, 0], [2, sympy.sqrt(2), 1], [0, 1, 5]])
    assert basis.evaluate(turn * a * turn.T) == basis.evaluate(a)


def test_components_of_one_matrix() -> None:
    basis = invariant_basis("dielectric", 3)
    e = sympy.Matrix(3, 3, lambda i, j: sympy.Symbol(f"ε{min(i, j) + 1}{max(i, j) + 1}", real=True))
    trace = e.trace()
    deviator = e - sympy.eye(3) * trace / 3
    values = [basis.in_components(member) for member in basis.generators]
    assert values[0] == sympy.expand(trace / 3)
    assert sympy.expand(values[1] - (deviator**2).trace()) == 0
    assert sympy.expand(values[2] - (deviator**3).trace()) == 0


def test_pytorch_differentiates() -> None:
    basis = invariant_basis("elastic", 3)
    tensors = reduction("elastic")
    components = torch.tensor(np.random.default_rng(0).normal(size=(2, 21)), requires_grad=True)

    def of_components(values: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = basis.evaluate(
            tensors.convert(values, source="components", target="full")
        )
        return result

    assert torch.autograd.gradcheck(of_components, (components,))


def test_orthogonal_group_leaves_pseudoscalars_out() -> None:
    both = invariant_basis("piezoelectric", 4), invariant_basis("piezoelectric", 4, "O(3)")
    assert both[1].counts == (0, 5, 0, 43)
    assert [m for m in both[0] if m.parity > 0] == list(both[1])
    degrees = [member.degree for member in both[0]]
    assert all(a <= b for a, b in pairwise(degrees))


def test_what_is_refused() -> None:
    with pytest.raises(InvariantsError, match=r"more than 1000.*limit="):
        invariant_basis("ijklmn", 3)
    with pytest.raises(InvariantsError, match="of degree 4 there are 63 invariants, more than 30"):
        invariant_basis("elastic", 4, limit=30)
    with pytest.raises(InvariantsError, match=r"up to degree 5.* invariants under SO"):
        invariant_basis("elastic", 6)
    with pytest.raises(ValueError, match="ends in the shape"):
        invariant_basis("elastic", 2).evaluate(np.eye(5), form="voigt")


def test_a_basis_says_what_it_is() -> None:
    basis = invariant_basis("elastic", 2)
    assert "2, 7; 6 of them no products" in repr(basis)
    assert repr(basis.members[0]) == "<invariant of degree 1: X(0,0)>"
    assert basis.formula().splitlines()[0] == "X(0,0)"
    assert repr(invariant_basis("ijk", 1).members[0]) == "<pseudoscalar of degree 1: X(0,0)>"
