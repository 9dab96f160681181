"""Ensembles of checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from carnet_model.weights import checkpoint, ensembles
from carnet_model.weights.arrays import arrays_of
from carnet_model.weights.record import CheckpointError
from tests.helpers.tiny_checkpoints import fingerprints, network, record


def test_an_ensemble_of_checkpoints(tmp_path: Path) -> None:
    for number, (elements, names) in enumerate([([11, 17, 3], "ab"), ([11, 17], "abc")]):
        arrays = arrays_of(fingerprints(*names))
        near = {"Na-Cl": 2.5 + 0.1 * number, **({} if number else {"Na-Na": 3.9})}
        entry = record(elements=elements, closest=near, seeds=[number], fingerprint=str(number))
        checkpoint.save(tmp_path / str(number), [network(number)], entry, arrays)
    joined = ensembles.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "both")
    assert len(joined.models) == 2
    assert "2 members" in repr(joined)
    assert joined.elements == {11, 17}
    assert joined.record["closest"] == {"Na-Cl": 2.6}  # what both saw
    assert joined.record["seeds"] == [0, 1]
    assert joined.fingerprints is not None
    assert joined.fingerprints.identifiers == ("a", "b", "c")
    for number, model in enumerate(joined.models):
        expected = network(number).state_dict()
        assert all(torch.equal(value, expected[key]) for key, value in model.state_dict().items())


def test_an_ensemble_has_an_element_in_common(tmp_path: Path) -> None:
    for number, elements in enumerate([[11, 17], [14]]):
        checkpoint.save(tmp_path / str(number), [network(number)], record(elements=elements))
    with pytest.raises(CheckpointError, match="no element is known to all"):
        ensembles.merge([tmp_path / "0", tmp_path / "1"], tmp_path / "both")
