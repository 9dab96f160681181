"""Numbers: decomposition, reconstruction, packing, batches, libraries and precisions.

Tolerances. The operators are matrices with orthonormal rows (packed) or of a modest condition
(dual); a result is a sum of at most D = 729 products, so its error is below about D eps times the
norm of the tensor, and in practice near sqrt(D) eps. 1e-13 relative, the promise, is 450 eps.
"""

from __future__ import annotations

from itertools import product
from typing import Any, Literal

import numpy as np
import pytest
import torch

from natural_tensors import (
    reduction,
    unpack_natural,
)
from natural_tensors.decomposition.copies import Basis
from tests.helpers.numbers import (
    ELASTIC,
    EPS,
    EPS32,
    PIEZO,
    PROMISE,
    SCALAR,
    each_basis,
    each_class,
    relative,
    rng,
)
from tests.helpers.oracles import (
    BASES,
    CLASSES,
    EVERY,
    PHYSICAL,
    Case,
    natural_projector,
    random_tensor,
)

# --- round trips ----------------------------------------------------------------------------------


@each_basis
@each_class
def test_round_trip_of_full_tensors(case: Case, basis: Basis) -> None:
    result = reduction(case.symmetry, basis=basis)
    tensor = random_tensor(case.symmetry, rng(), (2,))
    parts = result.decompose(tensor)
    assert list(parts) == list(result.copies)
    for (weight, _), part in parts.items():
        assert part.shape == (2,) + (3,) * weight
        assert part.dtype == np.float64
    assert relative(result.reconstruct(parts), tensor) < PROMISE
    assert relative(result.unpack(result.pack(tensor)), tensor) < PROMISE


@each_basis
@pytest.mark.parametrize("case", EVERY, ids=repr)
def test_round_trip_of_components(case: Case, basis: Basis) -> None:
    result = reduction(case.symmetry, basis=basis)
    components = rng(1).standard_normal((3, case.components))
    if case.rank <= 8:  # parts of weight 10 are 3**10 numbers each
        parts = result.decompose(components, form="components")
        assert relative(result.reconstruct(parts, form="components"), components) < PROMISE
    packed = result.pack(components, form="components")
    assert relative(result.unpack(packed, form="components"), components) < PROMISE


@each_class
def test_parts_are_symmetric_and_traceless(case: Case) -> None:
    tensor = random_tensor(case.symmetry, rng(2))
    size = np.linalg.norm(tensor)
    for (weight, _), part in reduction(case.symmetry).decompose(tensor).items():
        numbers, denominator = natural_projector(weight)
        again = (numbers @ part.reshape(-1) / denominator).reshape(part.shape)
        assert np.abs(again - part).max() <= 200 * EPS * size


@each_basis
@pytest.mark.parametrize("case", [c for c in CLASSES if c.rank <= 4], ids=repr)
def test_parts_are_what_the_operators_say(case: Case, basis: Basis) -> None:
    result = reduction(case.symmetry, basis=basis)
    tensor = random_tensor(case.symmetry, rng(3))
    for key, part in result.decompose(tensor).items():
        array = result.extraction(*key).to_array()
        expected = np.tensordot(array, tensor, axes=case.rank)
        assert np.abs(part - expected).max() <= 200 * EPS * np.linalg.norm(tensor)
        back = np.tensordot(result.embedding(*key).to_array(), part, axes=key[0])
        assert np.abs(result.reconstruct({key: part}) - back).max() <= 200 * EPS * np.linalg.norm(
            tensor
        )


@each_basis
def test_float32_stays_float32_and_is_right_to_its_precision(basis: Basis) -> None:
    result = reduction(ELASTIC, basis=basis)
    tensor = random_tensor(ELASTIC, rng(), (50,))
    exact = result.decompose(tensor)
    single = result.decompose(tensor.astype(np.float32))
    for key, part in single.items():
        assert part.dtype == np.float32
        assert np.abs(part - exact[key]).max() <= 21 * EPS32 * np.abs(tensor).max() * 3
    back = result.reconstruct(single)
    assert back.dtype == np.float32
    assert relative(back, tensor) <= 21 * EPS32
    packed = result.pack(tensor.astype(np.float32))
    assert packed.dtype == result.unpack(packed).dtype == np.float32


@each_basis
@pytest.mark.parametrize("kind", [np.complex64, np.complex128])
def test_complex_tensors_are_their_real_and_imaginary_parts(
    basis: Basis, kind: type[np.complexfloating]
) -> None:
    result = reduction(PIEZO, basis=basis)
    real, imaginary = (random_tensor(PIEZO, rng(seed), (4,)) for seed in (1, 2))
    tensor = (real + 1j * imaginary).astype(kind)
    parts = result.decompose(tensor)
    eps = float(np.finfo(kind).eps)
    for key, part in parts.items():
        assert part.dtype == kind
        expected = result.decompose(real)[key] + 1j * result.decompose(imaginary)[key]
        assert np.abs(part - expected).max() <= 50 * eps * np.abs(tensor).max()
    assert relative(result.reconstruct(parts), tensor) <= 50 * eps
    packed = result.pack(tensor)
    norms = (np.abs(packed) ** 2).sum(-1)
    assert np.allclose(norms, (np.abs(tensor) ** 2).sum((1, 2, 3)), rtol=100 * eps, atol=0)


def test_integers_and_lists_become_float64() -> None:
    result = reduction("ij=ji")
    rows = [[1, 2, 3], [2, 4, 5], [3, 5, 9]]
    for given_ in (rows, np.array(rows), np.array(rows, dtype=np.int8), tuple(map(tuple, rows))):
        parts = result.decompose(given_)
        assert parts[2, 0].dtype == np.float64
        assert parts[0, 0] == pytest.approx(14 / 3, rel=4 * EPS)
        assert relative(result.reconstruct(parts), np.array(rows, float)) < PROMISE


def test_float64_is_the_default_result_of_every_method() -> None:
    result = reduction("ij=ji")
    eye = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert result.pack(eye).dtype == np.float64
    assert result.symmetrize(eye).dtype == np.float64
    assert result.part(eye, 0).dtype == np.float64
    assert result.convert(eye, target="mandel").dtype == np.float64
    assert result.rotate(eye, eye).dtype == np.float64


@pytest.mark.parametrize("value", [[["a", 1, 2]] * 3, [[1, 2, 3], [4, 5]], [[None] * 3] * 3])
def test_what_is_no_array_of_numbers_is_a_type_error(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        reduction("ij=ji").decompose(value)


def test_scalar_and_vector() -> None:
    scalar = reduction(SCALAR)
    assert scalar.decompose(2.5)[0, 0] == 2.5
    assert scalar.reconstruct({(0, 0): [1.0, 2.0]}).tolist() == [1.0, 2.0]
    assert scalar.pack(np.ones((4, 2))).shape == (4, 2, 1)
    vector = reduction("i")
    array = rng().standard_normal((5, 3))
    assert np.array_equal(vector.decompose(array)[1, 0], array)
    assert np.array_equal(vector.pack(array), array)  # weight 1 is x, y, z
    assert np.array_equal(vector.reconstruct({(1, 0): array}), array)


# --- batch shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("batch", [(), (1,), (0,), (2, 3), (2, 0, 3)], ids=str)
def test_any_batch_shape(batch: tuple[int, ...], library: str) -> None:
    result = reduction(ELASTIC)
    tensor: Any = random_tensor(ELASTIC, rng(), batch)
    if library == "torch":
        tensor = torch.from_numpy(tensor)
    parts = result.decompose(tensor)
    for (weight, _), part in parts.items():
        assert tuple(part.shape) == batch + (3,) * weight
    assert tuple(result.reconstruct(parts).shape) == tuple(tensor.shape)
    packed = result.pack(tensor)
    assert tuple(packed.shape) == (*batch, 21)
    assert tuple(result.unpack(packed).shape) == tuple(tensor.shape)
    assert tuple(result.symmetrize(tensor).shape) == tuple(tensor.shape)
    assert tuple(result.part(tensor, 2).shape) == tuple(tensor.shape)
    assert tuple(result.rotate(tensor, np.eye(3)).shape) == tuple(tensor.shape)
    assert tuple(result.convert(tensor, target="mandel").shape) == (*batch, 6, 6)
    assert all(tuple(share.shape) == batch for share in result.fractions(tensor).values())


@pytest.mark.parametrize("batch", [(), (0,), (3, 2)], ids=str)
def test_any_batch_shape_of_a_scalar(batch: tuple[int, ...]) -> None:
    scalar = reduction(SCALAR)
    array = rng().standard_normal(batch)
    parts = scalar.decompose(array)
    assert parts[0, 0].shape == batch
    assert np.array_equal(scalar.reconstruct(parts), array)


def test_each_tensor_of_a_batch_is_treated_alone() -> None:
    result = reduction(ELASTIC)
    tensors = random_tensor(ELASTIC, rng(), (3, 2))
    together = result.decompose(tensors)
    for place in product(range(3), range(2)):
        for key, part in result.decompose(tensors[place]).items():
            gap = np.abs(together[key][place] - part).max()
            assert gap <= 50 * EPS * np.abs(tensors[place]).max()


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_non_contiguous_input(library: str) -> None:
    result = reduction(ELASTIC)
    wide = np.zeros((2, 3, 3, 3, 3, 2))
    wide[..., 0] = random_tensor(ELASTIC, rng(), (2,))
    tensor: Any = wide[..., 0].transpose(0, 4, 3, 2, 1)  # symmetric under reversal as well
    assert not tensor.flags.c_contiguous
    copy = np.ascontiguousarray(tensor)
    if library == "torch":
        tensor = torch.from_numpy(wide)[..., 0].permute(0, 4, 3, 2, 1)
        assert not tensor.is_contiguous()
    expected = result.decompose(copy)
    for key, part in result.decompose(tensor).items():
        gap = np.abs(np.asarray(part) - expected[key]).max()
        assert gap <= 50 * EPS * np.abs(copy).max()
    parts = {
        key: np.asfortranarray(part) if library == "numpy" else torch.as_tensor(part.T.copy().T)
        for key, part in expected.items()
    }
    assert relative(result.reconstruct(parts), copy) < PROMISE


def test_input_is_not_changed() -> None:
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng(), (2,))
    before = tensor.copy()
    parts = result.decompose(tensor)
    kept = {key: part.copy() for key, part in parts.items()}
    result.reconstruct(parts)
    result.symmetrize(tensor)
    result.pack(tensor)
    assert np.array_equal(tensor, before)
    assert all(np.array_equal(parts[key], kept[key]) for key in parts)


@pytest.mark.parametrize("case", PHYSICAL, ids=repr)
def test_changing_a_result_changes_no_later_result(case: Case) -> None:
    result = reduction(case.symmetry)
    components = rng().standard_normal(case.components)
    first = result.decompose(components, form="components")
    kept = {key: part.copy() for key, part in first.items()}
    for part in first.values():
        part[...] = np.nan
    second = result.decompose(components, form="components")
    assert all(np.array_equal(second[key], kept[key]) for key in kept)


# --- packing, pieces, shares ----------------------------------------------------------------------


@each_class
def test_packing_is_an_isometry(case: Case) -> None:
    result = reduction(case.symmetry)
    first, second = random_tensor(case.symmetry, rng(), (2,))
    x, y = result.pack(first), result.pack(second)
    size = np.linalg.norm(first) * np.linalg.norm(second)
    assert abs(x @ y - (first * second).sum()) <= 200 * EPS * size
    assert np.linalg.norm(x) == pytest.approx(np.linalg.norm(first), rel=200 * EPS)
    # and onto: any packed vector is that of a tensor of the same norm
    z = rng(9).standard_normal(case.components)
    assert np.linalg.norm(result.unpack(z)) == pytest.approx(np.linalg.norm(z), rel=200 * EPS)
    assert relative(result.pack(result.unpack(z)), z) < PROMISE


@each_class
def test_packing_does_not_depend_on_the_basis_and_lists_the_orthonormal_copies(case: Case) -> None:
    dual, orthonormal = (reduction(case.symmetry, basis=basis) for basis in BASES)
    tensor = random_tensor(case.symmetry, rng())
    packed = orthonormal.pack(tensor)
    assert np.array_equal(dual.pack(tensor), packed)
    at = 0
    for (weight, copy), part in orthonormal.decompose(tensor).items():
        piece = packed[at : at + 2 * weight + 1]
        gap = np.abs(unpack_natural(piece, weight) - part).max()
        assert gap <= 200 * EPS * np.linalg.norm(tensor), (weight, copy)
        at += 2 * weight + 1
    assert at == case.components


@each_class
def test_parts_of_all_weights_add_up_and_are_orthogonal(case: Case) -> None:
    result = reduction(case.symmetry)
    tensor = random_tensor(case.symmetry, rng())
    pieces = {weight: result.part(tensor, weight) for weight in result.multiplicities}
    assert relative(sum(pieces.values()), tensor) < PROMISE
    size = (tensor**2).sum()
    for a, b in product(pieces, repeat=2):
        if a != b:
            assert abs((pieces[a] * pieces[b]).sum()) <= 500 * EPS * size
        else:
            assert relative(result.part(pieces[a], a), pieces[a]) < 10 * PROMISE
    parts = result.decompose(tensor)
    for weight, piece in pieces.items():
        chosen = {key: part for key, part in parts.items() if key[0] == weight}
        assert np.abs(result.reconstruct(chosen) - piece).max() <= 500 * EPS * np.sqrt(size)


@each_class
@pytest.mark.parametrize("per", ["weight", "copy"])
def test_shares_sum_to_one_and_are_the_squared_norms(
    case: Case, per: Literal["weight", "copy"]
) -> None:
    result = reduction(case.symmetry, basis="orthonormal")
    tensor = random_tensor(case.symmetry, rng(), (3,))
    shares = result.fractions(tensor, per=per)
    assert list(shares) == (list(result.multiplicities) if per == "weight" else list(result.copies))
    # a sum of squares of D numbers: D eps at most
    assert np.abs(sum(shares.values()) - 1).max() <= case.components * EPS + 20 * EPS
    flat = (tensor.reshape(3, -1) ** 2).sum(1)
    for key, share in shares.items():
        assert (share >= 0).all()
        if per == "weight":
            piece = result.part(tensor, key)
        else:
            piece = result.reconstruct({key: result.decompose(tensor)[key]})
        expected = (piece.reshape(3, -1) ** 2).sum(1) / flat
        assert np.abs(share - expected).max() <= 1000 * EPS


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_share_of_the_zero_tensor_is_nan_without_a_warning(library: str) -> None:
    zero = np.zeros((2, 3, 3))
    zero[1] = np.eye(3)
    shares = reduction("ij=ji").fractions(zero if library == "numpy" else torch.from_numpy(zero))
    assert np.isnan(np.asarray(shares[0])).tolist() == [True, False]
    assert np.asarray(shares[0])[1] == pytest.approx(1, rel=20 * EPS)


def test_shares_are_per_weight_or_per_copy() -> None:
    with pytest.raises(ValueError, match="per='part' is not 'weight' or 'copy'"):
        reduction("ij=ji").fractions(np.eye(3), per="part")  # type: ignore[arg-type]


def test_decomposition_is_linear() -> None:
    result = reduction(ELASTIC)
    a, b = random_tensor(ELASTIC, rng(), (2,))
    parts_a, parts_b, both = (result.decompose(t) for t in (a, b, 2 * a - 3 * b))
    for key in both:
        gap = np.abs(both[key] - 2 * parts_a[key] + 3 * parts_b[key]).max()
        assert gap <= 500 * EPS * np.abs(a).max()
