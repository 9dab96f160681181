"""Two tensors and the rotations: proved different, proved the same, or left open."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from natural_tensors import reduction, same_up_to_rotation
from natural_tensors.arrays import Floats
from natural_tensors.errors import InputError

NAMES = ("elastic", "piezoelectric", "dielectric", "gyration", "third-order-elastic")


def pair(name: str, seed: int) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(seed)
    tensors = reduction(name)
    tensor = tensors.unpack(generator.normal(size=tensors.dimension))
    turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    return tensor, turn * np.linalg.det(turn)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10**6))
def test_a_rotated_tensor_is_found(name: str, seed: int) -> None:
    tensors = reduction(name)
    tensor, turn = pair(name, seed)
    found = same_up_to_rotation(name, tensors.rotate(tensor, turn), tensor)
    assert found.same is True
    assert found
    assert found.distance is not None
    assert found.distance < 1e-12
    assert found.rotation is not None
    np.testing.assert_allclose(
        tensors.rotate(tensor, found.rotation), tensors.rotate(tensor, turn),
        atol=1e-11 * float(np.abs(tensor).max()),
    )  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10**6), st.sampled_from([1e-1, 1e-3, 1e-5]))
def test_a_changed_tensor_is_never_called_the_same(name: str, seed: int, size: float) -> None:
    tensors = reduction(name)
    tensor, turn = pair(name, seed)
    other, _ = pair(name, seed + 1)
    found = same_up_to_rotation(name, tensor, tensors.rotate(tensor + size * other, turn))
    assert found.same is False
    assert found.witness is not None
    assert "different" in repr(found)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10**6))
def test_what_lies_within_the_tolerance_is_never_called_different(name: str, seed: int) -> None:
    tensors = reduction(name)
    tensor, turn = pair(name, seed)
    other, _ = pair(name, seed + 1)
    near = tensor + 0.9e-4 * other * np.linalg.norm(tensor) / np.linalg.norm(other)
    found = same_up_to_rotation(name, tensor, tensors.rotate(near, turn), tolerance=1e-4)
    assert found.same is True


def test_mirror_images_differ_by_a_pseudoscalar() -> None:
    tensors = reduction("piezoelectric")
    tensor, turn = pair("piezoelectric", 0)
    mirrored = tensors.rotate(tensor, -turn)
    found = same_up_to_rotation("piezoelectric", tensor, mirrored)
    assert found.same is False
    assert found.witness is not None
    assert found.witness.parity == -1
    found = same_up_to_rotation("piezoelectric", mirrored, tensor, group="O(3)")
    assert found.same is True
    assert found.rotation is not None
    np.testing.assert_allclose(found.rotation, -turn, atol=1e-10)


def test_exact_tensors_are_compared_exactly() -> None:
    stiffness = sympy.diag(3, 3, 3, 1, 1, 1)
    tiny = sympy.Rational(1, 10**30)
    found = same_up_to_rotation("elastic", stiffness, stiffness * (1 + tiny), form="voigt")
    assert found.same is False
    assert found.values is not None
    assert found.values[0] != found.values[1]
    # a rotation with rational entries: invariants equal exactly, then found
    tensors = reduction("elastic")
    full = tensors.convert(stiffness, source="voigt", target="full")
    turn = sympy.Matrix([[1, -2, 2], [2, -1, -2], [2, 2, 1]]) / 3
    assert same_up_to_rotation("elastic", full, tensors.rotate(full, turn)).same is True


def test_zero_is_the_same_as_zero_only() -> None:
    zero = np.zeros((3, 3))
    assert same_up_to_rotation("dielectric", zero, zero).same is True
    assert same_up_to_rotation("dielectric", zero, np.eye(3)).same is False


def test_what_is_refused() -> None:
    unit = np.eye(3)
    with pytest.raises(ValueError, match="not between 0 and 1"):
        same_up_to_rotation("dielectric", unit, unit, tolerance=0)
    with pytest.raises(ValueError, match="a batch of shape"):
        same_up_to_rotation("dielectric", np.stack([unit, unit]), unit)
    with pytest.raises(InputError, match=r"holds the symbol a.*subs"):
        same_up_to_rotation("dielectric", sympy.Symbol("a") * sympy.eye(3), sympy.eye(3))


def test_what_neither_proof_reaches_is_left_open() -> None:
    """Just beyond the tolerance, invariants differ by less than their bound."""
    tensors = reduction("elastic")
    tensor, turn = pair("elastic", 0)
    other, _ = pair("elastic", 1)
    size = 1.5e-4 * np.linalg.norm(tensor) / np.linalg.norm(other)
    moved = tensors.rotate(tensor + size * other, turn)
    found = same_up_to_rotation("elastic", tensor, moved, tolerance=1e-4)
    assert found.same is None
    assert not found
    assert found.distance is not None
    assert 1e-4 < found.distance <= 1.5e-4
    assert "undecided, 94 invariants up to degree 4 agree" in repr(found)
