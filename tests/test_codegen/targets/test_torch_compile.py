"""Generated code goes through torch.compile and torch.export."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest
import torch

from codegen import (
    ConvolutionRecipe,
)
from natural_tensors.examples import load
from tests.helpers.generated_code import ELASTIC, Graph, close, generated


@pytest.fixture(autouse=True, scope="module")
def cache_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path_factory.mktemp("generated")))
        yield


BACKEND = "inductor" if shutil.which("g++") else "aot_eager"


class Whole(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """A convolution and all that leads to it."""

    def __init__(self) -> None:
        super().__init__()
        self.code = generated(ConvolutionRecipe(1))

    def forward(
        self, features: Any, vectors: Any, weights: Any, senders: Any, receivers: Any
    ) -> Any:
        unit = vectors / vectors.norm(dim=-1, keepdim=True)
        return self.code.convolve(features, self.code.frame(unit), weights, senders, receivers)


class Elastic(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """All functions of a tensor class."""

    def __init__(self) -> None:
        super().__init__()
        self.code = generated(ELASTIC)

    def forward(self, tensor: Any) -> Any:
        parts = self.code.decompose(tensor)
        return parts, self.code.reconstruct(parts), self.code.unpack(self.code.pack(tensor))


def graph_arguments(count: int) -> tuple[Any, ...]:
    graph = Graph(ConvolutionRecipe(1))
    return (
        graph.features, graph.bonds[:count] * 2, graph.weights[:count],
        graph.senders[:count], graph.receivers[:count],
    )  # fmt: skip


def test_compiled_tensors() -> None:
    module = Elastic()
    compiled = torch.compile(module, fullgraph=True, dynamic=True, backend=BACKEND)
    copper = torch.tensor(load("copper").values)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for count in (3, 7):
            tensors = copper * torch.arange(1, count + 1, dtype=torch.float64)[:, None, None]
            found, expected = compiled(tensors), module(tensors)
            assert close(found[0], expected[0], 1e-15)
            assert close(found[1], expected[1], 1e-15)
            assert close(found[2], expected[2], 1e-15)


def test_compiled_convolutions_and_their_gradients() -> None:
    module = Whole()
    compiled = torch.compile(module, fullgraph=True, dynamic=True, backend=BACKEND)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for count in (6, 14):
            results = []
            for function in (compiled, module):
                given = graph_arguments(count)
                for array in given[:3]:
                    array.requires_grad_()
                found = function(*given)
                gradients = torch.autograd.grad(found.square().sum(), given[:3])
                results.append([found.detach(), *gradients])
            assert all(close(a, b, 1e-13) for a, b in zip(*results, strict=True))


def test_exported_programs() -> None:
    batch = torch.export.Dim("batch", min=2)
    tensors = torch.from_numpy(np.stack([load("copper").values] * 3))
    exported = torch.export.export(Elastic(), (tensors,), dynamic_shapes=({0: batch},))
    parts, back, _ = exported.module()(tensors[[0, 1, 0, 2]] * 2)
    expected = generated(ELASTIC).decompose(tensors[[0, 1, 0, 2]] * 2)
    assert list(parts) == list(expected)
    assert close(parts, expected, 1e-15)
    assert close(back, tensors[[0, 1, 0, 2]] * 2, 1e-14)
    edges = {0: torch.export.Dim("edges", min=2)}
    shapes = (None, edges, edges, edges, edges)
    exported = torch.export.export(Whole(), graph_arguments(6), dynamic_shapes=shapes)
    found = exported.module()(*graph_arguments(9))
    assert close(found, Whole()(*graph_arguments(9)), 1e-15)
