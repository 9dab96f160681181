"""Couplings of two parts into a third, against e3nn and exactly."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product
from math import sqrt

import numpy as np
import pytest
import sympy
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation

from natural_tensors import (
    coupling,
    harmonic,
    pack_natural,
    rotation,
    unpack_natural,
)
from natural_tensors.so3.harmonics import Normalization
from tests.helpers.numbers import EPS, each_normalization, evaluated, rng
from tests.helpers.oracles import exact_root, natural_projector, random_natural

NORMALIZATIONS: tuple[Normalization, ...] = ("legendre", "orthonormal", "component")


TRIPLES = [
    (a, b, c)
    for a, b, c in product(range(7), repeat=3)
    if abs(a - b) <= c <= a + b
]  # fmt: skip


def test_orthonormal_couplings_are_the_wigner_3j_of_e3nn_with_their_sign() -> None:
    for triple in TRIPLES:
        theirs = o3.wigner_3j(*triple, dtype=torch.float64).numpy()
        ours = coupling(*triple, "orthonormal").to_array()
        assert np.linalg.norm(theirs) == pytest.approx(1, abs=1e-12)
        # entries below 1: three roundings of ours, and those of the float64 table e3nn ships
        assert np.abs(ours - theirs).max() <= 8 * EPS, triple


def test_couplings_have_the_stated_norms_exactly() -> None:
    for triple in TRIPLES:
        entries = coupling(*triple, "orthonormal").exact().values()
        assert sum(number**2 * radicand for number, radicand in entries) == 1
        size = 2 * triple[2] + 1
        shares = [Fraction(0)] * size
        for (_, _, k), (number, radicand) in coupling(*triple, "component").exact().items():
            shares[k] += number**2 * radicand
        # independent inputs of unit variance: every output has the variance sum_ij C_ijk^2 = 1
        assert shares == [1] * size


def test_normalizations_differ_by_a_positive_factor() -> None:
    for triple in TRIPLES:
        reference = coupling(*triple, "orthonormal").exact()
        for normalization in NORMALIZATIONS:
            piece = coupling(*triple, normalization)
            assert piece.squared_scale > 0
            found = piece.exact()
            assert found.keys() == reference.keys()
            ratios = {radicand / reference[place][1] for place, (_, radicand) in found.items()}
            assert len(ratios) == 1
            assert all(number == reference[place][0] for place, (number, _) in found.items())


Vector = tuple[Fraction, Fraction, Fraction]
Values = list[tuple[Fraction, Fraction]]
"""Numbers and the radicands of the roots they are times."""

# rational unit vectors, and for each a vector at right angles to it
UNIT = [
    ((Fraction(1, 3), Fraction(2, 3), Fraction(2, 3)), (Fraction(2), Fraction(1), Fraction(-2))),
    ((Fraction(2, 7), Fraction(-3, 7), Fraction(6, 7)), (Fraction(3), Fraction(4), Fraction(1))),
]


@cache
def derivative(weight: int, point: Vector, step: Vector) -> Values:
    """Return the exact change of the legendre solid harmonic's polynomials along a step."""
    values = []
    for polynomial, radicand in harmonic(weight).exact():
        total = Fraction(0)
        for powers, k in polynomial.items():
            for axis in range(3):
                if powers[axis]:
                    factor = Fraction(k * powers[axis]) * step[axis]
                    for other in range(3):
                        factor *= point[other] ** (powers[other] - (other == axis))
                    total += factor
        values.append((total, radicand))
    return values


@cache
def harmonic_at(weight: int, point: Vector) -> Values:
    return evaluated(harmonic(weight), point)


def coupled(
    triple: tuple[int, int, int], first: Values, second: Values, third_radicands: list[Fraction]
) -> list[Fraction]:
    """Couple exact packed values; each result divided by the root of its stated radicand."""
    result = [Fraction(0)] * (2 * triple[2] + 1)
    for (i, j, k), (number, radicand) in coupling(*triple).exact().items():
        (x, rx), (y, ry) = first[i], second[j]
        if x and y:
            root = exact_root(radicand * rx * ry / third_radicands[k])
            result[k] += number * root * x * y
    return result


@pytest.mark.parametrize("pair", UNIT, ids=["122", "236"])
def test_legendre_couplings_take_harmonics_of_one_direction_to_the_harmonic_exactly(
    pair: tuple[Vector, Vector],
) -> None:
    n, _ = pair
    for triple in TRIPLES:
        if sum(triple) % 2 == 0:
            third = harmonic_at(triple[2], n)
            found = coupled(
                triple, harmonic_at(triple[0], n), harmonic_at(triple[1], n), [r for _, r in third]
            )
            assert found == [value for value, _ in third], triple


@pytest.mark.parametrize("pair", UNIT, ids=["122", "236"])
def test_odd_legendre_couplings_take_a_moved_direction_to_the_rotated_harmonic_exactly(
    pair: tuple[Vector, Vector],
) -> None:
    n, delta = pair
    assert sum(a * b for a, b in zip(n, delta, strict=True)) == 0
    cross = (
        n[1] * delta[2] - n[2] * delta[1],
        n[2] * delta[0] - n[0] * delta[2],
        n[0] * delta[1] - n[1] * delta[0],
    )
    for triple in TRIPLES:
        if sum(triple) % 2:
            third = derivative(triple[2], n, cross)
            radicands = [r for _, r in third]
            first, second = harmonic_at(triple[0], n), harmonic_at(triple[1], n)
            assert not any(coupled(triple, first, second, radicands))
            moved = derivative(triple[1], n, delta)
            assert coupled(triple, first, moved, radicands) == [v for v, _ in third], triple
            assert any(v for v, _ in third)


def test_the_coupling_of_three_vectors_is_the_cross_product() -> None:
    x, y = rng().standard_normal((2, 7, 3))
    assert np.abs(coupling(1, 1, 1)(x, y) - np.cross(x, y)).max() <= 20 * EPS
    assert np.abs(coupling(1, 1, 0)(x, y)[:, 0] - (x * y).sum(1)).max() <= 20 * EPS
    a = rng(1).standard_normal((3, 3))
    symmetric = (a + a.T) / 2 - np.trace(a) * np.eye(3) / 3
    found = coupling(2, 1, 1)(pack_natural(symmetric, 2), x[0])
    expected = symmetric @ x[0]
    ratio = found @ expected / (expected @ expected)
    assert ratio > 0
    assert np.abs(found - ratio * expected).max() <= 50 * EPS


@pytest.mark.parametrize(
    "triple", [(3, 1, 1), (0, 0, 1), (1, 1, 3), (2, 0, 1), (0, 2, 0), (6, 2, 3)]
)
def test_impossible_triples_are_errors(triple: tuple[int, int, int]) -> None:
    low, high = abs(triple[0] - triple[1]), triple[0] + triple[1]
    with pytest.raises(
        ValueError, match=f"do not couple to {triple[2]}: they reach {low} to {high}"
    ):
        coupling(*triple)


def test_negative_weights_and_unknown_normalizations_are_errors() -> None:
    with pytest.raises(ValueError, match="l2 -1 is negative"):
        coupling(1, -1, 1)
    with pytest.raises(ValueError, match="normalization 'unit' is not one of"):
        coupling(1, 1, 1, "unit")  # type: ignore[arg-type]


def test_exactly_the_triples_of_the_triangle_rule_couple() -> None:
    for triple in product(range(4), range(4), range(4)):
        if triple in TRIPLES:
            assert coupling(*triple).exact()
        else:
            with pytest.raises(ValueError, match="do not couple"):
                coupling(*triple)


@each_normalization
@pytest.mark.parametrize("triple", [(0, 0, 0), (1, 1, 1), (2, 1, 1), (2, 2, 3), (3, 2, 2)])
def test_exact_float_and_symbolic_couplings_agree(
    triple: tuple[int, int, int], normalization: Normalization
) -> None:
    piece = coupling(*triple, normalization)
    array, symbolic = piece.to_array(), piece.to_sympy()
    assert array.dtype == np.float64
    assert array.shape == symbolic.shape == tuple(2 * weight + 1 for weight in triple)
    exact = piece.exact()
    for i, j, k in product(*map(range, array.shape)):
        place = (i, j, k)
        number, radicand = exact.get(place, (Fraction(0), Fraction(1)))
        assert abs(array[place] - float(number) * sqrt(radicand)) <= 4 * EPS * abs(array[place])
        square = number**2 * radicand
        entry = symbolic[place]
        assert entry**2 == sympy.Rational(square.numerator, square.denominator)
        assert sympy.sign(entry) == (number > 0) - (number < 0)
        assert not entry.has(sympy.Float)


def test_coupling_is_the_contraction_it_states() -> None:
    """Z = scale * natural part of X_ac Y_cb, or eps_dpq X_pac Y_qcb, by full arrays."""
    epsilon = np.array(
        [[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)]
    )
    for triple in [t for t in TRIPLES if max(t) <= 3]:
        piece = coupling(*triple)
        l1, l2, l3 = triple
        x = random_natural(l1, rng(l1)).astype(float)
        y = random_natural(l2, rng(l2 + 10)).astype(float)
        shared = piece.contractions
        assert shared == (l1 + l2 - l3 - piece.odd) // 2
        if piece.odd:  # first index of each to the epsilon, last of X with those after it of Y
            found = np.tensordot(epsilon, x, axes=([1], [0]))  # d q, rest of x
            right = np.moveaxis(y, 0, -1) if shared == 0 else y
            if shared == 0:
                found = np.tensordot(found, right, axes=([1], [l2 - 1]))
            else:
                last = list(range(found.ndim - shared, found.ndim))
                found = np.tensordot(found, y, axes=([1, *last], list(range(shared + 1))))
        else:
            found = np.tensordot(x, y, axes=(list(range(l1 - shared, l1)), list(range(shared))))
        assert found.ndim == l3
        numbers, denominator = natural_projector(l3)
        natural = numbers @ found.reshape(-1) / denominator * sqrt(piece.squared_scale)
        z = unpack_natural(piece(pack_natural(x, l1), pack_natural(y, l2)), l3).reshape(-1)
        size = np.linalg.norm(x) * np.linalg.norm(y) * sqrt(piece.squared_scale)
        assert np.abs(z - natural).max() <= 300 * EPS * size, triple


def test_couplings_of_arrays_broadcast_and_keep_their_type() -> None:
    piece = coupling(1, 2, 2)
    x, y = rng().standard_normal((4, 1, 3)), rng().standard_normal((6, 5))
    assert piece(x, y).shape == (4, 6, 5)
    assert piece(x.astype(np.float32), y.astype(np.float32)).dtype == np.float32
    tensor = piece(torch.from_numpy(x), torch.from_numpy(y))
    assert isinstance(tensor, torch.Tensor)
    assert np.abs(tensor.numpy() - piece(x, y)).max() <= 50 * EPS
    assert piece(np.zeros((0, 3)), np.zeros((0, 5))).shape == (0, 5)
    a, b = (torch.from_numpy(v[:2, 0] if v.ndim > 2 else v[:2]).requires_grad_() for v in (x, y))
    assert torch.autograd.gradcheck(piece, (a, b))
    with pytest.raises(ValueError, match=r"packed coordinates of weight 2 end in the shape \(5,\)"):
        piece(x, x)


@pytest.mark.parametrize("improper", [False, True])
def test_couplings_are_equivariant(improper: bool) -> None:
    matrix = Rotation.random(rng=6).as_matrix() * (-1 if improper else 1)
    turn = [rotation(weight, matrix) for weight in range(5)]
    for triple in [t for t in TRIPLES if max(t) <= 4]:
        l1, l2, l3 = triple
        piece = coupling(*triple, "component")
        x, y = rng(1).standard_normal(2 * l1 + 1), rng(2).standard_normal(2 * l2 + 1)
        sign = -1 if improper and piece.odd else 1
        gap = piece(turn[l1] @ x, turn[l2] @ y) - sign * turn[l3] @ piece(x, y)
        # each entry is a sum of at most 81 products of numbers near 1
        assert np.abs(gap).max() <= 300 * EPS * np.linalg.norm(x) * np.linalg.norm(y)
