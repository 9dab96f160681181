"""Voigt, Mandel and component forms against explicit loops."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
import torch

from natural_tensors import (
    Form,
    Reduction,
    SymmetryError,
    from_voigt,
    reduction,
    to_voigt,
)
from tests.helpers.numbers import ELASTIC, EPS, PIEZO, each_class, rng
from tests.helpers.oracles import (
    Array,
    Case,
    group_of,
    random_tensor,
)

VOIGT_PAIRS = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]


FACTORS = {"voigt": 1.0, "voigt-compliance": 2.0, "mandel": 2**0.5}


def voigt_by_loops(tensor: Array, form: Form, legs: tuple[int, ...]) -> Array:
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
def test_voigt_forms_are_the_explicit_loops(
    symmetry: str, legs: tuple[int, ...], form: Form
) -> None:
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
def test_every_method_takes_and_gives_every_form(
    symmetry: str, legs: tuple[int, ...], form: Form
) -> None:
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
def test_components_are_the_entries_their_labels_name(case: Case) -> None:
    result = reduction(case.symmetry)
    tensor = random_tensor(case.symmetry, rng())
    components = result.convert(tensor, target="components")
    labels = result.components.labels
    assert len(set(labels)) == len(labels) == case.components == len(components)
    for label, value in zip(labels, components, strict=True):
        assert value == tensor[tuple("xyz".index(letter) for letter in label)]
    full = result.convert(components, source="components", target="full")
    assert np.array_equal(full, _from_representatives(result, tensor))


def _from_representatives(result: Reduction, tensor: Array) -> Array:
    """Rebuild a tensor from its independent components by walking the group."""
    full = np.zeros_like(tensor)
    for label in result.components.labels:
        index = tuple("xyz".index(letter) for letter in label)
        for slots, sign in group_of(str(result.symmetry)):
            full[tuple(index[slot] for slot in slots)] = sign * tensor[index]
    return full


def test_elastic_components_are_the_upper_triangle_and_piezoelectric_ones_the_matrix() -> None:
    upper = [VOIGT_PAIRS[a] + VOIGT_PAIRS[b] for a in range(6) for b in range(a, 6)]
    names = tuple("".join("xyz"[i] for i in index) for index in upper)
    assert reduction(ELASTIC).components.labels == names
    matrix = [(i, *VOIGT_PAIRS[b]) for i in range(3) for b in range(6)]
    names = tuple("".join("xyz"[i] for i in index) for index in matrix)
    assert reduction(PIEZO).components.labels == names


def test_mandel_form_makes_products_of_tensors_products_of_matrices() -> None:
    symmetry = "ijkl=jikl=ijlk"
    a, b = (random_tensor(symmetry, rng(seed)) for seed in (1, 2))
    product_ = np.einsum("ijmn,mnkl->ijkl", a, b)
    mandel = [to_voigt(t, form="mandel") for t in (a, b, product_)]
    assert np.abs(mandel[0] @ mandel[1] - mandel[2]).max() <= 100 * EPS * np.abs(product_).max()
    assert np.linalg.norm(mandel[0]) == pytest.approx(np.linalg.norm(a), rel=40 * EPS)


def test_stiffness_and_compliance_forms_are_inverse_matrices() -> None:
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
def test_bare_voigt_functions_recognize_the_shape(
    symmetry: str, legs: tuple[int, ...], form: Form
) -> None:
    tensor = random_tensor(symmetry, rng(8))
    matrix = to_voigt(tensor, form=form)
    expected = voigt_by_loops(tensor, form, legs)
    assert np.abs(matrix - expected).max() <= 4 * EPS * np.abs(expected).max()
    assert np.abs(from_voigt(matrix, form=form) - tensor).max() <= 8 * EPS * np.abs(tensor).max()


def test_bare_voigt_functions_take_batches_and_symmetries() -> None:
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
def test_bare_voigt_functions_say_what_shape_they_need(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(f"shape {shape} does not end in (3, 3)")):
        to_voigt(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (5, 6), (4, 4), ()], ids=str)
def test_bare_from_voigt_says_what_shape_it_needs(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(f"shape {shape} does not end in (6, 6)")):
        from_voigt(np.zeros(shape))


def test_bare_voigt_functions_refuse_what_is_not_symmetric() -> None:
    with pytest.raises(SymmetryError, match="violates ij=ji"):
        to_voigt(np.arange(9.0).reshape(3, 3))
    skew = rng().standard_normal((6, 6))
    assert from_voigt(skew).shape == (3, 3, 3, 3)  # major symmetry is not assumed
    with pytest.raises(SymmetryError, match="violates"):
        from_voigt(skew, symmetry="elastic")


def test_forms_without_pairs_are_refused() -> None:
    with pytest.raises(SymmetryError, match="joins symmetric index pairs and this class has none"):
        reduction("ij").convert(np.eye(3), target="voigt")
    with pytest.raises(SymmetryError, match="'mandel'"):
        reduction("ij=-ji").decompose(np.zeros(6), form="mandel")
    with pytest.raises(ValueError, match="form 'matrix' is not one of 'full', 'components'"):
        reduction("ij=ji").decompose(np.eye(3), form="matrix")  # type: ignore[arg-type]
