"""Generated C++ called from Python: the numbers and gradients of the generated PyTorch."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import codegen
from codegen.compiled import toolchain
from codegen.compiled.kernels import SCALARS, CompiledProgram, Given
from codegen.programs.program import Program
from natural_tensors import reduction, symbolic

pytestmark = pytest.mark.compiler

TENSOR = codegen.TensorRecipe("piezoelectric", form="components")
HARMONICS = codegen.HarmonicsRecipe(2)
COUPLING = codegen.CouplingRecipe(1, 1, 2)
CONVOLUTION = codegen.ConvolutionRecipe(1)
ENERGY = codegen.ExpressionRecipe("C_ij e_i e_j", {"C": "ij=ji", "e": "i"})


@cache
def compiled(recipe: codegen.Recipe) -> ModuleType:
    return codegen.load(recipe, "cpp")


def close(found: Any, expected: Any, dtype: torch.dtype = torch.float64) -> bool:
    """Say whether numbers agree to some roundings of the largest."""
    error = (torch.as_tensor(found) - expected).abs().max() if expected.numel() else 0.0
    scale = expected.abs().max() if expected.numel() else 1.0
    return tuple(found.shape) == tuple(expected.shape) and bool(
        error <= 64 * torch.finfo(dtype).eps * scale
    )


def normal(*shape: int, dtype: torch.dtype = torch.float64, grad: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(len(shape))
    return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_(grad)


CASES: dict[str, tuple[codegen.Recipe, str, tuple[tuple[int, ...], ...]]] = {
    "pack": (TENSOR, "pack", ((18,),)),
    "unpack": (TENSOR, "unpack", ((18,),)),
    "decompose": (TENSOR, "decompose", ((18,),)),
    "harmonics": (HARMONICS, "harmonics", ((3,),)),
    "couple": (COUPLING, "couple", ((3, 4), (3, 4))),
    "rotate": (codegen.RotationRecipe(1), "rotate", ((4, 8), (9,))),
    "frame": (CONVOLUTION, "frame", ((3,),)),
    "product": (codegen.ProductRecipe(1), "product", ((4, 2), (4, 2), (4, 2))),
    "expression": (ENERGY, "evaluate", ((6,), (3,))),
    "invariants": (codegen.InvariantsRecipe("ij=ji", degree=2), "evaluate", ((6,),)),
    "closed form": (
        codegen.ClosedFormRecipe(symbolic.stiffness("m-3m").universal_anisotropy),
        "evaluate", ((3,),),
    ),
}  # fmt: skip
"""Recipe, function, and the shape of one item of each argument."""

each_case = pytest.mark.parametrize("case", CASES)


def listed(result: Any) -> list[Any]:
    if isinstance(result, dict):
        return list(result.values())
    return list(result) if isinstance(result, tuple) else [result]


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
def test_numbers_are_those_of_pytorch_for_arrays_and_tensors(case: str, dtype: torch.dtype) -> None:
    """Whole registers of items and rests, none, one for all, and lanes in any order of memory."""
    recipe, name, shapes = CASES[case]
    ours: Callable[..., Any] = getattr(compiled(recipe), name)
    theirs: Callable[..., Any] = getattr(codegen.load(recipe), name)
    for batch in ((), (0,), (1,), (7,), (2, 9)):
        given = [normal(*batch, *shape, dtype=dtype) for shape in shapes]
        expected = listed(theirs(*given))
        for found in (listed(ours(*given)), listed(ours(*(each.numpy() for each in given)))):
            assert all(map(close, found, expected, [dtype] * len(found)))
        if len(batch) == 2:
            turned = [each.mT.contiguous().mT for each in given]
            assert not all(each.is_contiguous() for each in turned)
            assert all(map(close, listed(ours(*turned)), expected, [dtype] * len(expected)))
            shared = [given[0], *(each[:1, :1] for each in given[1:])]
            found, expected = listed(ours(*shared)), listed(theirs(*shared))
            assert all(map(close, found, expected, [dtype] * len(found)))


@each_case
def test_gradients_are_exact_twice(case: str) -> None:
    recipe, name, shapes = CASES[case]
    ours, theirs = (getattr(m, name) for m in (compiled(recipe), codegen.load(recipe)))

    def gradients(function: Callable[..., Any]) -> list[Tensor]:
        """Of the squares of the results, and of the squares of those gradients."""
        given = [normal(5, *shapes[0], grad=True)]
        given += [normal(1, *shape, grad=True) for shape in shapes[1:]]
        total = torch.stack([part.square().sum() for part in listed(function(*given))]).sum()
        first = torch.autograd.grad(total, given, create_graph=True)
        squares = torch.stack([part.square().sum() for part in first]).sum()
        return [*first, *torch.autograd.grad(squares, given)]

    assert all(map(close, gradients(ours), gradients(theirs)))


def test_reconstruct_takes_parts() -> None:
    module = compiled(TENSOR)
    tensor = normal(9, 18)
    assert close(module.reconstruct(module.decompose(tensor)), tensor)
    parts = module.decompose(tensor.numpy())
    with pytest.raises(ValueError, match=r"parts has no \(3, 0\), it must have"):
        module.reconstruct({key: part for key, part in parts.items() if key != (3, 0)})
    with pytest.raises(ValueError, match="they must have one"):
        module.reconstruct({**parts, (3, 0): parts[3, 0][:1]})
    with pytest.raises(TypeError, match="parts is list, it must be a dictionary"):
        module.reconstruct(list(parts.values()))


def test_a_gradient_that_nobody_asks_for_costs_nothing_and_harms_nothing() -> None:
    tensor = normal(3, 18, grad=True)
    parts = compiled(TENSOR).decompose(tensor)
    parts[3, 0].square().sum().backward()
    expected = normal(3, 18, grad=True)
    codegen.load(TENSOR).decompose(expected)[3, 0].square().sum().backward()
    assert close(tensor.grad, expected.grad)


def test_messages_add_up_on_the_receivers() -> None:
    senders, receivers = torch.tensor([[0, 1, 2, 2, 3], [1, 0, 1, 3, 2]])
    directions = torch.nn.functional.normalize(normal(5, 3), dim=-1).requires_grad_()
    given = (normal(4, 4, 2, grad=True), directions, normal(5, 4, 2, grad=True))

    def results(module: ModuleType) -> list[Tensor]:
        features, bonds, weights = given
        sums = module.convolve(features, module.frame(bonds), weights, senders, receivers)
        return [sums, *torch.autograd.grad(sums.square().sum(), given)]

    module = compiled(CONVOLUTION)
    assert all(map(close, results(module), results(codegen.load(CONVOLUTION))))
    features, bonds, weights = (each.detach().numpy() for each in given)
    ends = senders.numpy(), receivers.numpy()
    assert close(
        module.convolve(features, module.frame(bonds), weights, *ends),
        results(module)[0].detach(),
    )
    with pytest.raises(ValueError, match="weights has 4 rows for 5 edges"):
        module.convolve(features, module.frame(bonds), weights[:4], *ends)
    with pytest.raises(ValueError, match="senders must be int64, of shape"):
        module.convolve(features, module.frame(bonds), weights, ends[0].astype(np.int32), ends[1])
    with pytest.raises(TypeError, match="takes features, frames, weights, senders, receivers"):
        module.convolve(features, weights)


ONES = np.ones((2, 3), np.float32)
WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "shape": (
        lambda: compiled(HARMONICS).harmonics(ONES[:, :2]),
        ValueError, "harmonics: directions has the shape (2, 2), it must be (..., 3), ... any",
    ),
    "axes": (
        lambda: compiled(COUPLING).couple(ONES, ONES),
        ValueError, "couple: x has the shape (2, 3), it must be (..., 3, channels), ... any batch",
    ),
    "integers": (
        lambda: compiled(HARMONICS).harmonics(np.ones(3, int)),
        TypeError, "harmonics: directions is of int64, it must be of float32 or float64",
    ),
    "half precision": (
        lambda: compiled(HARMONICS).harmonics(torch.ones(3).half()),
        TypeError, "harmonics: directions is of float16, it must be of float32 or float64",
    ),
    "list": (
        lambda: compiled(HARMONICS).harmonics([0.0, 1.0, 0.0]),
        TypeError, "harmonics: directions is list, it must be a NumPy array or a tensor",
    ),
    "two data types": (
        lambda: compiled(COUPLING).couple(torch.ones(3, 1), torch.ones(3, 1).double()),
        TypeError, "couple: y is a tensor of float64, x a tensor of float32: all must be of one",
    ),
    "two libraries": (
        lambda: compiled(COUPLING).couple(torch.ones(3, 1), np.ones((3, 1), np.float32)),
        TypeError, "couple: y is a NumPy array of float32, x a tensor of float32: all must be of",
    ),
    "device": (
        lambda: compiled(HARMONICS).harmonics(torch.ones(3, device="meta")),
        TypeError, "is on the device meta, compiled functions run on the CPU: codegen.load(recipe",
    ),
    "batches": (
        lambda: compiled(COUPLING).couple(np.ones((2, 3, 1)), np.ones((4, 3, 1))),
        ValueError, "couple: the batches (2,), (4,) do not broadcast",
    ),
    "channels": (
        lambda: compiled(COUPLING).couple(np.ones((3, 4)), np.ones((3, 2))),
        ValueError, "channels, others have",
    ),
    "missing": (lambda: compiled(COUPLING).couple(ONES), TypeError, "missing"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_is_refused_by_its_name(wrong: str) -> None:
    call, error, message = WRONG[wrong]
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_threads_share_the_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """More items than one thread is worth: their number changes nothing."""
    vectors = np.asarray(normal(20_000, 3))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = compiled(HARMONICS).harmonics(vectors)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert np.array_equal(compiled(HARMONICS).harmonics(vectors), one)


def test_without_a_compiler_the_call_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    toolchain.forget()
    try:
        module = codegen.load(codegen.HarmonicsRecipe(0), "cpp")
        with pytest.raises(toolchain.BuildError, match="there is no C\\+\\+ compiler"):
            module.harmonics(ONES)
    finally:
        monkeypatch.undo()
        toolchain.forget()


BLOCKS: dict[str, tuple[codegen.Recipe, str]] = {
    "one entry of nine": (codegen.TensorRecipe("ij=-ji"), "decompose"),
    "some of 81": (codegen.TensorRecipe("elastic"), "decompose"),
    "parts of weight 0, 2 and 4": (codegen.TensorRecipe("elastic"), "reconstruct"),
    "six": (codegen.TensorRecipe("dielectric", form="components"), "pack"),
    "three": (HARMONICS, "harmonics"),
    "one": (codegen.TensorRecipe(""), "pack"),
}


@pytest.mark.parametrize("kind", SCALARS)
@pytest.mark.parametrize("case", BLOCKS)
def test_blocks_write_their_items_alone(case: str, kind: str) -> None:
    """Of any number of items each has the numbers that it has alone, and nothing beyond changes."""
    recipe, name = BLOCKS[case]
    program = next(each for each in recipe.functions() if each.name == name)
    assert isinstance(program, Program)
    kernel = CompiledProgram(program, f"blocks_{case.replace(' ', '_').replace(',', '')}")
    rng, most, beyond = np.random.default_rng(0), 37, 64
    given = [rng.standard_normal((most, len(a.labels))).astype(kind) for a in program.arguments]
    given = [given[number] for number in kernel.reads]
    sizes = [len(program.outputs[number].entries) for number in kernel.writes]

    def outputs(first: int, count: int) -> list[np.ndarray[Any, Any]]:
        rows = [each[first : first + count] for each in given]
        found = [np.full(count * size + beyond, np.pi, kind) for size in sizes]
        kernel.run(
            kind, count, 0, 1,
            [Given(r.ctypes.data, r.size, r.shape[1]) for r in rows],
            [Given(f.ctypes.data, f.size - beyond, 0) for f in found],
        )  # fmt: skip
        assert all((each[-beyond:] == each.dtype.type(np.pi)).all() for each in found)
        return [f[:-beyond].reshape(count, size) for f, size in zip(found, sizes, strict=True)]

    alone = [
        np.concatenate(each) for each in zip(*(outputs(n, 1) for n in range(most)), strict=True)
    ]
    for count in range(1, most + 1):
        for whole, expected in zip(outputs(0, count), alone, strict=True):
            assert np.array_equal(whole, expected[:count])


@pytest.mark.slow
def test_a_general_tensor_of_rank_6_is_taken_apart_and_put_together() -> None:
    """Of 729 components, by tables of up to 171,507 numbers."""
    target = reduction("ijklmn")
    module = compiled(codegen.TensorRecipe("ijklmn"))
    tensor = np.random.default_rng(6).standard_normal((11, *(3,) * 6))
    packed, parts = module.pack(tensor), module.decompose(tensor)
    assert np.abs(packed - target.pack(tensor)).max() < 1e-13
    expected = target.decompose(tensor)
    assert parts.keys() == expected.keys()
    assert max(np.abs(parts[key] - expected[key]).max() for key in parts) < 1e-13
    assert np.abs(module.unpack(packed) - tensor).max() < 1e-13
    assert np.abs(module.reconstruct(parts) - tensor).max() < 1e-13
