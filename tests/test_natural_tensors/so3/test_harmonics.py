"""Harmonics of a direction, against SymPy, e3nn and their definition."""

from __future__ import annotations

from fractions import Fraction
from math import factorial, sqrt
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from e3nn import o3
from scipy.special import eval_legendre

from natural_tensors import (
    coupling,
    harmonic,
    pack_natural,
    reduction,
    rotation,
)
from natural_tensors.so3.harmonics import Normalization
from tests.helpers.numbers import EPS, directions, each_normalization, evaluated
from tests.helpers.oracles import natural_projector

NORMALIZATIONS: tuple[Normalization, ...] = ("legendre", "orthonormal", "component")


def legendre_scale(weight: int) -> Fraction:
    """Return (2l-1)!!/l!, the scale of the legendre harmonic."""
    return Fraction(factorial(2 * weight), 2**weight * factorial(weight) ** 2)


@pytest.mark.parametrize("weight", range(9))
def test_harmonics_are_those_of_e3nn_up_to_the_stated_factor(weight: int) -> None:
    n = directions(50)
    theirs = o3.spherical_harmonics(
        weight, torch.from_numpy(n), normalize=True, normalization="norm"
    ).numpy()
    factor = sqrt(legendre_scale(weight))
    # polynomials of degree 8 with some ten terms that cancel, and theirs by recursion: 50 eps
    assert np.abs(harmonic(weight)(n) - factor * theirs).max() <= 50 * EPS * factor
    # theirs has unit norm, as the orthonormal one
    assert np.abs(harmonic(weight, "orthonormal")(n) - theirs).max() <= 50 * EPS
    component = harmonic(weight, "component")(n)
    assert np.abs(component - sqrt(2 * weight + 1) * theirs).max() <= 50 * EPS * sqrt(
        2 * weight + 1
    )


@pytest.mark.parametrize("weight", range(9))
def test_legendre_harmonic_contracted_with_a_direction_is_the_legendre_polynomial(
    weight: int,
) -> None:
    n, other = directions(20, 1), directions(20, 2)
    tensor = harmonic(weight)(n, packed=False)
    assert tensor.shape == (20,) + (3,) * weight
    for _ in range(weight):
        tensor = np.einsum("bi...,bi->b...", tensor, other)
    expected = eval_legendre(weight, (n * other).sum(1))
    assert np.abs(tensor - expected).max() <= 1000 * EPS * legendre_scale(weight)


@pytest.mark.parametrize("weight", range(7))
def test_harmonic_is_the_traceless_part_of_the_power_of_the_direction(weight: int) -> None:
    [n] = directions(1, 5)
    power = np.ones(())
    for _ in range(weight):
        power = np.multiply.outer(power, n)
    numbers, denominator = natural_projector(weight)
    expected = float(legendre_scale(weight)) * (numbers @ power.reshape(-1)) / denominator
    found = harmonic(weight)(n, packed=False).reshape(-1)
    assert np.abs(found - expected).max() <= 500 * EPS * legendre_scale(weight)


@pytest.mark.parametrize("weight", range(9))
def test_addition_theorem_exactly(weight: int) -> None:
    """H(r) . H(r') = (2l-1)!!/l! (r r')^l P_l, as polynomials: here r' = r, and rational r, r'."""
    x, y, z = sympy.symbols("x y z")
    for normalization in NORMALIZATIONS:
        piece = harmonic(weight, normalization)
        points = [(Fraction(1), Fraction(2), Fraction(2)), (Fraction(2), Fraction(-3), Fraction(6))]
        lengths = [3, 7]
        values = [evaluated(piece, point) for point in points]
        inner = sum(
            radicand * p * q
            for (p, radicand), (q, _) in zip(values[0], values[1], strict=True)
        )  # fmt: skip
        cosine = Fraction(sum(a * b for a, b in zip(*points, strict=True)), 21)
        polynomial = sympy.legendre(weight, sympy.Rational(cosine.numerator, cosine.denominator))
        expected = Fraction(int(polynomial.p), int(polynomial.q)) * piece.squared_norm
        assert inner == expected * (lengths[0] * lengths[1]) ** weight
    solid = harmonic(weight, "orthonormal").to_sympy().subs(
        dict(zip(sympy.symbols("x y z", real=True), (x, y, z), strict=True))
    )  # fmt: skip
    norm = sympy.expand(sum(entry**2 for entry in solid))
    assert norm == sympy.expand((x**2 + y**2 + z**2) ** weight)


@pytest.mark.parametrize("weight", range(9))
def test_solid_harmonics_are_harmonic_and_homogeneous(weight: int) -> None:
    for polynomial, radicand in harmonic(weight).exact():
        assert radicand > 0
        laplacian: dict[tuple[int, int, int], int] = {}
        for (a, b, c), k in polynomial.items():
            assert isinstance(k, int)
            assert a + b + c == weight
            for power, place in ((a, (a - 2, b, c)), (b, (a, b - 2, c)), (c, (a, b, c - 2))):
                laplacian[place] = laplacian.get(place, 0) + k * power * (power - 1)
        assert not any(laplacian.values())


@each_normalization
@pytest.mark.parametrize("weight", range(7))
def test_norms_of_the_harmonics(weight: int, normalization: Normalization) -> None:
    piece = harmonic(weight, normalization)
    norm = {"legendre": legendre_scale(weight), "orthonormal": 1, "component": 2 * weight + 1}
    assert piece.squared_norm == norm[normalization]
    found = piece(directions(5))
    assert np.abs((found**2).sum(1) / float(piece.squared_norm) - 1).max() <= 1000 * EPS


@each_normalization
@pytest.mark.parametrize("weight", [0, 1, 2, 3, 5])
def test_numeric_exact_and_symbolic_harmonics_agree(
    weight: int, normalization: Normalization
) -> None:
    piece = harmonic(weight, normalization)
    point = np.array([0.3, -0.7, 0.4])
    solid = piece(point, solid=True)
    exact = evaluated(piece, [Fraction(3, 10), Fraction(-7, 10), Fraction(2, 5)])
    expected = [float(value) * sqrt(radicand) for value, radicand in exact]
    assert np.abs(solid - expected).max() <= 500 * EPS
    column = piece.to_sympy()
    x, y, z = sympy.symbols("x y z", real=True)
    values = column.subs({x: sympy.Rational(3, 10), y: sympy.Rational(-7, 10), z: sympy.S(2) / 5})
    assert not column.has(sympy.Float)
    for entry, (value, radicand) in zip(values, exact, strict=True):
        assert sympy.expand(entry**2) == sympy.Rational(
            (value**2 * radicand).numerator, (value**2 * radicand).denominator
        )
        assert sympy.sign(entry) == (value > 0) - (value < 0)


def test_solid_harmonics_scale_with_the_length_and_others_do_not() -> None:
    n = directions(4)
    for weight in range(5):
        piece = harmonic(weight)
        assert np.allclose(piece(3 * n), piece(n), rtol=0, atol=200 * EPS)
        assert np.allclose(piece(2 * n, solid=True), 2**weight * piece(n), rtol=0, atol=5000 * EPS)
        # of odd weight odd, of even weight even
        assert np.allclose(piece(-n), (-1) ** weight * piece(n), rtol=0, atol=200 * EPS)


def test_harmonic_of_weight_one_is_the_direction_and_of_weight_zero_one() -> None:
    n = directions(3)
    assert np.abs(harmonic(1)(5 * n) - n).max() <= 4 * EPS
    assert harmonic(0)(n).tolist() == [[1.0]] * 3


def test_harmonics_of_torch_tensors_and_their_gradients() -> None:
    n = torch.from_numpy(directions(4) * 1.7)
    for weight in range(5):
        piece = harmonic(weight)
        found = piece(n)
        assert isinstance(found, torch.Tensor)
        assert found.dtype == torch.float64
        assert np.abs(found.numpy() - piece(n.numpy())).max() <= 500 * EPS
        assert piece(n.float()).dtype == torch.float32
        assert piece(n, packed=False).shape == (4,) + (3,) * weight
        if weight:
            assert torch.autograd.gradcheck(piece, n.clone().requires_grad_())
    solid = harmonic(2)
    at_zero = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r: solid(r, solid=True), at_zero)
    assert torch.autograd.gradgradcheck(lambda r: solid(r, solid=True), at_zero)


def test_batch_shapes_and_types_of_harmonics() -> None:
    piece = harmonic(2)
    assert piece([1, 2, 3]).dtype == np.float64
    assert piece(np.ones((4, 5, 3), np.float32)).dtype == np.float32
    assert piece(np.ones((4, 5, 3))).shape == (4, 5, 5)
    assert piece(np.ones((4, 5, 3)), packed=False).shape == (4, 5, 3, 3)
    assert piece(np.zeros((0, 3))).shape == (0, 5)


def test_vectors_without_direction_are_refused() -> None:
    with pytest.raises(ValueError, match="vector 1 has no direction"):
        harmonic(2)([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="vector 0 has no direction"):
        harmonic(1)([np.nan, 0, 0])
    with pytest.raises(ValueError, match=r"vectors end in the shape \(3,\), got \(2,\)"):
        harmonic(1)([1.0, 2.0])
    assert harmonic(2)([0.0, 0, 0], solid=True).tolist() == [0] * 5


def test_infinite_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match="vector 0"):
        harmonic(1)([np.inf, 0, 0])


def test_impossible_harmonics_are_errors() -> None:
    with pytest.raises(ValueError, match="weight -1 is negative"):
        harmonic(-1)
    with pytest.raises(ValueError, match="normalization 'norm' is not one of 'legendre'"):
        harmonic(1, "norm")  # type: ignore[arg-type]
    assert harmonic(3) is harmonic(3)


@pytest.mark.parametrize("weight", [True, 1.0, "1", None])
def test_weights_are_integers(weight: Any) -> None:
    for call in (
        lambda: harmonic(weight),
        lambda: coupling(weight, 1, 1),
        lambda: rotation(weight, np.eye(3)),
        lambda: pack_natural(np.zeros(3), weight),
        lambda: reduction("elastic").embedding(2, weight),
    ):
        with pytest.raises(TypeError, match=r"give an integer"):
            call()


def test_numpy_integers_become_plain_ones() -> None:
    weights: Any = np.array([1, 2, 3])
    assert type(coupling(*weights).weights[0]) is int
    assert type(harmonic(weights[1]).weight) is int
