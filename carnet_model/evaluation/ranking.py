"""Whether an uncertainty ranks the errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from natural_tensors.arrays import Floats

from .errors import check_same_shape, finite_numbers
from .scores import DRAWS, Question, Score, Statistic, aligned

ROUNDING = 1e-12
"""An area, in units of the mean error, that is not told from zero: all errors are the same."""


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

    def header(self) -> tuple[str, ...]:
        """Return the heads of the columns."""
        return ("", f"all ({self.spearman.count})")

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row of text for each score: label and value."""
        return [(score.label, str(score)) for score in self.scores]

    def __str__(self) -> str:
        return aligned([self.header(), *self.rows()])


def ranking(uncertainty: Any, error: Any, *, draws: int = DRAWS, seed: int = 0) -> Ranking:
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
    names = ("uncertainty", "error")
    doubt, wrong = check_same_shape(
        finite_numbers(uncertainty, names[0]), finite_numbers(error, names[1]), *names
    )
    if doubt.ndim != 1:
        raise ValueError(f"uncertainty and error have the shape (crystals,), got {doubt.shape}")
    if (wrong < 0).any():
        place = int(np.flatnonzero(wrong < 0)[0])
        raise ValueError(f"error {place} is {wrong[place]:.6g}; pass absolute errors")
    columns, everyone = np.array([doubt, wrong]), np.arange(len(doubt))
    statistics = {
        "spearman": _each(spearman),
        "area": _each(lambda u, e: _areas(u, e)[0]),
        "random_area": _each(lambda u, e: _areas(u, e)[1]),
        "gain": _each(_gain),
        "certain_half": _each(_certain_half),
    }
    return Ranking(**{
        name: Question(name, "", statistic, columns).answer(everyone, draws, seed)
        for name, statistic in statistics.items()
    })  # fmt: skip


def spearman(one: Any, other: Any) -> float:
    """Return the correlation of ranks, ties sharing their mean rank; NaN when one is constant.

    Source: C. Spearman 1904, Am. J. Psychol. 15, 72.
    """
    first, second = _ranks(np.asarray(one)), _ranks(np.asarray(other))
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / scale) if scale > 0 else float("nan")


def _ranks(values: NDArray[Any]) -> Floats:
    """Return 1-based ranks, ties sharing their mean."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[group], dtype=np.float64)


def _each(statistic: Callable[[Floats, Floats], float]) -> Statistic:
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
    left = np.arange(1, len(error) + 1)  # how many are left; all shares removed below 1
    curve = (np.cumsum(_by_certainty(uncertainty, error)) / left).mean() / mean
    oracle = (np.cumsum(np.sort(error)) / left).mean() / mean
    return float(curve - oracle), float(1 - oracle)


def _gain(uncertainty: Floats, error: Floats) -> float:
    area, random_area = _areas(uncertainty, error)
    return 1 - area / random_area if random_area > ROUNDING else float("nan")


def _certain_half(uncertainty: Floats, error: Floats) -> float:
    half = _by_certainty(uncertainty, error)[: (len(error) + 1) // 2]
    return float(half.mean() / error.mean()) if error.mean() > 0 else float("nan")
