"""Which tensor the numbers of a file are, and in which form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import natural_tensors as nt
from natural_tensors.files import recognition
from natural_tensors.files.records import TensorRecord
from natural_tensors.files.saving import FileError

RANDOM = np.random.default_rng(7)


pytestmark = pytest.mark.usefixtures("own_folder")


def record(values: Any, **stated: Any) -> TensorRecord:
    return TensorRecord("file", np.asarray(values, dtype=np.float64), **stated)


@pytest.mark.parametrize(
    ("shape", "symmetric", "expected"),
    [
        ((6, 6), False, "elastic"),
        ((5, 6, 6), False, "elastic"),
        ((21,), False, "elastic"),
        ((3, 3, 3, 3), False, "elastic"),
        ((3, 6), False, "piezoelectric-stress"),
        ((4, 3, 6), False, "piezoelectric-stress"),
        ((3, 3), True, "dielectric"),
        ((2, 3, 3), True, "dielectric"),
        ((3, 3), False, "ij"),
    ],
)
def test_the_class_that_a_shape_suggests(
    shape: tuple[int, ...], symmetric: bool, expected: str
) -> None:
    values = RANDOM.normal(size=shape)
    if symmetric:
        values = values + values.swapaxes(-1, -2)
    assert recognition.guess_class(record(values)) == expected


@pytest.mark.parametrize(
    "shape", [(), (3,), (6,), (5,), (3, 3, 3), (6, 6, 6), (3, 6, 6), (4, 2, 3, 3), (9, 9)]
)
def test_a_shape_that_suggests_several_classes_is_not_guessed(shape: tuple[int, ...]) -> None:
    with pytest.raises(FileError, match=r"does not say what tensor it is\n.*--tensor"):
        recognition.guess_class(record(np.ones(shape)))


@pytest.mark.parametrize(
    ("name", "shape", "form"),
    [
        ("elastic", (6, 6), "voigt"),
        ("elastic", (3, 3, 3, 3), "full"),
        ("elastic", (7, 21), "components"),
        ("compliance", (6, 6), "voigt-compliance"),
        ("piezoelectric", (2, 5, 3, 6), "voigt-compliance"),
        ("piezoelectric-stress", (3, 6), "voigt"),
        ("strain", (6,), "voigt-compliance"),
        ("stress", (6,), "voigt"),
        ("stress", (3, 6), "voigt"),
        ("born-charge", (3, 3), "full"),
        ("born-charge", (9,), "components"),
        ("third-order-elastic", (6, 6, 6), "voigt"),
        ("energy", (4, 5), "full"),
    ],
)
def test_the_form_that_fits(name: str, shape: tuple[int, ...], form: str) -> None:
    assert recognition.choose_form(nt.reduction(name), record(np.ones(shape)), None) == form


def test_a_form_that_is_stated_is_used() -> None:
    target, values = nt.reduction("elastic"), np.ones((6, 6))
    assert recognition.choose_form(target, record(values, form="mandel"), None) == "mandel"
    assert recognition.choose_form(target, record(values, form="mandel"), "voigt") == "voigt"
    with pytest.raises(FileError, match=r"axes: 3 x 3 x 3 x 3 \(full\)"):
        recognition.choose_form(target, record(values), "full")


UNSETTLED = [name for name, entry in nt.catalog.items() if entry.voigt_form is None]


@pytest.mark.parametrize("name", UNSETTLED)
def test_factors_on_which_tables_disagree_are_asked_for(name: str) -> None:
    target = nt.reduction(name)
    shape = target.components.layout("voigt").shape
    with pytest.raises(FileError, match=f"Voigt matrix of {name}\n.*--form voigt"):
        recognition.choose_form(target, record(np.ones(shape)), None)
    assert recognition.choose_form(target, record(np.ones(shape)), "mandel") == "mandel"


def test_an_array_that_fits_no_form() -> None:
    with pytest.raises(FileError) as caught:
        recognition.choose_form(nt.reduction("elastic"), record(np.ones((6, 5))), None)
    assert str(caught.value).splitlines() == [
        "file: an array of shape 6 x 5 is no elastic tensor",
        "allowed, after any batch axes: 3 x 3 x 3 x 3 (full); 21 (components); "
        "6 x 6 (voigt, voigt-compliance, mandel)",
        "choose the class with --tensor or --symmetry, the form with --form",
    ]
