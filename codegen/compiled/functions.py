"""Functions of NumPy arrays, or of tensors of PyTorch, that run compiled programs."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ..programs.program import Argument, Output, Program
from .kernels import SCALARS, CompiledProgram
from .rows import Array, Call, Shape, Sizes, is_tensor, run


class Function:
    """A function of a generated module, in C++.

    It takes what the same function generated for NumPy or PyTorch takes, float32 or float64, and
    gives NumPy arrays for arrays, and tensors, differentiable to any order, for tensors.

    Args:
        program: what it computes.
        key: a name that no other program has.
    """

    def __init__(self, program: Program, key: str) -> None:
        self.program = program
        self._compiled = CompiledProgram(program, key)
        self._parts = program.arguments[0].key is not None
        self.__name__ = self.__qualname__ = program.name
        self.__doc__ = f"{program.summary}\n\nReturns {program.returns}"
        names = ["parts"] if self._parts else [argument.name for argument in program.arguments]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])

    def __repr__(self) -> str:
        return f"<compiled function {self.__name__}{self.__signature__}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute all items.

        Raises:
            TypeError: when an argument is missing, or is neither an array nor a tensor on the CPU,
                float32 or float64 like the others.
            ValueError: when shapes are not those of the function, or do not go together.
            BuildError: when the function cannot be compiled.
        """
        given = args
        if kwargs or len(args) != len(self.__signature__.parameters):
            given = self.__signature__.bind(*args, **kwargs).args
        arrays = self._of_parts(given[0]) if self._parts else list(given)
        call = self._call(arrays)
        if is_tensor(arrays[0]):
            from .tensors import differentiable

            flat: Sequence[Array] = differentiable(self._compiled, call)
        else:
            threads = max_threads()
            flat = run(self._compiled, call.rows, call.sizes, threads, np.empty)
        results = {
            output.key: rows.reshape(call.batch + self._shape(output, call.sizes.channels))
            for output, rows in zip(self.program.outputs, flat, strict=True)
        }
        if not isinstance(self.program.outputs[0].key, str):
            return results
        return next(iter(results.values())) if len(results) == 1 else tuple(results.values())

    def _shape(self, output: Output, channels: int) -> Shape:
        with_channels = self._compiled.channels and not output.summed
        return (*output.shape, channels) if with_channels else output.shape

    def _of_parts(self, parts: Any) -> list[Array]:
        wanted = [argument.key for argument in self.program.arguments]
        if not isinstance(parts, Mapping):
            raise TypeError(
                f"{self.__name__}: parts is {type(parts).__name__}, it must be a dictionary of "
                f"natural tensors by (weight, copy): {', '.join(map(str, wanted))}"
            )
        missing = [key for key in wanted if key not in parts]
        if missing:
            raise ValueError(
                f"{self.__name__}: parts has no {', '.join(map(str, missing))}, it must have "
                f"{', '.join(map(str, wanted))}"
            )
        return [parts[key] for key in wanted]

    def _called(self, argument: Argument) -> str:
        inner = f"parts[{argument.key}]" if argument.key is not None else argument.name
        return f"{self.__name__}: {inner}"

    def _call(self, arrays: Sequence[Array]) -> Call:
        """Check the arguments; return them as rows."""
        arguments = self.program.arguments
        tensors, kind = is_tensor(arrays[0]), self._kind(arguments[0], arrays[0])
        channels, batches = 0, []
        for argument, array in zip(arguments, arrays, strict=True):
            found = self._kind(argument, array)
            if found != kind or is_tensor(array) != tensors:
                raise TypeError(
                    f"{self._called(argument)} is a {_sort(array)} of {found}, "
                    f"{arguments[0].name} a {_sort(arrays[0])} of {kind}: "
                    "all must be of one library and data type"
                )
            batches.append(self._batch(argument, tuple(array.shape)))
            if argument.channels:
                channels = channels if array.shape[-1] == 1 and channels else array.shape[-1]
        try:
            batch = batches[0] if len(set(batches)) == 1 else np.broadcast_shapes(*batches)
        except ValueError:
            raise ValueError(
                f"{self.__name__}: the batches {', '.join(map(str, batches))} do not broadcast"
            ) from None
        if self._parts and set(batches) != {batch}:
            raise ValueError(
                f"{self.__name__}: parts have the batches {', '.join(map(str, batches))}, they "
                "must have one"
            )
        rows = [
            self._rows(argument, array, own, batch, channels)
            for argument, array, own in zip(arguments, arrays, batches, strict=True)
        ]
        return Call(rows, batch, Sizes(prod(batch), channels, kind))

    def _kind(self, argument: Argument, array: Array) -> str:
        name = self._called(argument)
        if is_tensor(array):
            if array.device.type != "cpu":
                raise TypeError(
                    f"{name} is on the device {array.device}, compiled functions run on the CPU: "
                    "codegen.load(recipe, 'torch') runs on any device"
                )
        elif not isinstance(array, np.ndarray):
            raise TypeError(
                f"{name} is {type(array).__name__}, it must be a NumPy array or a tensor"
            )
        kind = str(array.dtype).removeprefix("torch.")
        if kind not in SCALARS:
            raise TypeError(f"{name} is of {kind}, it must be of {' or '.join(SCALARS)}")
        return kind

    def _batch(self, argument: Argument, shape: Shape) -> Shape:
        """Return the leading axes of an argument."""
        axes = len(argument.shape)
        end = len(shape) - argument.channels
        if end < axes or shape[end - axes : end] != argument.shape:
            last = "".join(f", {size}" for size in argument.shape)
            last += ", channels" if argument.channels else ""
            raise ValueError(
                f"{self._called(argument)} has the shape {shape}, it must be "
                f"(...{last}), ... any batch"
            )
        return shape[: end - axes]

    def _rows(
        self, argument: Argument, array: Array, own: Shape, batch: Shape, channels: int
    ) -> Array:
        row: Shape = (len(argument.labels),)
        if argument.channels:
            if array.shape[-1] not in (1, channels):
                raise ValueError(
                    f"{self._called(argument)} has {array.shape[-1]} channels, others have "
                    f"{channels}"
                )
            row = (*row, channels)
        whole = () if prod(own) == 1 else batch
        inner = (*argument.shape, channels) if argument.channels else argument.shape
        if prod(own) == 1:
            array = array.reshape((*argument.shape, *array.shape[array.ndim - argument.channels :]))
        wanted = whole + inner
        count = prod(whole)
        if is_tensor(array):
            return array.expand(wanted).reshape((count, *row)).contiguous()
        return np.ascontiguousarray(np.broadcast_to(array, wanted).reshape((count, *row)))


def _sort(array: Array) -> str:
    return "tensor" if is_tensor(array) else "NumPy array"


def max_threads() -> int:
    """Return how many threads a call on NumPy arrays may take: OMP_NUM_THREADS, or all cores."""
    stated = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(stated) if stated.isdigit() and int(stated) else len(os.sched_getaffinity(0))
