"""The state of PyTorch that a measurement changes and puts back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def default_dtype(kind: torch.dtype) -> Iterator[None]:
    """Let tensors be made in a data type, and as before afterwards."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
