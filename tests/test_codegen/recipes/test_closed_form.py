"""Code of closed forms: proved on exact numbers against SymPy, then run in every language."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import codegen
from codegen import ClosedFormRecipe
from codegen.pieces.roots import as_squares
from codegen.recipes.closed_form import ClosedFormError
from natural_tensors import elasticity, symbolic
from natural_tensors.exact.floats import surd_to_float
from natural_tensors.exact.surds import Surd
from tests.helpers.compiled_kernels import Compiled
from tests.helpers.residues import NoRootError, Residue, residue, value_of

A, B, C = sympy.symbols("a b c", real=True)
CUBIC = symbolic.stiffness("m-3m")
SPLIT = {"constants": ("C11", "C12", "C44"), "direction": ("n1", "n2", "n3")}


def recipes() -> dict[str, ClosedFormRecipe]:
    trigonal, ceramic = symbolic.stiffness("-3m"), symbolic.piezoelectric("6mm")
    return {
        "universal anisotropy": ClosedFormRecipe(CUBIC.universal_anisotropy),
        "Young's modulus": ClosedFormRecipe(CUBIC.youngs_modulus(), SPLIT),
        "stability of -3m": ClosedFormRecipe(trigonal.stability().conditions),
        "compliance of -3m": ClosedFormRecipe(trigonal.compliance),
        "compliance of mmm": ClosedFormRecipe(symbolic.stiffness("mmm").compliance),
        "coupling factors": ClosedFormRecipe(list(ceramic.coupling_factors.values())),
        "Christoffel matrix": ClosedFormRecipe(
            ceramic.christoffel(),
            {"n": ("n1", "n2", "n3"), "crystal": tuple(map(str, ceramic.constants))},
        ),
        "indices of light": ClosedFormRecipe(symbolic.dielectric("4/mmm").index_squares()),
        "numbers and roots": ClosedFormRecipe(
            [[3, A - sympy.Rational(2, 7), 0], [sympy.sqrt(2) * A / (B + sympy.sqrt(3)), -B, C**5]]
        ),
    }


def with_roots() -> dict[str, ClosedFormRecipe]:
    """Closed forms that hold square roots of the constants."""
    hexagonal, density = symbolic.stiffness("6/mmm"), sympy.Symbol("ρ", positive=True)
    monoclinic = symbolic.dielectric("2/m")
    n1, n3 = sympy.symbols("n1 n3", real=True)
    moduli = {group: symbolic.stiffness(group).kelvin_moduli() for group in ("4/m", "-3m")}
    return {
        **{
            f"Kelvin moduli of {group}": ClosedFormRecipe([modulus for modulus, _ in found])
            for group, found in moduli.items()
        },
        "waves": ClosedFormRecipe(hexagonal.waves([1, 0, 1]).squares),
        "waves in a plane": ClosedFormRecipe(
            hexagonal.waves([n1, 0, n3]).squares,
            {"constants": ("C11", "C12", "C13", "C33", "C44"), "direction": ("n1", "n3")},
        ),
        "speeds": ClosedFormRecipe(
            hexagonal.waves([1, 0, 1]).speeds(density),
            {"constants": ("C11", "C12", "C13", "C33", "C44"), "density": ("ρ",)},
        ),
        "refractive indices": ClosedFormRecipe(monoclinic.refractive_indices([0, 1, 0])),
        "birefringence": ClosedFormRecipe(symbolic.dielectric("4/mmm").birefringence),
        "optic axes": ClosedFormRecipe(symbolic.dielectric("mmm").optic_axes()),
        "powers": ClosedFormRecipe(
            [sympy.sqrt(A) ** 3 / sympy.sqrt(B), (2 - 3 * sympy.sqrt(2) / 4) * A,
             sympy.sqrt(sympy.sqrt(C) + sympy.sqrt(3)), 1 / sympy.sqrt(A**2 + B / C)]
        ),
    }  # fmt: skip


CASES = recipes() | with_roots()
each_case = pytest.mark.parametrize("name", CASES)


def points(recipe: ClosedFormRecipe, seed: int) -> tuple[list[list[Fraction]], dict[Any, Any]]:
    """Return random fractions of 12 digits for the inputs, and their substitution in SymPy."""
    rng = np.random.default_rng(seed)
    arrays, substitution = [], {}
    for _, names in recipe.arrays:
        tops, bottoms = rng.integers(10**11, 10**12, (2, len(names)))
        row = [Fraction(int(p), int(q)) for p, q in zip(tops, bottoms, strict=True)]
        arrays.append(row)
        for name, number in zip(names, row, strict=True):
            if name in recipe.symbols:
                rational = sympy.Rational(number.numerator, number.denominator)
                substitution[recipe.symbols[name]] = rational
    return arrays, substitution


def exactly(value: Any, substitution: dict[Any, Any]) -> Surd:
    """Return an expression at a point, by SymPy alone."""
    number = sympy.radsimp(value.doit().subs(substitution))
    total = Surd(0)
    for term in sympy.Add.make_args(sympy.expand(number)):
        coefficient, root = term.as_coeff_Mul()
        squared = root**2
        assert squared.is_Rational
        total = total + Surd.root(
            Fraction(int(squared.p), int(squared.q)), Fraction(int(coefficient.p), coefficient.q)
        )
    return total


@each_case
def test_code_is_proved_modulo_a_prime(name: str) -> None:
    """Values and gradients, at a random point where every radicand has a root.

    Two closed forms of degree d that differ agree there with a chance of about d / 2^61.
    """
    recipe = CASES[name]
    value, pulled = recipe.functions()
    rng = np.random.default_rng(5)
    weights = [Residue(int(n)) for n in rng.integers(1, 2**60, len(recipe.entries))]
    while True:
        given = [[Residue(int(n)) for n in rng.integers(1, 2**60, len(names))]
                 for _, names in recipe.arrays]  # fmt: skip
        at = {
            recipe.symbols[symbol]: number
            for (_, names), row in zip(recipe.arrays, given, strict=True)
            for symbol, number in zip(names, row, strict=True)
            if symbol in recipe.symbols
        }
        try:
            wanted = [value_of(entry, at) for entry in recipe.entries]
        except NoRootError:
            continue
        break
    assert [residue(entry) for entry in value.run(*given)["result"]] == wanted
    gradients = pulled.run(*given, weights)
    for argument, (_, names) in zip(recipe.arguments, recipe.arrays, strict=True):
        slopes = gradients[f"{argument.name}_gradient"]
        for symbol, slope in zip(names, slopes, strict=True):
            total = Residue(0)
            if symbol in recipe.symbols:
                for weight, entry in zip(weights, recipe.entries, strict=True):
                    total = total + weight * value_of(entry.diff(recipe.symbols[symbol]), at)
            assert slope == total


def test_no_rounding_below_a_root() -> None:
    """Where two moduli meet the radicand is zero but for rounding, which keeps it positive."""
    recipe = CASES["Kelvin moduli of -3m"]
    rng = np.random.default_rng(0)
    c12 = rng.uniform(10.0, 90.0, 10_000)
    c33 = rng.uniform(100.0, 300.0, 10_000)
    nothing = rng.uniform(-1e-15, 1e-15, (2, 10_000))
    values = {"C11": c33 - c12, "C12": c12, "C13": nothing[0], "C14": nothing[1], "C33": c33,
              "C44": (c33 - 2 * c12) / 2}  # fmt: skip
    constants = np.stack([values[name] for name in recipe.symbols], axis=-1)
    found = codegen.load(recipe, "numpy").evaluate(constants)
    np.testing.assert_allclose(found[:, 0], c33, rtol=1e-13)
    assert np.isfinite(found).all()


def test_what_is_a_sum_of_squares() -> None:
    assert as_squares(A**2 - 2 * A * B + B**2 + 4 * C**2) == (A - B) ** 2 + 4 * C**2
    assert as_squares(A**2 + A + 1) == (A + sympy.Rational(1, 2)) ** 2 + sympy.Rational(3, 4)
    assert as_squares(C**2 * (A**2 + B**2) / 3) == C**2 * (A**2 + B**2) / 3
    for other in (A**2 - B**2, A * B, A, -(A**2) - 1, A**2 + B, A**2 / B, A**4 + B**4, A**2 - 1):
        assert as_squares(other) is None


def test_a_determinant_is_not_written_out() -> None:
    conditions = symbolic.stiffness("-1").stability().conditions
    recipe = ClosedFormRecipe(conditions)
    assert any(isinstance(entry, sympy.Determinant) for entry in recipe.entries)
    (arrays, substitution) = points(recipe, 3)
    value, _ = recipe.functions()
    wanted = []
    for entry in recipe.entries:
        if isinstance(entry, sympy.Determinant):
            numbers = entry.arg.subs(substitution)
            wanted.append(exactly(sympy.Matrix(numbers).det(method="bareiss"), {}))
        else:
            wanted.append(exactly(entry, substitution))
    assert value.run(*arrays)["result"] == wanted
    # 6! products of six would be 3600 multiplications
    assert value.counts().multiplications < 300


terms = st.recursive(
    st.sampled_from([A, B, C, sympy.Integer(2), sympy.Rational(-3, 4)]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        inner.map(lambda value: 1 / (value**2 + 1)),
        st.tuples(inner, st.sampled_from([2, 3])).map(lambda pair: pair[0] ** pair[1]),
    ),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(terms, min_size=1, max_size=3), st.integers(0, 1000))
def test_any_quotients_are_proved(values: list[Any], seed: int) -> None:
    if not any(value.free_symbols for value in values):
        return
    recipe = ClosedFormRecipe(values)
    arrays, substitution = points(recipe, seed)
    found = recipe.functions()[0].run(*arrays)["result"]
    assert found == [exactly(value, substitution) for value in values]


def test_how_many_multiplications() -> None:
    """Figures of docs/code-generation.md; a better search may lower them."""
    counts = {name: str(recipe.functions()[0].counts()) for name, recipe in CASES.items()}
    assert counts["universal anisotropy"] == "5 multiplications, 3 additions, 1 divisions"
    assert counts["Young's modulus"] == "29 multiplications, 19 additions, 1 divisions"
    assert counts["stability of -3m"] == "6 multiplications, 4 additions"
    assert counts["compliance of -3m"] == "21 multiplications, 8 additions, 3 divisions"


# --- in every language ----------------------------------------------------------------------------


@each_case
def test_numpy_and_torch_with_batches(name: str) -> None:
    recipe = CASES[name]
    rng = np.random.default_rng(0)
    shapes: list[tuple[int, ...]] = [(2, 1), (3,)]
    arrays = [
        rng.uniform(1.0, 2.0, (*shapes[number % 2], len(names)))
        + [10.0 * (name[-2:-1] == name[-1]) for name in names]  # so that squares of speeds are
        for number, (_, names) in enumerate(recipe.arrays)
    ]
    names = [symbol for _, group in recipe.arrays for symbol in group]
    batch = np.broadcast_shapes(*(array.shape[:-1] for array in arrays))
    flat = np.concatenate([np.broadcast_to(a, (*batch, a.shape[-1])) for a in arrays], axis=-1)
    formula = sympy.lambdify(
        [recipe.symbols.get(name, sympy.Symbol(name)) for name in names], recipe.entries
    )
    rows = [[float(value) for value in formula(*row)] for row in flat.reshape(-1, len(names))]
    wanted = np.array(rows).reshape((*batch, *recipe.shape))
    found = codegen.load(recipe, "numpy").evaluate(*arrays)
    assert found.shape == wanted.shape
    # random constants come near singular ones: 6 digits are lost there at most
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    module = codegen.load(recipe, "torch")
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = module.evaluate(*tensors)
    pull = torch.randn(value.shape, dtype=value.dtype, generator=torch.Generator().manual_seed(0))
    by_torch = torch.autograd.grad(value, tensors, pull)
    pulled = module.evaluate_vjp(*tensors, pull)
    pulled = pulled if isinstance(pulled, tuple) else (pulled,)
    for ours, theirs in zip(pulled, by_torch, strict=True):
        torch.testing.assert_close(ours.sum_to_size(theirs.shape), theirs, rtol=1e-8, atol=1e-8)


def test_compliances_of_many_crystals() -> None:
    recipe = CASES["compliance of mmm"]
    numbers = np.random.default_rng(1).uniform(-20.0, 20.0, (50, 9))
    for place, name in enumerate(recipe.symbols):
        numbers[:, place] += 200.0 * (name[1] == name[2])
    stiffness = np.zeros((50, 6, 6))
    for place, name in enumerate(recipe.symbols):
        i, j = int(name[1]) - 1, int(name[2]) - 1
        stiffness[:, i, j] = stiffness[:, j, i] = numbers[:, place]
    found = codegen.load(recipe, "numpy").evaluate(numbers)
    np.testing.assert_allclose(found, elasticity.compliance(stiffness), rtol=1e-11, atol=1e-16)


@pytest.mark.compiler
@pytest.mark.parametrize("name", ["Young's modulus", "compliance of -3m", "numbers and roots"])
def test_cpp_gives_the_exact_values(name: str, tmp_path: Path) -> None:
    """At rational points: values and gradients of SymPy, rounded once."""
    recipe = CASES[name]
    run = Compiled(recipe, tmp_path)
    entries = recipe.entries
    for seed in range(3):
        rows, substitution = points(recipe, seed)
        given = [[float(number) for number in row] for row in rows]
        found = run("evaluate", *given)["result"][0]
        exact = [surd_to_float(exactly(entry, substitution)) for entry in entries]
        # both sides see numbers rounded to doubles; quotients of differences lose some digits
        np.testing.assert_allclose(found, exact, rtol=1e-8, atol=1e-12)
        pull = np.random.default_rng(seed).integers(-3, 4, len(entries))
        gradients = run("evaluate_vjp", *given, pull)
        for argument, (_, names) in zip(recipe.arguments, recipe.arrays, strict=True):
            slopes = gradients[f"{argument.name}_gradient"][0]
            for symbol, slope in zip(names, slopes, strict=True):
                wanted = sum(
                    int(weight) * surd_to_float(exactly(entry.diff(known), substitution))
                    for weight, entry in zip(pull, entries, strict=True)
                    if weight and (known := recipe.symbols.get(symbol)) in entry.free_symbols
                )
                assert slope == pytest.approx(wanted, rel=1e-7, abs=1e-9)


@pytest.mark.compiler
@pytest.mark.parametrize("name", ["Kelvin moduli of 4/m", "speeds", "waves in a plane"])
def test_cpp_with_roots_and_inputs_that_broadcast(name: str, tmp_path: Path) -> None:
    """Against SymPy to 40 digits."""
    recipe = CASES[name]
    run = Compiled(recipe, tmp_path)
    count = 4
    rng = np.random.default_rng(0)
    arrays = [rng.integers(100, 900, (count, len(names)) if number else (len(names),))
              for number, (_, names) in enumerate(recipe.arrays)]  # fmt: skip
    pull = rng.integers(-3, 4, (count, len(recipe.entries)))
    found = run("evaluate", *arrays)["result"]
    gradients = run("evaluate_vjp", *arrays, pull)
    for item in range(len(found)):
        rows = [array if array.ndim == 1 else array[item] for array in arrays]
        at = {
            recipe.symbols[symbol]: int(number)
            for (_, names), row in zip(recipe.arrays, rows, strict=True)
            for symbol, number in zip(names, row, strict=True)
        }
        exact = [float(entry.subs(at).evalf(40)) for entry in recipe.entries]
        np.testing.assert_allclose(found[item], exact, rtol=1e-13)
        for argument, (_, names) in zip(recipe.arguments, recipe.arrays, strict=True):
            for place, symbol in enumerate(names):
                wanted = sum(
                    int(weight) * float(entry.diff(recipe.symbols[symbol]).subs(at).evalf(40))
                    for weight, entry in zip(pull[item], recipe.entries, strict=True)
                )
                slope = gradients[f"{argument.name}_gradient"][item, place]
                assert slope == pytest.approx(wanted, rel=1e-11, abs=1e-12)


# --- what the recipe says -------------------------------------------------------------------------


def test_equal_recipes_are_one_and_others_are_not() -> None:
    again = ClosedFormRecipe(CUBIC.youngs_modulus(), SPLIT)
    recipe = CASES["Young's modulus"]
    assert (again, hash(again)) == (recipe, hash(recipe))
    assert codegen.fingerprint(again, "torch") == codegen.fingerprint(recipe, "torch")
    long = [[symbolic.stiffness("mmm").compliance[0, 0] * n] * 6 for n in (1, 2)]
    first, second = (ClosedFormRecipe(row) for row in long)
    assert len(str(first.settings()["values"])) < 500
    assert codegen.fingerprint(first, "torch") != codegen.fingerprint(second, "torch")
    assert recipe.title == "A closed form in C11, C12, C44, n1, n2, n3."
    assert codegen.is_intact(codegen.source(recipe))


def test_names_become_words_that_code_can_have() -> None:
    symbols = sympy.symbols("ε11 lambda T t0 result constants")
    recipe = ClosedFormRecipe(sum(symbols))
    labels = recipe.arguments[0].labels
    assert len(set(labels)) == 6
    assert "epsilon11" in labels
    found = codegen.load(recipe, "numpy").evaluate(np.arange(1.0, 7.0))
    assert found == pytest.approx(21.0)


@pytest.mark.parametrize(
    ("values", "inputs", "message"),
    [
        (sympy.cbrt(A), (), "no sum, product, quotient or square root"),
        (sympy.sin(A), (), "no sum, product, quotient or square root"),
        (A**B, (), "no sum, product, quotient or square root"),
        (A * sympy.sqrt(-2), (), "no sum, product, quotient or square root"),
        (A > 0, (), "among exact values"),
        (A * 0.5, (), "holds the float"),
        (sympy.Integer(3), (), "no symbol"),
        ([], (), "no symbol"),
        ([[A], [A, B]], (), "different lengths"),
        (A + sympy.Symbol("a"), (), "different assumptions"),
        (A + B, {"x": ("a",)}, "b missing"),
        (A + B, {"x": ("a", "b"), "y": ("a",)}, "a twice"),
        (A, {"x": ("a",), "y": ()}, "an input is empty"),
    ],
)
def test_what_cannot_be_generated(values: Any, inputs: Any, message: str) -> None:
    with pytest.raises((ClosedFormError, TypeError), match=message):
        ClosedFormRecipe(values, inputs)
