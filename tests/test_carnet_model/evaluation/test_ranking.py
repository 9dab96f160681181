"""Rankings of errors by uncertainty against SciPy and plain computations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from carnet_model.evaluation.ranking import ranking, spearman

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=30)


@given(PAIRS.filter(lambda pairs: all(len(set(column)) > 1 for column in zip(*pairs, strict=True))))
def test_spearman_agrees_with_scipy(pairs: list[tuple[int, int]]) -> None:
    one, other = zip(*pairs, strict=True)
    expected = scipy.stats.spearmanr(one, other).statistic
    assert spearman(one, other) == pytest.approx(expected, abs=1e-12)


def test_perfect_and_worst_uncertainty() -> None:
    error = np.random.default_rng(2).exponential(size=200)
    perfect = ranking(error**3, error, draws=20)  # only the order matters
    assert perfect.spearman.value == pytest.approx(1)
    assert perfect.area.value == pytest.approx(0, abs=1e-12)
    assert perfect.gain.value == pytest.approx(1)
    assert perfect.certain_half.value < 0.4
    worst = ranking(-error, error, draws=20)
    assert worst.spearman.value == pytest.approx(-1)
    assert worst.gain.value < -0.5


def test_an_uncertainty_that_says_nothing() -> None:
    error = np.random.default_rng(2).exponential(size=200)
    constant = ranking(np.ones(200), error, draws=20)
    assert np.isnan(constant.spearman.value)
    assert constant.gain.value == pytest.approx(0, abs=1e-12)
    assert constant.certain_half.value == pytest.approx(1)
    noise = ranking(np.random.default_rng(3).normal(size=200), error, draws=200)
    assert abs(noise.spearman.value) < 3 * noise.spearman.error
    assert abs(noise.gain.value) < 3 * noise.gain.error


def test_the_area_is_that_between_the_curves() -> None:
    doubt, error = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 6.0])
    curve = np.array([2, (2 + 6) / 2, 3]) / 3
    oracle = np.array([1, (1 + 2) / 2, 3]) / 3
    result = ranking(doubt, error, draws=20)
    assert result.area.value == pytest.approx((curve - oracle).mean())
    assert result.random_area.value == pytest.approx((1 - oracle).mean())
    assert result.certain_half.value == pytest.approx(4 / 3)
    assert result.columns == {"all (3)": result.scores}
    assert [score.name for score in result.scores] == [
        "spearman", "area", "random_area", "gain", "certain_half",
    ]  # fmt: skip


def test_no_error_at_all_has_no_ranking() -> None:
    result = ranking([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], draws=20)
    assert all(np.isnan(score.value) for score in result.scores)
    assert np.isnan(ranking([1.0, 2.0, 3.0], [0.1, 0.1, 0.1], draws=20).gain.value)


@pytest.mark.parametrize(
    ("uncertainty", "error", "message"),
    [
        ([1.0, 2.0], [1.0, -2.0], "error 1 is -2"),
        ([1.0, 2.0], [1.0], r"uncertainty has shape \(2,\)"),
    ],
)
def test_misuse_is_explained(uncertainty: list[float], error: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ranking(uncertainty, error)
