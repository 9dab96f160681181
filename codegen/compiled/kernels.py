"""One program as compiled functions: for each data type and number of channels one library."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from natural_tensors.limits import limit

from ..programs.items import item_kernel, reduced
from ..programs.program import Program
from ..programs.reverse import OF, vjp
from ..targets.cpp_source import kernel_lines
from . import toolchain

SCALARS = {"float32": ("float", 4), "float64": ("double", 8)}
"""Data types there are functions for: their name in C++, and their bytes."""

GRAIN = 1 << 14
"""Numbers that are worth a thread: waking one takes longer than reading and writing fewer."""


class Given(NamedTuple):
    """An array as a compiled function takes it.

    Attributes:
        pointer: to the first number.
        size: how many numbers.
        step: from one item to the next; 0 where all items have the same.
    """

    pointer: int
    size: int
    step: int


class CompiledProgram:
    """A program, compiled when it is called, and its derivatives to any order.

    Args:
        program: what is computed for each item.
        key: a name that no other program has.

    Attributes:
        program: the same.
        reads: the numbers of the arguments that matter.
        writes: the numbers of the outputs that are not zero.
    """

    def __init__(self, program: Program, key: str) -> None:
        self.program, self.key = program, key
        self._reduced = reduced(program)
        read = {argument.name for argument in self._reduced.arguments}
        written = {output.name for output in self._reduced.outputs}
        self.reads = [n for n, each in enumerate(program.arguments) if each.name in read]
        self.writes = [n for n, each in enumerate(program.outputs) if each.name in written]
        self.channels = any(argument.channels for argument in program.arguments)
        self._functions: dict[tuple[str, int], Callable[..., bytes | None]] = {}
        self._pulled: dict[tuple[bool, ...], CompiledProgram] = {}

    @cached_property
    def _vjp(self) -> Program:
        return vjp(self.program)

    def vjp(self, needed: Sequence[bool]) -> CompiledProgram:
        """Return the vector-Jacobian product: gradients by some of the arguments.

        It takes the arguments and a gradient by each output, and gives one for each needed.
        """
        chosen = tuple(needed)
        if chosen not in self._pulled:
            unwanted = [
                argument.name + OF
                for argument, wanted in zip(self.program.arguments, chosen, strict=True)
                if not wanted
            ]
            flags = "".join("01"[wanted] for wanted in chosen)
            self._pulled[chosen] = CompiledProgram(
                self._vjp.without(unwanted), f"{self.key}_vjp{flags}"
            )
        return self._pulled[chosen]

    def run(
        self,
        kind: str,
        count: int,
        channels: int,
        threads: int,
        given: Sequence[Given],
        written: Sequence[Given],
    ) -> None:
        """Compute all items.

        Args:
            kind: data type, a key of `SCALARS`.
            count: number of items.
            channels: number of channels; 0 where there are none.
            threads: at most.
            given: the arguments that are read.
            written: the outputs that are not zero.

        Raises:
            BuildError: when the function cannot be compiled.
        """
        function = self._functions.get((kind, channels))
        if function is None:
            function = self._functions[kind, channels] = self._built(kind, channels)
        work = sum(each.size for each in (*given, *written))
        threads = max(min(threads, limit("threads"), work // GRAIN), 1)
        arrays = (*given, *written)
        sizes = (ctypes.c_int64 * len(arrays))(*(each.size for each in arrays))
        refused = function(
            *map(ctypes.c_int64, (count, threads, *(each.step for each in given))),
            sizes,
            *(ctypes.c_void_p(each.pointer) for each in arrays),
        )
        if refused is not None:
            raise AssertionError(f"{self.program.name} refused {refused.decode()}")

    def _built(self, kind: str, channels: int) -> Callable[..., bytes | None]:
        scalar, size = SCALARS[kind]
        lanes = toolchain.VECTOR_BYTES // size
        while channels % lanes:
            lanes //= 2
        kernel = item_kernel(self._reduced)

        def opened(path: Path) -> Callable[..., bytes | None]:
            function: Any = getattr(ctypes.CDLL(str(path)), kernel.name)
            function.restype = ctypes.c_char_p
            return function  # type: ignore[no-any-return]

        return toolchain.built(
            f"{self.key}_{kernel.name}",
            lambda: "\n".join(kernel_lines([kernel])) + "\n",
            [f"-DSCALAR={scalar}", f"-DLANES={lanes}", f"-DCHANNELS={channels or lanes}"],
            opened,
        )
