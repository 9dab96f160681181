"""Packed coordinates, of one weight and of whole tensors, against e3nn."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from e3nn import o3
from e3nn.io import CartesianTensor
from scipy.spatial.transform import Rotation

from natural_tensors import (
    from_spherical,
    pack_natural,
    reduction,
    to_spherical,
    unpack_natural,
)
from natural_tensors.so3.packing import SphericalNormalization
from tests.helpers.numbers import EPS, directions, rng
from tests.helpers.oracles import natural_projector, random_natural

# --- packed coordinates ---------------------------------------------------------------------------


@pytest.mark.parametrize("weight", range(8))
def test_packing_natural_tensors_is_an_isometry_both_ways(weight: int) -> None:
    tensors = np.stack([random_natural(weight, rng(seed)) for seed in range(3)]).astype(float)
    packed = pack_natural(tensors, weight)
    assert packed.shape == (3, 2 * weight + 1)
    flat = tensors.reshape(3, -1)
    size = np.linalg.norm(flat)
    # sums of 3^l products; their errors grow like the root of that number, below 50
    assert np.abs(packed @ packed.T - flat @ flat.T).max() <= 200 * EPS * size**2
    assert np.abs(unpack_natural(packed, weight) - tensors).max() <= 200 * EPS * size
    x = rng().standard_normal(2 * weight + 1)
    assert np.abs(pack_natural(unpack_natural(x, weight), weight) - x).max() <= 200 * EPS * 3


def test_packing_any_tensor_packs_its_natural_part() -> None:
    tensor = rng().standard_normal((3, 3, 3))
    numbers, denominator = natural_projector(3)
    natural = (numbers @ tensor.reshape(-1) / denominator).reshape(3, 3, 3)
    gap = pack_natural(tensor, 3) - pack_natural(natural, 3)
    assert np.abs(gap).max() <= 50 * EPS * np.linalg.norm(tensor)


def test_vectors_pack_to_themselves_and_the_order_is_that_of_rule_11() -> None:
    vectors = rng().standard_normal((4, 3))
    assert np.array_equal(pack_natural(vectors, 1), vectors)
    # weight 2: xz, xy, the polar axis y, yz, zz - xx, leading coefficients positive
    root = sqrt(0.5)
    expected = {
        0: {(0, 2): root}, 1: {(0, 1): root}, 3: {(1, 2): root},
        2: {(0, 0): -1 / sqrt(6), (1, 1): 2 / sqrt(6), (2, 2): -1 / sqrt(6)},
        4: {(0, 0): -root, (2, 2): root},
    }  # fmt: skip
    for m, entries in expected.items():
        tensor = np.zeros((3, 3))
        for (i, j), value in entries.items():
            tensor[i, j] = tensor[j, i] = value
        assert np.abs(unpack_natural(np.eye(5)[m], 2) - tensor).max() <= 4 * EPS


@pytest.mark.parametrize("normalization", ["norm", "component", "integral"])
@pytest.mark.parametrize("weight", range(7))
def test_spherical_coefficients_expand_the_surface_in_the_harmonics_of_e3nn(
    weight: int, normalization: SphericalNormalization
) -> None:
    n = directions(10, weight)
    tensor = unpack_natural(rng(weight).standard_normal((2, 2 * weight + 1)), weight)
    surface = np.repeat(tensor[:, None], 10, axis=1)
    for _ in range(weight):
        surface = np.einsum("abi...,bi->ab...", surface, n)
    coefficients = to_spherical(pack_natural(tensor, weight), weight, normalization)
    y = o3.spherical_harmonics(
        weight, torch.from_numpy(n), normalize=True, normalization=normalization
    ).numpy()
    assert np.abs(coefficients @ y.T - surface).max() <= 1000 * EPS * np.abs(coefficients).max()
    back = from_spherical(coefficients, weight, normalization)
    assert np.abs(back - pack_natural(tensor, weight)).max() <= 50 * EPS * np.abs(back).max()


def test_packed_functions_take_both_libraries_and_any_batch() -> None:
    x = rng().standard_normal((2, 3, 5))
    array = torch.from_numpy(x)
    functions: tuple[Callable[[Any], Any], ...] = (
        lambda v: unpack_natural(v, 2),
        lambda v: pack_natural(unpack_natural(v, 2), 2),
        lambda v: to_spherical(v, 2),
        lambda v: from_spherical(v, 2, "norm"),
    )
    for function in functions:
        expected, found = function(x), function(array)
        assert isinstance(found, torch.Tensor)
        assert found.shape == expected.shape
        assert np.abs(found.numpy() - expected).max() <= 20 * EPS
        assert function(array.float()).dtype == torch.float32
        assert torch.autograd.gradcheck(function, array.clone().requires_grad_())


def test_wrong_shapes_and_normalizations_of_packed_coordinates_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weight 2 ends in the shape \(3, 3\), got \(3, 2\)"):
        pack_natural(np.zeros((3, 2)), 2)
    with pytest.raises(ValueError, match=r"weight 2 end in the shape \(5,\), got \(4,\)"):
        unpack_natural(np.zeros(4), 2)
    with pytest.raises(ValueError, match=r"weight 1 end in the shape \(3,\), got \(\)"):
        to_spherical(1.0, 1)
    with pytest.raises(ValueError, match="normalization 'legendre' is not one of 'norm'"):
        from_spherical(np.zeros(3), 1, "legendre")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="weight -1"):
        unpack_natural(np.zeros(3), -1)


# --- whole tensors, against e3nn ------------------------------------------------------------------


@pytest.mark.parametrize("symmetry", ["ijkl=jikl=klij", "ijk=ikj", "ij", "ij=ji", "ij=-ji"])
def test_weights_of_a_class_are_the_subspaces_of_e3nn(symmetry: str, double: None) -> None:
    theirs = CartesianTensor(symmetry)
    table = theirs.reduced_tensor_products().change_of_basis.numpy()
    ours = reduction(symmetry)
    rank = ours.rank
    flat = table.reshape(ours.dimension, -1)
    counts: dict[int, int] = {}
    at = 0
    for number, (weight, parity) in theirs:
        counts[weight] = counts.get(weight, 0) + number
        assert parity == ours.parity
    assert counts == dict(ours.multiplicities)
    projectors = dict.fromkeys(counts, np.zeros((3**rank, 3**rank)))
    for number, (weight, _) in theirs:
        rows = flat[at : at + number * (2 * weight + 1)]
        at += len(rows)
        projectors[weight] = projectors[weight] + np.linalg.pinv(rows) @ rows
    units = np.eye(3**rank).reshape((-1, *(3,) * rank))
    for weight, projector in projectors.items():
        mine = ours.part(units, weight, invalid="project").reshape(projector.shape)
        # e3nn finds its basis by Gram-Schmidt of float64 vectors of at most 81 entries, and its
        # rows are orthonormal to a few eps
        assert np.abs(mine - projector).max() <= 200 * EPS


@pytest.mark.parametrize("symmetry", ["ij=ji", "ijk=ikj", "ijkl=jikl=klij"])
def test_packed_coordinates_rotate_by_the_irreps_they_name(symmetry: str, double: None) -> None:
    ours = reduction(symmetry)
    matrix = Rotation.random(rng=2).as_matrix()
    d = o3.Irreps(ours.irreps).D_from_matrix(torch.from_numpy(matrix)).numpy()
    tensor = ours.unpack(rng().standard_normal(ours.dimension))
    turned = ours.pack(ours.rotate(tensor, matrix))
    # the angles of e3nn, as above
    assert np.abs(turned - d @ ours.pack(tensor)).max() <= 500 * EPS * np.linalg.norm(tensor)
