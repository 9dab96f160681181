"""Steps: the order of an epoch, how large they are, and their shares among processes."""

from __future__ import annotations

import numpy as np
import pytest

from carnet_model.training.batches import Share, Steps, shares

EDGES = np.random.default_rng(0).integers(10, 400, 61)


def rows_of(steps: Steps) -> list[tuple[int, ...]]:
    return [share.rows for share in steps]


def test_the_order_of_an_epoch_follows_from_seed_and_epoch() -> None:
    steps = Steps(EDGES, batch=8, seed=3)
    first = rows_of(steps)
    steps.set_epoch(1)
    second = rows_of(steps)
    assert sorted(sum(first, ())) == sorted(sum(second, ())) == list(range(61))
    assert first != second
    steps.set_epoch(0)
    assert rows_of(steps) == first
    assert rows_of(Steps(EDGES, batch=8, seed=4)) != first
    assert [len(rows) for rows in first] == [8] * 7 + [5]
    assert sum(rows_of(Steps(EDGES, batch=8)), ()) == tuple(range(61))


@pytest.mark.parametrize("batch_edges", [1, 500, 3000, 10**9])
def test_steps_by_edges_have_about_as_many_and_lose_no_structure(batch_edges: int) -> None:
    steps = Steps(EDGES, batch=1, batch_edges=batch_edges, seed=0)
    for epoch in range(3):
        steps.set_epoch(epoch)
        rows = rows_of(steps)
        assert len(rows) == len(steps) == min(-(-int(EDGES.sum()) // batch_edges), 61)
        assert all(rows)
        assert sorted(sum(rows, ())) == list(range(61))
        if batch_edges > 400:
            assert max(EDGES[list(each)].sum() for each in rows) < batch_edges + 400


@pytest.mark.parametrize("processes", [2, 3, 64])
def test_shares_are_the_step_and_their_mean_is_its_mean(processes: int) -> None:
    """Of any numbers: what each process adds up, weighted as gradients of its mean loss are."""
    losses = np.random.default_rng(1).normal(size=61)
    whole = Steps(EDGES, batch=17, seed=0)
    parts = [
        list(Steps(EDGES, batch=17, seed=0, rank=rank, processes=processes))
        for rank in range(processes)
    ]
    for step, share in zip(whole, zip(*parts, strict=True), strict=True):
        counted = [row for each in share if each.factor for row in each.rows]
        assert sorted(counted) == sorted(step.rows)
        means = [each.factor * losses[list(each.rows)].mean() for each in share]
        assert np.isclose(np.mean(means), losses[list(step.rows)].mean())


def test_shares_are_balanced_by_edges_not_by_number() -> None:
    edges = np.array([900, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    large, small = shares(range(10), edges, 2)
    assert large == Share((0,), 0.2)
    assert small == Share(tuple(range(1, 10)), 1.8)
    assert shares([4], edges, 2) == [Share((4,), 2.0), Share((4,), 0.0)]
