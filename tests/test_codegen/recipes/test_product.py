"""Products of features proved: the exact sum over paths."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from codegen import (
    ProductRecipe,
)
from natural_tensors import Surd
from tests.helpers.formal import PARITIES, allowed, coupled_sum, layout, ring_of


@pytest.mark.parametrize("parity", PARITIES)
@pytest.mark.parametrize("weight", range(4))
def test_products_equal_the_exact_sum(weight: int, parity: Any) -> None:
    recipe = ProductRecipe(weight, parity)
    blocks = layout(weight, parity)
    (program,) = recipe.functions()
    size, _, paths = (len(argument.labels) for argument in program.arguments)
    ring = ring_of("v", 2 * size + paths)
    first, second, weights = ring.gens[:size], ring.gens[size : 2 * size], ring.gens[2 * size :]
    given = iter(weights)
    expected: list[Any] = []
    for pseudo3, l3, _ in blocks:
        block: list[Any] = [Surd(0)] * (2 * l3 + 1)
        for (pseudo1, l1, one), (pseudo2, l2, two) in product(blocks, repeat=2):
            if allowed(pseudo1 + pseudo2 + pseudo3, (l1, l2, l3), parity):
                factor = next(given)
                part = [value * factor for value in first[one : one + 2 * l1 + 1]]
                other = second[two : two + 2 * l2 + 1]
                found = coupled_sum((l1, l2, l3), recipe.normalization, part, other)
                block = [a + b for a, b in zip(block, found, strict=True)]
        expected += block
    assert next(given, None) is None
    assert program.run(first, second, weights)["product"] == expected
