"""Errors of predictions against plain computations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import natural_tensors as nt
from carnet_model.evaluation.errors import elastic_errors, tensor_errors
from carnet_model.evaluation.scores import ErrorTable, Score
from natural_tensors import elasticity
from tests.helpers.predicted_stiffnesses import GUESS, SYSTEMS, TRUTH

# --- elastic errors ----------------------------------------------------------------------------


def test_elastic_errors_are_what_they_say() -> None:
    table = elastic_errors(GUESS, TRUTH, draws=20)
    entries = np.array([
        np.mean([abs(p[i, j] - r[i, j]) for i in range(6) for j in range(6)])
        for p, r in zip(GUESS, TRUTH, strict=True)
    ])  # fmt: skip
    assert table["component_mae"].value == pytest.approx(entries.mean())
    assert table["component_median"].value == pytest.approx(np.median(entries))
    ours, theirs = elasticity.moduli(GUESS), elasticity.moduli(TRUTH)
    for name in ("bulk", "shear", "youngs"):
        p, r = getattr(ours, f"{name}_hill"), getattr(theirs, f"{name}_hill")
        assert table[f"{name}_mae"].value == pytest.approx(np.abs(p - r).mean())
        assert table[f"{name}_median"].value == pytest.approx(np.median(np.abs(p - r)))
        r2 = 1 - ((p - r) ** 2).mean() / r.var()
        assert table[f"{name}_r2"].value == pytest.approx(r2)
    full, other = nt.from_voigt(GUESS), nt.from_voigt(TRUTH)
    size = np.linalg.norm(other.reshape(len(other), -1), axis=1)
    distance = np.linalg.norm((full - other).reshape(len(other), -1), axis=1)
    assert table["frobenius_median"].value == pytest.approx(np.median(distance / size))
    assert table["not_positive"].value == (np.linalg.eigvalsh(GUESS)[:, 0] <= 0).sum()
    assert table["undefined"].value == 0
    assert all(score.count == len(TRUTH) for score in table.scores)


def test_a_perfect_prediction() -> None:
    table = elastic_errors(TRUTH, TRUTH, draws=20)
    for score in table.scores:
        assert score.value == (1 if score.name.endswith("r2") else 0)
        assert score.error == 0


def test_groups_are_tables_of_their_own() -> None:
    table = elastic_errors(GUESS, TRUTH, SYSTEMS, draws=20)
    assert sum(table.counts.values()) == table.count == len(TRUTH)
    assert list(table.counts) == sorted(set(SYSTEMS))
    cubic = np.array(SYSTEMS) == "cubic"
    alone = elastic_errors(GUESS[cubic], TRUTH[cubic], draws=20)
    assert table.groups["cubic"] == alone.scores
    assert table.within("cubic", "bulk_mae") == alone["bulk_mae"]
    heads = list(table.columns)
    assert heads[:2] == [f"all ({len(TRUTH)})", f"cubic ({cubic.sum()})"]
    assert table.columns[heads[1]] == alone.scores


def test_singular_predictions_are_counted_and_left_out_of_moduli() -> None:
    guess = GUESS.copy()
    guess[3] = 0
    guess[5, 3, 3] = guess[5, 4, 4] = -20.0
    table = elastic_errors(guess, TRUTH, draws=20)
    others = np.delete(np.arange(len(TRUTH)), 3)
    expected = elastic_errors(guess[others], TRUTH[others], draws=20)
    assert table["undefined"].value == 1
    before = elastic_errors(GUESS, TRUTH, draws=2)["not_positive"].value
    assert table["not_positive"].value == before + 2
    assert table["bulk_mae"] == expected["bulk_mae"]
    assert table["bulk_mae"].count == len(TRUTH) - 1
    assert table["component_mae"].count == len(TRUTH)


def test_one_crystal_has_no_standard_error() -> None:
    table = elastic_errors(GUESS[:1], TRUTH[:1])
    assert np.isnan(table["bulk_mae"].error)
    assert np.isnan(table["bulk_r2"].value)


# --- any tensor --------------------------------------------------------------------------------


def test_tensor_errors() -> None:
    generator = np.random.default_rng(1)
    truth = generator.normal(size=(30, 3, 3, 3))
    truth[4] = 0  # as a piezoelectric tensor with inversion
    guess = truth + 0.1 * generator.normal(size=truth.shape)
    table = tensor_errors(guess, truth, ["a", "b"] * 15, unit="C/m^2", draws=50)
    distance = np.linalg.norm((guess - truth).reshape(30, 27), axis=1)
    size = np.linalg.norm(truth.reshape(30, 27), axis=1)
    keep = size > 0
    assert table["component_mae"].value == pytest.approx(np.abs(guess - truth).mean())
    assert table["component_mae"].unit == "C/m^2"
    assert table["frobenius_mean"].value == pytest.approx(distance.mean())
    assert table["frobenius_ratio"].value == pytest.approx(distance.mean() / size.mean())
    assert table["frobenius_median"].value == pytest.approx(np.median((distance / size.clip(1e-9))
                                                                      [keep]))  # fmt: skip
    assert table["frobenius_median"].count == 29
    assert set(table.groups) == {"a", "b"}


def test_tensor_errors_do_not_depend_on_an_isometric_form() -> None:
    elastic = nt.reduction("elastic")
    tables = [
        tensor_errors(*arrays, draws=10)
        for arrays in (
            (nt.from_voigt(GUESS), nt.from_voigt(TRUTH)),
            (elasticity.mandel(GUESS), elasticity.mandel(TRUTH)),
            (elastic.pack(GUESS, form="voigt"), elastic.pack(TRUTH, form="voigt")),
        )
    ]
    expected = elastic_errors(GUESS, TRUTH, draws=10)["frobenius_median"].value
    for table in tables:
        assert table["frobenius_median"].value == pytest.approx(expected)
        assert table["frobenius_mean"].value == pytest.approx(tables[0]["frobenius_mean"].value)


def test_scalars_and_zero_references() -> None:
    table = tensor_errors([1.0, 2.0], [0.0, 0.0], draws=10)
    assert table["component_mae"].value == 1.5
    assert np.isnan(table["frobenius_ratio"].value)
    assert table["frobenius_median"].count == 0


# --- misuse --------------------------------------------------------------------------------------

LAME = np.where(np.isclose(TRUTH, TRUTH.max()), np.nan, TRUTH)
ASKEW = TRUTH + 10 * np.triu(np.ones((6, 6)), 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: elastic_errors(TRUTH[:3], TRUTH), ValueError, "predicted has shape"),
        (lambda: elastic_errors(TRUTH, LAME), ValueError, "reference: stiffness .* NaN"),
        (lambda: elastic_errors(ASKEW, TRUTH), nt.SymmetryError, "predicted: stiffness 0"),
        (lambda: elastic_errors(TRUTH[0], TRUTH[0]), ValueError, r"\(crystals, 6, 6\)"),
        (lambda: elastic_errors(TRUTH[:0], TRUTH[:0]), ValueError, "got no crystals"),
        (lambda: elastic_errors(TRUTH, TRUTH, ["cubic"]), ValueError, "1 names for"),
        (lambda: elastic_errors(TRUTH, TRUTH, draws=1), ValueError, "2 draws or more"),
        (lambda: elastic_errors(TRUTH, TRUTH, draws=2)["bulk"], KeyError, "bulk_mae"),
        (
            lambda: elastic_errors(TRUTH, TRUTH, draws=2).within("cubic", "bulk_mae"),
            KeyError,
            "pass groups=",
        ),
        (lambda: tensor_errors([[np.inf]], [[0.0]]), ValueError, "predicted holds"),
        (lambda: tensor_errors(1.0, 1.0), ValueError, "single number"),
    ],
)
def test_errors_name_what_came_and_what_to_do(
    call: Callable[[], ErrorTable | Score], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
