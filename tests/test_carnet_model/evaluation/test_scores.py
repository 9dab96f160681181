"""Standard errors of scores against plain computations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from carnet_model.evaluation import scores
from carnet_model.evaluation.errors import elastic_errors
from carnet_model.evaluation.scores import bootstrap, mean, median
from tests.helpers.predicted_stiffnesses import GUESS, TRUTH


def test_the_bootstrap_finds_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(5).normal(3, 2, size=400)
    error = bootstrap(mean, values[None], draws=4000)
    assert error == pytest.approx(values.std() / 20, rel=0.05)
    scipy_error = scipy.stats.bootstrap(
        (values,), np.median, n_resamples=2000, method="percentile", rng=0
    ).standard_error
    assert bootstrap(median, values[None], draws=2000) == pytest.approx(scipy_error, rel=0.1)


def test_the_bootstrap_is_the_same_every_time_and_whatever_the_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = elastic_errors(GUESS, TRUTH, draws=50, seed=3)
    assert table == elastic_errors(GUESS, TRUTH, draws=50, seed=3)
    assert table != elastic_errors(GUESS, TRUTH, draws=50, seed=4)
    monkeypatch.setattr(scores, "CHUNK", 7 * len(TRUTH))
    assert table == elastic_errors(GUESS, TRUTH, draws=50, seed=3)
