"""Settings of a network: the ends of every range, and what is beyond them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from carnet_model.network.settings import NetworkSettings

RANGES: dict[str, tuple[int, int]] = {
    "channels": (1, 1024),
    "layers": (1, 8),
    "weight": (0, 8),
    "message_weight": (0, 8),
    "body_order": (2, 8),
    "radial": (1, 64),
    "radial_hidden": (1, 1024),
    "embedding": (1, 1024),
    "head_hidden": (1, 4096),
}

DEFAULTS: dict[str, Any] = {
    "cutoff": 5.0, "channels": 48, "layers": 2, "weight": None, "message_weight": 1,
    "body_order": 4, "pseudo": None, "radial": 10, "radial_hidden": 48, "embedding": 48,
    "head_hidden": 96, "neighbours": None, "bounded": True, "repulsion": False, "volume": True,
}  # fmt: skip


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_every_range(name: str) -> None:
    low, high = RANGES[name]
    for value in (low, high):
        assert getattr(NetworkSettings.model_validate({name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValidationError, match=name):
            NetworkSettings.model_validate({name: value})


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [("cutoff", (1e-9, 20.0), (0.0, 20.001)), ("neighbours", (1e-9, 500.0), (0.0, -1.0))],
)
def test_lengths_and_numbers_are_positive(
    name: str, allowed: tuple[float, ...], refused: tuple[float, ...]
) -> None:
    for value in allowed:
        assert getattr(NetworkSettings.model_validate({name: value}), name) == value
    for value in refused:
        with pytest.raises(ValidationError, match=name):
            NetworkSettings.model_validate({name: value})


def test_what_is_left_out_is_what_the_guide_states() -> None:
    """Checkpoints state all of them, configurations do not: a default that changes is a break."""
    assert NetworkSettings().model_dump() == DEFAULTS


def test_settings_do_not_change_and_take_no_other_names() -> None:
    settings = NetworkSettings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.channels = 3
    with pytest.raises(ValidationError, match="chanels"):
        NetworkSettings.model_validate({"chanels": 3})
