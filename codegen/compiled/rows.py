"""Arrays of NumPy or PyTorch as rows, one for each item, and programs run on them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, TypeAlias

from .kernels import CompiledProgram, Given

Array: TypeAlias = Any
"""A NumPy array, or a tensor of PyTorch."""

Shape: TypeAlias = tuple[int, ...]


class Sizes(NamedTuple):
    """What a call computes.

    Attributes:
        items: how many.
        channels: how many; 0 where there are none.
        kind: data type.
    """

    items: int
    channels: int
    kind: str


class Call(NamedTuple):
    """The arguments of one call, brought to rows of one length each.

    Attributes:
        rows: shape ``(count, entries)`` or ``(count, entries, channels)``, C order; one row where
            all items have the same.
        batch: shape of the items.
        sizes: how many items and channels, and their data type.
    """

    rows: list[Array]
    batch: Shape
    sizes: Sizes


def is_tensor(value: Array) -> bool:
    """Say whether a value is a tensor of PyTorch, without loading it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def run(
    compiled: CompiledProgram,
    rows: Sequence[Array | None],
    sizes: Sizes,
    threads: int,
    empty: Any,
) -> list[Array]:
    """Return the outputs of a program as rows.

    Args:
        compiled: the program.
        rows: its arguments; those that it does not read may be None.
        sizes: how many items and channels, and their data type.
        threads: at most.
        empty: makes an array of a shape and a data type.
    """
    read = [each for each in (rows[number] for number in compiled.reads) if each is not None]
    count, channels, kind = sizes
    outputs = []
    for output in compiled.program.outputs:
        shape: Shape = (count, len(output.entries))
        if compiled.channels and not output.summed:
            shape = (*shape, channels)
        outputs.append(empty(shape, kind))
    for number, each in enumerate(outputs):
        if number not in compiled.writes or (compiled.channels and not channels):
            each[...] = 0
    if compiled.writes and not (compiled.channels and not channels):
        written = [outputs[number] for number in compiled.writes]
        given = [
            Given(_pointer(each), prod(each.shape), 0 if len(each) == 1 else prod(each.shape[1:]))
            for each in read
        ]
        compiled.run(
            kind, count, channels, threads, given,
            [Given(_pointer(each), prod(each.shape), 0) for each in written],
        )  # fmt: skip
    return outputs


def _pointer(array: Array) -> int:
    return int(array.data_ptr() if is_tensor(array) else array.ctypes.data)
