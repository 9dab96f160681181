"""Generated code is ordinary PyTorch: shapes, types, devices, vmap, derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import codegen
from codegen import (
    ConvolutionRecipe,
    HarmonicsRecipe,
    Recipe,
    RotationRecipe,
)
from tests.helpers.generated_code import (
    Graph,
    changed,
    close,
    direct,
    each_recipe,
    flat,
    generated,
    programs,
    random_arguments,
)


@pytest.fixture(autouse=True, scope="module")
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path_factory.mktemp("generated")))
        yield


@each_recipe
def test_numpy_and_torch_agree(recipe: Recipe) -> None:
    for program in programs(recipe):
        arguments = random_arguments(program)
        expected = getattr(generated(recipe), program.name)(*arguments)
        given = changed(arguments, lambda a: a.numpy())
        found = getattr(generated(recipe, "numpy"), program.name)(*given)
        assert all(isinstance(value, np.ndarray) for value in flat(found))
        if isinstance(expected, dict):
            assert list(found) == list(expected)
        assert close(found, expected, 1e-15 if program.name != "frame" else 1e-14)
    if isinstance(recipe, ConvolutionRecipe):
        graph = Graph(recipe)
        module = generated(recipe, "numpy")
        geometry = module.frame if recipe.method == "aligned" else module.harmonics
        found = module.convolve(
            graph.features.numpy(), geometry(graph.bonds.numpy()), graph.weights.numpy(),
            graph.senders.numpy(), graph.receivers.numpy(),
        )  # fmt: skip
        assert close(found, graph.convolved(recipe), 1e-14)


@each_recipe
def test_no_torchscript(recipe: Recipe) -> None:
    assert "jit" not in codegen.source(recipe)


@each_recipe
def test_any_batch_and_any_memory_layout(recipe: Recipe) -> None:
    module = generated(recipe)
    for program in programs(recipe):
        function = getattr(module, program.name)
        batch = random_arguments(program, (2, 3))
        expected = flat(function(*batch))
        one = flat(function(*changed(batch, lambda a: a[1, 2])))
        assert all(torch.equal(a, b[1, 2]) for a, b in zip(one, expected, strict=True))
        none = flat(function(*changed(batch, lambda a: a[:0])))
        assert [tuple(a.shape) for a in none] == [(0, *b.shape[1:]) for b in expected]
        # every other item of a transposed, wider array
        strided = changed(
            batch, lambda a: torch.stack([a, a], dim=-1).transpose(0, -1).contiguous()
            .transpose(0, -1)[..., 0],
        )  # fmt: skip
        assert not any(a.is_contiguous() for a in flat(strided[0]) if a.ndim > 1)
        found = flat(function(*strided))
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
        wide = changed(batch, lambda a: a[:1].expand(2, *a.shape[1:]))
        found = flat(function(*wide))
        assert all(torch.equal(a[0], b[0]) for a, b in zip(found, expected, strict=True))


@each_recipe
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_any_floating_type(recipe: Recipe, dtype: torch.dtype) -> None:
    for program in programs(recipe):
        arguments = random_arguments(program, (4,), torch.float64)
        function = getattr(generated(recipe), program.name)
        found = function(*changed(arguments, lambda a: a.to(dtype)))
        for a, b in zip(flat(found), flat(function(*arguments)), strict=True):
            assert a.dtype == dtype
            error = (a.to(torch.float64) - b).abs().max() / b.abs().max().clamp(min=1e-3)
            assert error < 100 * torch.finfo(dtype).eps


@each_recipe
def test_any_device(recipe: Recipe) -> None:
    """On the meta device nothing may be made elsewhere."""
    for program in programs(recipe):
        arguments = changed(random_arguments(program), lambda a: a.to("meta"))
        found = getattr(generated(recipe), program.name)(*arguments)
        assert all(a.device.type == "meta" for a in flat(found))


@each_recipe
def test_vmap(recipe: Recipe) -> None:
    for program in programs(recipe):
        function = getattr(generated(recipe), program.name)
        arguments = random_arguments(program, (4, 2))
        expected = flat(function(*arguments))
        found = flat(torch.vmap(function)(*arguments))
        assert all(close(a, b, 1e-15) for a, b in zip(found, expected, strict=True))


def test_vmap_over_derivatives_and_over_one_argument() -> None:
    module = generated(HarmonicsRecipe(2))
    vectors = torch.randn(4, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    jacobian = torch.vmap(torch.func.jacrev(module.harmonics))(vectors)
    assert close(jacobian, torch.vmap(torch.func.jacfwd(module.harmonics))(vectors), 1e-14)
    assert jacobian.shape == (4, 9, 3)
    rotate = generated(RotationRecipe(2))
    (features, frames) = random_arguments(programs(RotationRecipe(2))[2], (4,))
    found = torch.vmap(rotate.rotate, in_dims=(0, None))(features, frames[0])
    assert close(found, rotate.rotate(features, frames[:1].expand(4, -1)), 1e-15)


def leaves(arguments: list[Any]) -> tuple[list[Any], Callable[[tuple[Any, ...]], list[Any]]]:
    """Return the arrays of arguments, and how to make the arguments of arrays again."""
    if not isinstance(arguments[0], dict):
        return arguments, list
    keys = list(arguments[0])
    return list(arguments[0].values()), lambda arrays: [dict(zip(keys, arrays, strict=True))]


@each_recipe
def test_first_and_second_derivatives(recipe: Recipe) -> None:
    for program in programs(recipe):
        arrays, rebuilt = leaves(random_arguments(program, (1,)))
        function = getattr(generated(recipe), program.name)
        fast = program.inputs > 12  # along one direction instead of all
        for array in arrays:
            array.requires_grad_()

        def outputs(*given: Any, f: Any = function, r: Any = rebuilt) -> tuple[Any, ...]:
            return tuple(v for v in flat(f(*r(given))) if v.requires_grad)

        if outputs(*arrays):  # a harmonic of weight 0 is a constant
            assert gradcheck(outputs, arrays, fast_mode=fast)
            if any(type(step.operation).__name__ == "Product" for step in program.steps):
                assert gradgradcheck(outputs, arrays, fast_mode=True)


def direction(x: float, y: float, z: float) -> Any:
    vector = torch.tensor([[x, y, z]], dtype=torch.float64)
    return (vector / vector.norm()).requires_grad_()


@pytest.mark.parametrize(
    "vector",
    [
        (0, 1, 0), (0, -1, 0), (1e-9, 1, -1e-9), (1e-9, -1, 1e-9), (1e-3, -1, 0),
        (0.6, 1e-3, 0.8), (0.6, -1e-3, 0.8), (1, 2, 3), (-3, -2, 1),
    ],
    ids=str,
)  # fmt: skip
def test_derivatives_of_frames_at_and_near_the_poles(vector: Any) -> None:
    frame = generated(RotationRecipe(2)).frame
    given = direction(*vector)
    assert gradcheck(frame, given)
    assert gradgradcheck(frame, given)
    jacobian = torch.autograd.functional.jacobian(frame, given)  # type: ignore[no-untyped-call]
    assert torch.isfinite(jacobian).all()


def test_derivatives_of_frames_on_the_equator_are_those_of_the_upper_chart() -> None:
    frame = generated(RotationRecipe(3)).frame
    first = torch.func.jacrev(frame)
    second = torch.func.jacrev(first)
    on, above, below = (
        torch.tensor([0.6, height, 0.8], dtype=torch.float64) for height in (0, 1e-12, -1e-12)
    )
    for derivative in (frame, first, second):
        assert close(derivative(on), derivative(above), 1e-10)
    assert not close(frame(on), frame(below), 1e-2)


def test_derivatives_of_frames_turn_with_the_direction() -> None:
    """The convolution is smooth across the equator and at the poles, though the frame jumps."""
    recipe = ConvolutionRecipe(2)
    graph = Graph(recipe)
    bonds = graph.bonds.clone().requires_grad_()

    def energy(found: ConvolutionRecipe) -> Any:
        unit = bonds / bonds.norm(dim=-1, keepdim=True)
        (gradient,) = torch.autograd.grad(
            graph.convolved(found, bonds=unit).square().sum(), bonds, create_graph=True
        )
        (second,) = torch.autograd.grad(gradient.square().sum(), bonds)
        return gradient.detach(), second

    for one, other in zip(energy(recipe), energy(direct(recipe)), strict=True):
        assert close(one, other, 1e-12)


def test_derivatives_of_a_whole_convolution() -> None:
    recipe = ConvolutionRecipe(1, parity="both")
    graph = Graph(recipe)
    module = generated(recipe)
    vectors = (graph.bonds[:4] * 1.7).requires_grad_()
    features = graph.features[:, :, :1].clone().requires_grad_()
    weights = graph.weights[:4, :, :1].clone().requires_grad_()

    def convolved(features: Any, vectors: Any, weights: Any) -> Any:
        unit = vectors / vectors.norm(dim=-1, keepdim=True)
        frames = module.frame(unit)
        return module.convolve(features, frames, weights, graph.senders[:4], graph.receivers[:4])

    vectors.data[2] = torch.tensor(
        [0.6, 0.1, 0.8], dtype=torch.float64
    )  # off the equator, where the frame jumps
    assert gradcheck(convolved, (features, vectors, weights))
    assert gradgradcheck(convolved, (features, vectors, weights), fast_mode=True)
