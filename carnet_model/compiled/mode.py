"""How much a user wants of code that is compiled. Nothing is imported for it."""

from __future__ import annotations

from typing import Literal

Mode = Literal["auto", "always", "never"]
"""Where it is possible; always, or an error where it is not; not at all."""
