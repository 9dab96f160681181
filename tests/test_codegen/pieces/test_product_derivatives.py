"""Derivatives of the product of features: exact identities."""

from __future__ import annotations

import pytest

import codegen
from natural_tensors.exact.surds import Surd
from tests.helpers.kernel_programs import dot, kernel, run, values

PRODUCTS = [codegen.ProductRecipe(2), codegen.ProductRecipe(1, parity="both")]


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
