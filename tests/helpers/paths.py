"""Where things are: the checkout, its examples, and the folder of real data beside it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STRUCTURES = ROOT / "docs" / "structures"
DATA = Path(os.environ.get("NATURAL_TENSORS_DATA") or ROOT.parent / "shared" / "data")
"""Tests that need it skip where it is absent."""
