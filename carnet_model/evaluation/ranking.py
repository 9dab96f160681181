"""Whether an uncertainty ranks the errors: rank correlation and sparsification.

>>> ranking([0.1, 0.2, 0.3], [1.0, 2.0, 3.0], draws=10).spearman.value
1.0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from natural_tensors.arrays import Floats

from .checks import check_same_shape, finite_numbers
from .scores import DRAWS, Metric, Score, Statistic

ROUNDING = 1e-12
"""An area, in units of the mean error, that counts as zero: all errors are the same."""


@dataclass(frozen=True)
class Ranking:
    """How well an uncertainty orders crystals by their error; each field is a :class:`Score`.

    Attributes:
        spearman: rank correlation; 1 when the order is the same, NaN when either is constant.
        area: area between the sparsification curve and its oracle, in units of the mean error. The
            curve is the mean error of those left when the most uncertain are removed, over the
            share removed; the oracle removes by the error itself. 0 is perfect.
        random_area: the same area for an uncertainty that says nothing.
        gain: 1 - area / random_area: 1 is perfect, 0 says nothing, negative misleads.
        certain_half: mean error of the more certain half over the mean error of all.
    """

    spearman: Score
    area: Score
    random_area: Score
    gain: Score
    certain_half: Score

    @property
    def scores(self) -> tuple[Score, ...]:
        """All scores, in order."""
        return (self.spearman, self.area, self.random_area, self.gain, self.certain_half)

    @property
    def columns(self) -> dict[str, tuple[Score, ...]]:
        """The scores by the head of their only column."""
        return {f"all ({self.spearman.count})": self.scores}


def ranking(
    uncertainty: ArrayLike, error: ArrayLike, *, draws: int = DRAWS, seed: int = 0
) -> Ranking:
    """Return how well an uncertainty orders crystals by their error.

    Crystals of equal uncertainty share the mean of their errors, which is what a random order among
    them gives on average. Only the order of the uncertainties matters, not their scale.

    Args:
        uncertainty: one number for each crystal, larger where less is known, shape ``(crystals,)``.
        error: absolute errors, not negative, the same shape.
        draws: samples of the bootstrap.
        seed: of the bootstrap.

    Source: sparsification: E. Ilg et al. 2018, ECCV, arXiv:1802.07095, sec. 4.1.
    """
    spread = finite_numbers(uncertainty, "uncertainty")
    deviation = finite_numbers(error, "error")
    check_same_shape(spread, deviation, ("uncertainty", "error"))
    if spread.ndim != 1:
        raise ValueError(f"uncertainty and error have the shape (crystals,), got {spread.shape}")
    if (deviation < 0).any():
        place = int(np.flatnonzero(deviation < 0)[0])
        raise ValueError(f"error {place} is {deviation[place]:.6g}; pass absolute errors")
    columns, everyone = np.array([spread, deviation]), np.arange(len(spread))

    def score(name: str, statistic: Callable[[Floats, Floats], float]) -> Score:
        return Metric(name, "", _vectorized(statistic), columns).score(everyone, draws, seed)

    return Ranking(
        spearman=score("spearman", spearman),
        area=score("area", lambda u, e: _areas(u, e)[0]),
        random_area=score("random_area", lambda u, e: _areas(u, e)[1]),
        gain=score("gain", _gain),
        certain_half=score("certain_half", _certain_half),
    )


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Return the correlation of ranks, ties sharing their mean rank; NaN when one is constant.

    Source: C. Spearman 1904, Am. J. Psychol. 15, 72.
    """
    first, second = (_ranks(np.asarray(values, dtype=np.float64)) for values in (one, other))
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / scale) if scale > 0 else float("nan")


def _ranks(values: Floats) -> Floats:
    """Return 1-based ranks, ties sharing their mean."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[group], dtype=np.float64)


def _vectorized(statistic: Callable[[Floats, Floats], float]) -> Statistic:
    """Return a statistic of one sample of two columns as one of many samples."""

    def many(columns: Floats) -> Floats:
        batch = columns.shape[1:-1]
        samples = columns.reshape(2, -1, columns.shape[-1])
        return np.array([statistic(u, e) for u, e in zip(*samples, strict=True)]).reshape(batch)

    return many


def _by_certainty(uncertainty: Floats, error: Floats) -> Floats:
    """Return errors from the most certain to the least, their mean where certainties are equal."""
    _, group, counts = np.unique(uncertainty, return_inverse=True, return_counts=True)
    return np.repeat(np.bincount(group, weights=error) / counts, counts)


def _areas(uncertainty: Floats, error: Floats) -> tuple[float, float]:
    """Return the area over the oracle of the uncertainty, and of one that says nothing."""
    mean = error.mean()
    if not mean > 0:
        return float("nan"), float("nan")
    kept = np.arange(1, len(error) + 1)  # how many are not removed
    curve = (np.cumsum(_by_certainty(uncertainty, error)) / kept).mean() / mean
    oracle = (np.cumsum(np.sort(error)) / kept).mean() / mean
    return float(curve - oracle), float(1 - oracle)


def _gain(uncertainty: Floats, error: Floats) -> float:
    area, random_area = _areas(uncertainty, error)
    return 1 - area / random_area if random_area > ROUNDING else float("nan")


def _certain_half(uncertainty: Floats, error: Floats) -> float:
    half = _by_certainty(uncertainty, error)[: (len(error) + 1) // 2]
    return float(half.mean() / error.mean()) if error.mean() > 0 else float("nan")
