"""Code of index expressions: proved on exact numbers, then run in every language."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import codegen
from codegen.recipes.expression import ExpressionRecipe
from natural_tensors import ExpressionError, expression, reduction
from tests.helpers.compiled_kernels import Compiled
from tests.helpers.formal import Ring
from tests.helpers.integer_tensors import evaluated, full, plain_sum, point_for
from tests.helpers.physical_expressions import PHYSICAL, Physical
from tests.test_natural_tensors.expressions.test_expression import products

each_case = pytest.mark.parametrize("case", PHYSICAL, ids=lambda case: case.name)
ENERGY = ExpressionRecipe("1/2 C_ijkl e_ij e_kl", {"C": "elastic", "e": "strain"})


def recipe_of(case: Physical) -> ExpressionRecipe:
    return ExpressionRecipe(case.text, case.tensors)


def expected(recipe: ExpressionRecipe, arrays: dict[str, Any]) -> list[Any]:
    """The independent components of the plain sum over full arrays."""
    read = recipe.read
    flat = np.asarray(plain_sum(read, arrays), dtype=object).reshape(-1)
    return [flat[place] for place in read.reduction.components.orbits.representatives]


def check(recipe: ExpressionRecipe, seed: int) -> None:
    """The programs of a recipe on integers: exact values, and gradients by ``diff``."""
    read = recipe.read
    components, arrays = point_for(read, seed)
    value, pulled = recipe.functions()
    found = value.run(*components.values())["result"]
    assert found == expected(recipe, arrays)
    size = read.reduction.dimension
    gradient = [int(n) for n in np.random.default_rng(seed).integers(-5, 6, size)]
    gradients = pulled.run(*components.values(), gradient)
    change, _ = point_for(read, seed + 1)
    slope: Any = 0
    by_diff: Any = 0
    for argument, name in zip(recipe.arguments, read.tensors, strict=True):
        what = read.tensors[name]
        slope += sum(
            g * d for g, d in zip(gradients[f"{argument.name}_gradient"], change[name], strict=True)
        )
        derivative = plain_sum(read.diff(name), arrays)
        moved = np.tensordot(derivative, full(what, change[name]), axes=what.rank)
        flat = np.asarray(moved, dtype=object).reshape(-1)
        places = read.reduction.components.orbits.representatives
        by_diff += sum(g * flat[place] for g, place in zip(gradient, places, strict=True))
    assert slope == by_diff


@each_case
def test_ten_expressions_are_proved(case: Physical) -> None:
    check(recipe_of(case), 1)


@each_case
def test_ten_expressions_are_identically_equal(case: Physical) -> None:
    """On indeterminates: polynomials that are equal are equal at every point."""
    recipe = recipe_of(case)
    read = recipe.read
    ring = Ring(*(f"x{number}" for number in range(len(read.quantities.labels))))
    given = [[ring.gens[n] for n in read.quantities.range_of(name)] for name in read.tensors]
    found = recipe.functions()[0].run(*given)["result"]
    polynomials = read.polynomials
    places = read.reduction.components.orbits.representatives.tolist()
    wanted = [ring.formal(0) for _ in places]
    for place, row, numerator in zip(
        polynomials.places.tolist(), polynomials.monomials.tolist(),
        polynomials.numerators.tolist(), strict=True,
    ):  # fmt: skip
        if place in places:
            product = ring.formal(Fraction(numerator, polynomials.denominator))
            for n in row:
                product = product * ring.gens[n] if n >= 0 else product
            wanted[places.index(place)] = wanted[places.index(place)] + product
    assert all(ours == theirs for ours, theirs in zip(found, wanted, strict=True))


@settings(max_examples=25, deadline=None)
@given(products(), st.integers(0, 1000))
def test_any_product_is_proved(product: tuple[str, dict[str, Any]], seed: int) -> None:
    if expression(product[0], **product[1]).vanishes or not product[1]:
        return
    check(ExpressionRecipe(*product), seed)


@pytest.mark.parametrize(
    ("text", "tensors"),
    [
        ("a_i b_j - 1/3 δ_ij a_k b_k", {"a": "i", "b": "i"}),
        ("δ_ij s + 2 S_ij", {"s": "scalar", "S": "ij=ji"}),
        ("S_ii S_jk", {"S": "ij=ji"}),
        ("3 s^2 - 7/2", {"s": "scalar"}),
        ("X_ij X_jk X_ki", {"X": "natural tensor of weight 2"}),
        ("M_ab M_bc M_cd M_de M_ef M_fg M_gh M_hi M_ij", {"M": "ij"}),
        ("a_i b_j a_k b_l c_m c_n a_p b_q -> ijklmnpq", {"a": "i", "b": "i", "c": "i"}),
        ("X_ijkl e_ij e_kl", {"X": "natural tensor of weight 4", "e": "strain"}),
    ],
)
def test_sums_numbers_and_natural_tensors_are_proved(text: str, tensors: dict[str, str]) -> None:
    check(ExpressionRecipe(text, tensors), 3)


def test_derivatives_and_natural_parts_have_code() -> None:
    stress = ExpressionRecipe.of(ENERGY.read.diff("e"))
    assert stress.read == ENERGY.read.diff("e")
    check(stress, 2)
    parts = ExpressionRecipe.of(ENERGY.read.substitute("C"))
    assert [argument.name for argument in parts.arguments][:3] == ["C_0_0", "e", "C_0_1"]
    check(parts, 2)
    check(ExpressionRecipe.of(expression("C_ijkl n_j n_l", C="elastic", n="i").average("C")), 2)


@each_case
def test_multiplications_are_fewer_than_in_the_sum(case: Physical) -> None:
    recipe = recipe_of(case)
    value, pulled = recipe.functions()
    count = value.counts().multiplications
    assert count <= sum(order.multiplications for order in recipe.read.orders)
    assert pulled.counts().multiplications <= 3 * count + 30


def test_how_many_multiplications() -> None:
    """Figures of docs/code-generation.md; a better search may lower them."""
    counts = {case.name: recipe_of(case).functions()[0].counts().multiplications
              for case in PHYSICAL}  # fmt: skip
    assert counts == {
        "Hooke's law": 39,
        "elastic energy": 36,
        "Christoffel matrix": 45,
        "rotation of a stiffness": 396,
        "piezoelectric stress": 18,
        "electrostriction": 45,
        "second-harmonic polarization": 27,
        "third-order elastic energy": 103,
        "stiffened Christoffel matrix": 72,
        "product of couplings": 20,
    }


# --- in every language ----------------------------------------------------------------------------


def batches(
    recipe: ExpressionRecipe, shapes: list[tuple[int, ...]]
) -> tuple[list[Any], list[Any], Any]:
    """Arrays of components with batches, the full arrays, and the exact result, as floats."""
    rng = np.random.default_rng(4)
    given, whole = [], []
    for number, what in enumerate(recipe.read.tensors.values()):
        shape = shapes[number % len(shapes)]
        array = rng.integers(-5, 6, (*shape, *([what.dimension] if what.rank else [])))
        rows = array.reshape(-1, what.dimension) if what.rank else array.reshape(-1, 1)
        tensors = np.array([full(what, row.tolist()) for row in rows], dtype=float)
        given.append(array.astype(float))
        whole.append(tensors.reshape(shape + (3,) * what.rank))
    return given, whole, dense(recipe, whole)


def dense(recipe: ExpressionRecipe, whole: list[Any]) -> Any:
    """The result by einsum over full arrays with batches."""
    read = recipe.read
    by_name = dict(zip(read.tensors, whole, strict=True))
    total: Any = 0
    for term in read.terms:
        letters = {x: n for n, x in enumerate(term.letters)}
        arguments: list[Any] = []
        for factor in term.factors:
            array = by_name.get(factor.name)
            if array is None:
                array = {2: np.eye(3), 3: EPS}[len(factor.indices)]
            arguments += [array, [Ellipsis, *(letters[x] for x in factor.indices)]]
        value = np.einsum(*arguments, [Ellipsis, *(letters[x] for x in read.free)])
        total = total + float(term.coefficient) * value
    if not read.rank:
        return total
    flat = total.reshape((*total.shape[: total.ndim - read.rank], -1))
    return flat[..., read.reduction.components.orbits.representatives]


EPS = np.array([[[np.linalg.det(np.eye(3)[[i, j, k]]) for k in range(3)] for j in range(3)]
                for i in range(3)])  # fmt: skip

SHAPES = [[()], [(4,)], [(2, 3)], [(3, 1), (1, 2)], [(5,), ()]]


@each_case
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_numpy_and_torch_with_batches(case: Physical, shapes: list[tuple[int, ...]]) -> None:
    recipe = recipe_of(case)
    given, _, result = batches(recipe, shapes)
    found = codegen.load(recipe, "numpy").evaluate(*given)
    np.testing.assert_allclose(found, result, rtol=1e-12, atol=1e-9)
    tensors = [torch.tensor(array, requires_grad=True) for array in given]
    module = codegen.load(recipe, "torch")
    value = module.evaluate(*tensors)
    np.testing.assert_allclose(value.detach().numpy(), result, rtol=1e-12, atol=1e-9)
    gradient = torch.ones_like(value)
    by_torch = torch.autograd.grad(value, tensors, gradient)
    pulled = module.evaluate_vjp(*tensors, gradient)
    by_numpy = codegen.load(recipe, "numpy").evaluate_vjp(*given, gradient.numpy())
    for ours, other, wanted in zip(pulled, by_numpy, by_torch, strict=True):
        summed = ours.sum_to_size(wanted.shape)
        torch.testing.assert_close(summed, wanted, rtol=1e-10, atol=1e-8)
        np.testing.assert_allclose(other, ours.detach().numpy(), rtol=1e-12, atol=1e-9)


def test_torch_in_single_precision_and_compiled_whole() -> None:
    module = codegen.load(ENERGY)
    stiffness, strain = torch.ones(21), torch.ones(7, 6)
    assert module.evaluate(stiffness, strain).dtype == torch.float32
    explained: Any = torch.compile(module.evaluate, fullgraph=True, backend="eager")
    assert torch.equal(explained(stiffness, strain), module.evaluate(stiffness, strain))


def test_components_are_those_of_the_reduction() -> None:
    crystal = np.zeros((6, 6))
    crystal[:3, :3] = 50.0 + 30.0 * np.eye(3)
    crystal[3:, 3:] = 20.0 * np.eye(3)
    stiffness = reduction("elastic").convert(crystal, source="voigt", target="components")
    strain = np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0])
    found = codegen.load(ENERGY, "numpy").evaluate(stiffness, strain)
    assert found == pytest.approx(0.5 * 80.0 * 0.01)


@pytest.mark.compiler
@each_case
def test_cpp_gives_the_exact_values(case: Physical, tmp_path: Path) -> None:
    """Of small integers doubles are exact but for coefficients such as 1/3; one input is shared."""
    recipe = recipe_of(case)
    read = recipe.read
    run = Compiled(recipe, tmp_path)
    points = [point_for(read, seed)[0] for seed in range(3)]
    first = next(iter(read.tensors))
    for components in points:
        components[first] = points[0][first]
    arrays = [np.array([components[name] for components in points]) for name in read.tensors]
    given = [arrays[0][0], *arrays[1:]]
    found = run("evaluate", *given)["result"]
    pull = np.random.default_rng(1).integers(-4, 5, found.shape)
    gradients = run("evaluate_vjp", *given, pull)
    for item, components in enumerate(points):
        whole = {name: full(read.tensors[name], values) for name, values in components.items()}
        exact = np.array([float(value) for value in expected(recipe, whole)])
        np.testing.assert_allclose(found[item], exact, rtol=1e-14, atol=1e-9)
        pulled = recipe.functions()[1].run(*components.values(), pull[item].tolist())
        for argument in recipe.arguments:
            key = f"{argument.name}_gradient"
            slopes = np.array([float(Fraction(str(value))) for value in pulled[key]])
            np.testing.assert_allclose(gradients[key][item], slopes, rtol=1e-14, atol=1e-9)


# --- what the recipe says -------------------------------------------------------------------------


def test_equal_recipes_are_one() -> None:
    again = ExpressionRecipe("1/2 C_ijkl e_ij e_kl", (("C", "elastic"), ("e", "strain")))
    assert again == ENERGY
    assert hash(again) == hash(ENERGY)
    assert codegen.fingerprint(again, "torch") == codegen.fingerprint(ENERGY, "torch")


def test_names_become_words_that_code_can_have() -> None:
    names = {"T": "i", "λ": "i", "Γ'": "i", "t0": "i", "x(2,0)": "i", "item": "i"}
    text = " + ".join(f"{name}_i" for name in names)
    recipe = ExpressionRecipe(text, names)
    assert [argument.name for argument in recipe.arguments] == [
        "T_", "lambda_", "Gamma_prime", "t0_", "x_2_0", "item_",
    ]  # fmt: skip
    values = [np.full(3, float(n)) for n in range(6)]
    assert codegen.load(recipe, "numpy").evaluate(*values).tolist() == [15.0] * 3
    assert codegen.load(recipe).evaluate(*map(torch.tensor, values)).tolist() == [15.0] * 3
    assert "lambda_[0]" in codegen.source(recipe, "cpp")


def test_what_cannot_be_generated() -> None:
    with pytest.raises(ExpressionError, match="vanishes: W_ii: the symmetry of W"):
        ExpressionRecipe("W_ii", {"W": "ij=-ji"})
    with pytest.raises(ExpressionError, match="nothing says what e is"):
        ExpressionRecipe("C_ijkl e_kl", {"C": "elastic"})


def test_exact_numbers_run() -> None:
    (energy, _) = ENERGY.functions()
    strain = [Fraction(1, 7)] + [Fraction(0)] * 5
    assert energy.run([3] + [0] * 20, strain)["result"] == [Fraction(3, 98)]
    read = ENERGY.read
    assert evaluated(read.polynomials, {"C": [3] + [0] * 20, "e": strain})[()] == Fraction(3, 98)
