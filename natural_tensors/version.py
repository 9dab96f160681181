"""The versions of the distribution and of its conventions."""

from __future__ import annotations

__version__ = "0.1.0"

CONVENTIONS = 1
"""Version of docs/conventions.md that the code follows."""
