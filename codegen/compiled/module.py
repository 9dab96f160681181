"""The functions of a recipe as a module, compiled when they are called."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from ..programs.loop import Loop
from ..programs.program import Program
from ..recipes.recipe import Recipe
from .functions import Function
from .rows import is_tensor


class Convolve:
    """A loop over edges around a compiled program: gather, compute, add up on the receivers.

    Args:
        loop: which program, and what is gathered.
        message: the program, compiled.
    """

    def __init__(self, loop: Loop, message: Function) -> None:
        self._loop, self._message = loop, message
        self.__name__ = self.__qualname__ = loop.name
        self.__doc__ = loop.summary

    def __call__(self, *arrays: Any) -> Any:
        """Return the sums, a row for each node.

        Args:
            arrays: those of the program, of nodes or edges, then the ends of the edges.

        Raises:
            TypeError: when their number, or the type of one, is another.
            ValueError: when shapes do not go together.
        """
        names = [argument.name for argument in self._loop.arguments]
        if len(arrays) != len(names) + 2:
            raise TypeError(
                f"{self.__name__} takes {', '.join(names)}, senders, receivers; got {len(arrays)} "
                "arguments"
            )
        *given, senders, receivers = arrays
        for name, ends in (("senders", senders), ("receivers", receivers)):
            if not str(getattr(ends, "dtype", "")).endswith("int64") or ends.shape != (
                len(senders),
            ):
                raise ValueError(f"{self.__name__}: {name} must be int64, of shape (edges,)")
        nodes = len(given[names.index(self._loop.nodes)])
        taken = []
        for argument, array in zip(self._loop.arguments, given, strict=True):
            if not argument.gathered and len(array) != len(senders):
                raise ValueError(
                    f"{self.__name__}: {argument.name} has {len(array)} rows for {len(senders)} "
                    "edges"
                )
            taken.append(array[senders] if argument.gathered else array)
        messages = self._message(*taken)
        if is_tensor(messages):
            total = messages.new_zeros((nodes, *messages.shape[1:]))
            return total.index_add(0, receivers, messages)
        total = np.zeros((nodes, *messages.shape[1:]), messages.dtype)
        np.add.at(total, receivers, messages)
        return total


def compiled_module(recipe: Recipe, name: str) -> ModuleType:
    """Return the functions of a recipe as a module, each compiled when it is first called.

    Args:
        recipe: what is generated.
        name: of the module, and of the libraries: the same for the same text only.
    """
    module = ModuleType(name, recipe.title)
    key = name.rpartition(".")[2]
    functions: dict[str, Function] = {}
    for each in recipe.functions():
        if isinstance(each, Program):
            functions[each.name] = Function(each, key)
    for each in recipe.functions():
        if isinstance(each, Loop):
            setattr(module, each.name, Convolve(each, functions[each.program.name]))
    for word, function in functions.items():
        setattr(module, word, function)
    return module
