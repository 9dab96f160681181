"""Models of errors, learnt from errors whose law is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from carnet_model.data.examples import Example
from carnet_model.evaluation.calibration import FEW, KnownModuli, calibrate, fitted, shares_inside
from carnet_model.evaluation.evaluation import evaluate
from carnet_model.prediction.intervals import HILL, Measure, modelled_error
from natural_tensors import elasticity, from_voigt
from tests.helpers.tiny_models import CRYSTALS, RECORDS, predictor, stiffness

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
    model = fitted(made(20_000, (0.6, 0.0, 0.4), 1, heavy=False))
    # the logarithm of a normal's absolute value has the deviation 1.11, over 20,000 in each power
    assert model.powers == pytest.approx((0.6, 0.0, 0.4), abs=0.05)


@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "student"])
def test_intervals_hold_their_shares_of_errors_left_out(heavy: bool) -> None:
    """For heavy tails as for normal ones, where one factor of 1.96 would not do."""
    shares = shares_inside(made(3_000, (0.5, 0.2, 0.3), 2, heavy=heavy), seed=0)
    # the standard error of a share of 3,000 is 0.9 and 0.4 %
    assert shares[0] == pytest.approx(0.68, abs=0.03)
    assert shares[1] == pytest.approx(0.95, abs=0.015)
    model = fitted(made(3_000, (0.5, 0.2, 0.3), 2, heavy=heavy))
    assert model.sure is not None
    assert (model.sure / model.likely > 2.5) == heavy


def test_an_ensemble_that_knows_its_errors_keeps_to_its_spread() -> None:
    """With few crystals the assumption that errors go as the spread decides."""
    model = fitted(made(5, (1.0, 0.0, 0.0), 3, heavy=False))
    assert model.powers[0] > 0.5
    assert max(model.powers[1:]) < 0.4


def test_errors_of_few_compositions_state_no_rare_error() -> None:
    """However many there are: those of one tensor are of one kind."""
    few = [np.hstack([row] * 30) for row in made(FEW - 1, (1.0, 0.0, 0.0), 3, heavy=False)]
    assert fitted(few).sure is None
    assert fitted([*few, few[0]]).sure is not None


def test_moduli_alone_count_as_those_of_tensors_do() -> None:
    """What is known of a crystal makes the same model of K, G and E, tensor or not."""
    model = predictor()
    examples = [
        Example(CRYSTALS[record["id"]], {"elastic": from_voigt(stiffness(record))})
        for record in RECORDS[:24]
    ]
    whole = evaluate(model, examples, draws=2)
    half = evaluate(model, examples[:12], draws=2)
    known = [
        KnownModuli.of(
            prediction,
            {name: getattr(truth, f"{name}_hill") for name in ("bulk", "shear")},
        )
        for prediction, record in zip(whole.predictions[12:], RECORDS[12:24], strict=True)
        if (truth := elasticity.moduli(stiffness(record)))
    ]
    found, expected = calibrate(half, known), calibrate(whole)
    for name in HILL:
        assert found[name].count == 24
        ours, theirs = found[name].model, expected[name].model
        assert ours.powers == pytest.approx(theirs.powers, abs=1e-9), name
        assert ours.likely == pytest.approx(theirs.likely), name
    for name in ("relative", "stiffness"):
        assert found[name].model == calibrate(half)[name].model
        assert found[name].model != expected[name].model
    certain = replace(
        known[0].prediction, uncertainty={**known[0].prediction.uncertainty, "bulk": 0.0}
    )
    spreadless = KnownModuli.of(certain, known[0].moduli)
    assert calibrate(half, [spreadless, *known[1:]])["bulk"].count == 23
    (without_shear,) = [KnownModuli.of(known[0].prediction, {"bulk": known[0].moduli["bulk"]})]
    assert set(without_shear.moduli) == {"bulk"}
    assert calibrate(half, [without_shear])["youngs"].count == 12


def test_polymorphs_are_judged_together() -> None:
    """One composition many times over leaves too few to say anything of others."""
    model = predictor()
    record = RECORDS[0]
    example = Example(CRYSTALS[record["id"]], {"elastic": from_voigt(stiffness(record))})
    assert calibrate(evaluate(model, [example] * 10, draws=2)) == {}
