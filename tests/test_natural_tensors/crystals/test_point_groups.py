"""Point groups: their symbols, their operations, and how many there are."""

from __future__ import annotations

import pickle
from collections import Counter
from itertools import product

import numpy as np
import pytest

from natural_tensors import PointGroup, PointGroupError, Surd, point_group
from natural_tensors.crystals.frames import identify, matrices
from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC, GROUPS, LIMITING, NAMES

ORDERS = dict(
    zip(
        CRYSTALLOGRAPHIC,
        (1, 2, 2, 2, 4, 4, 4, 8, 4, 4, 8, 8, 8, 8, 16, 3, 6, 6, 6, 12, 6, 6, 12, 12, 12, 12, 24,
         12, 24, 24, 24, 48),
        strict=True,
    )
)  # fmt: skip
CENTROSYMMETRIC = ["-1", "2/m", "mmm", "4/m", "4/mmm", "-3", "-3m", "6/m", "6/mmm", "m-3", "m-3m"]
# Schoenflies symbols and orders as in the International Tables, vol. A


@pytest.mark.parametrize("name", CRYSTALLOGRAPHIC)
def test_orders_closure_and_orthogonality(name: str) -> None:
    group = point_group(name)
    operations = set(group.operations)
    assert group.order == len(operations) == ORDERS[name]
    assert np.array_equal(np.array(group.operations[0].matrix), np.eye(3, dtype=int))
    for one in operations:
        columns = list(zip(*one.matrix, strict=True))
        for i, j in product(range(3), repeat=2):
            inner = sum((a * b for a, b in zip(columns[i], columns[j], strict=True)), Surd(0))
            assert inner == int(i == j)
        assert {one @ other for other in operations} == operations
    assert group.centrosymmetric == (name in CENTROSYMMETRIC)


def test_laue_classes() -> None:
    members = Counter(point_group(name).laue for name in CRYSTALLOGRAPHIC)
    assert members == {
        "-1": 2, "2/m": 3, "mmm": 3, "4/m": 3, "4/mmm": 4, "-3": 2, "-3m": 3, "6/m": 3,
        "6/mmm": 4, "m-3": 2, "m-3m": 3,
    }  # fmt: skip
    assert {point_group(name).laue for name in LIMITING} == {"∞/m", "∞/mm", "∞∞m"}
    assert point_group("-4m2").laue == "4/mmm"


@pytest.mark.parametrize("word", NAMES)
def test_every_symbol_names_the_same_group_in_some_setting(word: str) -> None:
    group = point_group(word)
    assert group.name == NAMES[word]
    if not group.axes:
        assert identify(matrices(group)).name == group.name


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        ("m3\u0305m", "m-3m"), ("m\u22123m", "m-3m"), ("4/m 2/m 2/m", "4/m2/m2/m"),
        ("inf/mm", "∞/mm"), ("Dinfh", "∞/mm"), ("C4v", "4mm"), ("4\u2032/mmm\u2032", "4'/mmm'"),
        ("1'", "11'"), ("m-3m1'", "m-3m1'"), ("K", "∞∞"), ("P_6mm"[2:], "6mm"),
        ("Fm-3m", "m-3m"), ("225", "m-3m"), ("Fm3m", "m3m"), ("P2_1/n", "2/m"), ("P1211", "121"),
        ("P-4m2", "-4m2"), ("115", "-4m2"), ("P31m", "31m"), ("157", "31m"), ("R-3m:H", "-3m"),
        ("R-3mH", "-3m"), ("32", "32"), ("P32", "3"), ("C2", "2"), ("Pbnm", "mmm"),
    ],
)  # fmt: skip
def test_ways_to_write_a_symbol(written: str, symbol: str) -> None:
    assert point_group(written).symbol == symbol


def test_settings_differ_by_a_turn_only() -> None:
    for one, other in (("-42m", "-4m2"), ("-6m2", "-62m"), ("321", "312"), ("3m1", "31m"),
                       ("2", "112"), ("mm2", "2mm")):  # fmt: skip
        a, b = point_group(one), point_group(other)
        assert a.order == b.order
        assert set(a.operations) != set(b.operations)
        assert a.name == b.name
    assert set(point_group("32").operations) == set(point_group("321").operations)
    assert set(point_group("2").operations) == set(point_group("121").operations)


def magnetic_groups(name: str) -> set[frozenset[tuple[tuple[int, int, int], int]]]:
    """Return the kinds of black-and-white groups that primes on a symbol can make."""
    letters = [i for i, char in enumerate(name) if char in "12346m"]
    found = set()
    for primes in product(("", "'"), repeat=len(letters)):
        text = "".join(
            char + (primes[letters.index(i)] if i in letters else "") for i, char in enumerate(name)
        )
        try:
            group = point_group(text)
        except PointGroupError:
            continue
        if group.magnetic and not group.grey:
            kinds = Counter((op.determinant, op.trace, op.time) for op in group.operations)
            found.add(frozenset(kinds.items()))
    return found


@pytest.mark.slow
def test_there_are_122_magnetic_point_groups() -> None:
    black_and_white = sum(len(magnetic_groups(name)) for name in CRYSTALLOGRAPHIC)
    assert black_and_white == 58  # International Tables, vol. D, 1.5
    grey = [point_group(f"{name}1'") for name in CRYSTALLOGRAPHIC]
    assert all(group.grey and group.order == 2 * ORDERS[group.name] for group in grey)


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        ("5", "there is no point group '5'.*The 32 of crystals are 1, -1"),
        ("42m", "The nearest: -42m"),
        ("m3mm", "no point group"),
        ("", "no point group ''"),
        ("m'-3m", "contradict each other.*m-3m1'"),
        ("3'", "contradict each other"),
        ("D4'h", "primes need a Hermann-Mauguin symbol; D4h is 4/mmm"),
        ("231", "space groups go by symbol or number, as in Fm-3m or 225"),
        ("P5", "no point group 'P5'"),
        ("Pm'", "no point group"),
    ],
)
def test_symbols_that_name_nothing(symbol: str, message: str) -> None:
    with pytest.raises(PointGroupError, match=message):
        point_group(symbol)


def test_types_and_infinite_groups() -> None:
    with pytest.raises(TypeError, match="named by a string"):
        point_group(4)  # type: ignore[call-overload]
    for name in LIMITING:
        group = point_group(name)
        assert group.order is None
        with pytest.raises(PointGroupError, match="infinitely many"):
            group.operations  # noqa: B018 (the property raises)


def test_groups_are_values() -> None:
    group = point_group("4'/mmm'")
    assert pickle.loads(pickle.dumps(group)) == group
    assert group != point_group("4/mmm")
    assert len({point_group("m-3m"), point_group("m-3m"), point_group("432")}) == 2
    assert repr(point_group("m-3m")) == "PointGroup(m-3m: Oh, cubic, order 48)"
    assert isinstance(group, PointGroup)
    assert len(GROUPS) == 39


def test_numbers_are_those_of_the_exact_matrices() -> None:
    turn = matrices(point_group("6"))[1]
    assert np.allclose(turn @ turn @ turn, np.diag([-1, -1, 1]), atol=1e-15)
