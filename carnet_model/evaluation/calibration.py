"""How large the errors of an ensemble are, learnt from crystals that no network was trained on.

    evaluation = evaluate(load("runs/both"), examples)
    {name: each.model for name, each in calibrate(evaluation).items()}

Crystals of which K and G alone are known say how large the errors of moduli are as well, and there
are more of them than of tensors. The result is what `carnet_model.prediction.intervals` applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors.arrays import Floats

from ..prediction.intervals import HILL, SHARES, SURE, ErrorModel, Measure, modelled_error
from ..prediction.result import Prediction
from .comparison import errors_beside_uncertainty

if TYPE_CHECKING:
    from .evaluation import Evaluation

PRIOR = 5.0
"""Weight, in observations, of the assumption that errors go as the spread."""

LEAST = 0.05
"""Share of the median error below which errors count as this share: luck says nothing of size."""

FEW = 20
"""Fewer compositions than this state no quantile of 95 %: 1 / (n + 1) must be below 5 %, and the
errors of one composition are of one kind."""

FOLDS = 5
"""Fewer compositions than this state nothing."""


@dataclass(frozen=True)
class Calibration:
    """A model of errors and what it holds on crystals left out of it.

    Attributes:
        model: made of all crystals.
        count: errors that it is made of.
        within: shares of errors inside the 68 and the 95 % interval, each composition judged by a
            model made without it and a fifth of the others.
    """

    model: ErrorModel
    count: int
    within: tuple[float, float | None]


@dataclass(frozen=True, eq=False)
class KnownModuli:
    """A prediction of a crystal whose moduli are known, and no tensor.

    Attributes:
        prediction: of an ensemble.
        moduli: after Hill, GPa, by the names in `HILL`; some may be missing.
    """

    prediction: Prediction
    moduli: Mapping[str, float]

    @classmethod
    def of(cls, prediction: Prediction, labels: Mapping[str, ArrayLike]) -> KnownModuli:
        """Return what the labels of an example say: E follows where K and G are known."""
        known = {name: float(np.asarray(labels[name])) for name in HILL if name in labels}
        if {"bulk", "shear"} <= known.keys():
            bulk, shear = known["bulk"], known["shear"]
            known.setdefault("youngs", 9 * bulk * shear / (3 * bulk + shear))
        return cls(prediction, known)


def calibrate(
    evaluation: Evaluation, known: Sequence[KnownModuli] = (), *, seed: int = 0
) -> dict[str, Calibration]:
    """Return a model of the errors of each quantity that has an uncertainty.

    Args:
        evaluation: of an ensemble without intervals, on examples that it was not trained on.
        known: further crystals, predicted by the same ensemble, neither trained on nor among the
            examples; they count for moduli.
        seed: of the folds.

    Raises:
        ValueError: when the uncertainties are intervals already.
    """
    predictions = (*evaluation.predictions, *(one.prediction for one in known))
    names = sorted(set().union(*(one.uncertainty for one in predictions)))
    if any(name.endswith(SURE) for name in names):
        raise ValueError("the uncertainties are intervals already; evaluate the plain ensemble")
    found = {}
    for name in names:
        rows = [
            (prediction.formula, _rows(prediction, reference, name))
            for prediction, reference in zip(
                evaluation.predictions, evaluation.reference, strict=True
            )
        ]
        rows += [
            (one.prediction.formula, _row_of_modulus(one, name))
            for one in known
            if name in one.moduli
        ]
        compositions = _by_composition(rows)
        if len(compositions) >= FOLDS:
            found[name] = Calibration(
                fitted(compositions),
                sum(row.shape[1] for row in compositions),
                shares_inside(compositions, seed),
            )
    return found


def _by_composition(rows: Iterable[tuple[str, Floats]]) -> list[Floats]:
    """Return the rows of each formula side by side; polymorphs err alike, so they stay together."""
    together: dict[str, list[Floats]] = {}
    for formula, row in rows:
        if row.size:
            together.setdefault(formula, []).append(row)
    return [np.hstack(each) for each in together.values()]


def _rows(prediction: Prediction, reference: Floats, name: str) -> Floats:
    """Return spread, spread of the tensor, size and absolute error, shape ``(4, errors)``."""
    errors, spread = errors_beside_uncertainty(prediction, reference, name, name)
    return _beside(prediction, name, spread, errors)


def _row_of_modulus(one: KnownModuli, name: str) -> Floats:
    """Return the same of a modulus, shape ``(4, 1)``, or ``(4, 0)`` without a spread."""
    if not 0 < one.prediction.uncertainty[name] < np.inf:
        return np.zeros((4, 0))
    error = abs(one.moduli[name] - float(getattr(one.prediction.moduli, f"{name}_hill")))
    return _beside(one.prediction, name, [one.prediction.uncertainty[name]], [error])


def _beside(prediction: Prediction, name: str, spread: ArrayLike, errors: ArrayLike) -> Floats:
    size = norm = float(np.linalg.norm(prediction.tensor))
    if name in HILL:
        size = abs(float(getattr(prediction.moduli, f"{name}_hill")))
    columns = (spread, float(prediction.uncertainty["relative"]) * norm, size, errors)
    return np.array(np.broadcast_arrays(*columns), dtype=np.float64)


def fitted(compositions: Sequence[Floats]) -> ErrorModel:
    """Fit powers that are not negative, then take the quantiles of what is left.

    Args:
        compositions: of each spread, spread of the tensor, size and absolute error, shape
            ``(4, errors)``.
    """
    from scipy.optimize import lsq_linear

    rows = np.hstack(compositions)
    measures, errors = np.log(rows[:3]), rows[3]
    aim = np.log(np.maximum(errors, max(LEAST * float(np.median(errors)), np.finfo(float).tiny)))
    width = measures.std(axis=1)
    design = np.vstack(
        [
            np.column_stack([np.ones(len(errors)), measures.T]),
            np.sqrt(PRIOR) * np.column_stack([np.zeros(3), np.diag(width)]),
        ]
    )
    target = np.concatenate([aim, np.sqrt(PRIOR) * width * [1.0, 0.0, 0.0]])
    low = [-np.inf, 0.0, 0.0, 0.0]
    constant, *powers = map(float, lsq_linear(design, target, bounds=(low, np.inf)).x)
    exponents = (powers[0], powers[1], powers[2])
    score = errors / modelled_error(constant, exponents, Measure(*rows[:3]))
    likely, sure = (_quantile(score, share) for share in SHARES)
    return ErrorModel(constant, exponents, likely, sure if len(compositions) >= FEW else None)


def _quantile(scores: Floats, share: float) -> float:
    """Return what the next score is below with this probability, or more (split conformal)."""
    place = int(np.ceil((len(scores) + 1) * share))
    return float(np.sort(scores)[min(place, len(scores)) - 1])


def shares_inside(rows: Sequence[Floats], seed: int) -> tuple[float, float | None]:
    """Return shares of errors inside intervals that were made without their composition.

    Args:
        rows: of each composition, as `fitted` takes them together.
        seed: of the folds.
    """
    order = np.random.default_rng(seed).permutation(len(rows))
    inside: list[list[Floats]] = [[], []]
    for fold in range(FOLDS):
        out = set(order[fold::FOLDS].tolist())
        model = fitted([row for place, row in enumerate(rows) if place not in out])
        held = np.hstack([rows[place] for place in sorted(out)])
        for halves, shares in zip(model.half_widths(Measure(*held[:3])), inside, strict=True):
            if halves is not None:
                shares.append(held[3] <= halves)
    likely, sure = inside
    return float(np.hstack(likely).mean()), (
        float(np.hstack(sure).mean()) if len(sure) == FOLDS else None
    )
