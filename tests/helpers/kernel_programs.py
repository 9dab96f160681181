"""Programs of kernels run on rational numbers."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import codegen
from codegen.programs.kernel import Kernel
from codegen.programs.program import Program
from natural_tensors.exact.surds import Surd


def kernel(recipe: codegen.Recipe, name: str) -> Kernel:
    return next(kernel for kernel in recipe.kernels() if kernel.name == name)


def values(program: Program, seed: int) -> dict[str, list[Any]]:
    """Rational numbers for every argument; frames need be no rotations where nothing turns."""
    draw = random.Random(seed)
    return {
        a.name: [Fraction(draw.randint(-9, 9), draw.randint(1, 5)) for _ in a.labels]
        for a in program.arguments
    }


def run(programs: tuple[Program, ...], given: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Add the outputs of all programs."""
    total: dict[str, list[Any]] = {}
    for program in programs:
        found = program.run(*(given[a.name] for a in program.arguments))
        for key, entries in found.items():
            before = total.get(str(key), [Surd(0)] * len(entries))
            total[str(key)] = [a + b for a, b in zip(before, entries, strict=True)]
    return total


def dot(first: list[Any], second: list[Any]) -> Any:
    return sum((a * b for a, b in zip(first, second, strict=True)), Surd(0))
