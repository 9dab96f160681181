"""Sums of square roots as exact numbers."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from natural_tensors import Surd
from natural_tensors.exact.floats import surd_to_float
from natural_tensors.exact.surds import square_part

rationals = st.fractions(min_value=-9, max_value=9, max_denominator=12)
surds = st.dictionaries(st.sampled_from([1, 2, 3, 5, 6, 10, 30]), rationals, max_size=4).map(Surd)


def to_sympy(number: Surd) -> sympy.Expr:
    return sympy.Add(
        *(
            sympy.Rational(q.numerator, q.denominator) * sympy.sqrt(n)
            for n, q in number.terms.items()
        )
    )


@given(surds, surds)
def test_ring_operations_agree_with_sympy(a: Surd, b: Surd) -> None:
    x, y = to_sympy(a), to_sympy(b)
    for ours, theirs in ((a + b, x + y), (a - b, x - y), (a * b, x * y), (-a, -x)):
        assert sympy.expand(to_sympy(ours) - theirs) == 0


@given(surds, surds, surds)
def test_ring_axioms_hold_identically(a: Surd, b: Surd, c: Surd) -> None:
    assert a * (b + c) == a * b + a * c
    assert (a * b) * c == a * (b * c)
    assert a - a == 0
    assert hash(a + b) == hash(b + a)


@given(surds)
def test_float_is_the_nearest(a: Surd) -> None:
    exact = sympy.N(to_sympy(a), 60)
    value = surd_to_float(a)
    ulp = math.ulp(value) or 5e-324
    assert abs(sympy.Float(value, 60) - exact) <= sympy.Float(ulp, 60) / 2 * (1 + 1e-12)


@given(surds)
def test_sign_and_absolute_value(a: Surd) -> None:
    assert a.sign() == sympy.sign(sympy.N(to_sympy(a), 60))
    assert abs(a).sign() >= 0
    assert abs(a) in (a, -a)


@given(st.fractions(min_value=0, max_value=50, max_denominator=60), rationals)
def test_root_squares_to_its_radicand(radicand: Fraction, factor: Fraction) -> None:
    root = Surd.root(radicand, factor)
    assert root * root == factor * factor * radicand


@given(surds, surds)
def test_division_undoes_multiplication(a: Surd, b: Surd) -> None:
    if b:
        assert a / b * b == a


def test_division() -> None:
    assert 1 / Surd.root(2) == Surd.root(2) / 2
    assert Surd.root(6) / Surd.root(3) == Surd.root(2)
    assert Surd(1) / (Surd.root(2) + 1) == Surd.root(2) - 1
    with pytest.raises(ZeroDivisionError):
        Surd(1) / Surd(0)


@pytest.mark.parametrize("number", range(1, 200))
def test_square_part(number: int) -> None:
    factor, free = square_part(number)
    assert factor * factor * free == number
    assert all(free % (d * d) for d in range(2, 15))


def test_text_and_pickle() -> None:
    number = Surd.root(Fraction(3, 4)) - Fraction(5, 7)
    assert str(number) == "-5/7 + √3/2"
    assert repr(Surd(0)) == "Surd(0)"
    assert pickle.loads(pickle.dumps(number)) == number
    assert Surd(2) == 2
    assert Surd(2) != Surd.root(2)
    assert Surd(1) != "1"
    assert len({Surd(2), 2, Fraction(2), Surd({4: Fraction(1)})}) == 1
