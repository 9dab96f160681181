"""A list of modules of one class, which type checkers know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar, cast, overload

from torch import nn

Layer = TypeVar("Layer", bound=nn.Module)


class Modules(nn.ModuleList, Generic[Layer]):
    """A ``ModuleList`` whose entries keep their class, as ``Modules[Mixing]``."""

    def __iter__(self) -> Iterator[Layer]:
        return cast("Iterator[Layer]", super().__iter__())

    @overload
    def __getitem__(self, idx: slice) -> Modules[Layer]: ...

    @overload
    def __getitem__(self, idx: int) -> Layer: ...

    def __getitem__(self, idx: int | slice) -> Layer | Modules[Layer]:
        return cast("Layer | Modules[Layer]", super().__getitem__(idx))
