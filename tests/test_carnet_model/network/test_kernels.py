"""The generated code of a layer: which, how large, and under which name it is kept."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import codegen
from carnet_model.network import kernels
from carnet_model.network.irreps import Layout
from codegen import loading
from natural_tensors import reduction


@pytest.mark.parametrize(("weight", "input_weight"), [(1, 1), (2, 1), (2, 2), (3, 0), (0, 0)])
@pytest.mark.parametrize("pseudo", [False, True])
def test_a_convolution_takes_and_gives_what_it_says(
    weight: int, input_weight: int, pseudo: bool
) -> None:
    if pseudo and weight == 0:
        pytest.skip("the network has no such layer")
    kernel = kernels.convolution(Layout(weight, pseudo), input_weight)
    directions = torch.nn.functional.normalize(torch.randn(5, 3).double(), dim=1)
    geometry = kernel.geometry(directions)
    features = torch.randn(4, kernel.inputs.size, 3).double()
    weights = torch.randn(5, kernel.paths, 3).double()
    senders, receivers = torch.tensor([0, 1, 2, 3, 0]), torch.tensor([1, 1, 1, 2, 3])
    sums = kernel.messages(features, geometry, weights, senders, receivers)
    assert sums.shape == (4, kernel.outputs.size, 3)
    assert kernel.paths == len(kernel.recipe.paths)
    if input_weight > 0:
        assert geometry.shape == (5, kernel.frame_size)
        assert kernel.frame_size == sum((2 * n + 1) ** 2 for n in range(1, weight + 1))
        assert kernel.inputs.pseudo == kernel.outputs.pseudo == pseudo
    else:
        assert geometry.shape == (5, (weight + 1) ** 2)
        assert not kernel.outputs.pseudo
    assert kernels.convolution(Layout(weight, pseudo), input_weight) is kernel


@pytest.mark.parametrize("pseudo", [False, True])
def test_a_product_takes_and_gives_one_layout(pseudo: bool) -> None:
    kernel = kernels.product(Layout(2, pseudo))
    one = torch.randn(4, kernel.layout.size, 3).double()
    weights = torch.randn(4, kernel.paths, 3).double()
    assert kernel.product(one, one, weights).shape == one.shape
    assert kernel.paths == len(codegen.ProductRecipe(2, "both" if pseudo else "natural").paths)


@pytest.mark.parametrize(("form", "shape"), [("full", (3, 3, 3, 3)), ("mandel", (6, 6))])
def test_packing_is_that_of_the_class(form: Any, shape: tuple[int, ...]) -> None:
    target = reduction("elastic")
    packing = kernels.packing(str(target.symmetry).split()[0], axial=False, form=form)
    packed = torch.linspace(-1, 1, 42, dtype=torch.float64).view(2, 21)
    tensors = packing.unpack(packed)
    assert tensors.shape == (2, *shape)
    expected = target.unpack(packed.numpy(), form=form)
    torch.testing.assert_close(tensors, torch.from_numpy(expected))
    torch.testing.assert_close(packing.pack(tensors), packed)


def test_a_kernel_in_cpp_has_another_name_for_another_generator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A library is known by it: an old one must not be taken for what is generated now."""
    first, second = kernels.product(Layout(1)), kernels.convolution(Layout(1), 1)
    before = [kernels.cpp_key(first), kernels.cpp_key(second)]
    assert before[0].startswith("product_")
    assert before[1].startswith("convolution_")
    monkeypatch.setattr(loading, "generator", lambda root: "another")
    assert not set(before) & {kernels.cpp_key(first), kernels.cpp_key(second)}
    assert {each.name for each in kernels.cpp_signatures(first)} == {
        "product", "product_vjp", "product_vjp_vjp",
    }  # fmt: skip
