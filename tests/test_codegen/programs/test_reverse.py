"""Gradients of programs, against differences that are exact."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from codegen.programs.lowering import ONE, Builder
from codegen.programs.program import Argument, Output, Program
from codegen.programs.reverse import vjp
from natural_tensors.exact.surds import Surd


def program() -> Program:
    """x -> (3 x0 x1^2 + 1, x1 / x0, sign(x0) x1, x0, sqrt(x0^2 + 3 x1^2))."""
    built = Builder((Argument("x", (2,), ("x_0", "x_1"), False, "numbers"),))
    x, y = built.components(0)
    square = built.product(y, y)
    first = built.linear([(Surd(3), built.product(x, square)), (ONE, built.constant(1))])
    second = built.product(y, built.reciprocal(x))
    third = built.product(built.sign(x), y)
    root = built.root(built.linear([(ONE, built.product(x, x)), (Surd(3), square)]))
    return built.program("f", "", [Output("f", (5,), (first, second, third, x, root))], "")


@pytest.mark.parametrize(("x", "y"), [(2, 3), (-5, 7), (Fraction(1, 3), -2)])
def test_the_gradient_is_the_sum_of_the_derivatives(x: Any, y: Any) -> None:
    pulled = vjp(program())
    g = [2, 3, 5, 7, 11]
    x, y = Fraction(x), Fraction(y)
    sign = 1 if x >= 0 else -1
    root = Surd.root(x**2 + 3 * y**2)
    by_x = g[0] * 3 * y * y - g[1] * y / x**2 + g[3] + g[4] * x / root
    by_y = g[0] * 6 * x * y + g[1] / x + g[2] * sign + g[4] * 3 * y / root
    assert pulled.run([x, y], g) == {"x_gradient": [by_x, by_y]}
    assert pulled.name == "f_vjp"
    assert [argument.name for argument in pulled.arguments] == ["x", "gradient"]


def test_an_argument_without_influence_has_the_gradient_zero() -> None:
    built = Builder(
        (Argument("x", (), ("x_value",), False, ""), Argument("y", (), ("y_value",), False, ""))
    )
    (x,) = built.components(0)
    pulled = vjp(built.program("f", "", [Output("f", (), (x,))], ""))
    assert pulled.run([2], [3], [5]) == {"x_gradient": [5], "y_gradient": [Surd(0)]}


def test_channels_and_several_outputs_are_refused() -> None:
    built = Builder((Argument("x", (1,), ("x_0",), True, ""),))
    (x,) = built.components(0)
    outputs = [Output("a", (1,), (x,)), Output("b", (1,), (x,))]
    with pytest.raises(ValueError, match="one output and no channels"):
        vjp(built.program("f", "", outputs[:1], ""))
    plain = Builder((Argument("x", (1,), ("x_0",), False, ""),))
    with pytest.raises(ValueError, match="one output and no channels"):
        vjp(plain.program("f", "", outputs, ""))
