"""The target languages by name: a new one is a file in this folder, imported and named here."""

from __future__ import annotations

from typing import Literal

from .cpp_source import CPP
from .language import Language
from .numpy_source import NUMPY
from .torch_source import TORCH

Target = Literal["torch", "numpy", "cpp"]
"""The names, for type checkers."""

LANGUAGES: dict[str, Language] = {
    "torch": TORCH,
    "numpy": NUMPY,
    "cpp": CPP,
}
"""The languages, in the order in which they are offered."""
