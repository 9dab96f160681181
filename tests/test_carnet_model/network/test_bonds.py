"""Bonds: computed once, sorted by receiver, cut into runs of atoms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from carnet_model.network import bonds as module
from carnet_model.network.batch import Batch
from carnet_model.network.bonds import Bonds
from tests.helpers.tiny_potentials import batch, crystal, water


def twice(lengths: Tensor) -> Tensor:
    return 2 * lengths.unsqueeze(1)


def bonds(of: Batch | None = None) -> Bonds:
    return Bonds(batch(crystal(), water()) if of is None else of, twice)


def with_ends(receivers: list[int], senders: list[int] | None = None) -> Bonds:
    """Return bonds of six atoms between the ends that are stated."""
    whole = batch(water(), water())
    count = len(receivers)
    ends = torch.tensor(senders or [(number + 1) % 3 for number in receivers])
    shifts = torch.zeros(count, 3, dtype=torch.float64)
    return bonds(replace(whole, senders=ends, receivers=torch.tensor(receivers), shifts=shifts))


def test_directions_are_unit_vectors_from_receiver_to_sender() -> None:
    found = bonds(batch(water()))
    positions = torch.from_numpy(water().positions)
    vectors = positions[found.senders] - positions[found.receivers]
    torch.testing.assert_close(found.lengths.unsqueeze(1) * found.directions, vectors)
    torch.testing.assert_close(found.directions.norm(dim=1), torch.ones(6).double())
    torch.testing.assert_close(found.basis, 2 * vectors.norm(dim=1, keepdim=True))
    assert found.atoms == 3


def test_what_layers_share_is_computed_once_for_each_key() -> None:
    found, calls = bonds(), 0

    def function(directions: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return directions + calls

    first = found.geometry(function)
    assert found.geometry(function) is first
    assert calls == 1
    other = found.geometry(function, key="other")
    assert calls == 2
    assert found.geometry(function, key="other") is other
    assert torch.equal(first, found.directions + 1)
    assert found.once("nothing", lambda: None) is None
    assert found.once("nothing", lambda: 5) is None  # None is a result too


def test_the_first_bond_of_every_atom() -> None:
    assert with_ends([0, 0, 2, 5, 5, 5]).starts.tolist() == [0, 2, 2, 3, 3, 3, 6]
    assert with_ends([3]).starts.tolist() == [0, 0, 0, 0, 1, 1, 1]
    found = bonds()
    starts = found.starts
    assert starts.shape == (found.atoms + 1,)
    for atom in range(found.atoms):
        assert (found.receivers[starts[atom] : starts[atom + 1]] == atom).all()
    assert found.ends[0] is starts
    assert torch.equal(found.ends[1], found.senders)
    assert found.ends[1].is_contiguous()


def test_bonds_that_are_not_sorted_are_refused() -> None:
    for receivers in ([1, 0], [0, 2, 1, 3], [0, 0, 5, 4]):
        with pytest.raises(ValueError, match="not sorted by receiver"):
            _ = with_ends(receivers).starts


@pytest.mark.parametrize(
    ("senders", "words"), [([0, 6], "atoms 0 to 6"), ([-1, 5], "atoms -1 to 5")]
)
def test_senders_that_are_no_atoms_are_refused(senders: list[int], words: str) -> None:
    found = with_ends([0, 1], [0, 5])
    assert found.ends[1].tolist() == [0, 5]
    wrong = with_ends([0, 1], [0, 5])
    wrong.senders = torch.tensor(senders)
    with pytest.raises(ValueError, match=f"{words}; there are atoms 0 to 5"):
        _ = wrong.ends


def test_no_bonds_at_all() -> None:
    whole = batch(water())
    none = replace(
        whole, senders=whole.senders[:0], receivers=whole.receivers[:0], shifts=whole.shifts[:0]
    )
    found = bonds(none)
    assert found.ends[0].tolist() == [0, 0, 0, 0]
    assert found.chunks(10) == [(0, 3, 0, 0)]


def test_runs_hold_as_many_weights_as_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole atoms, in order; an atom with more is a run of its own."""
    monkeypatch.setattr(module, "CHUNK", 12)
    found = with_ends([0, 0, 1, 2, 2, 2, 2, 2, 4, 5])
    assert found.chunks(3) == [(0, 2, 0, 3), (2, 3, 3, 8), (3, 6, 8, 10)]  # four bonds at most
    assert found.chunks(4) == [(0, 2, 0, 3), (2, 3, 3, 8), (3, 6, 8, 10)]  # three
    assert found.chunks(6) == [(0, 1, 0, 2), (1, 2, 2, 3), (2, 3, 3, 8), (3, 6, 8, 10)]  # two
    whole = [(0, 6, 0, 10)]
    assert found.chunks(1) == whole
    assert found.chunks(0) == whole
    assert found.chunks(1) is found.chunks(0)
    single = [(n, n + 1, first, last) for n, (first, last) in enumerate(
        [(0, 2), (2, 3), (3, 8), (8, 8), (8, 9), (9, 10)]
    )]  # fmt: skip
    assert found.chunks(100) == [*single[:2], single[2], (3, 5, 8, 9), single[5]]


def test_gradients_by_parameters_are_left_out_within_the_block_only() -> None:
    found = bonds()
    assert found.parameter_gradients
    with found.without_parameter_gradients():
        assert not found.parameter_gradients
        with found.without_parameter_gradients():
            assert not found.parameter_gradients
        assert not found.parameter_gradients
    assert found.parameter_gradients

    def fails() -> None:
        with found.without_parameter_gradients():
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert found.parameter_gradients
