"""What numeric methods refuse: violations, bad numbers, bad shapes."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
import torch

from natural_tensors import (
    Form,
    SymmetryError,
    reduction,
)
from natural_tensors.arrays import Floats
from natural_tensors.decomposition.application import Invalid
from tests.helpers.numbers import ELASTIC, EPS, PROMISE, relative, rng
from tests.helpers.oracles import (
    random_tensor,
)


def test_violation_is_refused_with_its_size_and_place() -> None:
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
        match = re.search(r": ([\d.e+-]+) of its norm \(allowed 1.5e-08\)", message)
        assert match is not None
        size = float(match[1])
        assert size == pytest.approx(excess, rel=0.06)  # printed with two digits
        assert "the entry (0, 1, 2, 2) of form 'full' is off by 0.25;" in message
        assert "invalid='project'" in message


def test_violation_is_found_in_any_tensor_of_a_long_batch() -> None:
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
def test_violation_is_seen_at_any_scale(scale: float, dtype: type[np.floating]) -> None:
    # third-order susceptibilities in SI units are near 1e-22
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng())
    result.decompose((tensor * scale).astype(dtype))
    tensor[0, 1, 2, 2] += 1
    with pytest.raises(SymmetryError, match="violates"):
        result.decompose((tensor * scale).astype(dtype))


@each_scale
def test_shares_are_found_at_any_scale(scale: float, dtype: type[np.floating]) -> None:
    result = reduction(ELASTIC)
    tensor = random_tensor(ELASTIC, rng())
    shares = result.fractions((tensor * scale).astype(dtype))
    for weight, share in result.fractions(tensor).items():
        assert abs(shares[weight] - share) <= 200 * np.finfo(dtype).eps


@pytest.mark.parametrize("form", ["full", "voigt", "mandel"])
def test_violation_is_refused_in_every_form(form: Form) -> None:
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


def test_rounding_is_no_violation_and_small_violations_are_seen() -> None:
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


def test_tensor_that_must_vanish_is_refused_where_it_does_not() -> None:
    with pytest.raises(SymmetryError, match=r"violates ij=-ji: 1.0e\+00 of .*the entry \(1, 1\)"):
        reduction("ij=-ji").decompose(np.diag([0.0, 2.0, 0.0]))


def test_project_takes_the_nearest_tensor_and_ignore_reads_the_independent_components() -> None:
    result = reduction("ij=ji")
    array = rng().standard_normal((3, 3))
    mean = (array + array.T) / 2
    upper = np.triu(array) + np.triu(array, 1).T
    cases: list[tuple[Invalid, Floats]] = [("project", mean), ("ignore", upper)]
    for invalid, expected in cases:
        parts = result.decompose(array, invalid=invalid)
        assert relative(result.reconstruct(parts), expected) < PROMISE
        packed = result.pack(array, invalid=invalid)
        assert relative(result.unpack(packed), expected) < PROMISE
    with pytest.raises(
        ValueError, match="invalid='fix' is not one of 'raise', 'project', 'ignore'"
    ):
        result.decompose(array, invalid="fix")  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["full", "voigt", "mandel", "voigt-compliance"])
def test_projection_in_a_voigt_form_is_that_of_the_full_tensor(form: Form) -> None:
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
def test_numbers_that_are_not_finite_are_refused(bad: float, library: str, form: Form) -> None:
    result = reduction(ELASTIC)
    shown = result.convert(random_tensor(ELASTIC, rng(), (3,)), target=form)
    flat = shown.reshape(3, -1)
    flat[1, 0] = bad
    array = shown if library == "numpy" else torch.from_numpy(shown)
    with pytest.raises(ValueError, match="tensor 1 holds a number that is NaN or infinite"):
        result.decompose(array, form=form)
    with pytest.raises(ValueError, match="NaN or infinite"):
        result.pack(array, form=form)


def test_opposite_infinities_are_refused_and_large_numbers_are_not() -> None:
    result = reduction(ELASTIC)
    components = np.ones(21)
    components[:2] = np.inf, -np.inf
    with pytest.raises(ValueError, match="NaN or infinite"):
        result.pack(components, form="components")
    large = np.full(21, 1e307)  # finite, though their sum is not
    large[1::2] *= -0.5
    assert np.isfinite(result.decompose(large, form="components")[0, 1])


def test_numbers_that_are_not_finite_are_refused_everywhere_in_the_tensor() -> None:
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
def test_wrong_shapes_are_refused(form: Form, shape: tuple[int, ...], wanted: str) -> None:
    result = reduction(ELASTIC)
    with pytest.raises(ValueError, match=f"in form '{form}' ends in the shape {wanted}, got") as e:
        result.decompose(np.zeros(shape), form=form)
    assert str(shape) in str(e.value)


def test_wrong_packed_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"end in the shape \(21,\), got \(4, 20\)"):
        reduction(ELASTIC).unpack(np.zeros((4, 20)))


def test_wrong_part_keys_are_refused() -> None:
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


def test_wrong_part_shapes_are_refused() -> None:
    result = reduction(ELASTIC)
    with pytest.raises(ValueError, match=r"part \(2, 0\) ends in the shape \(3, 3\), got \(3,\)"):
        result.reconstruct({(2, 0): np.zeros(3)})
    with pytest.raises(ValueError, match=r"part \(0, 0\) has batch shape \(4,\) but .*\(5,\)"):
        result.reconstruct({(0, 0): np.zeros(4), (2, 0): np.zeros((5, 3, 3))})


def test_parts_left_out_count_as_zero() -> None:
    result = reduction(ELASTIC)
    parts = result.decompose(random_tensor(ELASTIC, rng(), (2,)))
    full = result.reconstruct(parts)
    pieces = [result.reconstruct({key: part}) for key, part in parts.items()]
    assert relative(sum(pieces), full) < PROMISE
    some = result.reconstruct({key: parts[key] for key in [(4, 0), (0, 1)]})
    assert relative(some, pieces[1] + pieces[4]) < PROMISE


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_parts_that_are_not_natural_are_refused_or_projected(library: str) -> None:
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
