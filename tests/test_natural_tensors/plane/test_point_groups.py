"""Point groups of the plane: orders, closure, names."""

from __future__ import annotations

import pickle
from itertools import product

import pytest

from natural_tensors.crystals.point_groups import PointGroupError
from natural_tensors.exact.surds import Surd
from natural_tensors.plane.point_groups import GROUPS, point_group

ORDERS = {"1": 1, "2": 2, "m": 2, "2mm": 4, "4": 4, "4mm": 8, "3": 3, "3m": 6, "6": 6, "6mm": 12}


@pytest.mark.parametrize(("symbol", "order"), [*ORDERS.items(), ("11m", 2), ("31m", 6)])
def test_operations_are_a_group_of_orthogonal_matrices(symbol: str, order: int) -> None:
    group = point_group(symbol)
    operations = set(group.operations)
    assert len(operations) == group.order == order
    assert {a @ b for a, b in product(operations, repeat=2)} == operations
    for operation in operations:
        (a, b), (c, d) = operation.matrix
        products = (a * a + b * b, c * c + d * d, a * c + b * d)
        assert products == (Surd(1), Surd(1), Surd(0))
    mirrors = sum(operation.determinant == -1 for operation in operations)
    assert mirrors == (order // 2 if group.across else 0)


def test_the_ten_crystallographic_groups_and_two_limiting_ones() -> None:
    assert set(GROUPS) == {*ORDERS, "∞", "∞m"}
    for symbol in ("∞", "∞m"):
        assert point_group(symbol).order is None
        with pytest.raises(PointGroupError, match="infinitely many"):
            _ = point_group(symbol).operations


@pytest.mark.parametrize(
    ("symbol", "across"), [("m", "x"), ("11m", "y"), ("3m1", "x"), ("31m", "y")]
)
def test_the_mirror_of_the_symbol_belongs_to_the_group(symbol: str, across: str) -> None:
    sign = -1 if across == "x" else 1
    matrix = ((Surd(sign), Surd(0)), (Surd(0), Surd(-sign)))
    other = ((Surd(-sign), Surd(0)), (Surd(0), Surd(sign)))
    matrices = [operation.matrix for operation in point_group(symbol).operations]
    assert matrix in matrices
    assert other not in matrices


def test_names() -> None:
    assert point_group("C4v") == point_group("D4") == point_group("4mm") == point_group("4m")
    assert point_group("infm") == point_group("O(2)")
    assert point_group("31m") != point_group("3m")
    assert hash(point_group("mm2")) == hash(point_group("2mm"))
    assert pickle.loads(pickle.dumps(point_group("31m"))).across == "y"
    assert repr(point_group("6mm")) == "PlaneGroup(6mm: D6, hexagonal, order 12)"
    assert repr(point_group("inf")) == "PlaneGroup(∞: C∞, circular, infinite order)"


def test_what_is_refused() -> None:
    with pytest.raises(PointGroupError, match=r"no point group 'm-3m' in the plane.*2mm"):
        point_group("m-3m")
    with pytest.raises(TypeError, match="got 4"):
        point_group(4)
