"""Derivatives of convolution and product as programs: exact identities, and the C++ they become."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product as pairs
from typing import Any

import pytest

import codegen
from codegen.generation import is_intact
from codegen.pieces.convolution_derivatives import generators
from codegen.programs.kernel import Kernel
from codegen.programs.program import Program
from natural_tensors.exact.surds import Surd

CONVOLUTIONS = [
    codegen.ConvolutionRecipe(2, 0),
    codegen.ConvolutionRecipe(3, 1),
    codegen.ConvolutionRecipe(2, 2),
    codegen.ConvolutionRecipe(1, 1, parity="both"),
    codegen.ConvolutionRecipe(1, 2, parity="ignored"),
]
PRODUCTS = [codegen.ProductRecipe(2), codegen.ProductRecipe(1, parity="both")]


def kernel(recipe: codegen.Recipe, name: str) -> Kernel:
    return next(kernel for kernel in recipe.kernels() if kernel.name == name)


def values(program: Program, seed: int) -> dict[str, list[Any]]:
    """Rational numbers for every argument; frames need be no rotations where nothing turns."""
    draw = random.Random(seed)
    return {
        a.name: [Fraction(draw.randint(-9, 9), draw.randint(1, 5)) for _ in a.labels]
        for a in program.arguments
    }


def run(programs: tuple[Program, ...], given: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Add the outputs of all programs."""
    total: dict[str, list[Any]] = {}
    for program in programs:
        found = program.run(*(given[a.name] for a in program.arguments))
        for key, entries in found.items():
            before = total.get(str(key), [Surd(0)] * len(entries))
            total[str(key)] = [a + b for a, b in zip(before, entries, strict=True)]
    return total


def dot(first: list[Any], second: list[Any]) -> Any:
    return sum((a * b for a, b in zip(first, second, strict=True)), Surd(0))


@pytest.mark.parametrize("weight", range(7))
def test_generators_are_infinitesimal_rotations(weight: int) -> None:
    size = 2 * weight + 1
    matrices = [
        [[row.get(n, Surd(0)) for n in range(size)] for row in rows] for rows in generators(weight)
    ]

    def times(a: Any, b: Any) -> Any:
        return [
            [sum((a[i][k] * b[k][j] for k in range(size)), Surd(0)) for j in range(size)]
            for i in range(size)
        ]

    x, y, z = matrices
    for (a, b), c in zip(((x, y), (y, z), (z, x)), (z, x, y), strict=True):
        ab, ba = times(a, b), times(b, a)
        assert all(ab[i][j] - ba[i][j] == c[i][j] for i, j in pairs(range(size), repeat=2))
    square = [times(m, m) for m in matrices]
    for i, j in pairs(range(size), repeat=2):
        casimir = sum((s[i][j] for s in square), Surd(0))
        assert casimir == (-weight * (weight + 1) if i == j else 0)
    if weight == 1:  # about z: x to y
        assert z[1][0] == 1
        assert z[0][1] == -1


@pytest.mark.parametrize("recipe", CONVOLUTIONS, ids=lambda r: r.title)
def test_message_gradients_are_transposed_messages(recipe: codegen.ConvolutionRecipe) -> None:
    (message,) = kernel(recipe, "message").programs
    (vjp,) = kernel(recipe, "message_vjp").programs
    given = values(vjp, 1)
    other = values(vjp, 2)
    found = run((vjp,), given)
    for name in ("features", "weights"):
        moved = run((message,), {**given, name: other[name]})["message"]
        assert dot(given["gradient"], moved) == dot(found[f"{name}_gradient"], other[name])


@pytest.mark.parametrize("recipe", CONVOLUTIONS, ids=lambda r: r.title)
def test_second_message_gradients_are_those_of_the_first(
    recipe: codegen.ConvolutionRecipe,
) -> None:
    """In features, weights and gradient the first gradients are bilinear, so this is exact."""
    (vjp,) = kernel(recipe, "message_vjp").programs
    (second,) = kernel(recipe, "message_vjp_vjp").programs
    given, other = values(second, 3), values(second, 4)
    found = run((second,), given)

    def pairing(changed: dict[str, list[Any]], left_out: str) -> Any:
        """Return what the tangents make of the first gradients, but for one that is constant."""
        first = run((vjp,), {**given, **changed})
        return sum(
            (
                dot(given[f"{name}_tangent"], first[f"{name}_gradient"])
                for name in ("features", "weights", "directions")
                if name != left_out
            ),
            Surd(0),
        )

    for name in ("features", "weights"):
        expected = pairing({name: other[name]}, name)
        assert dot(found[f"{name}_gradient"], other[name]) == expected
    expected = pairing({"gradient": other["gradient"]}, "")
    assert dot(found["gradient_gradient"], other["gradient"]) == expected
    assert found["first_weights_gradient"] == run((vjp,), given)["weights_gradient"]


@pytest.mark.parametrize("recipe", PRODUCTS, ids=lambda r: r.title)
def test_product_gradients_are_exact(recipe: codegen.ProductRecipe) -> None:
    forward = kernel(recipe, "product").programs
    vjp = kernel(recipe, "product_vjp").programs
    second = kernel(recipe, "product_vjp_vjp").programs
    given, other = values(second[0], 5), values(second[0], 6)
    (whole,) = recipe.functions()
    assert run(forward, given)["sums"] == run((whole,), given)["product"]
    first = run(vjp, given)
    for name in ("first", "second", "weights"):
        moved = run(forward, {**given, name: other[name]})["sums"]
        assert dot(given["gradient"], moved) == dot(first[f"{name}_gradient"], other[name])
    found = run(second, given)
    names = ("first", "second", "weights")
    for name in (*names, "gradient"):
        changed = run(vjp, {**given, name: other[name]})
        expected = sum(
            (dot(given[f"{n}_tangent"], changed[f"{n}_gradient"]) for n in names if n != name),
            Surd(0),
        )
        assert dot(found[f"{name}_gradient"], other[name]) == expected


# --- C++ ------------------------------------------------------------------------------------------


def test_only_recipes_with_kernels_become_cpp() -> None:
    for recipe in (
        codegen.TensorRecipe("elastic"),
        codegen.HarmonicsRecipe(2),
        codegen.ConvolutionRecipe(1, method="direct"),
    ):
        for function in (codegen.source, codegen.report):
            with pytest.raises(ValueError, match="target 'cpp' is for the convolution with"):
                function(recipe, "cpp")
    assert (
        codegen.report(codegen.ProductRecipe(1), "cpp")
        .splitlines()[2]
        .startswith("product_vjp_vjp: ")
    )
    with pytest.raises(ValueError, match="which Python can load"):
        codegen.load(codegen.ProductRecipe(1), "cpp")


def test_cpp_text_is_deterministic_intact_and_narrow() -> None:
    recipe = codegen.ConvolutionRecipe(1)
    text = codegen.source(recipe, "cpp")
    assert text == codegen.source(codegen.ConvolutionRecipe(1), "cpp")
    assert text.startswith("// Channel-wise convolution to weight 1")
    assert "//     target   cpp" in text
    assert is_intact(text)
    assert not is_intact(text.replace("const V t", "const  V t", 1))
    assert codegen.fingerprint(recipe, "cpp") != codegen.fingerprint(recipe, "torch")
