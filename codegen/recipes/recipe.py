"""What a recipe is: which functions a generated module holds, in no language yet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields

from ..programs.items import item_kernel, with_gradients
from ..programs.kernel import Kernel, Signature
from ..programs.loop import Loop
from ..programs.program import Program

MAX_WEIGHT = 12
"""The largest weight there is code for."""


@dataclass(frozen=True)
class Recipe(ABC):
    """Something that can be generated; equal recipes give the same bytes."""

    @property
    @abstractmethod
    def title(self) -> str:
        """One sentence for the head of the module."""

    @abstractmethod
    def functions(self) -> tuple[Program | Loop, ...]:
        """Return the functions of the module, in order."""

    def signatures(self) -> tuple[Signature, ...]:
        """Return how the kernels of the recipe are called."""
        return tuple(kernel.signature for kernel in self.kernels())

    def kernels(self) -> tuple[Kernel, ...]:
        """Return the loops of the recipe, derivatives included, for a compiled language."""
        return tuple(item_kernel(program) for program in with_gradients(self.functions()))

    @property
    def kind(self) -> str:
        """Name of the recipe on the command line."""
        return type(self).__name__.removesuffix("Recipe").lower()

    def settings(self) -> dict[str, object]:
        """Return the arguments of the recipe, for the provenance header."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def check_choice(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a value that is not among those allowed."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}")


def check_weight(name: str, value: int) -> None:
    """Refuse a weight beyond those there is code for."""
    if not isinstance(value, int) or not 0 <= value <= MAX_WEIGHT:
        raise ValueError(f"{name}={value!r} is not a weight from 0 to {MAX_WEIGHT}")
