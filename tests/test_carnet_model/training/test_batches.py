"""Batches: the order of an epoch, and its shares among processes."""

from __future__ import annotations

import math

import pytest

from carnet_model.training.batches import EpochOrder


def test_the_order_of_an_epoch_follows_from_seed_and_epoch() -> None:
    order = EpochOrder(11, 3)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    assert sorted(first) == sorted(second) == list(range(11))
    assert first != second
    order.set_epoch(0)
    assert list(order) == first
    shares = [list(EpochOrder(11, 3, rank, 2)) for rank in range(2)]
    assert [len(share) for share in shares] == [6, 6]
    assert {*shares[0], *shares[1]} == set(range(11))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_process_has_as_many_structures_and_none_is_lost(processes: int) -> None:
    """The last batch is partial and the shares uneven: nothing is dropped, no process waits."""
    orders = [EpochOrder(10, 0, rank, processes) for rank in range(processes)]
    shares = [list(order) for order in orders]
    assert len({len(share) for share in shares}) == 1
    assert {place for share in shares for place in share} == set(range(10))
    assert len(shares[0]) == math.ceil(10 / processes)
