"""Piezoelectric tensors: definitions, quartz, point groups, brute force."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import natural_tensors as nt
from natural_tensors import examples, piezoelectricity
from natural_tensors.so3.grids import direction_grid

Floats = NDArray[np.float64]


def random_tensors(count: int, seed: int) -> Floats:
    values = np.random.default_rng(seed).normal(size=(count, 3, 3, 3))
    return np.asarray(values + values.swapaxes(-1, -2))


def from_matrix(entries: dict[tuple[int, int], float]) -> Floats:
    matrix = np.zeros((3, 6))
    for (row, column), value in entries.items():
        matrix[row - 1, column - 1] = value
    return np.asarray(nt.from_voigt(matrix))


QUARTZ = examples.load("quartz-e")


def test_quartz() -> None:
    found = piezoelectricity.summary(nt.from_voigt(QUARTZ.values), unit=QUARTZ.unit)
    e11, e14 = 0.171, 0.0406  # of either sign, R. Bechmann 1958: class 32 has e11 and e14 only
    # e_nnn = e11 (n1³ - 3 n1 n2²): largest along the twofold axes
    assert found.longitudinal_maximum == pytest.approx(e11)
    assert found.longitudinal_direction[2] == pytest.approx(0, abs=1e-7)
    x, y, _ = found.longitudinal_direction
    assert x**3 - 3 * x * y**2 == pytest.approx(1)
    assert found.hydrostatic == pytest.approx(np.zeros(3), abs=1e-15)
    # rows (e11, -e11, √2 e14) and (-√2 e14, -√2 e11) are orthogonal and equally long
    assert found.largest_singular_value == pytest.approx(np.sqrt(2 * e11**2 + 2 * e14**2))
    assert found.norm == pytest.approx(np.sqrt(4 * e11**2 + 4 * e14**2))
    # e14 is weight 2, e11 weight 3
    assert found.weight_norms[2] == pytest.approx(2 * e14)
    assert found.weight_norms[3] == pytest.approx(2 * e11)
    assert found.unit == "C/m^2"


def test_a_polar_ceramic() -> None:
    # class ∞m about z: PZT-4, D. A. Berlincourt, C. Cmolik and H. Jaffe 1960, Proc. IRE 48, 220
    e31, e33, e15 = -5.2, 15.1, 12.7
    entries = {(3, 1): e31, (3, 2): e31, (3, 3): e33, (2, 4): e15, (1, 5): e15}
    found = piezoelectricity.summary(from_matrix(entries))
    assert found.hydrostatic == pytest.approx([0, 0, 2 * e31 + e33])
    # with z = cos θ, e(n) = z (e33 z² + (e31 + 2 e15) (1 - z²)), rising up to z = 1
    assert found.longitudinal_maximum == pytest.approx(e33)
    assert found.longitudinal_direction == pytest.approx([0, 0, 1], abs=1e-7)
    tilted = np.array([np.sqrt(0.75), 0, 0.5])
    expected = 0.5 * (0.25 * e33 + 0.75 * (e31 + 2 * e15))
    assert piezoelectricity.longitudinal(from_matrix(entries), tilted) == pytest.approx(expected)
    singular = max(np.sqrt(2 * e31**2 + e33**2), np.sqrt(2) * e15)
    assert found.largest_singular_value == pytest.approx(singular)


def test_a_shear_that_is_stronger_than_the_axis() -> None:
    # with a = e31 + 2 e15 above 3/2 e33 the largest response is off the axis
    e31, e33, e15 = -2.0, 4.0, 12.0
    entries = {(3, 1): e31, (3, 2): e31, (3, 3): e33, (2, 4): e15, (1, 5): e15}
    found = piezoelectricity.summary(from_matrix(entries))
    a, b = e31 + 2 * e15, e33
    z = np.sqrt(a / (3 * (a - b)))
    assert z < 1
    assert found.longitudinal_maximum == pytest.approx(z * (a + (b - a) * z**2))
    assert found.longitudinal_direction[2] == pytest.approx(z)


def test_zincblende() -> None:
    # class -43m: T(n) = 6 e14 x y z, 2/√3 e14 along [111]
    found = piezoelectricity.summary(from_matrix({(1, 4): 2.0, (2, 5): 2.0, (3, 6): 2.0}))
    assert found.longitudinal_maximum == pytest.approx(4 / np.sqrt(3))
    assert np.abs(found.longitudinal_direction) == pytest.approx(np.full(3, 3**-0.5), abs=1e-7)
    assert np.prod(found.longitudinal_direction) > 0
    assert found.weight_shares[3] == pytest.approx(1)


def test_a_tensor_without_longitudinal_response() -> None:
    # class 422: e14 = -e25, weight 2 only
    found = piezoelectricity.summary(from_matrix({(1, 4): 1.0, (2, 5): -1.0}))
    assert found.longitudinal_maximum == 0
    assert np.isnan(found.longitudinal_direction).all()
    assert found.weight_shares[2] == pytest.approx(1)
    empty = piezoelectricity.summary(np.zeros((3, 3, 3)))
    for size in (empty.norm, empty.longitudinal_maximum, empty.weight_norms[3]):
        assert size == 0
    assert np.isnan(empty.weight_shares[1])


def test_definitions() -> None:
    tensor, n = random_tensors(4, seed=1), direction_grid(5)
    expected = np.einsum("bijk,di,dj,dk->bd", tensor, n, n, n)
    assert np.allclose(piezoelectricity.longitudinal(tensor, 3 * n), expected, atol=1e-12)
    assert np.allclose(piezoelectricity.longitudinal(tensor, -n), -expected, atol=1e-12)
    trace = tensor[..., 0, 0] + tensor[..., 1, 1] + tensor[..., 2, 2]
    assert np.allclose(piezoelectricity.hydrostatic(tensor), trace, atol=1e-14)
    found = piezoelectricity.summary(tensor)
    mandel = nt.to_voigt(tensor, form="mandel", symmetry="ijk=ikj")
    assert found.largest_singular_value == pytest.approx(np.linalg.norm(mandel, 2, axis=(1, 2)))
    squares = sum(norm**2 for norm in found.weight_norms.values())
    assert squares == pytest.approx(found.norm**2)


def test_no_direction_of_a_dense_scan_is_better() -> None:
    tensor = random_tensors(100, seed=2)
    found = piezoelectricity.summary(tensor)
    best = np.abs(piezoelectricity.longitudinal(tensor, direction_grid(8000))).max(axis=1)
    assert (found.longitudinal_maximum >= best * (1 - 1e-12)).all()
    # the scan has a point within 1.4 degrees: a fall of 12 (0.024)² / 2 of the amplitude
    assert np.allclose(found.longitudinal_maximum, best, rtol=0.01)
    n = found.longitudinal_direction
    there = np.einsum("bijk,bi,bj,bk->b", tensor, n, n, n)
    assert there == pytest.approx(found.longitudinal_maximum, rel=1e-12)


def test_nothing_depends_on_the_frame() -> None:
    tensor = random_tensors(10, seed=3)
    rotation = Rotation.random(random_state=4).as_matrix()
    turned = np.einsum("ia,jb,kc,nabc->nijk", *[rotation] * 3, tensor)
    one, other = piezoelectricity.summary(tensor), piezoelectricity.summary(turned)
    for name in ("longitudinal_maximum", "hydrostatic_norm", "largest_singular_value", "norm"):
        assert np.allclose(getattr(one, name), getattr(other, name), rtol=1e-10), name
    expected = one.longitudinal_direction @ rotation.T
    assert np.allclose(other.longitudinal_direction, expected, atol=1e-6)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 2)])
def test_batches(batch: tuple[int, ...]) -> None:
    tensor = random_tensors(4, seed=5)[: int(np.prod(batch))].reshape(*batch, 3, 3, 3)
    found = piezoelectricity.summary(tensor, unit="pC/N")
    assert np.shape(found.longitudinal_maximum) == np.shape(found.norm) == batch
    assert found.longitudinal_direction.shape == (*batch, 3)
    assert piezoelectricity.longitudinal(tensor, np.ones((2, 5, 3))).shape == (*batch, 2, 5)
    tree = found.to_dict()
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree
    assert tree["unit"] == "pC/N"
    text = repr(found)
    assert "batch of shape" in text if batch else "longitudinal up to" in text


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.zeros((3, 6)), ValueError, r"got an array of shape \(3, 6\)"),
        (np.full((3, 3, 3), np.nan), ValueError, "NaN"),
        (np.arange(27.0).reshape(3, 3, 3), nt.SymmetryError, "violates"),
        (np.zeros((3, 3, 3)) * 1j, TypeError, "is real, got an array of type complex128"),
    ],
)
def test_errors_name_what_came(values: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        piezoelectricity.summary(values)
