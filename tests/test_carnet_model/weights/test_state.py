"""States of a training come back exactly, and hold no objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from carnet_model.weights.record import CheckpointError
from carnet_model.weights.state import load_state, save_state


def test_a_state_comes_back_exactly(tmp_path: Path) -> None:
    array = np.arange(4, dtype=np.float32)
    state = {
        "a": [1, 0.1, None, True, "text", (2, [float("inf")])],
        0: {"x": torch.tensor(1.5), "y.z": torch.arange(3), "": {}},
        "array": array,
    }
    save_state(tmp_path / "s", state)
    restored = load_state(tmp_path / "s")
    assert restored["a"] == state["a"]
    assert list(restored) == list(state)
    assert torch.equal(restored[0]["x"], torch.tensor(1.5))
    assert torch.equal(restored[0]["y.z"], torch.arange(3))
    assert np.array_equal(restored["array"], array)


def test_a_state_holds_no_objects(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"state\.a is Path|state\.a is PosixPath"):
        save_state(tmp_path / "s", {"a": tmp_path})
    assert not (tmp_path / "s").exists()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path / "s")
