"""Derivatives of the message of an edge: exact identities."""

from __future__ import annotations

from itertools import product as pairs
from typing import Any

import pytest

import codegen
from codegen.pieces.convolution_derivatives import generators
from natural_tensors.exact.surds import Surd
from tests.helpers.kernel_programs import dot, kernel, run, values

CONVOLUTIONS = [
    codegen.ConvolutionRecipe(2, 0),
    codegen.ConvolutionRecipe(3, 1),
    codegen.ConvolutionRecipe(2, 2),
    codegen.ConvolutionRecipe(1, 1, parity="both"),
    codegen.ConvolutionRecipe(1, 2, parity="ignored"),
]


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
