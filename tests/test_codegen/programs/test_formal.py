"""Runs of programs on indeterminates: as good as runs on numbers, and not blind."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from codegen import (
    CouplingRecipe,
)
from codegen.programs.program import Linear
from natural_tensors import Surd
from tests.helpers.formal import function, ring_of


def test_runs_on_indeterminates_are_runs_on_numbers() -> None:
    program = function(CouplingRecipe(2, 2, 3), "couple")
    ring = ring_of("v", 10)
    formal = program.run(ring.gens[:5], ring.gens[5:])["coupled"]
    rng = np.random.default_rng(1)
    for _ in range(3):
        numbers = rng.integers(-9, 10, 10).tolist()
        found = program.run(numbers[:5], numbers[5:])["coupled"]
        for value, polynomial in zip(found, formal, strict=True):
            expected = {n: part(*numbers) for n, part in polynomial.parts.items()}
            assert value == Surd({n: Fraction(int(q.p), int(q.q)) for n, q in expected.items()})


def test_a_wrong_coefficient_is_seen() -> None:
    program = function(CouplingRecipe(2, 2, 2), "couple")
    ring = ring_of("v", 10)
    expected = program.run(ring.gens[:5], ring.gens[5:])["coupled"]
    changed = 0
    for number, step in enumerate(program.steps):
        if isinstance(step.operation, Linear):
            (coefficient, ref), *others = step.operation.terms
            wrong = replace(step.operation, terms=((coefficient * 2, ref), *others))
            steps = list(program.steps)
            steps[number] = replace(step, operation=wrong)
            other = replace(program, steps=tuple(steps))
            assert other.run(ring.gens[:5], ring.gens[5:])["coupled"] != expected
            changed += 1
    assert changed > 4
