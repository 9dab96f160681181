"""Code of symmetry classes in the plane: it equals the exact operators on every component."""

from __future__ import annotations

import shlex
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from codegen import TensorRecipe, load
from natural_tensors import cli, reduction
from natural_tensors.decomposition.components import Form
from natural_tensors.decomposition.copies import Basis

CASES: list[tuple[str, Form]] = [
    ("", "full"),
    ("i", "full"),
    ("ij", "full"),
    ("ij=-ji", "components"),
    ("piezoelectric", "voigt"),
    ("elastic", "mandel"),
    ("elastic", "voigt-compliance"),
    ("third-order-elastic", "voigt"),
]


@pytest.mark.parametrize("basis", ["dual", "orthonormal"])
@pytest.mark.parametrize(("symmetry", "form"), CASES)
def test_generated_functions_equal_the_exact_operators(
    symmetry: str, form: Form, basis: Basis
) -> None:
    module: Any = load(TensorRecipe(symmetry, basis=basis, form=form, dimension=2), "numpy")
    chosen = reduction(symmetry, basis=basis, dimension=2)
    tensors = chosen.unpack(np.eye(chosen.dimension), form=form)  # linear: a basis says all
    parts = chosen.decompose(tensors, form=form)
    found = module.decompose(tensors)
    assert list(found) == list(parts)
    for key, part in parts.items():
        np.testing.assert_allclose(found[key], part, atol=1e-14)
    np.testing.assert_allclose(module.reconstruct(parts), tensors, atol=1e-14)
    packed = chosen.pack(tensors, form=form)
    np.testing.assert_allclose(module.pack(tensors), packed, atol=1e-14)
    np.testing.assert_allclose(module.unpack(packed), tensors, atol=1e-14)


def test_torch_code_has_gradients() -> None:
    torch = pytest.importorskip("torch")
    module: Any = load(TensorRecipe("elastic", form="voigt", dimension=2), "torch")
    stiffness = torch.eye(3, dtype=torch.float64, requires_grad=True)
    module.decompose(stiffness)[0, 1].backward()
    assert stiffness.grad[0, 0] == pytest.approx(1 / 8)
    assert stiffness.grad[2, 2] == pytest.approx(1 / 2)


def test_the_heading_says_so_and_space_keeps_its_own() -> None:
    plane, space = TensorRecipe("elastic", dimension=2), TensorRecipe("elastic")
    assert "in the plane: 2x0e+1x2+1x4" in plane.title
    assert plane.settings()["dimension"] == 2
    assert "dimension" not in space.settings()


def test_the_command_line_writes_code_for_the_plane() -> None:
    command = "generate elastic --dimension 2 --from voigt --target numpy"
    result = CliRunner().invoke(cli.app.app, shlex.split(command))
    assert result.exit_code == 0, result.output
    assert "shape (..., 3, 3)" in result.output
    refused = CliRunner().invoke(cli.app.app, shlex.split("generate harmonics --dimension 2"))
    assert refused.exit_code == 2
