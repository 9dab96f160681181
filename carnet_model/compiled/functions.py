"""Compiled functions called by the names of their arguments, checked before a pointer is passed."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ..network.kernels import Signature

Given: TypeAlias = int | Tensor
"""What a compiled function takes by a name: a number or an array."""

CHOSEN = ("first", "last", "threads")
"""The numbers that a caller chooses; all others are lengths of the arrays."""

INDEX_BYTES = 8
"""Size of an int64."""


class Function:
    """A compiled function that knows what it takes.

    It is called with arrays by name, the number of ``threads``, and, where it goes over some of the
    atoms or edges, the ``first`` and the one after the ``last``. Everything is checked but the
    values of indices.

    Args:
        address: the function, as ctypes found it.
        signature: what it takes.
        dtype: of its numbers.
        channels: number of channels it was compiled for.
    """

    def __init__(
        self, address: Any, signature: Signature, dtype: torch.dtype, channels: int
    ) -> None:
        self.signature, self._address = signature, address
        arrays = signature.parameters
        pointers = [ctypes.c_void_p] * (1 + len(arrays))
        address.argtypes = [ctypes.c_int64] * len(signature.numbers) + pointers
        address.restype = ctypes.c_char_p
        self._numbers = signature.numbers
        self._chosen = tuple(name for name in self._numbers if name in CHOSEN)
        self._names = frozenset([*self._chosen, *(array.name for array in arrays)])
        self._types = tuple(
            (array.name, torch.int64 if array.integer else dtype) for array in arrays
        )
        self._shapes = tuple(
            (array.name, tuple(channels if size == "channels" else size for size in array.shape))
            for array in arrays
        )
        # of the last call: shapes, the lengths that they have, the sizes of the arrays
        self._fitting: tuple[list[torch.Size], dict[str, int], Any] = [], {}, None

    def __call__(self, **given: Given) -> None:
        """Run the function.

        Args:
            given: numbers and arrays by name; outputs are written in place.

        Raises:
            TypeError: when a name is missing or unknown, or an argument is not of its type: a
                contiguous tensor of the data type on the CPU, an integer for a number.
            ValueError: when an array does not have its shape, two do not fit together, or a number
                is outside its range.
        """
        if given.keys() != self._names:
            raise self._misnamed(given)
        shapes: list[torch.Size] = []
        pointers: list[int] = []
        for name, dtype in self._types:
            value = given[name]
            if (
                not isinstance(value, Tensor)
                or value.dtype is not dtype
                or not value.is_cpu
                or not value.is_contiguous()
            ):
                raise self._unfit(name, value, dtype)
            shapes.append(value.shape)
            pointers.append(value.data_ptr())
        before, lengths, sizes = self._fitting
        if shapes != before:
            lengths = self._lengths(shapes)
            sizes = (ctypes.c_int64 * len(shapes))(*(shape.numel() for shape in shapes))
            self._fitting = shapes, lengths, sizes
        numbers: list[int] = []
        for name in self._numbers:
            number = lengths[name] if name in lengths else given[name]
            if type(number) is not int:
                raise self._unfit(name, number, int)
            numbers.append(number)
        refused = self._address(*numbers, sizes, *pointers)
        if refused is not None:
            raise self._refused(refused.decode(), numbers, lengths, pointers[0])

    def _lengths(self, shapes: Sequence[torch.Size]) -> dict[str, int]:
        """Return the lengths that arrays of such shapes have, by name.

        Raises:
            ValueError: when a shape is not what the signature says, or two do not fit together.
        """
        lengths: dict[str, int] = {}
        for (name, wanted), shape in zip(self._shapes, shapes, strict=True):
            if len(shape) != len(wanted):
                raise self._misshapen(name, shape, wanted, lengths)
            for size, length in zip(wanted, shape, strict=True):
                if length != (size if isinstance(size, int) else lengths.setdefault(size, length)):
                    raise self._misshapen(name, shape, wanted, lengths)
        if self.signature.loop == "atoms" and lengths["atoms + 1"] != lengths["atoms"] + 1:
            raise ValueError(
                f"{self.signature.name}: starts has {lengths['atoms + 1']} entries, it must have "
                f"one more than there are atoms, which are {lengths['atoms']}"
            )
        return lengths

    def _refused(
        self, name: str, numbers: Sequence[int], lengths: Mapping[str, int], starts: int
    ) -> ValueError:
        """Return what is wrong with the argument that the function itself refused."""
        where, loop = self.signature.name, self.signature.loop
        given = dict(zip(self._numbers, numbers, strict=True))
        if name == "threads":
            return ValueError(f"{where}: threads is {given['threads']}, at least 1")
        if loop == "items":
            return ValueError(f"{where}: {name} does not fit")
        first, last = given["first"], given["last"]
        if name == "first":
            rows = lengths["atoms" if loop == "atoms" else "edges"]
            return ValueError(f"{where}: first is {first} and last is {last}, of {rows} {loop}")
        if loop == "atoms":
            first, last = (
                ctypes.c_int64.from_address(starts + INDEX_BYTES * atom).value
                for atom in (first, last)
            )
        if name == "starts":
            edges = lengths["edges"]
            return ValueError(f"{where}: starts says edges {first} to {last}, of {edges}")
        rows = lengths["chunk"]
        return ValueError(f"{where}: {name} have {rows} rows for {last - first} edges")

    def _misnamed(self, given: Mapping[str, Given]) -> TypeError:
        known = [*self._chosen, *(name for name, _ in self._shapes)]
        problems = [f"{name} is missing" for name in known if name not in given]
        problems += [f"{name} is not among them" for name in given if name not in self._names]
        return TypeError(f"{self.signature.name} takes {', '.join(known)}: {', '.join(problems)}")

    def _unfit(self, name: str, value: object, wanted: torch.dtype | type[int]) -> TypeError:
        """Return what is wrong with the type of an argument."""
        where = f"{self.signature.name}: {name}"
        if not isinstance(value, Tensor) or wanted is int:
            kind = "an integer" if wanted is int else f"a tensor of {wanted}"
            return TypeError(f"{where} is {type(value).__name__}, it must be {kind}")
        if value.dtype is not wanted or not value.is_cpu:
            return TypeError(
                f"{where} must be {wanted} on the CPU, got {value.dtype} on {value.device}: bring "
                "model and batch to one data type with `.to`"
            )
        return TypeError(f"{where} must be contiguous, got strides {value.stride()}")

    def _misshapen(
        self, name: str, shape: torch.Size, wanted: Sequence[int | str], lengths: Mapping[str, int]
    ) -> ValueError:
        """Return what is wrong with the shape of an array."""
        names = [size for size in wanted if isinstance(size, str)]
        known = ", ".join(f"{size} = {lengths[size]}" for size in names if size in lengths)
        return ValueError(
            f"{self.signature.name}: {name} has the shape {tuple(shape)}, it must be "
            f"({', '.join(map(str, wanted))})" + (f" with {known}" if known else "")
        )
