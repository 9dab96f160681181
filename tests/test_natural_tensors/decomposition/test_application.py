"""Numbers: decomposition, reconstruction, forms, checks, libraries and precisions.

Tolerances. The operators are matrices with orthonormal rows (packed) or of a modest condition
(dual); a result is a sum of at most D = 729 products, so its error is below about D eps times the
norm of the tensor, and in practice near sqrt(D) eps. 1e-13 relative, the promise, is 450 eps.
"""

import re
import subprocess
import sys
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from natural_tensors import (
    IndexSymmetry,
    SymmetryError,
    from_voigt,
    reduction,
    rotation,
    to_voigt,
    unpack_natural,
)
from tests.helpers.oracles import (
    BASES,
    CLASSES,
    EVERY,
    FOURTH,
    PHYSICAL,
    averaged,
    cycles,
    group_of,
    natural_projector,
    random_tensor,
    rotated,
    signed_strings,
)

PROMISE = 1e-13
EPS = np.finfo(np.float64).eps
EPS32 = float(np.finfo(np.float32).eps)
SCALAR = IndexSymmetry.general(0)
ELASTIC = "ijkl=jikl=klij"
PIEZO = "ijk=ikj"

each_basis = pytest.mark.parametrize("basis", BASES)
each_class = pytest.mark.parametrize("case", CLASSES, ids=repr)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def every_warning_of_torch():
    """Let PyTorch repeat warnings, which it gives once in a process otherwise."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def relative(found, expected):
    """Return the largest difference over the largest norm of one tensor."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.linalg.norm(expected)


# --- round trips ----------------------------------------------------------------------------


@each_basis
@each_class
def test_round_trip_of_full_tensors(case, basis):
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
def test_round_trip_of_components(case, basis):
    result = reduction(case.symmetry, basis=basis)
    components = rng(1).standard_normal((3, case.components))
    if case.rank <= 8:  # parts of weight 10 are 3**10 numbers each
        parts = result.decompose(components, form="components")
        assert relative(result.reconstruct(parts, form="components"), components) < PROMISE
    packed = result.pack(components, form="components")
    assert relative(result.unpack(packed, form="components"), components) < PROMISE


@each_class
def test_parts_are_symmetric_and_traceless(case):
    tensor = random_tensor(case.symmetry, rng(2))
    size = np.linalg.norm(tensor)
    for (weight, _), part in reduction(case.symmetry).decompose(tensor).items():
        numbers, denominator = natural_projector(weight)
        again = (numbers @ part.reshape(-1) / denominator).reshape(part.shape)
        assert np.abs(again - part).max() <= 200 * EPS * size


@each_basis
@pytest.mark.parametrize("case", [c for c in CLASSES if c.rank <= 4], ids=repr)
def test_parts_are_what_the_operators_say(case, basis):
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
def test_float32_stays_float32_and_is_right_to_its_precision(basis):
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
def test_complex_tensors_are_their_real_and_imaginary_parts(basis, kind):
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


def test_integers_and_lists_become_float64():
    result = reduction("ij=ji")
    rows = [[1, 2, 3], [2, 4, 5], [3, 5, 9]]
    for given_ in (rows, np.array(rows), np.array(rows, dtype=np.int8), tuple(map(tuple, rows))):
        parts = result.decompose(given_)
        assert parts[2, 0].dtype == np.float64
        assert parts[0, 0] == pytest.approx(14 / 3, rel=4 * EPS)
        assert relative(result.reconstruct(parts), np.array(rows, float)) < PROMISE


def test_float64_is_the_default_result_of_every_method():
    result = reduction("ij=ji")
    eye = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert result.pack(eye).dtype == np.float64
    assert result.symmetrize(eye).dtype == np.float64
    assert result.part(eye, 0).dtype == np.float64
    assert result.convert(eye, target="mandel").dtype == np.float64
    assert result.rotate(eye, eye).dtype == np.float64


@pytest.mark.parametrize("value", [[["a", 1, 2]] * 3, [[1, 2, 3], [4, 5]], [[None] * 3] * 3])
def test_what_is_no_array_of_numbers_is_a_type_error(value):
    with pytest.raises((TypeError, ValueError)):
        reduction("ij=ji").decompose(value)


def test_scalar_and_vector():
    scalar = reduction(SCALAR)
    assert scalar.decompose(2.5)[0, 0] == 2.5
    assert scalar.reconstruct({(0, 0): [1.0, 2.0]}).tolist() == [1.0, 2.0]
    assert scalar.pack(np.ones((4, 2))).shape == (4, 2, 1)
    vector = reduction("i")
    array = rng().standard_normal((5, 3))
    assert np.array_equal(vector.decompose(array)[1, 0], array)
    assert np.array_equal(vector.pack(array), array)  # weight 1 is x, y, z
    assert np.array_equal(vector.reconstruct({(1, 0): array}), array)


# --- batch shapes ----------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("batch", [(), (1,), (0,), (2, 3), (2, 0, 3)], ids=str)
def test_any_batch_shape(batch, library):
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng(), batch)
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
def test_any_batch_shape_of_a_scalar(batch):
    scalar = reduction(SCALAR)
    array = rng().standard_normal(batch)
    parts = scalar.decompose(array)
    assert parts[0, 0].shape == batch
    assert np.array_equal(scalar.reconstruct(parts), array)


def test_each_tensor_of_a_batch_is_treated_alone():
    result = reduction(ELASTIC)
    tensors = random_tensor(ELASTIC, rng(), (3, 2))
    together = result.decompose(tensors)
    for place in product(range(3), range(2)):
        for key, part in result.decompose(tensors[place]).items():
            gap = np.abs(together[key][place] - part).max()
            assert gap <= 50 * EPS * np.abs(tensors[place]).max()


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_non_contiguous_input(library):
    result = reduction(ELASTIC)
    wide = np.zeros((2, 3, 3, 3, 3, 2))
    wide[..., 0] = random_tensor(ELASTIC, rng(), (2,))
    tensor = wide[..., 0].transpose(0, 4, 3, 2, 1)  # symmetric under reversal as well
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


def test_input_is_not_changed():
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
def test_changing_a_result_changes_no_later_result(case):
    result = reduction(case.symmetry)
    components = rng().standard_normal(case.components)
    first = result.decompose(components, form="components")
    kept = {key: part.copy() for key, part in first.items()}
    for part in first.values():
        part[...] = np.nan
    second = result.decompose(components, form="components")
    assert all(np.array_equal(second[key], kept[key]) for key in kept)


# --- forms -----------------------------------------------------------------------------------

VOIGT_PAIRS = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
FACTORS = {"voigt": 1.0, "voigt-compliance": 2.0, "mandel": 2**0.5}


def voigt_by_loops(tensor, form, legs):
    """Write a tensor in a Voigt form; ``legs``: for each form index the slots it stands for."""
    shape = [6 if leg == 2 else 3 for leg in legs]
    result = np.zeros(shape, dtype=tensor.dtype)
    for place in product(*map(range, shape)):
        index, factor = [], 1.0
        for number, leg in zip(place, legs, strict=True):
            if leg == 2:
                i, j = VOIGT_PAIRS[number]
                index += [i, j]
                factor *= FACTORS[form] if i != j else 1.0
            else:
                index.append(number)
        result[place] = factor * tensor[tuple(index)]
    return result


WITH_PAIRS = [
    ("ij=ji", (2,)),
    ("ijk=ikj", (1, 2)),
    ("ijk=jik", (2, 1)),
    ("ijk=jik=ikj", (1, 2)),  # pairs are joined from the right
    (ELASTIC, (2, 2)),
    ("ijkl=jikl=ijlk", (2, 2)),
    ("ijkl=jikl=ijlk=-klij", (2, 2)),
    ("ijkl=jikl", (2, 1, 1)),
    ("ijkl=ikjl", (1, 2, 1)),
    ("ijkl=ikjl=ijlk", (1, 1, 2)),
    ("ijklmn=jiklmn=lmnijk", (2, 1, 2, 1)),
    ("ijklmn=jiklmn=klijmn=klmnij", (2, 2, 2)),
]
each_form = pytest.mark.parametrize("form", list(FACTORS))
each_paired = pytest.mark.parametrize(
    ("symmetry", "legs"), WITH_PAIRS, ids=[s for s, _ in WITH_PAIRS]
)


@each_form
@each_paired
def test_voigt_forms_are_the_explicit_loops(symmetry, legs, form):
    result = reduction(symmetry)
    tensor = random_tensor(symmetry, rng())
    expected = voigt_by_loops(tensor, form, legs)
    found = result.convert(tensor, target=form)
    assert found.shape == expected.shape
    # one multiplication by a factor: half an eps, and half for the factor itself
    assert np.abs(found - expected).max() <= 4 * EPS * np.abs(expected).max()
    back = result.convert(found, source=form, target="full")
    assert np.abs(back - tensor).max() <= 8 * EPS * np.abs(tensor).max()


@each_form
@each_paired
def test_every_method_takes_and_gives_every_form(symmetry, legs, form):
    result = reduction(symmetry)
    tensor = random_tensor(symmetry, rng(5), (2,))
    shown = result.convert(tensor, target=form)
    tolerance = 200 * EPS * np.linalg.norm(tensor)
    expected = result.decompose(tensor)
    found = result.decompose(shown, form=form)
    for key, part in expected.items():
        assert np.abs(found[key] - part).max() <= tolerance
    wide = 8 * tolerance  # compliance factors multiply up to 8
    assert np.abs(result.reconstruct(expected, form=form) - shown).max() <= wide
    packed = result.pack(tensor)
    assert np.abs(result.pack(shown, form=form) - packed).max() <= tolerance
    assert np.abs(result.unpack(packed, form=form) - shown).max() <= wide
    assert np.abs(result.symmetrize(shown, form=form) - shown).max() <= wide
    weight = max(result.multiplicities)
    piece = result.convert(result.part(tensor, weight), target=form)
    assert np.abs(result.part(shown, weight, form=form) - piece).max() <= wide
    shares = result.fractions(tensor)
    for weight, share in result.fractions(shown, form=form).items():
        assert np.abs(share - shares[weight]).max() <= 200 * EPS


@each_class
def test_components_are_the_entries_their_labels_name(case):
    result = reduction(case.symmetry)
    tensor = random_tensor(case.symmetry, rng())
    components = result.convert(tensor, target="components")
    labels = result.components.labels
    assert len(set(labels)) == len(labels) == case.components == len(components)
    for label, value in zip(labels, components, strict=True):
        assert value == tensor[tuple("xyz".index(letter) for letter in label)]
    full = result.convert(components, source="components", target="full")
    assert np.array_equal(full, _from_representatives(result, tensor))


def _from_representatives(result, tensor):
    """Rebuild a tensor from its independent components by walking the group."""
    full = np.zeros_like(tensor)
    for label in result.components.labels:
        index = tuple("xyz".index(letter) for letter in label)
        for slots, sign in group_of(str(result.symmetry)):
            full[tuple(index[slot] for slot in slots)] = sign * tensor[index]
    return full


def test_elastic_components_are_the_upper_triangle_and_piezoelectric_ones_the_matrix():
    upper = [VOIGT_PAIRS[a] + VOIGT_PAIRS[b] for a in range(6) for b in range(a, 6)]
    names = tuple("".join("xyz"[i] for i in index) for index in upper)
    assert reduction(ELASTIC).components.labels == names
    matrix = [(i, *VOIGT_PAIRS[b]) for i in range(3) for b in range(6)]
    names = tuple("".join("xyz"[i] for i in index) for index in matrix)
    assert reduction(PIEZO).components.labels == names


def test_mandel_form_makes_products_of_tensors_products_of_matrices():
    symmetry = "ijkl=jikl=ijlk"
    a, b = (random_tensor(symmetry, rng(seed)) for seed in (1, 2))
    product_ = np.einsum("ijmn,mnkl->ijkl", a, b)
    mandel = [to_voigt(t, form="mandel") for t in (a, b, product_)]
    assert np.abs(mandel[0] @ mandel[1] - mandel[2]).max() <= 100 * EPS * np.abs(product_).max()
    assert np.linalg.norm(mandel[0]) == pytest.approx(np.linalg.norm(a), rel=40 * EPS)


def test_stiffness_and_compliance_forms_are_inverse_matrices():
    root = rng().standard_normal((6, 6))
    stiffness = root @ root.T + 6 * np.eye(6)
    c = from_voigt(stiffness, symmetry=ELASTIC)
    mandel = to_voigt(c, form="mandel")
    s = from_voigt(np.linalg.inv(mandel), form="mandel", invalid="project", symmetry=ELASTIC)
    compliance = to_voigt(s, form="voigt-compliance")
    # the condition number of the matrix, below 100, times eps times the six terms of a product
    assert np.abs(compliance @ stiffness - np.eye(6)).max() <= 1000 * EPS


@each_form
@pytest.mark.parametrize(
    ("symmetry", "legs"), [("ijkl=jikl=ijlk", (2, 2)), (PIEZO, (1, 2)), ("ij=ji", (2,))]
)
def test_bare_voigt_functions_recognize_the_shape(symmetry, legs, form):
    tensor = random_tensor(symmetry, rng(8))
    matrix = to_voigt(tensor, form=form)
    expected = voigt_by_loops(tensor, form, legs)
    assert np.abs(matrix - expected).max() <= 4 * EPS * np.abs(expected).max()
    assert np.abs(from_voigt(matrix, form=form) - tensor).max() <= 8 * EPS * np.abs(tensor).max()


def test_bare_voigt_functions_take_batches_and_symmetries():
    batch = random_tensor("ij=ji", rng(), (5,))
    assert to_voigt(batch).shape == (5, 6)
    back = from_voigt(to_voigt(batch), symmetry="ij=ji")
    # the average over the group leaves equal entries equal to rounding
    assert np.abs(back - batch).max() <= 8 * EPS * np.abs(batch).max()
    stiffness = random_tensor(ELASTIC, rng(), (2, 4))
    assert to_voigt(stiffness).shape == (2, 4, 6, 6)
    back = from_voigt(to_voigt(stiffness))
    assert np.abs(back - stiffness).max() <= 8 * EPS * np.abs(stiffness).max()
    gap = to_voigt(stiffness, symmetry="elastic") - to_voigt(stiffness)
    assert np.abs(gap).max() <= 8 * EPS * np.abs(stiffness).max()
    array = torch.from_numpy(back)  # has the symmetry exactly
    assert torch.equal(from_voigt(to_voigt(array)), array)


@pytest.mark.parametrize("shape", [(3,), (6, 6), (4, 4), ()], ids=str)
def test_bare_voigt_functions_say_what_shape_they_need(shape):
    with pytest.raises(ValueError, match=re.escape(f"shape {shape} does not end in (3, 3)")):
        to_voigt(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (5, 6), (4, 4), ()], ids=str)
def test_bare_from_voigt_says_what_shape_it_needs(shape):
    with pytest.raises(ValueError, match=re.escape(f"shape {shape} does not end in (6, 6)")):
        from_voigt(np.zeros(shape))


def test_bare_voigt_functions_refuse_what_is_not_symmetric():
    with pytest.raises(SymmetryError, match="violates ij=ji"):
        to_voigt(np.arange(9.0).reshape(3, 3))
    skew = rng().standard_normal((6, 6))
    assert from_voigt(skew).shape == (3, 3, 3, 3)  # major symmetry is not assumed
    with pytest.raises(SymmetryError, match="violates"):
        from_voigt(skew, symmetry="elastic")


def test_forms_without_pairs_are_refused():
    with pytest.raises(SymmetryError, match="joins symmetric index pairs and this class has none"):
        reduction("ij").convert(np.eye(3), target="voigt")
    with pytest.raises(SymmetryError, match="'mandel'"):
        reduction("ij=-ji").decompose(np.zeros(6), form="mandel")
    with pytest.raises(ValueError, match="form 'matrix' is not one of 'full', 'components'"):
        reduction("ij=ji").decompose(np.eye(3), form="matrix")


# --- what is refused ------------------------------------------------------------------------------


def test_violation_is_refused_with_its_size_and_place():
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng(), (4,))
    tensor[1, 0, 1, 2, 2] += 1e-3
    tensor[2, 0, 1, 2, 2] += 0.25
    excess = 0.25 / np.linalg.norm(tensor[2])
    for array in (tensor, torch.from_numpy(tensor)):
        with pytest.raises(SymmetryError) as caught:
            result.decompose(array)
        message = str(caught.value)
        assert message.startswith("tensor 2 violates ijkl=jikl=klij: ")  # the worst
        size = float(re.search(r": ([\d.e+-]+) of its norm \(allowed 1.5e-08\)", message)[1])
        assert size == pytest.approx(excess, rel=0.06)  # printed with two digits
        assert "the entry (0, 1, 2, 2) of form 'full' is off by 0.25;" in message
        assert "invalid='project'" in message


def test_violation_is_found_in_any_tensor_of_a_long_batch():
    components = rng().standard_normal((5000, 21))
    result = reduction(ELASTIC)
    tensors = result.convert(components, source="components", target="voigt")
    assert result.pack(tensors, form="voigt").shape == (5000, 21)
    for number in (0, 2047, 2048, 4999):
        off = tensors.copy()
        off[number, 1, 0] += 1e-3
        with pytest.raises(SymmetryError, match=f"tensor {number} violates"):
            result.pack(off, form="voigt")
        off[number, 1, 0] = np.nan
        with pytest.raises(ValueError, match=f"tensor {number} holds a number that is NaN"):
            result.pack(off, form="voigt")


SCALES = [(1e-25, np.float32), (1e25, np.float32), (1e-170, np.float64), (1e170, np.float64)]
each_scale = pytest.mark.parametrize(("scale", "dtype"), SCALES, ids=str)


@each_scale
def test_violation_is_seen_at_any_scale(scale, dtype):
    # third-order susceptibilities in SI units are near 1e-22
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng())
    result.decompose((tensor * scale).astype(dtype))
    tensor[0, 1, 2, 2] += 1
    with pytest.raises(SymmetryError, match="violates"):
        result.decompose((tensor * scale).astype(dtype))


@each_scale
def test_shares_are_found_at_any_scale(scale, dtype):
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng())
    shares = result.fractions((tensor * scale).astype(dtype))
    for weight, share in result.fractions(tensor).items():
        assert abs(shares[weight] - share) <= 200 * np.finfo(dtype).eps


@pytest.mark.parametrize("form", ["full", "voigt", "mandel"])
def test_violation_is_refused_in_every_form(form):
    result = reduction(ELASTIC)
    shown = result.convert(random_tensor(ELASTIC, rng()), target=form)
    result.decompose(shown, form=form)
    place = (0, 1) if form != "full" else (0, 1, 2, 2)
    shown[place] += 1e-3
    for method in (result.decompose, result.pack, result.fractions):
        with pytest.raises(SymmetryError, match=f"the tensor violates.*of form '{form}'"):
            method(shown, form=form)
    with pytest.raises(SymmetryError, match="violates"):
        result.part(shown, 0, form=form)
    with pytest.raises(SymmetryError, match="violates"):
        result.convert(shown, source=form, target="components")


def test_rounding_is_no_violation_and_small_violations_are_seen():
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng())
    largest = np.abs(tensor).max()
    for size, refused in [(1e-10, False), (1e-6, True)]:
        off = tensor.copy()
        off[0, 1, 2, 2] += size * largest
        if refused:
            with pytest.raises(SymmetryError):
                result.decompose(off)
        else:
            result.decompose(off)
    single = tensor.astype(np.float32)
    single[0, 1, 2, 2] += 1e-5 * largest
    result.decompose(single)
    single[0, 1, 2, 2] += 1e-2 * largest
    with pytest.raises(SymmetryError):
        result.decompose(single)


def test_tensor_that_must_vanish_is_refused_where_it_does_not():
    with pytest.raises(SymmetryError, match=r"violates ij=-ji: 1.0e\+00 of .*the entry \(1, 1\)"):
        reduction("ij=-ji").decompose(np.diag([0.0, 2.0, 0.0]))


def test_project_takes_the_nearest_tensor_and_ignore_reads_the_independent_components():
    result = reduction("ij=ji")
    array = rng().standard_normal((3, 3))
    mean = (array + array.T) / 2
    upper = np.triu(array) + np.triu(array, 1).T
    for invalid, expected in [("project", mean), ("ignore", upper)]:
        parts = result.decompose(array, invalid=invalid)
        assert relative(result.reconstruct(parts), expected) < PROMISE
        packed = result.pack(array, invalid=invalid)
        assert relative(result.unpack(packed), expected) < PROMISE
    with pytest.raises(
        ValueError, match="invalid='fix' is not one of 'raise', 'project', 'ignore'"
    ):
        result.decompose(array, invalid="fix")


@pytest.mark.parametrize("form", ["full", "voigt", "mandel", "voigt-compliance"])
def test_projection_in_a_voigt_form_is_that_of_the_full_tensor(form):
    minor, elastic = reduction("ijkl=jikl=ijlk"), reduction(ELASTIC)
    tensor = random_tensor("ijkl=jikl=ijlk", rng(3))
    shown = minor.convert(tensor, target=form)
    expected = (tensor + tensor.transpose(2, 3, 0, 1)) / 2
    found = elastic.convert(shown, source=form, target="full", invalid="project")
    assert np.abs(found - expected).max() <= 20 * EPS * np.abs(tensor).max()
    kept = elastic.symmetrize(shown, form=form)
    assert (
        np.abs(kept - elastic.convert(expected, target=form)).max()
        <= 80 * EPS * np.abs(tensor).max()
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("form", ["full", "components", "voigt"])
def test_numbers_that_are_not_finite_are_refused(bad, library, form):
    result = reduction(ELASTIC)
    shown = result.convert(random_tensor(ELASTIC, rng(), (3,)), target=form)
    flat = shown.reshape(3, -1)
    flat[1, 0] = bad
    array = shown if library == "numpy" else torch.from_numpy(shown)
    with pytest.raises(ValueError, match="tensor 1 holds a number that is NaN or infinite"):
        result.decompose(array, form=form)
    with pytest.raises(ValueError, match="NaN or infinite"):
        result.pack(array, form=form)


def test_opposite_infinities_are_refused_and_large_numbers_are_not():
    result = reduction(ELASTIC)
    components = np.ones(21)
    components[:2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="NaN or infinite"):
        result.pack(components, form="components")
    large = np.full(21, 1e307)  # finite, though their sum is not
    large[1::2] *= -0.5
    assert np.isfinite(result.decompose(large, form="components")[0, 1])


def test_numbers_that_are_not_finite_are_refused_everywhere_in_the_tensor():
    result = reduction("ij=ji")
    for i, j in product(range(3), repeat=2):
        array = np.eye(3)
        array[i, j] = np.nan
        with pytest.raises(ValueError, match="NaN or infinite"):
            result.decompose(array)


@pytest.mark.parametrize(
    ("form", "shape", "wanted"),
    [
        ("full", (3, 3, 3), "3 x 3 x 3 x 3"),
        ("full", (3, 3, 3, 6), "3 x 3 x 3 x 3"),
        ("full", (6, 6), "3 x 3 x 3 x 3"),
        ("voigt", (3, 3, 3, 3), "6 x 6"),
        ("mandel", (6,), "6 x 6"),
        ("components", (5, 20), "21"),
    ],
)
def test_wrong_shapes_are_refused(form, shape, wanted):
    result = reduction(ELASTIC)
    with pytest.raises(ValueError, match=f"in form '{form}' ends in the shape {wanted}, got") as e:
        result.decompose(np.zeros(shape), form=form)
    assert str(shape) in str(e.value)


def test_wrong_packed_length_is_refused():
    with pytest.raises(ValueError, match=r"end in the shape \(21,\), got \(4, 20\)"):
        reduction(ELASTIC).unpack(np.zeros((4, 20)))


def test_wrong_part_keys_are_refused():
    result = reduction(ELASTIC)
    known = r"its parts \(weight, copy\) are \(0, 0\), \(0, 1\), \(2, 0\), \(2, 1\), \(4, 0\)"
    with pytest.raises(KeyError, match=r"\(1, 0\) is not a part of ijkl=jikl=klij; " + known):
        result.reconstruct({(1, 0): np.zeros(3)})
    with pytest.raises(KeyError, match=r"\(0, 2\) is not a part"):
        result.reconstruct({(0, 0): 1.0, (0, 2): 1.0})
    with pytest.raises(KeyError, match="no part of ijkl=jikl=klij was given; " + known):
        result.reconstruct({})
    for method in (result.embedding, result.extraction):
        with pytest.raises(KeyError, match=r"\(2, 2\) is not a part of"):
            method(2, 2)
        with pytest.raises(KeyError, match="is not a part"):
            method(3)
        with pytest.raises(KeyError, match="is not a part"):
            method(2, -1)
    with pytest.raises(KeyError, match="is not a part"):
        result.part(np.zeros((3,) * 4), 3)


def test_wrong_part_shapes_are_refused():
    result = reduction(ELASTIC)
    with pytest.raises(ValueError, match=r"part \(2, 0\) ends in the shape \(3, 3\), got \(3,\)"):
        result.reconstruct({(2, 0): np.zeros(3)})
    with pytest.raises(ValueError, match=r"part \(0, 0\) has batch shape \(4,\) but .*\(5,\)"):
        result.reconstruct({(0, 0): np.zeros(4), (2, 0): np.zeros((5, 3, 3))})


def test_parts_left_out_count_as_zero():
    result = reduction(ELASTIC)
    parts = result.decompose(random_tensor(ELASTIC, rng(), (2,)))
    full = result.reconstruct(parts)
    pieces = [result.reconstruct({key: part}) for key, part in parts.items()]
    assert relative(sum(pieces), full) < PROMISE
    some = result.reconstruct({key: parts[key] for key in [(4, 0), (0, 1)]})
    assert relative(some, pieces[1] + pieces[4]) < PROMISE


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_parts_that_are_not_natural_are_refused_or_projected(library):
    result = reduction(ELASTIC)
    part = rng().standard_normal((2, 3, 3))
    part[1] += np.eye(3)[[1, 2, 0]]  # the worse one
    natural = (part + part.transpose(0, 2, 1)) / 2
    natural -= np.trace(natural, axis1=1, axis2=2)[:, None, None] * np.eye(3) / 3
    given_ = part if library == "numpy" else torch.from_numpy(part)
    with pytest.raises(SymmetryError, match=r"part \(2, 0\) of tensor 1 is not symmetric and trac"):
        result.reconstruct({(2, 0): given_})
    result.reconstruct({(2, 0): natural if library == "numpy" else torch.from_numpy(natural)})
    expected = result.reconstruct({(2, 0): natural})
    for invalid in ("project", "ignore"):
        found = result.reconstruct({(2, 0): given_}, invalid=invalid)
        assert relative(np.asarray(found), expected) < PROMISE


# --- packing, pieces, shares -----------------------------------------------------------------


@each_class
def test_packing_is_an_isometry(case):
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
def test_packing_does_not_depend_on_the_basis_and_lists_the_orthonormal_copies(case):
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
def test_parts_of_all_weights_add_up_and_are_orthogonal(case):
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
def test_shares_sum_to_one_and_are_the_squared_norms(case, per):
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
def test_share_of_the_zero_tensor_is_nan_without_a_warning(library):
    zero = np.zeros((2, 3, 3))
    zero[1] = np.eye(3)
    shares = reduction("ij=ji").fractions(zero if library == "numpy" else torch.from_numpy(zero))
    assert np.isnan(np.asarray(shares[0])).tolist() == [True, False]
    assert np.asarray(shares[0])[1] == pytest.approx(1, rel=20 * EPS)


def test_shares_are_per_weight_or_per_copy():
    with pytest.raises(ValueError, match="per='part' is not 'weight' or 'copy'"):
        reduction("ij=ji").fractions(np.eye(3), per="part")


def test_decomposition_is_linear():
    result = reduction(ELASTIC)
    a, b = random_tensor(ELASTIC, rng(), (2,))
    parts_a, parts_b, both = (result.decompose(t) for t in (a, b, 2 * a - 3 * b))
    for key in both:
        gap = np.abs(both[key] - 2 * parts_a[key] + 3 * parts_b[key]).max()
        assert gap <= 500 * EPS * np.abs(a).max()


# --- equivariance ------------------------------------------------------------------------------

ROTATED = [c for c in CLASSES if c.rank <= 5]
ROTATIONS = {
    "proper": Rotation.random(rng=3).as_matrix(),
    "improper": -Rotation.random(rng=4).as_matrix(),
    "inversion": -np.eye(3),
    "mirror": np.diag([1.0, -1.0, 1.0]),
}


@pytest.mark.parametrize("axial", [False, True], ids=["polar", "axial"])
@pytest.mark.parametrize("kind", list(ROTATIONS))
@pytest.mark.parametrize("case", ROTATED, ids=repr)
def test_parts_rotate_as_natural_tensors_with_their_parity(case, kind, axial):
    matrix = ROTATIONS[kind]
    result = reduction(case.symmetry, axial=axial)
    tensor = random_tensor(case.symmetry, rng())
    sign = round(np.linalg.det(matrix))
    turned = rotated(tensor, matrix, case.rank) * (sign if axial else 1)
    found = result.rotate(tensor, matrix)
    # each of `rank` contractions is a sum of three products; R is orthogonal to rounding
    tolerance = 100 * EPS * np.linalg.norm(tensor)
    assert np.abs(found - turned).max() <= tolerance
    packed, at = result.pack(tensor), 0
    fresh = result.pack(turned)
    parts = result.decompose(tensor)
    for (weight, copy), part in result.decompose(turned).items():
        # a natural tensor of weight l and parity p: (-1)^l p is the sign an inversion adds
        extra = sign if result.parity != (-1) ** weight else 1
        expected = rotated(parts[weight, copy], matrix, weight) * extra
        assert np.abs(part - expected).max() <= 3 * tolerance
        size = 2 * weight + 1
        expected = rotation(weight, matrix) @ packed[at : at + size] * extra
        assert np.abs(fresh[at : at + size] - expected).max() <= 3 * tolerance
        at += size
    shares, again = result.fractions(tensor), result.fractions(turned)
    assert all(abs(shares[weight] - again[weight]) <= 200 * EPS for weight in shares)


def test_rotation_by_a_right_angle_by_hand():
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x to y, y to -x
    vector = reduction("i")
    assert vector.rotate([1.0, 0, 0], quarter).tolist() == [0, 1, 0]
    assert reduction("i", axial=True).rotate([1.0, 0, 0], -np.eye(3)).tolist() == [1, 0, 0]
    strain = np.array([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    assert np.array_equal(reduction("ij=ji").rotate(strain, quarter), quarter @ strain @ quarter.T)


def test_rotate_takes_a_batch_and_both_libraries():
    result = reduction(ELASTIC)
    tensors = random_tensor(ELASTIC, rng(), (2, 3))
    matrix = Rotation.random(rng=1).as_matrix()
    found = result.rotate(tensors, matrix)
    for place in product(range(2), range(3)):
        single = result.rotate(tensors[place], matrix)
        assert np.abs(found[place] - single).max() <= 50 * EPS * np.abs(tensors).max()
    array = result.rotate(torch.from_numpy(tensors).float(), matrix)
    assert array.dtype == torch.float32
    assert np.abs(array.numpy() - found).max() <= 50 * EPS32 * np.abs(tensors).max()


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(2), r"a rotation is a 3x3 matrix, got shape \(2, 2\)"),
        (2 * np.eye(3), "differs from the identity by 3.00e"),
        (np.full((3, 3), np.nan), "differs from the identity by nan"),
    ],
)
def test_what_is_no_rotation_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        reduction("ij=ji").rotate(np.eye(3), matrix)


# --- PyTorch -----------------------------------------------------------------------------------

each_torch_type = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128], ids=str
)


@each_torch_type
def test_torch_tensors_keep_type_and_agree_with_numpy(dtype):
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


def test_conjugated_torch_tensors_are_read_and_checked():
    result = reduction(ELASTIC)
    array = random_tensor(ELASTIC, rng()) * (1 + 2j)
    tensor = torch.from_numpy(array)
    assert relative(result.pack(tensor.conj()).numpy(), result.pack(array.conj())) <= 50 * EPS
    array[0, 1, 2, 2] += 1
    with pytest.raises(SymmetryError, match="violates"):
        result.pack(torch.from_numpy(array).conj())


def test_torch_integers_become_float64():
    parts = reduction("ij=ji").decompose(torch.tensor([[1, 2, 3], [2, 4, 5], [3, 5, 9]]))
    assert parts[0, 0].dtype == torch.float64
    assert float(parts[0, 0]) == pytest.approx(14 / 3, rel=4 * EPS)


def test_torch_tensors_stay_on_their_device():
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
def test_torch_tensors_on_an_accelerator():
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
def test_gradients_flow_through_every_step(basis):
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


def test_gradients_flow_through_the_checks():
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


def run_python(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torch_is_not_imported_unless_an_argument_is_a_torch_tensor():
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


# --- at random -------------------------------------------------------------------------------


@cache
def dimension_of(text):
    group = group_of(text)
    return sum(sign * 3 ** len(cycles(slots)) for slots, sign in group) // len(group)


@settings(max_examples=60)
@given(signed_strings(), st.integers(0, 2**32 - 1))
def test_random_symmetries_symmetrize_by_the_group_average(text, seed):
    assume(dimension_of(text))
    result = reduction(text)
    array = rng(seed).standard_normal((2, *(3,) * result.rank))
    group = group_of(text)
    expected = averaged(array, group, result.rank) / len(group)
    size = np.abs(array).max()
    found = result.symmetrize(array)
    # a mean of at most 120 numbers
    assert np.abs(found - expected).max() <= 120 * EPS * size
    assert np.abs(result.symmetrize(found) - found).max() <= 120 * EPS * size


@settings(max_examples=60)
@given(signed_strings(), st.integers(0, 2**32 - 1), st.sampled_from(BASES), st.booleans())
def test_random_symmetries_make_the_round_trip(text, seed, basis, axial):
    assume(dimension_of(text))
    result = reduction(text, basis=basis, axial=axial)
    tensor = random_tensor(text, rng(seed))
    assume(np.abs(tensor).max() > 0.01)
    parts = result.decompose(tensor)
    assert relative(result.reconstruct(parts), tensor) < PROMISE
    packed = result.pack(tensor)
    assert packed.shape == (dimension_of(text),)
    assert np.linalg.norm(packed) == pytest.approx(np.linalg.norm(tensor), rel=200 * EPS)
    assert relative(result.unpack(packed), tensor) < PROMISE


@settings(max_examples=40)
@given(signed_strings(highest_rank=4), st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_random_symmetries_are_equivariant(text, seed, axial, inverted):
    assume(dimension_of(text))
    result = reduction(text, axial=axial)
    tensor = random_tensor(text, rng(seed))
    matrix = Rotation.random(rng=seed).as_matrix() * (-1 if inverted else 1)
    turned = result.decompose(result.rotate(tensor, matrix))
    for (weight, copy), part in result.decompose(tensor).items():
        extra = -1 if inverted and result.parity != (-1) ** weight else 1
        expected = rotated(part, matrix, weight) * extra
        gap = np.abs(turned[weight, copy] - expected).max()
        assert gap <= 300 * EPS * np.linalg.norm(tensor)


@pytest.mark.parametrize("case", [FOURTH], ids=repr)
def test_full_rank_8_tensors_go_through(case):
    result = reduction(case.symmetry)
    components = rng().standard_normal(case.components)
    tensor = result.convert(components, source="components", target="full")
    assert tensor.shape == (3,) * 8
    parts = result.decompose(tensor)
    assert relative(result.reconstruct(parts), tensor) < PROMISE
    assert np.linalg.norm(result.pack(tensor)) == pytest.approx(
        np.linalg.norm(tensor), rel=500 * EPS
    )


def test_packed_shapes_and_matrix_forms_are_checked():
    with pytest.raises(ValueError, match=r"packed coordinates of .* end in the shape \(21,\)"):
        reduction("elastic").unpack(np.zeros(20))
    for convert in (to_voigt, from_voigt):
        with pytest.raises(ValueError, match="form 'full' is not one of 'voigt'"):
            convert(np.zeros((6, 6)), form="full")


def test_reductions_are_equal_by_class_and_basis():
    assert reduction("elastic") == reduction(ELASTIC)
    assert hash(reduction("elastic")) == hash(reduction(ELASTIC))
    assert reduction("elastic") != reduction("elastic", basis="orthonormal")
    assert reduction("elastic") != "elastic"
