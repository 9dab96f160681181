"""Scores: statistics over crystals with their standard errors, and tables of them by group.

>>> metric = Metric("energy_mae", "eV", mean, np.array([[1.0, 2.0, 3.0]]))
>>> metric.score(np.arange(3), draws=100, seed=0).value
2.0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from natural_tensors.arrays import Floats

Statistic = Callable[[Floats], Floats]
"""Columns of shape ``(columns, ..., crystals)`` to one number for each ``...``."""

DRAWS = 1000
"""Samples of a bootstrap, unless stated."""

CHUNK = 2_000_000
"""Numbers gathered at once in a bootstrap."""


@dataclass(frozen=True)
class Score:
    """One number over some crystals.

    Attributes:
        name: what it is, such as ``"bulk_mae"``.
        unit: empty for a pure number.
        value: NaN when no crystal defines it.
        error: its standard error; NaN with fewer than two crystals.
        count: crystals that entered.
    """

    name: str
    unit: str
    value: float
    error: float
    count: int


def bootstrap(statistic: Statistic, columns: ArrayLike, draws: int = DRAWS, seed: int = 0) -> float:
    """Return the standard error of a statistic over crystals.

    Args:
        statistic: takes columns ``(columns, ..., crystals)``, returns an array of shape ``...``.
        columns: what is known of each crystal, shape ``(columns, crystals)``.
        draws: how many samples of as many crystals, drawn with replacement; at least 2.
        seed: of the generator.

    Returns:
        Standard deviation over the samples where the statistic is defined; NaN with fewer than
        two crystals.
    """
    if draws < 2:
        raise ValueError(f"a bootstrap takes 2 draws or more, got {draws}; {DRAWS} is usual")
    numbers = np.asarray(columns, dtype=np.float64)
    count = numbers.shape[-1]
    if count < 2:
        return float("nan")
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // count)
    chunks = []
    for start in range(0, draws, step):
        drawn = generator.integers(count, size=(min(step, draws - start), count))
        chunks.append(statistic(numbers[:, drawn]))
    samples = np.concatenate(chunks)
    samples = samples[np.isfinite(samples)]
    return float(samples.std(ddof=1)) if len(samples) > 1 else float("nan")


def mean(columns: Floats) -> Floats:
    """Return the mean over crystals."""
    return np.asarray(columns[0].mean(axis=-1))


def median(columns: Floats) -> Floats:
    """Return the median over crystals."""
    return np.asarray(np.median(columns[0], axis=-1))


def total(columns: Floats) -> Floats:
    """Return the sum over crystals."""
    return np.asarray(columns[0].sum(axis=-1))


def r_squared(columns: Floats) -> Floats:
    """Return 1 - Σ (p - r)² / Σ (r - mean r)² of predictions p and references r; NaN for one r."""
    predicted, reference = columns
    same = reference.max(axis=-1) == reference.min(axis=-1)
    variation = ((reference - reference.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    deviation = ((predicted - reference) ** 2).sum(axis=-1)
    return np.asarray(1 - deviation / np.where(same, np.nan, variation))


def ratio(distance: Floats, size: Floats) -> Floats:
    """Return distances in units of a size; NaN where that is zero."""
    return np.asarray(distance / np.where(size > 0, size, np.nan), dtype=np.float64)


def root_mean_square(columns: Floats) -> Floats:
    """Return the square root of the mean square."""
    return np.asarray(np.sqrt((columns[0] ** 2).mean(axis=-1)))


def root_ratio(columns: Floats) -> Floats:
    """Return the square root of the ratio of two sums."""
    return np.asarray(np.sqrt(ratio_of_means(columns)))


def ratio_of_means(columns: Floats) -> Floats:
    """Return the ratio of two means."""
    above, below = columns.mean(axis=-1)
    return ratio(np.asarray(above), np.asarray(below))


@dataclass(frozen=True)
class Metric:
    """How a score is computed: a statistic of columns, each with one number for each crystal.

    Attributes:
        name: of the score.
        unit: of the score.
        statistic: what is computed.
        columns: of all crystals, shape ``(columns, crystals)``; NaN where it is not defined.
    """

    name: str
    unit: str
    statistic: Statistic
    columns: Floats

    def score(self, members: NDArray[np.intp], draws: int, seed: int) -> Score:
        """Return the score over some crystals; those with a column undefined are left out."""
        columns = self.columns[:, members]
        columns = columns[:, np.isfinite(columns).all(axis=0)]
        count = columns.shape[1]
        if not count:
            return Score(self.name, self.unit, float("nan"), float("nan"), 0)
        value = float(self.statistic(columns))
        error = bootstrap(self.statistic, columns, draws, seed)
        return Score(self.name, self.unit, value, error, count)


@dataclass(frozen=True)
class ErrorTable:
    """Scores of one set of predictions, over all crystals and by group.

    Attributes:
        count: number of crystals.
        scores: over all of them.
        groups: the same scores within each group, by its name.
        counts: crystals in each group.
    """

    count: int
    scores: tuple[Score, ...]
    groups: Mapping[str, tuple[Score, ...]]
    counts: Mapping[str, int]

    def __getitem__(self, name: str) -> Score:
        """Return a score over all crystals."""
        return _named(self.scores, name)

    def within(self, group: str, name: str) -> Score:
        """Return a score within one group."""
        if group not in self.groups:
            known = ", ".join(map(repr, self.groups)) or "none: pass groups=..."
            raise KeyError(f"there is no group {group!r}; the groups are {known}")
        return _named(self.groups[group], name)

    @property
    def columns(self) -> dict[str, tuple[Score, ...]]:
        """The scores by the head of their column, ``all (N)``, then each group with its number."""
        groups = {f"{name} ({self.counts[name]})": part for name, part in self.groups.items()}
        return {f"all ({self.count})": self.scores, **groups}


def _named(scores: Sequence[Score], name: str) -> Score:
    for score in scores:
        if score.name == name:
            return score
    known = ", ".join(score.name for score in scores)
    raise KeyError(f"there is no score {name!r}; the scores are {known}")


def error_table(
    metrics: Sequence[Metric], groups: Sequence[str] | None, draws: int, seed: int
) -> ErrorTable:
    """Compute scores over all crystals and within each group, groups in the order of their names.

    Args:
        metrics: of the same crystals.
        groups: a name for each crystal.
        draws: samples of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: when there is not one group for each crystal.
    """
    count = metrics[0].columns.shape[1]
    labels = np.array([]) if groups is None else np.array([str(group) for group in groups])
    if groups is not None and labels.shape != (count,):
        raise ValueError(
            f"groups names one group for each crystal: got {len(labels)} names for {count} crystals"
        )
    members = {str(name): np.flatnonzero(labels == name) for name in np.unique(labels)}

    def scores(chosen: NDArray[np.intp]) -> tuple[Score, ...]:
        return tuple(metric.score(chosen, draws, seed) for metric in metrics)

    return ErrorTable(
        count=count,
        scores=scores(np.arange(count)),
        groups={name: scores(chosen) for name, chosen in members.items()},
        counts={name: len(chosen) for name, chosen in members.items()},
    )
