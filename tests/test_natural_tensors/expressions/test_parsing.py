"""Expressions are read as they are written; what is wrong is marked at its place."""

from __future__ import annotations

from typing import Any

import pytest

from natural_tensors import ExpressionError, SymmetryError, UnknownTensorError, expression

VECTORS: dict[str, Any] = {"a": "i", "b": "i", "c": "i"}


@pytest.mark.parametrize(
    ("text", "tensors", "shown"),
    [
        ("C_{ijkl} n_j*n_l", {"C": "elastic", "n": "i"}, "C_ijkl n_j n_l"),
        ("2 a_i b_i/4 - -1", {"a": "i", "b": "i"}, "1/2 a_i b_i + 1"),
        ("a_i b_j → ji", {"a": "i", "b": "i"}, "a_i b_j -> ji"),
        ("(a_i + b_i)(a_i - b_i)", {"a": "i", "b": "i"}, "a_i a_i - a_i b_i + b_i a_i - b_i b_i"),
        ("(a_i a_i)^2", {"a": "i"}, "a_i a_i a_j a_j"),
        ("(a_i a_i) b_i", {"a": "i", "b": "i"}, "a_j a_j b_i"),
        ("s^3 a_i^2", {"s": "scalar", "a": "i"}, "s^3 a_i a_i"),
        ("delta_ij + δ_ij", {}, "δ_ij + δ_ij"),
        ("epsilon_ijk + eps_ijk", {}, "ε_ijk + ε_ijk"),
        ("ε_ij eps_ijk", {"ε": "strain"}, "ε_ij eps_ijk"),
        ("E_i I_j S_ij N_k Q_k O_l O_l", {"E": "i", "I": "i", "S": "ij=ji", "N": "i", "Q": "i",
                                          "O": "i"}, "E_i I_j S_ij N_k Q_k O_l O_l"),
    ],
)  # fmt: skip
def test_what_is_read_is_printed(text: str, tensors: dict[str, Any], shown: str) -> None:
    read = expression(text, **tensors)
    assert str(read) == shown
    assert expression(shown, **tensors) == read


@pytest.mark.parametrize(
    ("text", "reason", "marked"),
    [
        ("a_i b_j m_k", "nothing says what m is", "m"),
        ("a_ij b_j", "a has 1 index, and here 2", "a_ij"),
        ("eps_ij a_i", "eps has 3 indices, and here 2", "eps_ij"),
        ("a_i b_i c_i", "index 'i' occurs three times", "i"),
        ("a_i^3", "index 'i' occurs three times", "i"),
        ("a_i (b_j c_j) a_i b_i", "index 'i' occurs three times", "i"),
        ("a_i b_j + c_i", "lacks the free index 'j'", "c_i"),
        ("a_i + b_i c_j", "has the free index 'j'", "b_i c_j"),
        ("a_i (b_j + c_k)", "lacks the free index 'j' and has the free index 'k'", "c_k"),
        ("a_i b_j -> i", "a sum over 'j' is missing its partner", "i"),
        ("a_i b_j -> ijk", "'k' of the result is no free index", "k"),
        ("a_i b_j -> iij", "'i' stands twice", "i"),
        ("0.5 a_i", "0.5 is a decimal number", "0.5"),
        ("a_i / b_i", "what an expression can be divided by", "/ b"),
        ("a_i / 0", "what an expression can be divided by", "/ 0"),
        ("(a_i b_j", "a bracket is not closed", "("),
        ("a_i b_j)", "')' is out of place", ")"),
        ("a_ib_j", "an underscore cannot follow", "_"),
        ("a_ b_i", "no index follows", "_"),
        ("a_{i b_i", "a brace is not closed", "_{i"),
        ("a_i $ b_j", "'$' is not understood", "$"),
        ("a_i * + b_i", "a factor is missing", "+"),
        ("a_i^0", "no whole number above 0", "^"),
    ],
)
def test_faults_are_marked(text: str, reason: str, marked: str) -> None:
    with pytest.raises(ExpressionError, match=r"\^") as caught:
        expression(text, **VECTORS)
    message = str(caught.value)
    first, shown, marks, remedy = message.split("\n")
    assert reason in first
    assert shown == f"    {text}"
    place = marks.index("^")
    assert shown[place : place + marks.count("^")] == marked
    assert remedy


def test_a_third_index_is_marked_where_it_stands() -> None:
    with pytest.raises(ExpressionError) as caught:
        expression("a_i b_i c_i", **VECTORS)
    assert str(caught.value).split("\n")[2].index("^") == 4 + len("a_i b_i c_")


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_is_no_expression(text: str) -> None:
    with pytest.raises(ExpressionError, match="is empty"):
        expression(text)


@pytest.mark.parametrize("text", ["a_i +", "- ", "a_i *"])
def test_a_factor_may_be_missing_at_the_end(text: str) -> None:
    with pytest.raises(ExpressionError, match="a factor is missing"):
        expression(text, a="i")


def test_polar_and_axial_terms_do_not_add() -> None:
    with pytest.raises(ExpressionError, match="this term is an axial one, the first is a polar"):
        expression("a_i + B_i", a="i", B="i, axial")
    assert expression("a_i + s B_i", a="i", B="i, axial", s="scalar, axial").parity == -1


def test_declarations_are_checked() -> None:
    with pytest.raises(ExpressionError, match="b is declared and does not occur"):
        expression("a_i", a="i", b="i")
    with pytest.raises(UnknownTensorError, match="elastic"):
        expression("C_ijkl", C="elastik")
    with pytest.raises(SymmetryError, match=r"\^"):
        expression("a_ij", a="ij=jj")
    with pytest.raises(TypeError, match="a is declared by 3"):
        expression("a_i", a=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="an expression is a string"):
        expression(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("declared", "reason", "marked"),
    [
        ("i, odd", "'odd' is not one of polar, axial, time-even", "odd"),
        ("i, axial,polar", "x is declared to be opposite things", "polar"),
        ("i,  time-odd, axial, time-even", "x is declared to be opposite things", "time-even"),
        ("displacement, axial", "the catalogue says that displacement is polar", "axial"),
        ("displacement, polar, time-odd", "is polar and time-even", "time-odd"),
    ],
)
def test_what_a_declaration_says_wrong_is_marked(declared: str, reason: str, marked: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        expression("x_i", x=declared)
    first, shown, marks, remedy = str(caught.value).split("\n")
    assert reason in first
    assert shown == f"    x = {declared}"
    place = marks.index("^")
    assert shown[place : place + marks.count("^")] == marked
    assert remedy


def test_a_misspelt_tensor_is_recognized() -> None:
    with pytest.raises(ExpressionError, match="did you mean sigma"):
        expression("sigma_ij sigm_ij", sigma="stress")


def test_time_and_parity_are_stated_or_known() -> None:
    both = expression("m_i B_i", m="magnetic-moment", B="i, axial, time-odd")
    assert (both.parity, both.time_reversal) == (1, 1)
    assert expression("u_i", u="displacement").time_reversal == 1
    assert expression("u_i", u="i").time_reversal is None
    assert expression("u_i + v_i", u="i, time-odd", v="i, time-even").time_reversal is None
    assert expression("eps_ijk u_k", u="i").parity == -1  # εu is axial, of rank 2
