"""Errors, their standard errors, baselines and rankings against plain computations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import natural_tensors as nt
from carnet_model.evaluation import baselines, errors, ranking, scores
from natural_tensors import elasticity, examples

CRYSTALS = [examples.load(name) for name in examples.names()]
CRYSTALS = [crystal for crystal in CRYSTALS if crystal.tensor == "elastic"]
TRUTH = np.array([crystal.values for crystal in CRYSTALS])
SYSTEMS = [crystal.crystal_system for crystal in CRYSTALS]


def guessed(seed: int = 0) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(size=TRUTH.shape)
    return TRUTH * 1.1 + noise + noise.swapaxes(1, 2)


GUESS = guessed()


# --- elastic errors ----------------------------------------------------------------------------


def test_elastic_errors_are_what_they_say() -> None:
    table = errors.elastic_errors(GUESS, TRUTH, draws=20)
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
    table = errors.elastic_errors(TRUTH, TRUTH, draws=20)
    for score in table.scores:
        assert score.value == (1 if score.name.endswith("r2") else 0)
        assert score.error == 0


def test_groups_are_tables_of_their_own() -> None:
    table = errors.elastic_errors(GUESS, TRUTH, SYSTEMS, draws=20)
    assert sum(table.counts.values()) == table.count == len(TRUTH)
    assert list(table.counts) == sorted(set(SYSTEMS))
    cubic = np.array(SYSTEMS) == "cubic"
    alone = errors.elastic_errors(GUESS[cubic], TRUTH[cubic], draws=20)
    assert table.groups["cubic"] == alone.scores
    assert table.within("cubic", "bulk_mae") == alone["bulk_mae"]
    heads = table.header()
    assert heads[:3] == ("", f"all ({len(TRUTH)})", f"cubic ({cubic.sum()})")
    assert all(len(row) == len(heads) for row in table.rows())
    assert str(table).splitlines()[1].startswith("component_mae [GPa]")


def test_singular_predictions_are_counted_and_left_out_of_moduli() -> None:
    guess = GUESS.copy()
    guess[3] = 0
    guess[5, 3, 3] = guess[5, 4, 4] = -20.0
    table = errors.elastic_errors(guess, TRUTH, draws=20)
    others = np.delete(np.arange(len(TRUTH)), 3)
    expected = errors.elastic_errors(guess[others], TRUTH[others], draws=20)
    assert table["undefined"].value == 1
    before = errors.elastic_errors(GUESS, TRUTH, draws=2)["not_positive"].value
    assert table["not_positive"].value == before + 2
    assert table["bulk_mae"] == expected["bulk_mae"]
    assert table["bulk_mae"].count == len(TRUTH) - 1
    assert table["component_mae"].count == len(TRUTH)


def test_one_crystal_has_no_standard_error() -> None:
    table = errors.elastic_errors(GUESS[:1], TRUTH[:1])
    assert np.isnan(table["bulk_mae"].error)
    assert "±" not in str(table["bulk_mae"])
    assert str(table["bulk_r2"]) == "-"


# --- standard errors ---------------------------------------------------------------------------


def test_the_bootstrap_finds_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(5).normal(3, 2, size=400)
    error = scores.bootstrap(scores.mean, values[None], draws=4000)
    assert error == pytest.approx(values.std() / 20, rel=0.05)
    scipy_error = scipy.stats.bootstrap(
        (values,), np.median, n_resamples=2000, method="percentile", rng=0
    ).standard_error
    assert scores.bootstrap(scores.median, values[None], draws=2000) == pytest.approx(
        scipy_error, rel=0.1
    )


def test_the_bootstrap_is_the_same_every_time_and_whatever_the_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = errors.elastic_errors(GUESS, TRUTH, draws=50, seed=3)
    assert table == errors.elastic_errors(GUESS, TRUTH, draws=50, seed=3)
    assert table != errors.elastic_errors(GUESS, TRUTH, draws=50, seed=4)
    monkeypatch.setattr(scores, "CHUNK", 7 * len(TRUTH))
    assert table == errors.elastic_errors(GUESS, TRUTH, draws=50, seed=3)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (12.3456, 0.417, "12.35 ± 0.42"),
        (123.4, 23.0, "123 ± 23"),
        (0.51234, 0.00012, "0.5123 ± 0.0001"),
        (0.0, 0.0, "0"),
        (3.0, np.nan, "3"),
        (np.nan, np.nan, "-"),
    ],
)
def test_scores_print_two_digits_of_their_error(value: float, error: float, text: str) -> None:
    score = scores.Score("bulk_mae", "GPa", value, error, 10)
    assert str(score) == text
    assert score.label == "bulk_mae [GPa]"


# --- any tensor --------------------------------------------------------------------------------


def test_tensor_errors() -> None:
    generator = np.random.default_rng(1)
    truth = generator.normal(size=(30, 3, 3, 3))
    truth[4] = 0  # as a piezoelectric tensor with inversion
    guess = truth + 0.1 * generator.normal(size=truth.shape)
    table = errors.tensor_errors(guess, truth, ["a", "b"] * 15, unit="C/m^2", draws=50)
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
        errors.tensor_errors(*arrays, draws=10)
        for arrays in (
            (nt.from_voigt(GUESS), nt.from_voigt(TRUTH)),
            (elasticity.mandel(GUESS), elasticity.mandel(TRUTH)),
            (elastic.pack(GUESS, form="voigt"), elastic.pack(TRUTH, form="voigt")),
        )
    ]
    expected = errors.elastic_errors(GUESS, TRUTH, draws=10)["frobenius_median"].value
    for table in tables:
        assert table["frobenius_median"].value == pytest.approx(expected)
        assert table["frobenius_mean"].value == pytest.approx(tables[0]["frobenius_mean"].value)


def test_scalars_and_zero_references() -> None:
    table = errors.tensor_errors([1.0, 2.0], [0.0, 0.0], draws=10)
    assert table["component_mae"].value == 1.5
    assert np.isnan(table["frobenius_ratio"].value)
    assert table["frobenius_median"].count == 0


# --- baselines ---------------------------------------------------------------------------------


def test_baselines() -> None:
    train, test = TRUTH[::2], TRUTH[1::2]
    result = baselines.baselines(train, test, SYSTEMS[1::2], draws=20)
    hill = elasticity.moduli(train)
    constant = elasticity.moduli(result.tensors["median moduli"])
    assert constant.bulk_hill == pytest.approx(np.median(hill.bulk_hill))
    assert constant.shear_hill == pytest.approx(np.median(hill.shear_hill))
    for name in ("median tensor", "mean tensor"):
        shares = nt.reduction("elastic").fractions(result.tensors[name], form="voigt")
        assert shares[0] == pytest.approx(1)
    mean = elasticity.moduli(result.tensors["mean tensor"])
    assert mean.bulk_voigt == pytest.approx(elasticity.moduli(train).bulk_voigt.mean())
    table = result.tables["true moduli"]
    assert table["bulk_mae"].value == pytest.approx(0, abs=1e-10)
    assert table["shear_mae"].value == pytest.approx(0, abs=1e-10)
    assert table["component_mae"].value > 1
    assert set(table.groups) == set(SYSTEMS[1::2])
    assert result.header()[1:] == tuple(result.tensors)
    assert all(len(row) == 5 for row in result.rows())
    assert "true moduli" in str(result)


def test_the_mean_tensor_is_the_best_isotropic_constant() -> None:
    best = baselines.baselines(TRUTH, TRUTH, draws=2).tensors["mean tensor"]

    def loss(tensor: NDArray[np.float64]) -> float:
        return float(((elasticity.mandel(tensor) - elasticity.mandel(TRUTH)) ** 2).sum())

    for bulk, shear in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        assert loss(best) < loss(best + elasticity.isotropic(bulk, shear))


# --- ranking -----------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=30
    ).filter(lambda pairs: all(len(set(column)) > 1 for column in zip(*pairs, strict=True)))
)  # fmt: skip
def test_spearman_agrees_with_scipy(pairs: list[tuple[int, int]]) -> None:
    one, other = zip(*pairs, strict=True)
    expected = scipy.stats.spearmanr(one, other).statistic
    assert ranking.spearman(one, other) == pytest.approx(expected, abs=1e-12)


def test_perfect_and_worst_uncertainty() -> None:
    error = np.random.default_rng(2).exponential(size=200)
    perfect = ranking.ranking(error**3, error, draws=20)  # only the order matters
    assert perfect.spearman.value == pytest.approx(1)
    assert perfect.area.value == pytest.approx(0, abs=1e-12)
    assert perfect.gain.value == pytest.approx(1)
    assert perfect.certain_half.value < 0.4
    worst = ranking.ranking(-error, error, draws=20)
    assert worst.spearman.value == pytest.approx(-1)
    assert worst.gain.value < -0.5


def test_an_uncertainty_that_says_nothing() -> None:
    error = np.random.default_rng(2).exponential(size=200)
    constant = ranking.ranking(np.ones(200), error, draws=20)
    assert np.isnan(constant.spearman.value)
    assert constant.gain.value == pytest.approx(0, abs=1e-12)
    assert constant.certain_half.value == pytest.approx(1)
    noise = ranking.ranking(np.random.default_rng(3).normal(size=200), error, draws=200)
    assert abs(noise.spearman.value) < 3 * noise.spearman.error
    assert abs(noise.gain.value) < 3 * noise.gain.error


def test_the_area_is_that_between_the_curves() -> None:
    doubt, error = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 6.0])
    curve = np.array([2, (2 + 6) / 2, 3]) / 3
    oracle = np.array([1, (1 + 2) / 2, 3]) / 3
    result = ranking.ranking(doubt, error, draws=20)
    assert result.area.value == pytest.approx((curve - oracle).mean())
    assert result.random_area.value == pytest.approx((1 - oracle).mean())
    assert result.certain_half.value == pytest.approx(4 / 3)
    assert [row[0] for row in result.rows()] == [score.name for score in result.scores]
    assert "gain" in str(result)


def test_no_error_at_all_has_no_ranking() -> None:
    result = ranking.ranking([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], draws=20)
    assert all(np.isnan(score.value) for score in result.scores)
    assert np.isnan(ranking.ranking([1.0, 2.0, 3.0], [0.1, 0.1, 0.1], draws=20).gain.value)


# --- errors ------------------------------------------------------------------------------------

LAME = np.where(np.isclose(TRUTH, TRUTH.max()), np.nan, TRUTH)
ASKEW = TRUTH + 10 * np.triu(np.ones((6, 6)), 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: errors.elastic_errors(TRUTH[:3], TRUTH), ValueError, "predicted has shape"),
        (lambda: errors.elastic_errors(TRUTH, LAME), ValueError, "reference: stiffness .* NaN"),
        (lambda: errors.elastic_errors(ASKEW, TRUTH), nt.SymmetryError, "predicted: stiffness 0"),
        (lambda: errors.elastic_errors(TRUTH[0], TRUTH[0]), ValueError, r"\(crystals, 6, 6\)"),
        (lambda: errors.elastic_errors(TRUTH[:0], TRUTH[:0]), ValueError, "got no crystals"),
        (lambda: errors.elastic_errors(TRUTH, TRUTH, ["cubic"]), ValueError, "1 names for"),
        (lambda: errors.elastic_errors(TRUTH, TRUTH, draws=1), ValueError, "2 draws or more"),
        (lambda: errors.elastic_errors(TRUTH, TRUTH, draws=2)["bulk"], KeyError, "bulk_mae"),
        (lambda: errors.elastic_errors(TRUTH, TRUTH, draws=2).within("cubic", "bulk_mae"),
         KeyError, "pass groups="),
        (lambda: errors.tensor_errors([[np.inf]], [[0.0]]), ValueError, "predicted holds"),
        (lambda: errors.tensor_errors(1.0, 1.0), ValueError, "single number"),
        (lambda: baselines.baselines(TRUTH[:0], TRUTH), ValueError, "train holds no crystals"),
        (lambda: baselines.baselines(TRUTH, TRUTH * 0), ValueError, "reference: stiffness 0 is"),
        (lambda: ranking.ranking([1.0, 2.0], [1.0, -2.0]), ValueError, "error 1 is -2"),
        (lambda: ranking.ranking([1.0, 2.0], [1.0]), ValueError, r"uncertainty has shape \(2,\)"),
    ],
)  # fmt: skip
def test_errors_name_what_came_and_what_to_do(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()
