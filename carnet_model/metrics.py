"""How wrong predictions are: errors with standard errors, trivial baselines, ranking by doubt.

NumPy only. Each number is an average, a median or a count over crystals, and comes with the
standard error of a bootstrap over crystals (B. Efron 1979, Ann. Stat. 7, 1): crystals are drawn
with replacement from those at hand, by a seeded generator, so a table is the same on every run.
It says how far the sample of crystals decides the number, not how far the training does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from natural_tensors import elasticity

from .units import EV_PER_A3

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Columns of shape ``(columns, ..., crystals)`` to one number for each ``...``."""

DRAWS = 1000
CHUNK = 2_000_000
"""Numbers gathered at once in a bootstrap."""

ROUNDING = 1e-12
"""An area, in units of the mean error, that is not told from zero: all errors are the same."""

# --- one number with its error ------------------------------------------------------------------


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


def _mean(columns: Floats) -> Floats:
    return np.asarray(columns[0].mean(axis=-1))


def _median(columns: Floats) -> Floats:
    return np.asarray(np.median(columns[0], axis=-1))


def _total(columns: Floats) -> Floats:
    return np.asarray(columns[0].sum(axis=-1))


def _r2(columns: Floats) -> Floats:
    """Return 1 - Σ (p - r)² / Σ (r - mean r)² of predictions p and references r; NaN for one r."""
    predicted, reference = columns
    same = reference.max(axis=-1) == reference.min(axis=-1)
    total = ((reference - reference.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    wrong = ((predicted - reference) ** 2).sum(axis=-1)
    return np.asarray(1 - wrong / np.where(same, np.nan, total))


# --- tables -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Question:
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


def _table(
    questions: Sequence[_Question], groups: Sequence[str] | None, draws: int, seed: int
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


# --- elastic tensors ----------------------------------------------------------------------------


def elastic_errors(
    predicted: Any,
    reference: Any,
    groups: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> ErrorTable:
    """Return how far predicted stiffnesses are from the reference.

    The scores: ``component_mae``, the mean over crystals of the mean absolute error of the 36
    Voigt entries, and ``component_median``, the median over crystals of the same mean over
    entries; ``_mae``, ``_median`` (absolute errors) and ``_r2`` of ``bulk``, ``shear`` and
    ``youngs``, each after Hill; ``frobenius_median``, the median of ‖P - R‖ / ‖R‖ of the Mandel
    matrices; ``not_positive``, predictions that are not positive definite; ``undefined``, crystals
    of which a modulus does not exist because a stiffness is singular. These are left out of the
    scores of moduli (:attr:`Score.count` tells); the merely indefinite ones are kept, and may have
    wild moduli: then read the medians.

    Args:
        predicted: Voigt stiffnesses in GPa, shape ``(crystals, 6, 6)``.
        reference: the same shape.
        groups: a name for each crystal, such as its crystal system.
        draws: samples of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: when shapes differ, or a stiffness is not finite or not symmetric.
    """
    guess, truth = _pair(_stiffnesses(predicted, "predicted"), _stiffnesses(reference, "reference"))
    if truth.ndim != 3:
        raise ValueError(
            f"stiffnesses have the shape (crystals, 6, 6), got {truth.shape}; add or join axes "
            "with reshape(-1, 6, 6)"
        )
    components = np.abs(guess - truth).mean(axis=(1, 2))[None]
    distance = np.linalg.norm(elasticity.mandel(guess) - elasticity.mandel(truth), axis=(1, 2))
    relative = _ratio(distance, np.linalg.norm(elasticity.mandel(truth), axis=(1, 2)))
    questions = [
        _Question("component_mae", "GPa", _mean, components),
        _Question("component_median", "GPa", _median, components),
    ]
    ours, theirs = elasticity.moduli(guess), elasticity.moduli(truth)
    undefined = np.zeros(len(truth), dtype=bool)
    for name in ("bulk", "shear", "youngs"):
        pair = np.array([getattr(ours, f"{name}_hill"), getattr(theirs, f"{name}_hill")])
        known = np.isfinite(pair).all(axis=0)
        pair = np.where(known, pair, np.nan)
        undefined |= ~known
        error = np.abs(pair[:1] - pair[1:])
        questions += [
            _Question(f"{name}_mae", "GPa", _mean, error),
            _Question(f"{name}_median", "GPa", _median, error),
            _Question(f"{name}_r2", "", _r2, pair),
        ]
    bad = ~elasticity.is_stable(guess)
    questions += [
        _Question("frobenius_median", "", _median, relative[None]),
        _Question("not_positive", "", _total, bad[None].astype(np.float64)),
        _Question("undefined", "", _total, undefined[None].astype(np.float64)),
    ]
    return _table(questions, groups, draws, seed)


def _stiffnesses(values: Any, role: str) -> Floats:
    """Return checked stiffnesses; a complaint says which argument it is about."""
    try:
        return elasticity.check_stiffness(values)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{role}: {error}") from None


def _pair(one: Floats, other: Floats, *roles: str) -> tuple[Floats, Floats]:
    first, second = roles or ("predicted", "reference")
    if one.shape != other.shape:
        raise ValueError(
            f"{first} has shape {one.shape} but {second} {other.shape}; give one of each for each "
            "crystal, in the same order and form"
        )
    if not one.size:
        raise ValueError(f"got no crystals: shape {one.shape}; give at least one")
    return one, other


def _ratio(distance: Floats, size: Floats) -> Floats:
    """Return distances in units of the reference; NaN where that is zero."""
    return np.asarray(distance / np.where(size > 0, size, np.nan), dtype=np.float64)


# --- any tensor ---------------------------------------------------------------------------------


def tensor_errors(
    predicted: Any,
    reference: Any,
    groups: Sequence[str] | None = None,
    *,
    unit: str = "",
    draws: int = DRAWS,
    seed: int = 0,
) -> ErrorTable:
    """Return how far predicted tensors of any class are from the reference.

    The scores: ``component_mae`` and ``component_median``, mean and median over crystals of the
    mean absolute error over entries; ``frobenius_mean``, the mean of ‖P - R‖; ``frobenius_ratio``,
    that over the mean of ‖R‖; ``frobenius_median``, the median of ‖P - R‖ / ‖R‖ over the crystals
    whose reference is not zero; ``of_spread``, the root mean square of ‖P - R‖ over that of
    ‖R - mean R‖: 1 for a prediction that knows the mean only.

    Args:
        predicted: shape ``(crystals, ...)``: full tensors or any other form. Only the full, the
            Mandel and the packed form have the Frobenius norm of the tensor.
        reference: the same shape and form.
        groups: a name for each crystal.
        unit: of both.
        draws: samples of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: when shapes differ or a number is not finite.
    """
    guess, truth = _pair(_numbers(predicted, "predicted"), _numbers(reference, "reference"))
    guess, truth = guess.reshape(len(guess), -1), truth.reshape(len(truth), -1)
    components = np.abs(guess - truth).mean(axis=1)[None]
    distance = np.linalg.norm(guess - truth, axis=1)
    size = np.linalg.norm(truth, axis=1)
    questions = [
        _Question("component_mae", unit, _mean, components),
        _Question("component_median", unit, _median, components),
        _Question("frobenius_mean", unit, _mean, distance[None]),
        _Question("frobenius_ratio", "", _ratio_of_means, np.array([distance, size])),
        _Question("frobenius_median", "", _median, _ratio(distance, size)[None]),
        _Question("of_spread", "", _of_spread, np.concatenate([distance[None], truth.T])),
    ]
    return _table(questions, groups, draws, seed)


def _of_spread(columns: Floats) -> Floats:
    """Return the root of Σ |P - R|² / Σ |R - mean R|²; columns are |P - R|, then entries of R."""
    wrong = (columns[0] ** 2).sum(axis=-1)
    spread = ((columns[1:] - columns[1:].mean(axis=-1, keepdims=True)) ** 2).sum(axis=(0, -1))
    return np.asarray(np.sqrt(wrong / np.where(spread > 0, spread, np.nan)))


# --- energies and their derivatives -------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Slopes:
    """Energy and derivatives of one structure; NaN or None where nothing is known.

    Attributes:
        energy: eV.
        forces: eV/Å, shape ``(atoms, 3)``.
        stress: eV/Å^3, shape ``(3, 3)``.
    """

    energy: float
    forces: Floats | None = None
    stress: Floats | None = None


def potential_errors(
    predicted: Sequence[Slopes],
    reference: Sequence[Slopes],
    sizes: Sequence[int],
    groups: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> ErrorTable:
    """Return how far energies, forces and stresses are from the reference.

    The scores: ``energy_mae`` and ``energy_rmse`` per atom; ``forces_mae`` and ``forces_rmse``
    over all components of all atoms; ``forces_ratio``, the latter over the root mean square of the
    forces themselves; ``stress_mae`` over all components.

    Args:
        predicted: of each structure.
        reference: of the same structures.
        sizes: number of atoms of each.
        groups: a name for each structure.
        draws: samples of the bootstrap.
        seed: of the bootstrap.
    """
    if not len(predicted) == len(reference) == len(sizes) or not sizes:
        raise ValueError(
            f"got {len(predicted)} predictions, {len(reference)} references and {len(sizes)} "
            "sizes; give one of each for each structure, and at least one"
        )
    pairs = list(zip(predicted, reference, strict=True))
    energy = [1e3 * (p.energy - r.energy) / n for (p, r), n in zip(pairs, sizes, strict=True)]
    forces, stress = [], []
    for guess, truth in pairs:
        row = [np.nan] * 4
        if guess.forces is not None and truth.forces is not None:
            known = np.isfinite(truth.forces).all(axis=1)
            gap = 1e3 * (guess.forces - truth.forces)[known]
            size = 1e3 * truth.forces[known]
            row = [np.abs(gap).sum(), (gap**2).sum(), (size**2).sum(), gap.size]
        forces.append(row)
        known_stress = guess.stress is not None and truth.stress is not None
        difference = guess.stress - truth.stress if known_stress else np.nan  # type: ignore[operator]
        stress.append(np.abs(difference).mean() * EV_PER_A3)
    wrong, table = np.abs(np.array([energy])), np.array(forces).T
    questions = [
        _Question("energy_mae", "meV/atom", _mean, wrong),
        _Question("energy_rmse", "meV/atom", _rms, wrong),
        _Question("forces_mae", "meV/Å", _ratio_of_means, table[[0, 3]]),
        _Question("forces_rmse", "meV/Å", _root_ratio, table[[1, 3]]),
        _Question("forces_ratio", "", _root_ratio, table[[1, 2]]),
        _Question("stress_mae", "GPa", _mean, np.array([stress])),
    ]
    return _table(questions, groups, draws, seed)


def _rms(columns: Floats) -> Floats:
    return np.asarray(np.sqrt((columns[0] ** 2).mean(axis=-1)))


def _root_ratio(columns: Floats) -> Floats:
    return np.asarray(np.sqrt(_ratio_of_means(columns)))


def _ratio_of_means(columns: Floats) -> Floats:
    above, below = columns.mean(axis=-1)
    return _ratio(np.asarray(above), np.asarray(below))


def _numbers(values: Any, role: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if not array.ndim:
        raise ValueError(f"{role} has the shape (crystals, ...), got the single number {array}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = tuple(int(index) for index in bad[0])
        raise ValueError(
            f"{role} holds a number that is NaN or infinite: entry {place} is {array[place]}; "
            "remove or repair it first"
        )
    return array


# --- baselines ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Baselines:
    """What predictions without a network score.

    The keys of both fields are, for stiffness,

    - ``"median moduli"``: the isotropic body of the median K and G (Hill) of the training set;
    - ``"median tensor"``: the isotropic part of the training set's median of each component;
    - ``"mean tensor"``: the isotropic part of its mean tensor;
    - ``"true moduli"``: for each crystal the isotropic body of its own, true K and G (Hill): what
      perfect moduli say of the tensor. No prediction: a bound for methods that only know moduli;

    and ``"no structure"`` for all else: what the numbers of atoms of each element say (see
    `evaluation`).

    Attributes:
        tensors: Voigt stiffnesses in GPa, ``(6, 6)``, of ``"true moduli"`` ``(crystals, 6, 6)``;
            otherwise full tensors.
        tables: their errors against the reference.
    """

    tensors: Mapping[str, Floats]
    tables: Mapping[str, ErrorTable]

    def header(self) -> tuple[str, ...]:
        """Return the heads of the columns: empty, then each baseline."""
        return ("", *self.tables)

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row of text for each score over all crystals: label, then each baseline."""
        columns = [table.scores for table in self.tables.values()]
        return [(row[0].label, *map(str, row)) for row in zip(*columns, strict=True)]

    def __str__(self) -> str:
        return aligned([self.header(), *self.rows()])


def baselines(
    train: Any,
    reference: Any,
    groups: Sequence[str] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Baselines:
    """Return the trivial predictions that a network has to beat, and their errors.

    Args:
        train: Voigt stiffnesses in GPa, ``(crystals, 6, 6)``, that predictions may draw on.
        reference: those that errors are taken against.
        groups: a name for each crystal of the reference.
        draws: samples of the bootstrap.
        seed: of the bootstrap.
    """
    known = _stiffnesses(train, "train").reshape(-1, 6, 6)
    if not len(known):
        raise ValueError("train holds no crystals; give at least one")
    truth = _stiffnesses(reference, "reference")
    hill, own = elasticity.moduli(known), elasticity.moduli(truth)
    if not np.isfinite(own.shear_hill).all():
        place = int(np.flatnonzero(~np.isfinite(own.shear_hill))[0])
        raise ValueError(
            f"reference: stiffness {place} is singular and has no moduli; leave it out"
        )
    tensors = {
        "median moduli": elasticity.isotropic(
            np.nanmedian(hill.bulk_hill), np.nanmedian(hill.shear_hill)
        ),
        "median tensor": _isotropic_part(np.median(known, axis=0)),
        "mean tensor": _isotropic_part(known.mean(axis=0)),
        "true moduli": elasticity.isotropic(own.bulk_hill, own.shear_hill),
    }
    tables = {
        name: elastic_errors(
            np.broadcast_to(values, truth.shape), truth, groups, draws=draws, seed=seed
        )
        for name, values in tensors.items()
    }
    return Baselines(tensors, tables)


def _isotropic_part(stiffness: Floats) -> Floats:
    """Return the isotropic tensor nearest to a stiffness: that of its Voigt averages."""
    averages = elasticity.moduli(stiffness)
    return elasticity.isotropic(averages.bulk_voigt, averages.shear_voigt)


# --- is the uncertainty of use? -----------------------------------------------------------------


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
    doubt, wrong = _pair(_numbers(uncertainty, names[0]), _numbers(error, names[1]), *names)
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
        name: _Question(name, "", statistic, columns).answer(everyone, draws, seed)
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
