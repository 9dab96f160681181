"""Labels: forms, units, index symmetry, and rules of weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from carnet_model.data.examples import DatasetError
from carnet_model.data.labels import LabelSource, WeightRule
from natural_tensors import reduction
from tests.helpers.copper import (
    ELASTIC,
    FULL,
    STIFFNESS,
    UPPER,
)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("upper", UPPER),
        ("voigt", STIFFNESS),
        ("voigt", STIFFNESS.ravel()),
        ("full", FULL),
        ("full", FULL.ravel()),
        ("components", UPPER),
        ("mandel", np.asarray(reduction("elastic").convert(FULL, target="mandel"))),
    ],
)
def test_every_form_gives_the_full_tensor(form: Any, value: Any) -> None:
    assert np.allclose(LabelSource("elastic", form=form).read(value, "x"), FULL)


def test_rank_two_and_three_have_forms_too() -> None:
    matrix = np.array([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    for form, value in (
        ("full", matrix), ("voigt", [1, 4, 6, 5, 3, 2]), ("upper", [1, 2, 3, 4, 5, 6]),
    ):  # fmt: skip
        assert np.allclose(LabelSource("dielectric", form=form).read(value, "x"), matrix)  # type: ignore[arg-type]
    piezo = np.arange(18.0).reshape(3, 6)
    read = LabelSource("piezoelectric-stress", form="voigt").read(piezo, "x")
    assert read.shape == (3, 3, 3)
    assert read[0, 1, 2] == read[0, 2, 1] == piezo[0, 3]
    with pytest.raises(DatasetError, match="square matrix"):
        LabelSource("piezoelectric-stress", form="upper")
    general = np.arange(9.0).reshape(3, 3)
    assert np.array_equal(LabelSource("mine", symmetry="ij").read(general, "x"), general)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("GPa", 1), ("Pa", 1e-9), ("kbar", 0.1), ("eV/A^3", 160.21766), ("", 1), ("Mbar", 100)],
)
def test_stiffness_is_kept_in_gpa(unit: str, factor: float) -> None:
    source = LabelSource("elastic", form="full", unit=unit)
    assert source.unit_kept == "GPa"
    assert np.allclose(source.read(FULL / factor, "x"), FULL, rtol=1e-7)


@pytest.mark.parametrize("size", [1.0, 1e-8, 1e8])
def test_the_index_symmetry_may_be_missed_by_two_hundredths(size: float) -> None:
    """Of the norm; what is within it is made symmetric."""
    symmetric, skew = np.eye(3), np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 0]])

    def matrix(share: float) -> np.ndarray:
        length = np.sqrt(3) * share / np.sqrt(1 - share**2)  # |skew| / |matrix| = share
        return np.asarray(size * (symmetric + length / np.sqrt(2) * skew))

    source = LabelSource("dielectric", form="full")
    assert np.allclose(source.read(matrix(0.0199), "x"), size * symmetric, rtol=1e-12)
    with pytest.raises(DatasetError, match=r"0\.02 of its norm, more than 0\.02"):
        source.read(matrix(0.0201), "x")
    wide = LabelSource("dielectric", form="full", tolerance=0.3)
    assert np.allclose(wide.read(matrix(0.299), "x"), size * symmetric, rtol=1e-12)
    with pytest.raises(DatasetError, match=r"more than 0\.3"):
        wide.read(matrix(0.301), "x")


def test_units_that_cannot_be_converted_are_refused() -> None:
    with pytest.raises(DatasetError, match="unit 'psi' is unknown\nallowed: GPa, Pa"):
        LabelSource("elastic", unit="psi")
    with pytest.raises(DatasetError, match=r"allowed: C/m\^2; or leave the unit out"):
        LabelSource("piezoelectric-stress", unit="e/A^2")
    assert LabelSource("piezoelectric-stress", unit="C/m^2").factor == 1
    assert LabelSource("K_VRH", form="scalar", unit="kbar").read(1000, "x") == 100
    assert LabelSource("gap", form="scalar", unit="eV").unit_kept == "eV"


def test_bad_sources_are_refused_at_once() -> None:
    with pytest.raises(DatasetError, match="allowed: full, components"):
        LabelSource("elastic", form="lower")  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="elastik"):
        LabelSource("elastik")
    with pytest.raises(DatasetError, match="choose another form"):
        LabelSource("mine", symmetry="ij", form="voigt")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (UPPER[:-1], r"shape \(20,\); form 'upper' needs \(21,\)"),
        ([float("nan")] * 21, "not finite"),
        ("text", "no table of numbers"),
    ],
)
def test_labels_of_the_wrong_kind_are_refused(value: Any, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        ELASTIC.read(value, "x")


def test_a_tensor_must_have_its_index_symmetry() -> None:
    source = LabelSource("elastic", form="voigt")
    noisy = STIFFNESS.copy()
    noisy[0, 1] += 1
    assert np.allclose(source.read(noisy, "x")[0, 0, 1, 1], 120.5)
    noisy[0, 1] += 100
    with pytest.raises(DatasetError, match="record 7: elastic violates its index symmetry"):
        source.read(noisy, "record 7")


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({"suspect": True}, True),
        ({"suspect": False}, False),
        ({"agrees": True}, False),
        ({"agrees": False}, True),
        ({"absent": False}, True),
        ({"source": "a"}, True),
        ({"source": ["b", "a"]}, True),
        ({"source": "a", "suspect": False}, False),
        ({"n": 3}, True),
    ],
)
def test_rules_compare_with_notes(when: dict[str, Any], matches: bool) -> None:
    notes = {"suspect": ["K/G"], "agrees": False, "source": "a", "n": 3}
    assert WeightRule(when, 0.5).matches(notes) is matches


def test_rules_ask_for_one_of_their_elements() -> None:
    rule = WeightRule({"n": 3}, 2.0, elements=("O", "F"))
    assert rule.matches({"n": 3}, [12, 8])
    assert not rule.matches({"n": 3}, [12, 16])
    assert not rule.matches({"n": 4}, [8])
