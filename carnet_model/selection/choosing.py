"""A choice of points that are uncertain and unlike each other: what leaves least uncertainty.

The errors of a network are taken for a Gaussian process: at each structure with the standard
deviation that the ensemble states, and of two structures correlated by ``exp(-d^2 / 2 s^2)`` of
their distance d. Whoever computes a structure knows its error, and with it much of the errors of
those near it. Chosen is, one after another, what is most uncertain once the others are known:
the pivots of an incomplete Cholesky decomposition of the covariances, which is the greedy mode of a
determinantal point process.

Source: H. Harbrecht, M. Peters, R. Schneider 2012, Appl. Numer. Math. 62, 428; L. Chen, G. Zhang,
E. Zhou 2018, NeurIPS 31 (arXiv:1709.05135).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from natural_tensors.arrays import Floats, Integers

PAIRS = 2000
"""Pairs of the pool whose distances tell what is near."""

NEAR = 0.5
"""The distance s at which errors are correlated, in units of the median distance of the pool."""

SMALLEST = 1e-12
"""Share of the variance below which nothing is left to learn: a copy of what is chosen."""


class Chosen(NamedTuple):
    """Which points are chosen, in their order, and how uncertain each still was.

    Attributes:
        rows: their numbers, shape ``(chosen,)``.
        left: standard deviations when each was chosen, shape ``(chosen,)``.
    """

    rows: Integers
    left: Floats


def choose(uncertainty: Floats, features: Floats, count: int) -> Chosen:
    """Choose points, the most uncertain first and then what the chosen leave most uncertain.

    Args:
        uncertainty: standard deviations, positive or 0, shape ``(points,)``.
        features: what distances are taken of, shape ``(points, features)``; each is divided by
            its standard deviation in the pool.
        count: how many; fewer are returned when the others are copies of them.
    """
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    length = NEAR * median_distance(scaled)
    left = uncertainty**2
    factor = np.zeros((len(left), min(count, len(left))))
    rows: list[int] = []
    deviations: list[float] = []
    for column in range(factor.shape[1]):
        row = int(np.argmax(left))
        if left[row] <= SMALLEST * uncertainty[row] ** 2:
            break
        rows.append(row)
        deviations.append(float(np.sqrt(left[row])))
        squares = ((scaled - scaled[row]) ** 2).sum(axis=1)
        covariance = uncertainty * uncertainty[row] * np.exp(-squares / (2 * length**2))
        known = factor[:, :column] @ factor[row, :column]
        factor[:, column] = (covariance - known) / deviations[-1]
        left = np.maximum(left - factor[:, column] ** 2, 0.0)
        left[row] = 0.0
    return Chosen(np.array(rows, dtype=np.int64), np.array(deviations))


def median_distance(points: Floats) -> float:
    """Return the median distance of pairs of points; 1 where all are alike."""
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, len(points), (2, PAIRS))
    distances = np.linalg.norm(points[first] - points[second], axis=1)
    distances = distances[distances > 0]
    return float(np.median(distances)) if len(distances) else 1.0
