"""Messages proved: in the frame of the bond and direct, the exact sum over paths."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from codegen import (
    ConvolutionRecipe,
    Program,
)
from natural_tensors import Surd
from tests.helpers.formal import (
    DIRECTIONS,
    PARITIES,
    allowed,
    coupled_sum,
    layout,
    ring_of,
    values_at,
)


def message_reference(
    recipe: ConvolutionRecipe, direction: Any, features: Sequence[Any], weights: Sequence[Any]
) -> list[Any]:
    """Return the sum over paths of weight times coupling of features and harmonics."""
    top = recipe.weight if recipe.input_weight is None else recipe.input_weight
    inputs = layout(top, recipe.parity if top else "natural")
    outputs = layout(recipe.weight, recipe.parity)
    bonds = values_at(recipe.weight, direction, recipe.normalization)
    given = iter(weights)
    result: list[Any] = []
    for pseudo3, l3, _ in outputs:
        block: list[Any] = [Surd(0)] * (2 * l3 + 1)
        for (pseudo1, l1, start), l2 in product(inputs, range(recipe.weight + 1)):
            if allowed(pseudo1 + pseudo3, (l1, l2, l3), recipe.parity):
                weight = next(given)
                part = [value * weight for value in features[start : start + 2 * l1 + 1]]
                bond = bonds[l2 * l2 : (l2 + 1) ** 2]
                found = coupled_sum((l1, l2, l3), recipe.normalization, part, bond)
                block = [a + b for a, b in zip(block, found, strict=True)]
        result += block
    assert next(given, None) is None
    return result


def message_of(recipe: ConvolutionRecipe, direction: Any, features: Any, weights: Any) -> list[Any]:
    geometry, message, _ = recipe.functions()
    assert isinstance(geometry, Program)
    assert isinstance(message, Program)
    (values,) = geometry.run(direction).values()
    return message.run(features, values, weights)["message"]


CONVOLUTIONS = [
    *(ConvolutionRecipe(weight, parity=parity) for weight in range(4) for parity in PARITIES),
    *(ConvolutionRecipe(weight, 0, parity) for weight in (1, 3) for parity in PARITIES),
    ConvolutionRecipe(2, 3, "both"),
    ConvolutionRecipe(3, 1),
    ConvolutionRecipe(2, normalization="legendre"),
    ConvolutionRecipe(2, parity="both", normalization="orthonormal"),
    ConvolutionRecipe(4),
]


@pytest.mark.parametrize(
    "recipe", CONVOLUTIONS, ids=lambda r: "-".join(map(str, r.settings().values()))
)
def test_messages_aligned_and_direct_equal_the_exact_sum(recipe: ConvolutionRecipe) -> None:
    """For all features and radial weights at once, at rational directions.

    Eight directions up to weight 2, three above; every other one follows, since both sides turn
    with the direction and the frames were proved on whole charts.
    """
    direct = ConvolutionRecipe(recipe.weight, recipe.input_weight, recipe.parity, "direct",
                               recipe.normalization)  # fmt: skip
    message = recipe.functions()[1]
    assert isinstance(message, Program)
    sizes = [len(argument.labels) for argument in message.arguments]
    ring = ring_of("v", sizes[0] + sizes[2])
    features, weights = ring.gens[: sizes[0]], ring.gens[sizes[0] :]
    for direction in DIRECTIONS if recipe.weight < 3 else DIRECTIONS[1::3]:
        expected = message_reference(recipe, direction, features, weights)
        assert message_of(recipe, direction, features, weights) == expected
        assert message_of(direct, direction, features, weights) == expected
