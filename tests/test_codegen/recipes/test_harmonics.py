"""Code of harmonics proved: the exact polynomials, on the sphere and off it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import flint
import numpy as np
import pytest

from codegen import (
    HarmonicsRecipe,
)
from natural_tensors import Surd, harmonic
from natural_tensors.so3.harmonics import Normalization
from tests.helpers.formal import (
    NORMALIZATIONS,
    WEIGHT,
    Formal,
    Ring,
    degrees,
    function,
    on_the_sphere,
    values_at,
)
from tests.helpers.oracles import natural_projector


def packed_harmonics(
    ring: Ring, vector: Sequence[Formal], normalization: Normalization
) -> list[Formal]:
    """Return the solid harmonics of indeterminates that are the first three of a ring."""
    result = []
    size = len(ring.gens)
    for weight in range(WEIGHT + 1):
        for polynomial, radicand in harmonic(weight, normalization).exact():
            terms = {(*powers, *[0] * (size - 3)): k for powers, k in polynomial.items()}
            found = Formal(ring, {1: ring.context.from_dict(terms)})
            result.append(found * Surd.root(radicand))
    return result


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_harmonics_are_the_exact_polynomials(normalization: Any) -> None:
    solid = function(HarmonicsRecipe(WEIGHT, normalization, solid=True), "solid_harmonics")
    ring = Ring("x", "y", "z")
    expected = packed_harmonics(ring, ring.gens, normalization)
    assert solid.run(ring.gens)["harmonics"] == expected
    x, y, z = (gen.parts[1] for gen in ring.gens)
    ring.relation = x**2 + y**2 + z**2 - 1
    program = function(HarmonicsRecipe(WEIGHT, normalization), "harmonics")
    assert program.run(ring.gens)["harmonics"] == expected


@pytest.mark.parametrize("solid", [True, False])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_cartesian_harmonics_are_the_traceless_parts(normalization: Any, solid: bool) -> None:
    recipe = HarmonicsRecipe(WEIGHT, normalization, solid=solid, cartesian=True)
    (program,) = recipe.functions()
    ring = Ring("x", "y", "z")
    powers: dict[int, list[Formal]] = {0: [ring.formal(1)]}
    for weight in range(1, WEIGHT + 1):
        powers[weight] = [value * gen for value in powers[weight - 1] for gen in ring.gens]
    if not solid:
        x, y, z = (gen.parts[1] for gen in ring.gens)
        ring.relation = x**2 + y**2 + z**2 - 1
    found = program.run(ring.gens)
    for weight in range(WEIGHT + 1):
        projector, denominator = natural_projector(weight)
        rows, inverse = np.unique(projector, axis=0, return_inverse=True)
        scale = Surd.root(harmonic(weight, normalization).squared_scale, Fraction(1, denominator))
        monomials: list[Formal] = powers[weight]
        expected = []
        for row in rows.tolist():
            sums: dict[Any, int] = {}
            for number, value in zip(row, monomials, strict=True):
                if number:
                    (exponents,) = value.parts[1].to_dict()
                    sums[exponents] = sums.get(exponents, 0) + number
            expected.append(Formal(ring, {1: ring.context.from_dict(sums)}) * scale)
        values = found[weight, 0]
        assert len(values) == 3**weight
        assert all(a == expected[i] for a, i in zip(values, inverse.reshape(-1), strict=True))


def rank_of(points: Sequence[Sequence[Any]], monomials: Sequence[tuple[int, ...]]) -> int:
    rows = [[x**a * y**b * z**c for a, b, c in monomials] for x, y, z in points]
    return int(
        flint.fmpq_mat(
            [[flint.fmpq(Fraction(v).numerator, Fraction(v).denominator) for v in r] for r in rows]
        ).rank()
    )


def test_harmonics_at_enough_rational_points() -> None:
    """The points fix a polynomial of the degree that the program has, on the sphere and off it."""
    parameters = [Fraction(a, 3) for a in (-7, -4, -2, -1, 0, 1, 3, 5)]
    points = [on_the_sphere(s, t) for s, t in product(parameters, repeat=2)]
    assert all(x * x + y * y + z * z == 1 for x, y, z in points)
    monomials = [
        (a, b, c) for a, b, c in product(range(2), range(7), range(7)) if a + b + c <= WEIGHT
    ]
    assert rank_of(points, monomials) == len(monomials) == (WEIGHT + 1) ** 2
    program = function(HarmonicsRecipe(WEIGHT), "harmonics")
    assert max(high for _, high in degrees(program)["harmonics"]) == WEIGHT
    for point in points:
        assert program.run(point)["harmonics"] == values_at(WEIGHT, point, "component")


def test_solid_harmonics_at_enough_integer_points() -> None:
    points = [p for p in product(range(7), repeat=3) if sum(p) <= WEIGHT]
    monomials = [p for p in product(range(7), repeat=3) if sum(p) <= WEIGHT]
    assert rank_of(points, monomials) == len(monomials)
    program = function(HarmonicsRecipe(WEIGHT, solid=True), "solid_harmonics")
    found = degrees(program)["harmonics"]
    weights = [ell for ell in range(WEIGHT + 1) for _ in range(2 * ell + 1)]
    assert found == [(ell, ell) for ell in weights]
    for point in points:
        assert program.run(point)["harmonics"] == values_at(WEIGHT, point, "component")
