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
        address.argtypes = [ctypes.c_int64] * len(signature.numbers) + [ctypes.c_void_p] * len(
            arrays
        )
        address.restype = None
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
        self._fitting: tuple[list[torch.Size], dict[str, int]] = [], {}  # of the last call

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
        before, lengths = self._fitting
        if shapes != before:
            lengths = self._lengths(shapes)
            self._fitting = shapes, lengths
        numbers: list[int] = []
        for name in self._numbers:
            number = lengths[name] if name in lengths else given[name]
            if type(number) is not int:
                raise self._unfit(name, number, int)
            numbers.append(number)
        if given["threads"] < 1:
            raise ValueError(f"{self.signature.name}: threads is {given['threads']}, at least 1")
        if self.signature.loop != "items":
            self._check_range(numbers[0], numbers[1], lengths, pointers[0])
        self._address(*numbers, *pointers)

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

    def _check_range(self, first: int, last: int, lengths: Mapping[str, int], starts: int) -> None:
        """Refuse a first and last that are not there, and buffers too short for their edges."""
        of_atoms = self.signature.loop == "atoms"
        rows = lengths["atoms" if of_atoms else "edges"]
        if not 0 <= first <= last <= rows:
            raise ValueError(
                f"{self.signature.name}: first is {first} and last is {last}, of {rows} "
                f"{self.signature.loop}"
            )
        if of_atoms:
            first, last = (
                ctypes.c_int64.from_address(starts + INDEX_BYTES * atom).value
                for atom in (first, last)
            )
            if not 0 <= first <= last <= lengths["edges"]:
                raise ValueError(
                    f"{self.signature.name}: starts says edges {first} to {last}, of "
                    f"{lengths['edges']}"
                )
        if lengths["chunk"] < last - first:
            raise ValueError(
                f"{self.signature.name}: {self._named('chunk')} have {lengths['chunk']} rows for "
                f"{last - first} edges"
            )

    def _named(self, size: str) -> str:
        """Return the names of the arrays that have such a length."""
        return ", ".join(name for name, shape in self._shapes if size in shape)

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
