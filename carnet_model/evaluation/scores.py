"""Statistics over crystals with their standard errors, and tables of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from natural_tensors.arrays import Floats

Statistic = Callable[[Floats], Floats]
"""Columns of shape ``(columns, ..., crystals)`` to one number for each ``...``."""


DRAWS = 1000
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

    @property
    def label(self) -> str:
        """Name and unit, for the head of a row."""
        return self.name if self.unit in ("", "1") else f"{self.name} [{self.unit}]"

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "-"
        if not np.isfinite(self.error) or self.error == 0:
            return f"{self.value:.4g}"
        digits = int(1 - np.floor(np.log10(self.error)))
        digits = min(max(digits, 0), 4)
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}"


def bootstrap(statistic: Statistic, columns: Any, draws: int = DRAWS, seed: int = 0) -> float:
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
    columns = np.asarray(columns, dtype=np.float64)
    count = columns.shape[-1]
    if count < 2:
        return float("nan")
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // count)
    samples = np.concatenate([
        statistic(columns[:, generator.integers(count, size=(min(step, draws - start), count))])
        for start in range(0, draws, step)
    ])  # fmt: skip
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
    total = ((reference - reference.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    wrong = ((predicted - reference) ** 2).sum(axis=-1)
    return np.asarray(1 - wrong / np.where(same, np.nan, total))


@dataclass(frozen=True)
class Question:
    """A score to compute: a statistic of columns, each with one number a crystal."""

    name: str
    unit: str
    statistic: Statistic
    columns: Floats

    def answer(self, members: NDArray[np.intp], draws: int, seed: int) -> Score:
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

    def header(self) -> tuple[str, ...]:
        """Return the heads of the columns: empty, ``all (N)``, then each group with its number."""
        return ("", f"all ({self.count})", *(f"{g} ({n})" for g, n in self.counts.items()))

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row of text for each score: label, over all, within each group."""
        columns = (self.scores, *self.groups.values())
        return [(row[0].label, *map(str, row)) for row in zip(*columns, strict=True)]

    def __str__(self) -> str:
        return aligned([self.header(), *self.rows()])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a block of aligned columns, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _named(scores: Sequence[Score], name: str) -> Score:
    for score in scores:
        if score.name == name:
            return score
    known = ", ".join(score.name for score in scores)
    raise KeyError(f"there is no score {name!r}; the scores are {known}")


def error_table(
    questions: Sequence[Question], groups: Sequence[str] | None, draws: int, seed: int
) -> ErrorTable:
    """Answer all questions, over all crystals and within each group, groups by name."""
    count = questions[0].columns.shape[1]
    labels = np.array([]) if groups is None else np.array([str(group) for group in groups])
    if groups is not None and labels.shape != (count,):
        raise ValueError(
            f"groups names one group for each crystal: got {len(labels)} names for {count} crystals"
        )
    members = {str(name): np.flatnonzero(labels == name) for name in np.unique(labels)}

    def scores(chosen: NDArray[np.intp]) -> tuple[Score, ...]:
        return tuple(question.answer(chosen, draws, seed) for question in questions)

    return ErrorTable(
        count=count,
        scores=scores(np.arange(count)),
        groups={name: scores(chosen) for name, chosen in members.items()},
        counts={name: len(chosen) for name, chosen in members.items()},
    )


def ratio(distance: Floats, size: Floats) -> Floats:
    """Return distances in units of the reference; NaN where that is zero."""
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
