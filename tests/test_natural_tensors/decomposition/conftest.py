"""Settings of the tests of decompositions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def every_warning_of_torch() -> Iterator[None]:
    """Let PyTorch repeat warnings, which it gives once in a process otherwise."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)
