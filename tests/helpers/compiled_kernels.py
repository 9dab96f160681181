"""Generated C++, compiled on this machine and called with NumPy arrays."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import codegen
from codegen import Recipe
from tests.helpers.machine import COMPILER


class Compiled:
    """The C++ functions of a recipe in double precision.

    Args:
        recipe: what they compute.
        folder: where source and library go.
    """

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        source, library = folder / "kernel.cpp", folder / "kernel.so"
        source.write_text(codegen.source(recipe, "cpp"), encoding="utf-8")
        assert COMPILER is not None
        subprocess.run(
            [COMPILER, "-std=c++17", "-O1", "-fPIC", "-shared", "-DSCALAR=double", "-DLANES=1",
             "-Wall", "-Wno-unknown-pragmas", "-Wno-unused-function", "-Wno-unused-variable",
             "-Werror", str(source), "-o", str(library)], check=True,
        )  # fmt: skip
        self._library = ctypes.CDLL(str(library))
        self._signatures = {each.name: each for each in recipe.signatures()}

    def __call__(self, name: str, *arrays: Any) -> dict[str, NDArray[np.float64]]:
        """Return what a function writes, shape ``(count, entries)`` each.

        Args:
            name: of the function.
            arrays: the inputs, shape ``(count, entries)``, or ``(entries,)`` for one of all items.
        """
        signature = self._signatures[name]
        given = [np.ascontiguousarray(array, dtype=np.float64) for array in arrays]
        wanted = [array for array in signature.arrays if not array.written]
        assert [each.row for each in wanted] == ["broadcast"] * len(given)
        count = max(len(array) if array.ndim == 2 else 1 for array in given)
        steps: list[int] = []
        for array, stated in zip(given, wanted, strict=True):
            entries = int(stated.entries or 1)
            assert array.shape in ((count, entries), (entries,))
            steps.append(array.shape[-1] if array.ndim == 2 else 0)
        outputs = {
            each.name: np.full((count, int(each.entries or 1)), np.nan)
            for each in signature.arrays
            if each.written
        }
        numbers = [ctypes.c_int64(number) for number in (count, 1, *steps)]
        refused = self.called(name, numbers, [*given, *outputs.values()])
        assert refused is None, refused
        return outputs

    def called(self, name: str, numbers: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> Any:
        """Call a function; return the name of the argument that it refuses, None when all fit."""
        function = getattr(self._library, name)
        function.restype = ctypes.c_char_p
        sizes = (ctypes.c_int64 * len(arrays))(*(array.size for array in arrays))
        return function(*numbers, sizes, *(ctypes.c_void_p(a.ctypes.data) for a in arrays))
