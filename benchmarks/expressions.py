"""Ten index expressions of physics: generated code against einsum, one thread, float32.

einsum takes full arrays, generated code independent components; both are batches of their own for
every tensor, and neither pays for a conversion.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import opt_einsum
import torch
from rich.table import Table

import codegen
from natural_tensors import Expression
from natural_tensors.expressions.classes import DELTA, TensorClass
from tests.helpers.physical_expressions import PHYSICAL, Physical

from .timing import interleaved

COUNT = 100_000
COMPILER = ("g++", "-std=c++17", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC",
            "-shared", "-Wno-psabi", "-DSCALAR=float", "-DLANES=8")  # fmt: skip

Einsum = Callable[..., Any]


def full(what: TensorClass, components: Any) -> Any:
    """Return the full arrays of a class from independent components, shape (items, components)."""
    table = what.table
    places = np.repeat(np.arange(3**what.rank), np.diff(table.starts))
    result = np.zeros((len(components), 3**what.rank), dtype=components.dtype)
    for place, component, value in zip(places, table.monomials[:, 0], table.values, strict=True):
        result[:, place] += value * components[:, component]
    return result.reshape((-1,) + (3,) * what.rank)


SYMBOLS = {
    2: np.eye(3, dtype=np.float32),
    3: np.array(
        [[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)],
        dtype=np.float32,
    ),
}


def einsum_sum(read: Expression, contract: Einsum, arrays: dict[str, Any], symbols: Any) -> Any:
    """Return an expression by an einsum over full arrays, the letter Z for the items."""
    total: Any = 0
    for term in read.terms:
        inputs, operands = [], []
        for factor in term.factors:
            if factor.name in arrays:
                inputs.append("Z" + factor.indices)
                operands.append(arrays[factor.name])
            else:
                inputs.append(factor.indices)
                operands.append(symbols[2 if factor.name == DELTA else 3])
        value = contract(f"{','.join(inputs)}->Z{read.free}", *operands)
        number = term.coefficient
        total = total + (value if number == 1 else number.numerator / number.denominator * value)
    return total


class Compiled:
    """The generated C++ of an expression, built and called with one thread.

    Args:
        recipe: the expression.
        folder: where it is built.
    """

    def __init__(self, recipe: codegen.ExpressionRecipe, folder: Path) -> None:
        source = folder / "kernel.cpp"
        source.write_text(codegen.source(recipe, "cpp"), encoding="utf-8")
        subprocess.run([*COMPILER, str(source), "-o", str(folder / "kernel.so")], check=True)
        self._function = ctypes.CDLL(str(folder / "kernel.so")).evaluate
        self._function.restype = ctypes.c_char_p
        self._size = recipe.read.reduction.dimension

    def __call__(self, *arrays: Any) -> Any:
        """Return the components of the result, shape (items, components)."""
        count = len(arrays[0])
        result = np.empty((count, self._size), dtype=np.float32)
        steps = [prod(array.shape[1:]) for array in arrays]
        numbers = [ctypes.c_int64(number) for number in (count, 1, *steps)]
        given = (*arrays, result)
        sizes = (ctypes.c_int64 * len(given))(*(array.size for array in given))
        refused = self._function(
            *numbers, sizes, *(ctypes.c_void_p(array.ctypes.data) for array in given)
        )
        assert refused is None, refused
        return result


def compiled_einsum(case: Physical) -> Einsum:
    """Return torch.einsum of an expression, compiled as a whole."""
    read = case.read()
    names = list(read.tensors)

    def run(symbols: dict[int, Any], *arrays: Any) -> Any:
        given = dict(zip(names, arrays, strict=True))
        return einsum_sum(read, torch.einsum, given, symbols)

    return torch.compile(run, fullgraph=True)


def times(case: Physical, count: int, rounds: int) -> tuple[dict[str, float], float]:
    """Return the milliseconds of each way to compute an expression, and how far they differ."""
    read = case.read()
    recipe = codegen.ExpressionRecipe(case.text, case.tensors)
    rng = np.random.default_rng(0)
    components = [
        rng.standard_normal((count, what.dimension), dtype=np.float32)
        for what in read.tensors.values()
    ]
    whole = {
        name: full(what, array)
        for (name, what), array in zip(read.tensors.items(), components, strict=True)
    }
    whole_torch = {name: torch.from_numpy(array) for name, array in whole.items()}
    given = [
        array if what.rank else array[:, 0].copy()
        for what, array in zip(read.tensors.values(), components, strict=True)
    ]
    given_torch = [torch.from_numpy(array) for array in given]
    symbols = {size: torch.from_numpy(array) for size, array in SYMBOLS.items()}
    module = codegen.load(recipe)
    generated: Einsum = torch.compile(module.evaluate, fullgraph=True)
    theirs = compiled_einsum(case)
    with tempfile.TemporaryDirectory() as folder:
        kernel = Compiled(recipe, Path(folder))

    def by_numpy(text: str, *operands: Any) -> Any:
        return np.einsum(text, *operands, optimize=True)

    functions: dict[str, Callable[[], Any]] = {
        "numpy.einsum": lambda: einsum_sum(read, by_numpy, whole, SYMBOLS),
        "opt_einsum": lambda: einsum_sum(read, opt_einsum.contract, whole, SYMBOLS),
        "torch.einsum": lambda: einsum_sum(read, torch.einsum, whole_torch, symbols),
        "torch.einsum, compiled": lambda: theirs(symbols, *whole_torch.values()),
        "generated, compiled": lambda: generated(*given_torch),
        "generated C++": lambda: kernel(*given),
    }
    reference = np.asarray(functions["torch.einsum"]()).reshape(count, -1)
    reference = reference[:, read.reduction.components.orbits.representatives]
    scale = float(np.abs(reference).max())
    found = [np.asarray(functions[name]()).reshape(count, -1)
             for name in ("generated, compiled", "generated C++")]  # fmt: skip
    error = max(float(np.abs(each - reference).max()) for each in found) / scale
    return interleaved(functions, rounds), error


def counts(cases: Sequence[Physical] = PHYSICAL) -> Table:
    """Return the table of multiplications."""
    table = Table(title="Multiplications of one item")
    for column in ("expression", "in one sum", "two at a time", "generated", "ratio"):
        table.add_column(column, justify="left" if column == "expression" else "right")
    ratios = []
    for case in cases:
        orders = case.read().orders
        recipe = codegen.ExpressionRecipe(case.text, case.tensors)
        dense = sum(order.dense for order in orders)
        ours = recipe.functions()[0].counts().multiplications
        ratios.append(dense / ours)
        table.add_row(case.name, f"{dense}", f"{sum(o.multiplications for o in orders)}",
                      f"{ours}", f"{dense / ours:.1f}")  # fmt: skip
    table.add_row("geometric mean", "", "", "", f"{float(np.exp(np.mean(np.log(ratios)))):.1f}")
    return table


def tables(rounds: int = 7, count: int = COUNT) -> list[Table]:
    """Measure and return the tables of expressions."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    table = Table(title=f"{count:,} items, one thread, float32, milliseconds, interleaved")
    names = ("numpy.einsum", "opt_einsum", "torch.einsum", "torch.einsum, compiled",
             "generated, compiled", "generated C++")  # fmt: skip
    ratios = ("einsum / best", "compiled einsum / best")
    for column in ("expression", *names, *ratios, "largest difference"):
        table.add_column(column, justify="left" if column == "expression" else "right")
    gains: list[tuple[float, float]] = []
    for case in PHYSICAL:
        found, error = times(case, count, rounds)
        best = min(found["generated, compiled"], found["generated C++"])
        gains.append((found["torch.einsum"] / best, found["torch.einsum, compiled"] / best))
        table.add_row(case.name, *(f"{found[name]:.2f}" for name in names),
                      *(f"{gain:.1f}" for gain in gains[-1]), f"{error:.0e}")  # fmt: skip
        torch._dynamo.reset()
    means = np.exp(np.mean(np.log(np.array(gains)), axis=0))
    table.add_row("geometric mean", *[""] * len(names), *(f"{mean:.1f}" for mean in means), "")
    torch.set_num_threads(threads)
    return [counts(), table]


if __name__ == "__main__":
    from rich.console import Console

    for each in tables(count=int(sys.argv[1]) if len(sys.argv) > 1 else COUNT):
        Console(width=200).print(each)
