"""The choice of points: by uncertainty, by variety, and as a Gaussian process has it."""

from __future__ import annotations

import numpy as np

from carnet_model.selection.choosing import NEAR, choose, median_distance


def test_what_is_left_is_the_deviation_of_a_gaussian_process() -> None:
    """By inverting the covariances of the chosen, as textbooks do."""
    draw = np.random.default_rng(0)
    points, deviations = draw.normal(size=(40, 3)), draw.uniform(0.1, 1, 40)
    scaled = (points - points.mean(axis=0)) / points.std(axis=0)
    squares = ((scaled[:, None] - scaled) ** 2).sum(axis=-1)
    length = NEAR * median_distance(scaled)
    covariance = np.outer(deviations, deviations) * np.exp(-squares / (2 * length**2))
    found = choose(deviations, points, 8)
    assert len(set(found.rows.tolist())) == 8
    for place in range(8):
        chosen = found.rows[:place]
        block = covariance[np.ix_(chosen, chosen)]
        known = covariance[:, chosen] @ np.linalg.solve(block, covariance[chosen])
        left = np.diag(covariance - known)
        assert found.rows[place] == np.argmax(left)
        assert np.isclose(found.left[place] ** 2, left.max(), rtol=1e-9)


def test_one_of_each_kind_comes_before_two_of_the_most_uncertain() -> None:
    kinds = np.repeat(np.eye(4) * 10, 5, axis=0)
    points = kinds + 1e-3 * np.random.default_rng(1).normal(size=kinds.shape)
    deviations = np.repeat([1.0, 0.9, 0.5, 0.2], 5)
    found = choose(deviations, points, 4)
    assert (found.rows // 5).tolist() == [0, 1, 2, 3]


def test_copies_are_never_chosen_and_a_small_pool_is_taken_whole() -> None:
    points = np.repeat([[0.0, 0.0], [1.0, 3.0], [5.0, 1.0]], 3, axis=0)
    found = choose(np.ones(9), points, 9)
    assert sorted((found.rows // 3).tolist()) == [0, 1, 2]
    assert sorted(choose(np.ones(3), points[::3], 99).rows.tolist()) == [0, 1, 2]
    assert choose(np.array([0.0, 2.0]), np.zeros((2, 1)), 2).rows.tolist() == [1]
