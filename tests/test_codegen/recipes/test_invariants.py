"""Code of invariants: proved on exact numbers and on indeterminates, then run in every language."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch

import codegen
from codegen import InvariantsRecipe
from natural_tensors import InvariantsError, reduction
from tests.helpers.compiled_kernels import Compiled
from tests.helpers.formal import Ring

CASES = [
    InvariantsRecipe("elastic", degree=4),
    InvariantsRecipe("piezoelectric", degree=4),
    InvariantsRecipe("ijk", degree=3, products=False),
    InvariantsRecipe("ij", degree=5, axial=True, group="O(3)"),
    InvariantsRecipe("third-order-elastic", degree=2),
    InvariantsRecipe("compliance", degree=3, group="m-3m", products=False),
    InvariantsRecipe("piezoelectric", degree=2, group="-6m2"),
]
each_case = pytest.mark.parametrize(
    "recipe", CASES, ids=lambda recipe: f"{recipe.symmetry} under {recipe.group}"
)


def point(recipe: InvariantsRecipe, seed: int) -> list[int]:
    size = reduction(recipe.symmetry).dimension
    return [int(n) for n in np.random.default_rng(seed).integers(-9, 10, size)]


def expected(recipe: InvariantsRecipe, components: list[int]) -> list[Fraction]:
    """The members on exact components, evaluated without code."""
    values = recipe.basis.evaluate(components, form="components", exact=True)
    kept = [member in recipe.members for member in recipe.basis.members]
    return [Fraction(int(v.p), int(v.q)) for v, keep in zip(values, kept, strict=True) if keep]


@each_case
def test_code_is_proved_on_integers(recipe: InvariantsRecipe) -> None:
    value, pulled = recipe.functions()
    for seed in range(2):
        components = point(recipe, seed)
        found = value.run(components)["result"]
        assert found == expected(recipe, components)
    # the slope along a direction: of a polynomial of degree at most 5, exactly by differences
    direction = point(recipe, 7)
    gradient = [(-1) ** n * (n % 5 + 1) for n in range(len(found))]
    slopes = pulled.run(components, gradient)["tensor_gradient"]
    slope = sum(s * d for s, d in zip(slopes, direction, strict=True))
    weights = {1: Fraction(3, 4), 2: Fraction(-3, 20), 3: Fraction(1, 60)}
    wanted = Fraction(0)
    for step, weight in weights.items():
        for sign in (1, -1):
            moved = [c + sign * step * d for c, d in zip(components, direction, strict=True)]
            values = expected(recipe, moved)
            wanted += sign * weight * sum(g * v for g, v in zip(gradient, values, strict=True))
    assert slope == wanted


@pytest.mark.parametrize(("symmetry", "degree"), [("elastic", 2), ("ijk=ikj", 3), ("ij", 4)])
def test_code_is_identical_to_the_polynomials(symmetry: str, degree: int) -> None:
    """On indeterminates: polynomials that are equal are equal at every point."""
    recipe = InvariantsRecipe(symmetry, degree=degree)
    size = reduction(symmetry).dimension
    ring = Ring(*(f"x{number}" for number in range(size)))
    found = recipe.functions()[0].run(ring.gens)["result"]
    symbols = sympy.symbols(f"x:{size}")
    values = recipe.basis.evaluate(list(symbols), form="components")
    for ours, polynomial in zip(found, values, strict=True):
        wanted = ring.formal(0)
        for powers, number in sympy.Poly(polynomial, *symbols).terms():
            term = ring.formal(Fraction(int(number.p), int(number.q)))
            for place, power in enumerate(powers):
                for _ in range(power):
                    term = term * ring.gens[place]
            wanted = wanted + term
        assert ours == wanted


@each_case
def test_numpy_and_torch_with_batches(recipe: InvariantsRecipe) -> None:
    size = reduction(recipe.symmetry).dimension
    given = np.random.default_rng(0).normal(size=(2, 3, size))
    basis = recipe.basis
    values = basis.evaluate(given, form="components")
    wanted = values[..., [member in recipe.members for member in basis.members]]
    found = codegen.load(recipe, "numpy").evaluate(given)
    # values span some powers of ten; each is exact to rounding at the scale of its degree
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())
    module = codegen.load(recipe, "torch")
    tensor = torch.tensor(given, requires_grad=True)
    value = module.evaluate(tensor)
    pull = torch.randn(value.shape, dtype=value.dtype, generator=torch.Generator().manual_seed(0))
    (by_torch,) = torch.autograd.grad(value, tensor, pull)
    pulled = module.evaluate_vjp(tensor, pull)
    pulled = pulled[0] if isinstance(pulled, tuple) else pulled
    torch.testing.assert_close(pulled, by_torch, rtol=1e-9, atol=1e-9)


@pytest.mark.compiler
@pytest.mark.parametrize(
    "recipe",
    [*CASES[:3], *CASES[-2:]],
    ids=lambda recipe: f"{recipe.symmetry} under {recipe.group}",
)
def test_cpp_gives_the_exact_values(recipe: InvariantsRecipe, tmp_path: Path) -> None:
    run = Compiled(recipe, tmp_path)
    given = [point(recipe, seed) for seed in range(3)]
    found = run("evaluate", np.array(given))["result"]
    pull = np.random.default_rng(1).integers(-4, 5, found.shape)
    gradients = run("evaluate_vjp", np.array(given), pull)["tensor_gradient"]
    for item, components in enumerate(given):
        exact = [float(value) for value in expected(recipe, components)]
        # natural parts hold thirds and sevenths; each value is exact to rounding at its scale
        scale = max(map(abs, exact))
        np.testing.assert_allclose(found[item], exact, rtol=1e-12, atol=1e-14 * scale)
        slopes = recipe.functions()[1].run(components, pull[item].tolist())["tensor_gradient"]
        wanted = [float(Fraction(str(value))) for value in slopes]
        scale = max(map(abs, wanted))
        np.testing.assert_allclose(gradients[item], wanted, rtol=1e-12, atol=1e-13 * scale)


def test_how_many_multiplications() -> None:
    """Figures of docs/code-generation.md."""
    value, pulled = CASES[0].functions()
    assert str(value.counts()) == "881 multiplications, 820 additions"
    assert str(pulled.counts()) == "2307 multiplications, 2250 additions"


def test_what_cannot_be_generated() -> None:
    with pytest.raises(ValueError, match="no invariants of degree 1 to 1 under O"):
        InvariantsRecipe("piezoelectric", degree=1, group="O(3)")
    with pytest.raises(InvariantsError, match="more than 1000"):
        InvariantsRecipe("elastic", degree=4, group="32")
