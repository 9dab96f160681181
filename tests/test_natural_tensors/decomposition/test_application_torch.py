"""PyTorch tensors: types, devices and gradients."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from natural_tensors import (
    SymmetryError,
    reduction,
)
from natural_tensors.decomposition.copies import Basis
from tests.helpers.numbers import ELASTIC, EPS, PIEZO, PROMISE, ROTATIONS, each_basis, relative, rng
from tests.helpers.oracles import (
    random_tensor,
)

each_torch_type = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128], ids=str
)


@each_torch_type
def test_torch_tensors_keep_type_and_agree_with_numpy(dtype: torch.dtype) -> None:
    result = reduction(ELASTIC)
    array = random_tensor(ELASTIC, rng(), (3,))
    tensor = torch.from_numpy(array).to(dtype)
    eps = torch.finfo(dtype).eps
    parts, expected = result.decompose(tensor), result.decompose(array)
    for key, part in parts.items():
        assert isinstance(part, torch.Tensor)
        assert part.dtype == dtype
        assert np.abs(part.numpy() - expected[key]).max() <= 100 * eps * np.abs(array).max()
    for found, wanted in [
        (result.reconstruct(parts), array),
        (result.pack(tensor), result.pack(array)),
        (result.unpack(result.pack(tensor)), array),
        (result.symmetrize(tensor), array),
        (result.part(tensor, 2), result.part(array, 2)),
        (result.convert(tensor, target="mandel"), result.convert(array, target="mandel")),
        (result.rotate(tensor, ROTATIONS["proper"]), result.rotate(array, ROTATIONS["proper"])),
    ]:
        assert isinstance(found, torch.Tensor)
        assert found.dtype == dtype
        assert relative(found.numpy(), wanted) <= 100 * eps
    shares, expected = result.fractions(tensor), result.fractions(array)
    for weight, share in shares.items():
        assert share.dtype == (torch.float32 if eps > 1e-10 else torch.float64)
        assert np.abs(share.numpy() - expected[weight]).max() <= 100 * eps


def test_conjugated_torch_tensors_are_read_and_checked() -> None:
    result = reduction(ELASTIC)
    array = random_tensor(ELASTIC, rng()) * (1 + 2j)
    tensor = torch.from_numpy(array)
    assert relative(result.pack(tensor.conj()).numpy(), result.pack(array.conj())) <= 50 * EPS
    array[0, 1, 2, 2] += 1
    with pytest.raises(SymmetryError, match="violates"):
        result.pack(torch.from_numpy(array).conj())


def test_torch_integers_become_float64() -> None:
    parts = reduction("ij=ji").decompose(torch.tensor([[1, 2, 3], [2, 4, 5], [3, 5, 9]]))
    assert parts[0, 0].dtype == torch.float64
    assert float(parts[0, 0]) == pytest.approx(14 / 3, rel=4 * EPS)


def test_torch_tensors_stay_on_their_device() -> None:
    result = reduction(ELASTIC)  # the meta device holds no numbers: only shapes and places
    tensor = torch.empty((2, 3, 3, 3, 3), device="meta")
    parts = result.decompose(tensor, invalid="ignore")
    assert {part.device.type for part in parts.values()} == {"meta"}
    assert result.decompose(tensor, invalid="project")[2, 0].device.type == "meta"
    packed = result.pack(tensor, invalid="ignore")
    assert packed.device.type == "meta"
    assert result.unpack(packed).device.type == "meta"
    assert result.reconstruct(parts, invalid="ignore").device.type == "meta"
    assert result.unpack(packed, form="mandel").device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_torch_tensors_on_an_accelerator() -> None:
    result = reduction(ELASTIC)
    array = random_tensor(ELASTIC, rng(), (3,))
    tensor = torch.from_numpy(array).cuda()
    parts = result.decompose(tensor)
    assert all(part.is_cuda for part in parts.values())
    assert relative(result.reconstruct(parts).cpu().numpy(), array) < PROMISE
    packed = result.pack(tensor)
    assert packed.is_cuda
    assert relative(result.unpack(packed).cpu().numpy(), array) < PROMISE


@each_basis
def test_gradients_flow_through_every_step(basis: Basis) -> None:
    result = reduction(PIEZO, basis=basis)
    components = torch.from_numpy(rng().standard_normal((2, 18))).requires_grad_()
    full = torch.from_numpy(random_tensor(PIEZO, rng(), (2,))).requires_grad_()
    parts = {
        key: part.detach().requires_grad_() for key, part in result.decompose(components,
        form="components").items()
    }  # fmt: skip
    check = torch.autograd.gradcheck
    assert check(lambda t: tuple(result.decompose(t, form="components").values()), components)
    assert check(lambda t: result.pack(t, form="components"), components)
    assert check(lambda t: result.unpack(t), components)
    assert check(lambda t: result.part(t, 2, form="components"), components)
    # one entry changed at a time violates the symmetry by the step, so these project first
    assert check(lambda t: tuple(result.decompose(t, invalid="project").values()), full)
    assert check(lambda t: result.pack(t, invalid="ignore"), full)
    assert check(result.symmetrize, full)
    assert check(
        lambda *values: result.reconstruct(dict(zip(parts, values, strict=True)), invalid="ignore"),
        tuple(parts.values()),
    )
    assert check(lambda t: tuple(result.fractions(t, form="components").values()), components)


def test_gradients_flow_through_the_checks() -> None:
    result = reduction(ELASTIC)
    tensor = torch.from_numpy(random_tensor(ELASTIC, rng())).requires_grad_()
    loss = sum((part**2).sum() for part in result.decompose(tensor).values())
    [gradient] = torch.autograd.grad(loss, tensor, create_graph=True)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0
    # reading the independent components only, their gradient is found there
    assert gradient.requires_grad
    parts = {k: p.detach().requires_grad_() for k, p in result.decompose(tensor).items()}
    result.reconstruct(parts).square().sum().backward()
    assert all(part.grad.abs().max() > 0 for part in parts.values())


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torch_is_not_imported_unless_an_argument_is_a_torch_tensor() -> None:
    code = """
import sys
import numpy as np
import natural_tensors as nt
result = nt.reduction("elastic")
tensor = result.unpack(np.arange(21.0))
parts = result.decompose(tensor)
result.reconstruct(parts), result.pack(tensor), result.symmetrize(tensor), result.fractions(tensor)
result.rotate(tensor, np.eye(3)), nt.to_voigt(tensor), nt.harmonic(2)([1.0, 2.0, 3.0])
nt.coupling(1, 1, 2)([1.0, 2, 3], [4.0, 5, 6]), nt.rotation(2, np.eye(3))
result.formula(), result.latex(), result.embedding(2, 1).to_sympy()
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("torch", "e3nn", "scipy")))
"""
    assert run_python(code).strip() == "[]"
