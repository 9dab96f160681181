"""Kernels as C++ text: for which recipes, and always the same."""

from __future__ import annotations

import pytest

import codegen
from codegen.generation import is_intact


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
