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


def test_channels_are_summed_where_an_argument_has_none_and_outputs_pull_each_their_own() -> None:
    built = Builder(
        (Argument("x", (1,), ("x_0",), True, ""), Argument("s", (1,), ("s_0",), False, ""))
    )
    (x,), (s,) = built.components(0), built.components(1)
    outputs = [Output("a", (1,), (built.product(x, s),)), Output("b", (1,), (x,))]
    pulled = vjp(built.program("f", "", outputs, ""))
    assert [(a.name, a.channels) for a in pulled.arguments] == [
        ("x", True), ("s", False), ("a_gradient", True), ("b_gradient", True),
    ]  # fmt: skip
    assert [(o.name, o.summed) for o in pulled.outputs] == [
        ("x_gradient", False), ("s_gradient", True),
    ]  # fmt: skip
    assert pulled.run([2], [3], [5], [7]) == {"x_gradient": [3 * 5 + 7], "s_gradient": [2 * 5]}


def test_the_gradient_of_a_gradient_takes_tangents() -> None:
    """f = x^2 y: the gradient g (2 x y, x^2) has, along (u, v), derivatives by x, y and g."""
    built = Builder(
        (Argument("x", (), ("x_value",), False, ""), Argument("y", (), ("y_value",), False, ""))
    )
    (x,), (y,) = built.components(0), built.components(1)
    square = built.product(x, x)
    second = vjp(vjp(built.program("f", "", [Output("f", (), (built.product(square, y),))], "")))
    names = [argument.name for argument in second.arguments]
    assert names == ["x", "y", "gradient", "x_tangent", "y_tangent"]
    p, q, g, u, v = 2, 3, 5, 7, 11
    assert second.run([p], [q], [g], [u], [v]) == {
        "x_gradient": [g * (2 * q * u + 2 * p * v)],
        "y_gradient": [g * 2 * p * u],
        "gradient_gradient": [2 * p * q * u + p * p * v],
    }
