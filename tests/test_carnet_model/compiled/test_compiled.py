"""Compiled kernels: the numbers and slopes of the generated PyTorch, whatever the sizes."""

from __future__ import annotations

import copy
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import carnet_model
from carnet_model.compiled import compilation, compiler, convolution
from carnet_model.compiled.product import compiled_product
from carnet_model.network import kernels
from carnet_model.network.batch import Batch, collate
from carnet_model.network.bonds import CHUNK, Bonds
from carnet_model.network.irreps import Layout
from carnet_model.network.layers.radial import RadialBasis
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import build
from codegen.compiled import toolchain
from natural_tensors import limits
from natural_tensors.files.saving import FileError
from tests.helpers.tiny_models import CRYSTALS

pytestmark = pytest.mark.compiler

BASIS = RadialBasis(3, 3.5).double()
CASES = [  # outputs, weight of the features, channels
    (Layout(2), 0, 4),
    (Layout(3), 1, 5),
    (Layout(2), 2, 6),
    (Layout(1, pseudo=True), 1, 8),
    (Layout(2, pseudo=True), 2, 3),
]


def batch(atoms: int = 5, seed: int = 0) -> Batch:
    """Atoms in a skew periodic cell and in a free cluster, with bonds along the polar axis."""
    draw = np.random.default_rng(seed)
    cell = np.diag([3.1, 2.9, 3.3]) + draw.normal(scale=0.1, size=(3, 3))
    crystal = Geometry(np.full(atoms, 14), draw.uniform(0, 3, size=(atoms, 3)), cell, (True,) * 3)
    line = np.array([[0.0, 0, 0], [0, 1.5, 0], [0, -1.5, 0], [9, 9, 9]])
    molecule = Geometry(np.array([8, 1, 1, 2]), line, np.zeros((3, 3)), (False,) * 3)
    return collate([build(crystal, 3.5), build(molecule, 3.5)], torch.float64)


def arguments(
    kernel: kernels.Convolution, channels: int, batch: Batch, seed: int = 1
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(seed)
    features = torch.randn(len(batch.numbers), kernel.inputs.size, channels)
    hidden = torch.randn(len(batch.senders), 3)
    matrix = torch.randn(kernel.paths * channels, 3)
    given = (features, batch.positions, hidden, matrix)
    first, second, third, fourth = (value.double().requires_grad_() for value in given)
    return first, second, third, fourth


def on(
    convolve: kernels.Convolve, batch: Batch
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Return a convolution as a function of features, positions, hidden layer and matrix."""

    def function(features: Tensor, positions: Tensor, hidden: Tensor, matrix: Tensor) -> Tensor:
        return convolve(features, Bonds(replace(batch, positions=positions), BASIS), hidden, matrix)

    return function


def close(found: Tensor, expected: Tensor, tolerance: float = 1e-10) -> None:
    """Compare relative to the largest entry."""
    found, expected = found.detach(), expected.detach()
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance * max(scale, 1.0))


def to_second_order(function: Callable[..., Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Return a value, its slopes, and the slopes of a function of those that mixes all."""
    value = function(*inputs)
    slopes = torch.autograd.grad(value.sin().sum(), inputs, create_graph=True)
    loss = torch.stack([(slope.cos() * slope).sum() for slope in slopes]).sum()
    return [value, *slopes, *torch.autograd.grad(loss, inputs)]


@pytest.mark.parametrize(("outputs", "weight", "channels"), CASES)
def test_convolutions_agree_with_pytorch_to_the_second_derivative(
    outputs: Layout, weight: int, channels: int
) -> None:
    kernel = kernels.convolution(outputs, weight)
    graphs = batch()
    results = []
    for convolve in (kernel.convolve, convolution.compiled_convolution(kernel, channels)):
        inputs = arguments(kernel, channels, graphs)
        results.append(to_second_order(on(convolve, graphs), inputs))
    for expected, found in zip(*results, strict=True):
        close(found, expected)


@pytest.mark.parametrize(("outputs", "weight", "channels"), [(Layout(2), 1, 2), (*CASES[3][:2], 2)])
def test_derivatives_are_those_of_differences(outputs: Layout, weight: int, channels: int) -> None:
    """By features, positions, radial network: the torque is the derivative by the direction."""
    kernel = kernels.convolution(outputs, weight)
    graphs = batch(atoms=2)
    function = on(convolution.compiled_convolution(kernel, channels), graphs)
    inputs = arguments(kernel, channels, graphs)
    assert torch.autograd.gradcheck(function, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, inputs, fast_mode=True)


def test_gradients_by_parameters_are_left_out_where_nobody_reads_them() -> None:
    kernel, graphs = kernels.convolution(Layout(2), 1), batch()
    features, _, hidden, matrix = arguments(kernel, 2, graphs)
    bonds = Bonds(graphs, BASIS)
    sums = convolution.compiled_convolution(kernel, 2)(features, bonds, hidden, matrix).sum()
    inputs = [features, hidden, matrix]
    everything = torch.autograd.grad(sums, inputs, retain_graph=True)
    with bonds.without_parameter_gradients():
        some = torch.autograd.grad(sums, inputs, retain_graph=True, allow_unused=True)
    assert some[2] is None
    assert torch.equal(some[0], everything[0])
    assert torch.equal(some[1], everything[1])
    again = torch.autograd.grad(sums, inputs)
    assert torch.equal(again[2], everything[2])


def test_edges_from_atoms_that_are_not_there() -> None:
    """A sender out of range would be read out of the array."""
    kernel, graphs = kernels.convolution(Layout(2), 1), batch()
    bonds = Bonds(graphs, BASIS)
    bonds.senders = graphs.senders + 5
    features, _, hidden, matrix = arguments(kernel, 2, graphs)
    with pytest.raises(ValueError, match="edges come from atoms 5 to 12; there are atoms 0 to 8"):
        convolution.compiled_convolution(kernel, 2)(features, bonds, hidden, matrix)


@pytest.mark.parametrize("layout", [Layout(3), Layout(1, pseudo=True)])
@pytest.mark.parametrize("channels", [4, 7])
def test_products_agree_with_pytorch_to_the_second_derivative(
    layout: Layout, channels: int
) -> None:
    kernel = kernels.product(layout)
    results = []
    for multiply in (kernel.product, compiled_product(kernel, channels)):
        torch.manual_seed(2)
        shapes = [(6, layout.size, channels)] * 2 + [(kernel.paths, channels)]
        inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
        results.append(to_second_order(multiply, inputs))
    for expected, found in zip(*results, strict=True):
        close(found, expected)


def test_one_tensor_may_be_both_factors() -> None:
    kernel = kernels.product(Layout(2))
    torch.manual_seed(0)
    weights = torch.randn(kernel.paths, 4, dtype=torch.float64, requires_grad=True)
    features = torch.randn(2, 9, 4, dtype=torch.float64, requires_grad=True)
    multiply = compiled_product(kernel, 4)
    assert torch.autograd.gradcheck(lambda f, w: multiply(f, f, w), (features, weights))


def test_inputs_need_not_be_contiguous() -> None:
    kernel, graphs = kernels.convolution(Layout(2), 2), batch()
    function = on(convolution.compiled_convolution(kernel, 4), graphs)
    inputs = [value.detach() for value in arguments(kernel, 4, graphs)]
    expected = function(*inputs)
    spread = [torch.stack([value, value + 1], dim=-1)[..., 0] for value in inputs]
    turned = [value.mT.contiguous().mT for value in inputs]
    assert not any(value.is_contiguous() for value in spread)
    for given in (spread, turned):
        given = [value.requires_grad_() for value in given]
        sums = function(*given)
        close(sums.detach(), expected)
        (first,) = torch.autograd.grad(sums.sum(), given[1], torch.ones(()).expand(()), True)
        plain = [value.clone().contiguous().requires_grad_() for value in inputs]
        (second,) = torch.autograd.grad(function(*plain).sum(), plain[1])
        close(first.detach(), second)
    product = kernels.product(Layout(2))
    multiply = compiled_product(product, 4)
    weights = torch.randn(product.paths, 4, dtype=torch.float64)
    close(multiply(spread[0], turned[0], weights), multiply(inputs[0], inputs[0], weights))


def test_padding_changes_nothing() -> None:
    """Atoms without bonds and bonds beyond the cutoff, as batches of a fixed size have them."""
    torch.manual_seed(0)
    settings = NetworkSettings(channels=4, weight=2, message_weight=2, cutoff=3.5, volume=False)
    model = CarNet(settings, Target("energy", pooling="atoms")).double()
    compilation.compile_kernels(model, "always")
    graphs = batch()
    atoms = len(graphs.numbers)
    (expected,) = model(graphs).values()
    padded = replace(
        graphs,
        numbers=torch.cat([graphs.numbers, torch.tensor([1, 1])]),
        positions=torch.cat([graphs.positions, torch.tensor([[50.0, 0, 0], [50, 9, 0]]).double()]),
        senders=torch.cat([graphs.senders, torch.tensor([atoms, atoms])]),
        receivers=torch.cat([graphs.receivers, torch.tensor([atoms + 1, atoms + 1])]),
        shifts=torch.cat([graphs.shifts, torch.zeros(2, 3).double()]),
        owners=torch.cat([graphs.owners, torch.tensor([1, 1])]),
        counts=graphs.counts + torch.tensor([0, 2]),
    )
    close(model(padded)["energy"][:atoms], expected)


def test_no_atoms_no_bonds_and_unsorted_bonds() -> None:
    kernel = kernels.convolution(Layout(1), 1)
    convolve = convolution.compiled_convolution(kernel, 4)
    graphs = batch()
    none = replace(
        graphs, senders=graphs.senders[:0], receivers=graphs.receivers[:0], shifts=graphs.shifts[:0]
    )
    sums = on(convolve, none)(*arguments(kernel, 4, none))
    assert sums.shape == (len(graphs.numbers), 4, 4)
    assert not sums.any()
    torch.autograd.backward(sums.sum())
    backwards = replace(graphs, receivers=graphs.receivers.flip(0))
    with pytest.raises(ValueError, match="not sorted by receiver"):
        on(convolve, backwards)(*arguments(kernel, 4, backwards))


def test_chunks_hold_whole_atoms_and_every_bond() -> None:
    bonds = Bonds(batch(atoms=20), BASIS)
    limit = CHUNK * torch.get_num_threads()
    for width in (1, limit // 100, limit // 7, 2 * limit):
        chunks = bonds.chunks(width)
        assert [c[0] for c in chunks] == [0, *(c[1] for c in chunks[:-1])]
        assert [c[2] for c in chunks] == [0, *(c[3] for c in chunks[:-1])]
        assert chunks[-1][1::2] == (bonds.atoms, len(bonds.senders))
        for first, last, begin, end in chunks:
            assert last == first + 1 or (end - begin) * width <= limit


def test_pieces_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces change the sums of matrix products alone, threads nothing but those."""
    kernel, graphs = kernels.convolution(Layout(2), 1), batch(atoms=12)
    results = []
    before = torch.get_num_threads()
    for chunk, threads in ((CHUNK, 1), (CHUNK, 2), (kernel.paths * 4 * 30, 2)):
        monkeypatch.setattr("carnet_model.network.bonds.CHUNK", chunk)
        torch.set_num_threads(threads)
        function = on(convolution.compiled_convolution(kernel, 4), graphs)
        results.append(to_second_order(function, arguments(kernel, 4, graphs)))
    torch.set_num_threads(before)
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            close(found, expected, 1e-13)


def test_other_data_types_take_pytorch() -> None:
    kernel, graphs = kernels.convolution(Layout(1), 1), batch()
    inputs = [value.detach().bfloat16() for value in arguments(kernel, 4, graphs)]
    convolve = convolution.compiled_convolution(kernel, 4)
    bonds = Bonds(graphs.to(dtype=torch.bfloat16), BASIS.bfloat16())
    BASIS.double()
    found = convolve(inputs[0], bonds, inputs[2], inputs[3])
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, kernel.convolve(inputs[0], bonds, inputs[2], inputs[3]))


def test_single_precision_is_as_good_as_that_of_pytorch() -> None:
    kernel, graphs = kernels.convolution(Layout(3), 3), batch()
    inputs = [value.detach() for value in arguments(kernel, 8, graphs)]
    exact = on(kernel.convolve, graphs)(*inputs)
    single = graphs.to(dtype=torch.float32)
    BASIS.float()
    for convolve in (kernel.convolve, convolution.compiled_convolution(kernel, 8)):
        found = on(convolve, single)(*(value.float() for value in inputs))
        close(found.double(), exact, 2e-6)
    BASIS.double()


def shipped() -> CarNet:
    model = carnet_model.load("elastic", precision="double").models[0]
    copied: CarNet = copy.deepcopy(model).requires_grad_()
    return copied


def unsymmetric() -> CarNet:
    torch.manual_seed(0)
    settings = NetworkSettings(channels=4, message_weight=2, cutoff=4.0, head_hidden=8)
    network: CarNet = CarNet(settings, Target("ij", pooling="atoms")).double()
    return network


@pytest.mark.parametrize("network", [shipped, unsymmetric])
def test_networks_agree_with_pytorch(network: Callable[[], CarNet]) -> None:
    graphs = collate([build(thing, 4.0) for thing in list(CRYSTALS.values())[:6]], torch.float64)
    values = []
    for mode in ("never", "always"):
        model = network()
        assert compilation.compile_kernels(model, mode) is None
        values += model(graphs).values()
        values[-1].square().sum().backward()
        values += [p.grad for p in model.parameters() if p.grad is not None]
    half = len(values) // 2
    for found, expected in zip(values[half:], values[:half], strict=True):
        close(found, expected)


# --- the compiler ---------------------------------------------------------------------------------


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty cache of compiled code, and nothing remembered of the compiler."""
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path / "cache"))
    compiler.clear_caches()
    yield tmp_path / "cache"
    compiler.clear_caches()


def test_code_is_compiled_once(fresh: Path) -> None:
    kernel = kernels.product(Layout(1))
    compiler.library(kernel, 4, torch.float32)
    (file,) = fresh.glob("product_*.so")
    written = file.stat().st_mtime_ns
    compiler.clear_caches()
    compiler.library(kernel, 4, torch.float32)
    compiler.library(kernel, 8, torch.float32)
    assert file.stat().st_mtime_ns == written
    assert len(list(fresh.glob("product_*.so"))) == 2
    assert not [path for path in fresh.iterdir() if path.is_dir()]


@pytest.mark.parametrize("damage", ["cut short", "empty", "changed"])
def test_damaged_libraries_are_replaced_before_they_are_loaded(fresh: Path, damage: str) -> None:
    """A library cut short ends the process when it is mapped."""
    kernel = kernels.product(Layout(1))
    compiler.library(kernel, 4, torch.float32)
    (file,) = fresh.glob("product_*.so")
    whole = file.read_bytes()
    file.unlink()  # this process has mapped it
    half = len(whole) // 2
    changed = {
        "cut short": whole[:half],
        "empty": b"",
        "changed": whole[:half] + b"!" + whole[half + 1 :],
    }
    file.write_bytes(changed[damage])
    compiler.clear_caches()
    compiler.library(kernel, 4, torch.float32)
    (again,) = fresh.glob("product_*.so")
    assert again.name.endswith(f"-{hashlib.sha256(again.read_bytes()).hexdigest()}.so")
    assert len(again.read_bytes()) == len(whole)


def test_a_compiler_that_does_not_end_is_ended(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it started, as g++ starts a compiler, an assembler and a linker."""
    script, mark = fresh.parent / "slow", fresh.parent / "went on"
    script.write_text(
        f"#!/bin/sh\ncase \"$*\" in *program.cpp*) (sleep 3; touch '{mark}') & wait;; esac\n"
    )
    script.chmod(0o700)
    monkeypatch.setenv("CXX", str(script))
    with (
        limits.changed(build=1),
        pytest.raises(toolchain.BuildError, match="more than 1 s, the limit build"),
    ):
        compiler.library(kernels.product(Layout(1)), 4, torch.float32)
    assert not list(fresh.glob("build-*"))
    time.sleep(3)
    assert not mark.exists()


def test_what_killed_builds_left_is_removed(fresh: Path) -> None:
    old, new = fresh / "build-old", fresh / "build-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    fresh.chmod(0o700)
    os.utime(old, (0, 0))
    compiler.library(kernels.product(Layout(1)), 4, torch.float32)
    assert (old.exists(), new.exists()) == (False, True)


def test_a_command_that_cannot_be_read_is_named(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", 'g++ "x')
    model = CarNet(NetworkSettings(channels=4), Target("ij=ji"))
    notice = compilation.compile_kernels(model, "auto")
    assert notice is not None
    assert "CXX='g++ \"x' cannot be read: No closing quotation" in notice


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders that others may write")
def test_a_cache_that_others_may_write_is_refused(fresh: Path) -> None:
    fresh.mkdir()
    fresh.chmod(0o777)
    with pytest.raises(FileError, match="others may write this cache"):
        compiler.library(kernels.product(Layout(1)), 4, torch.float32)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders that nobody may write")
def test_where_nothing_can_be_written_the_code_is_of_this_process(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", os.devnull)
    assert compiler.library(kernels.product(Layout(1)), 4, torch.float32)
    assert not fresh.exists()


def test_a_compiler_that_is_no_program_is_named(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be executed, and the system cannot: a file that was cut short."""
    place = tmp_path / "compiler"
    place.write_bytes(b"\x7fELF")
    place.chmod(0o700)
    monkeypatch.setenv("CXX", str(place))
    with pytest.raises(toolchain.BuildError, match=r"does not say what it is: .*Exec format"):
        compiler.library(kernels.product(Layout(1)), 4, torch.float32)


def test_a_broken_compiler_is_named(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(toolchain.BuildError, match=r"compiling product_.* failed: it ended with"):
        compiler.library(kernels.product(Layout(1)), 4, torch.float32)
    model = CarNet(NetworkSettings(channels=4), Target("ij=ji"))
    notice = compilation.compile_kernels(model, "auto")
    assert notice is not None
    assert notice.startswith("running without compilation, which is slower: compiling ")
    with pytest.raises(
        compilation.CompilerError, match=r"compile: always, but compiling .*install g"
    ):
        compilation.compile_kernels(model, "always")


def test_the_processor_needs_no_other_compiler_of_pytorch() -> None:
    code = (
        "import sys, torch\n"
        "from carnet_model.compiled.compilation import compile_kernels\n"
        "from carnet_model.training.config import NetworkSettings\n"
        "from carnet_model.network.model import CarNet\n"
        "from carnet_model.network.targets import Target\n"
        "model = CarNet(NetworkSettings(channels=4), Target('i', pooling='atoms'))\n"
        "assert compile_kernels(model, 'always') is None\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_other_data_types_are_compiled_by_pytorch() -> None:
    """As other devices are, which are not at hand everywhere."""
    torch.manual_seed(0)
    settings = NetworkSettings(channels=4, weight=1, cutoff=3.5, head_hidden=8)
    model = CarNet(settings, Target("i", pooling="atoms"))
    model = model.bfloat16()
    graphs = batch().to(dtype=torch.bfloat16)
    (expected,) = model(graphs).values()
    assert compilation.compile_kernels(model, "always") is None
    (found,) = model(graphs).values()
    close(found, expected, 0.02)
