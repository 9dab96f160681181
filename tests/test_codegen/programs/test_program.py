"""Programs as values: sharing, printing, running, what they refuse."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import pytest

from codegen import (
    ConvolutionRecipe,
    CouplingRecipe,
    Program,
    RotationRecipe,
    TensorRecipe,
)
from codegen.programs.lowering import Builder
from codegen.programs.program import Argument, Linear, Output
from natural_tensors import Surd
from tests.helpers.formal import function

ROOT_2 = Surd.root(2)


def small_program() -> Program:
    built = Builder((Argument("v", (3,), ("a", "b", "c"), False, "numbers"),))
    a, b, c = built.components(0)
    shared = [{0: Surd(1), 1: Surd(2), 2: Surd(5)}, {0: Surd(3), 1: Surd(6)}, {0: Surd(-1)}]
    first, second, third = built.apply(shared, [a, b, c], ["first", "", "a"])
    built.product(a, b, "dead")
    side = built.sign(c, "side")
    outcome = built.product(side, built.reciprocal(built.linear([(ROOT_2, a)], "root")))
    values = (first, second, third, outcome, built.constant(4), built.root(third))
    return built.program("small", "A test.", [Output("out", (6,), values)], "six numbers.")


def test_programs_share_and_leave_out() -> None:
    program = small_program()
    names = program.names()
    assert "dead" not in names
    assert len(set(names)) == len(names)
    assert program.run([Fraction(1), 1, -2])["out"][:3] == [-7, 9, -1]
    assert program.run([Fraction(1), 1, -2])["out"][3] == -Surd.root(Fraction(1, 2))
    assert program.run([-Fraction(1, 2), 1, -2])["out"][5] == Surd.root(Fraction(1, 2))
    with pytest.raises(ValueError, match="the root of √2 is no sum of roots"):
        program.run([-ROOT_2, 1, -2])
    # 2 b, 5 c, 3 (a + 2 b), root 2 a and one product; a + 2 b once
    assert str(program.counts()) == "5 multiplications, 2 additions, 1 divisions, 1 roots"


def test_programs_are_frozen_and_print() -> None:
    program = small_program()
    with pytest.raises(FrozenInstanceError):
        program.name = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        program.steps[0].name = "other"  # type: ignore[misc]
    assert program == small_program()
    text = str(program)
    assert text.splitlines()[0] == f"small(v): {program.counts()}"
    for fragment in ("root = √2 a", "side = sign(c)", "1 / root", "sqrt(", "-> out [6]: first, "):
        assert fragment in text


def test_programs_refuse_what_does_not_fit() -> None:
    program = function(CouplingRecipe(1, 1, 1), "couple")
    with pytest.raises(ValueError, match="couple takes 2 arrays, got 1"):
        program.run([1, 2, 3])
    with pytest.raises(ValueError, match="y has 3 components, got 2"):
        program.run([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="2 labels for shape"):
        Argument("v", (3,), ("a", "b"), False, "numbers")


def test_no_coefficient_is_a_float() -> None:
    for recipe in (TensorRecipe("elastic", form="mandel"), ConvolutionRecipe(3), RotationRecipe(3)):
        for program in recipe.functions():
            if isinstance(program, Program):
                for step in program.steps:
                    if isinstance(step.operation, Linear):
                        assert all(type(c) is Surd for c, _ in step.operation.terms)
                        # one square root for each coefficient, all else rational
                        assert all(len(c.terms) == 1 for c, _ in step.operation.terms)
