"""Exact entries from text: what they state, what comes back, and what is refused."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from natural_tensors.files.exact_entries import EntryError, read_entry

A, B = (sympy.Symbol(name, real=True) for name in "ab")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("1/3", sympy.Rational(1, 3)),
        (" - a + 2*b ", 2 * B - A),
        ("a - b - a", -B),
        ("a/b/2", A / (2 * B)),
        ("-a**2", -(A**2)),
        ("2**-1", sympy.Rational(1, 2)),
        ("a**(1/2)", sympy.sqrt(A)),
        ("2**3**2", sympy.Integer(512)),
        ("(a - b)/2", (A - B) / 2),
        ("1/2 a - 3/2 (a + b)", A / 2 - 3 * (A + B) / 2),
        ("\u22122 a", -2 * A),
        ("sqrt(8)*a", 2 * sympy.sqrt(2) * A),
        ("cos(a)**2 + sin(a)**2", sympy.cos(A) ** 2 + sympy.sin(A) ** 2),
        ("+ -+a", -A),
    ],
)
def test_what_is_read(text: str, expected: sympy.Expr) -> None:
    assert read_entry(text) == expected


@pytest.mark.parametrize("name", ["E", "I", "S", "N", "Q", "O", "pi", "C_11", "λ", "beta", "__x"])
def test_letters_that_sympy_takes_for_itself_are_names(name: str) -> None:
    assert read_entry(name) == sympy.Symbol(name, real=True)


@pytest.mark.parametrize(
    ("text", "words", "mark"),
    [
        ("C11 - 0.5", "0.5 is a decimal number", "          ^^^"),
        ("1e3", "1e3 is a decimal number", "    ^^^"),
        ("C11^2", "write powers as C11**2", "       ^"),
        ("C11 C12", "a sign is missing", "        ^^^"),
        ("a*2 b", "a sign is missing", "        ^"),
        ("C11 -", "something is missing at the end", "         ^"),
        ("", "something is missing at the end", "    ^"),
        ("(a", "a bracket is not closed", "    ^"),
        ("a)", "')' is out of place", "     ^"),
        ("a/(1 - 1)", "a division by zero", "      ^"),
        ("0**-1", "a division by zero", "     ^^"),
        ("exp(a)", "'exp' is no function", "    ^^^"),
        ("sqrt 2", "sqrt needs a bracket", "    ^^^^"),
        ("a**b", "this exponent is not allowed", "       ^"),
        ("((2**64)**64)**64", "this number is too long", ""),
        ("1e999999999", "write a fraction such as 1/2", "    ^^^^^^^^^^^"),
        ("9**9**9", "this exponent is not allowed", "       ^^^^"),
        ("sqrt(-1)", "this is not real", "    ^^^^^^^^"),
        ("lambda", "a word of Python", "    ^^^^^^"),
        ("__import__('os')", "not understood", "               ^"),
        ("a.b", "'.' is not understood", "     ^"),
        ("a[0]", "'[' is not understood", "     ^"),
        ("(" * 99 + "a" + ")" * 99, "nested too deeply", "^"),
        ("-" * 9999 + "a", "nested too deeply", "^"),
    ],
)
def test_what_is_refused(text: str, words: str, mark: str) -> None:
    with pytest.raises(EntryError) as caught:
        read_entry(text)
    lines = str(caught.value).splitlines()
    assert words in str(caught.value)
    assert len(lines) == 4
    assert lines[2].endswith(mark)
    assert len(lines[2]) <= 200


def test_a_very_long_entry_is_refused() -> None:
    with pytest.raises(EntryError, match="characters; allowed"):
        read_entry("a+" * 20_000 + "a")


leaves = st.one_of(
    st.integers(-30, 30).map(sympy.Integer),
    st.fractions(-5, 5, max_denominator=9).map(
        lambda q: sympy.Rational(q.numerator, q.denominator)
    ),
    st.sampled_from([A, B, sympy.sqrt(2), sympy.sqrt(A**2 + 1), sympy.cos(B)]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        inner.map(lambda value: (value**2 + 1) ** -1),
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(trees)
def test_what_sympy_prints_is_read_back(value: sympy.Expr) -> None:
    assert read_entry(str(value)) == value


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1 .+-*/()^sqrt,_e\u2212é", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = read_entry(text)
    except EntryError:
        return
    assert value.free_symbols <= {s for s in value.atoms(sympy.Symbol) if s.is_real}
    assert not value.atoms(sympy.Float)
