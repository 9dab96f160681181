"""Signatures and loops as data: they fit their programs, or are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

import codegen
from codegen.programs.kernel import Array, Kernel, Signature
from codegen.programs.loop import Loop, LoopArgument

RECIPES = [
    codegen.ConvolutionRecipe(0),
    codegen.ConvolutionRecipe(2, 0, parity="both"),
    codegen.ConvolutionRecipe(1, 2, parity="ignored"),
    codegen.ConvolutionRecipe(2),
    codegen.ProductRecipe(0),
    codegen.ProductRecipe(1, parity="both"),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_signatures_are_known_before_the_kernels_are_built(recipe: codegen.Recipe) -> None:
    assert tuple(kernel.signature for kernel in recipe.kernels()) == recipe.signatures()


def test_a_kernel_has_the_signature_of_its_programs() -> None:
    kernel = codegen.ProductRecipe(1).kernels()[0]
    first, *others = kernel.signature.arrays
    for wrong in (
        (replace(first, name="other"), *others),
        (replace(first, entries=5), *others),
        (replace(first, channels=False), *others),
        (replace(first, written=True), *others),
        (*others, first),
        tuple(others),
    ):
        with pytest.raises(ValueError, match="product has the signature"):
            Kernel(replace(kernel.signature, arrays=wrong), kernel.programs)


def test_numbers_and_shapes_of_a_signature() -> None:
    signature = Signature(
        "add", "edges", (Array("values", "chunk", "width"), Array("sums", "sender", 3, True))
    )
    assert signature.numbers == ("first", "last", "threads", "width")
    assert [array.name for array in signature.parameters] == ["senders", "values", "sums"]
    assert [array.shape for array in signature.parameters] == [
        ("edges",),
        ("chunk", "width"),
        ("atoms", 3, "channels"),
    ]
    assert Array("weights", "shared", 4, channels=True).shape == (4, "channels")
    assert Signature("f", "items", ()).numbers == ("count", "threads")


def test_a_loop_gives_what_its_program_takes() -> None:
    (loop,) = (f for f in codegen.ConvolutionRecipe(1).functions() if isinstance(f, Loop))
    assert loop.size == 4
    assert loop.nodes == "features"
    with pytest.raises(ValueError, match=r"convolve gives .'features', 'frames'., message takes"):
        replace(loop, arguments=loop.arguments[:2])
    with pytest.raises(ValueError, match="convolve gathers nothing at the senders"):
        replace(
            loop,
            arguments=tuple(LoopArgument(a.name, a.meaning, a.axis) for a in loop.arguments),
        )
