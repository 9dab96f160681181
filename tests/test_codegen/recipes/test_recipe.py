"""What a recipe refuses, before anything is built."""

from __future__ import annotations

from typing import Any

import pytest

from codegen import (
    ConvolutionRecipe,
    CouplingRecipe,
    HarmonicsRecipe,
    ProductRecipe,
    RotationRecipe,
    TensorRecipe,
)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TensorRecipe("elastik"), "The nearest: elastic"),
        (lambda: TensorRecipe("ij", form="voigt"), "this class has none"),
        (lambda: TensorRecipe("ij", form="vogt"), "is not one of 'full'"),  # type: ignore[arg-type]
        (lambda: TensorRecipe("ij", basis="other"), "is not one of 'dual'"),  # type: ignore[arg-type]
        (lambda: HarmonicsRecipe(-1), "is not a weight from 0 to 12"),
        (lambda: HarmonicsRecipe(2, "other"), "normalization 'other'"),  # type: ignore[arg-type]
        (lambda: CouplingRecipe(3, 1, 1), "do not couple to 1: they reach 2 to 4"),
        (lambda: RotationRecipe(13), "weight=13"),
        (lambda: ConvolutionRecipe(2, parity="odd"), "is not one of 'natural', 'both', 'ignored'"),  # type: ignore[arg-type]
        (lambda: ConvolutionRecipe(2, method="fast"), "is not one of 'aligned', 'direct'"),  # type: ignore[arg-type]
        (lambda: ConvolutionRecipe(2, -1), "input_weight=-1"),
        (lambda: ProductRecipe(2, "odd"), "parity='odd'"),  # type: ignore[arg-type]
    ],
)
def test_impossible_recipes_are_refused(make: Any, message: str) -> None:
    with pytest.raises((ValueError, KeyError), match=message):
        make()
