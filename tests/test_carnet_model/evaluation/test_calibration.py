"""Models of errors, learnt from errors whose law is known."""

from __future__ import annotations

import numpy as np
import pytest

from carnet_model.evaluation.calibration import fitted, shares_inside
from carnet_model.prediction.intervals import Measure, modelled_error

Rows = list[np.ndarray]


def made(count: int, powers: tuple[float, float, float], seed: int, *, heavy: bool) -> Rows:
    """Return rows whose errors go as powers of the measures, by the law that is asked for."""
    random = np.random.default_rng(seed)
    measures = np.exp(random.normal(0.0, [[0.8], [0.5], [1.0]], (3, count)))
    unit = random.standard_t(2.5, count) if heavy else random.normal(size=count)
    errors = np.abs(unit) * modelled_error(0.3, powers, Measure(*measures))
    return [
        np.array([*column, error])[:, None] for *column, error in np.vstack([measures, errors]).T
    ]


def test_the_powers_are_found_that_made_the_errors() -> None:
    model = fitted(np.hstack(made(20_000, (0.6, 0.0, 0.4), 1, heavy=False)))
    # the logarithm of a normal's absolute value has the deviation 1.11, over 20,000 in each power
    assert model.powers == pytest.approx((0.6, 0.0, 0.4), abs=0.05)


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "student"])
def test_intervals_hold_their_shares_of_errors_left_out(heavy: bool) -> None:
    """For heavy tails as for normal ones, where one factor of 1.96 would not do."""
    shares = shares_inside(made(3_000, (0.5, 0.2, 0.3), 2, heavy=heavy), seed=0)
    # the standard error of a share of 3,000 is 0.9 and 0.4 %
    assert shares[0] == pytest.approx(0.68, abs=0.03)
    assert shares[1] == pytest.approx(0.95, abs=0.015)
    model = fitted(np.hstack(made(3_000, (0.5, 0.2, 0.3), 2, heavy=heavy)))
    assert model.sure is not None
    assert (model.sure / model.likely > 2.5) == heavy


def test_an_ensemble_that_knows_its_errors_keeps_to_its_spread() -> None:
    """With few crystals the assumption that errors go as the spread decides."""
    model = fitted(np.hstack(made(5, (1.0, 0.0, 0.0), 3, heavy=False)))
    assert model.powers[0] > 0.5
    assert max(model.powers[1:]) < 0.4
