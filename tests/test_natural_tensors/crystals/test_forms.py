"""Forms of tensors under point groups: Nye's tables, characters, and averages over the group."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from natural_tensors import Surd, form, orientation, point_group, reduction
from natural_tensors.crystals.frames import matrices
from natural_tensors.crystals.parameters import combination
from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC, GROUPS, LIMITING
from natural_tensors.decomposition.reductions import Reduction
from natural_tensors.exact.floats import surd_to_float

RANDOM = np.random.default_rng(5)


def table(text: str) -> dict[str, int]:
    """Read ``"count: group group; ..."``."""
    counts: dict[str, int] = {}
    for entry in text.split(";"):
        count, _, names = entry.partition(":")
        counts |= dict.fromkeys(names.split(), int(count))
    return counts


# J. F. Nye, Physical Properties of Crystals (1985): tables 2, 8, 9, 15 and appendix E; third order:
# K. Brugger 1965, J. Appl. Phys. 36, 759
COUNTS = {
    "dielectric": table(
        "6: 1 -1; 4: 2 m 2/m; 3: 222 mm2 mmm; 1: 23 m-3 432 -43m m-3m;"
        "2: 4 -4 4/m 422 4mm -42m 4/mmm 3 -3 32 3m -3m 6 -6 6/m 622 6mm -6m2 6/mmm"
    ),
    "piezoelectric": table(
        "18: 1; 8: 2; 10: m; 3: 222; 5: mm2; 4: 4 -4; 1: 422; 3: 4mm; 2: -42m; 6: 3; 2: 32; 4: 3m;"
        "4: 6; 2: -6; 1: 622; 3: 6mm; 1: -6m2; 1: 23 -43m;"
        "0: -1 2/m mmm 4/m 4/mmm -3 -3m 6/m 6/mmm m-3 m-3m 432"
    )
    | {"222": 3, "4mm": 3, "-42m": 2, "32": 2},
    "elastic": table(
        "21: 1 -1; 13: 2 m 2/m; 9: 222 mm2 mmm; 7: 4 -4 4/m 3 -3; 6: 422 4mm -42m 4/mmm 32 3m -3m;"
        "5: 6 -6 6/m 622 6mm -6m2 6/mmm; 3: 23 m-3 432 -43m m-3m"
    ),
    "photoelastic": table(
        "36: 1 -1; 20: 2 m 2/m; 12: 222 mm2 mmm 3 -3; 10: 4 -4 4/m; 7: 422 4mm -42m 4/mmm;"
        "8: 32 3m -3m 6 -6 6/m; 6: 622 6mm -6m2 6/mmm; 4: 23 m-3; 3: 432 -43m m-3m"
    ),
    "third-order-elastic": table(
        "56: 1 -1; 32: 2 m 2/m; 20: 222 mm2 mmm 3 -3; 16: 4 -4 4/m; 12: 422 4mm -42m 4/mmm;"
        "14: 32 3m -3m; 12: 6 -6 6/m; 10: 622 6mm -6m2 6/mmm; 8: 23 m-3; 6: 432 -43m m-3m"
    )
    | {"422": 12, "6": 12},
}
CLASSES = tuple(COUNTS)


@pytest.mark.parametrize("name", CLASSES)
def test_counts_of_the_literature_for_all_32_groups(name: str) -> None:
    assert set(COUNTS[name]) == set(CRYSTALLOGRAPHIC)
    found = {group: form(name, group).independent for group in CRYSTALLOGRAPHIC}
    assert found == COUNTS[name]


@pytest.mark.parametrize("name", [*CLASSES, "gyration", "magnetoelectric", "piezomagnetic", "shg"])
@pytest.mark.parametrize("group", GROUPS)
def test_the_constants_of_each_weight_add_up(name: str, group: str) -> None:
    found = form(name, group)
    assert sum(found.per_weight.values()) == found.independent
    assert set(found.per_weight) == set(found.reduction.multiplicities)


def character(target: Reduction, turn: np.ndarray[Any, Any]) -> float:
    """Return the trace of an operation on the components of a class, by its full matrix."""
    eye = np.eye(target.dimension)
    full = target.convert(eye, source="components", target="full")
    turned = np.array([target.rotate(tensor, turn) for tensor in full])
    return float(np.trace(target.convert(turned, target="components")))


@pytest.mark.parametrize("name", ["elastic", "piezoelectric", "photoelastic", "gyration", "hall"])
@pytest.mark.parametrize("group", CRYSTALLOGRAPHIC)
def test_counts_are_the_mean_of_the_characters(name: str, group: str) -> None:
    target = reduction(name)
    mean = np.mean([character(target, turn) for turn in matrices(point_group(group))])
    assert form(name, group).independent == pytest.approx(mean, abs=1e-9)


def averaged(target: Reduction, group: str, tensor: np.ndarray[Any, Any]) -> Any:
    turns = matrices(point_group(group))
    return np.mean([target.rotate(tensor, turn) for turn in turns], axis=0)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("group", [*CRYSTALLOGRAPHIC, "-4m2", "312", "31m", "-62m", "2mm", "112/m"])
def test_an_average_over_the_group_has_the_form(name: str, group: str) -> None:
    target = reduction(name)
    components = RANDOM.normal(size=target.dimension)
    tensor = target.convert(components, source="components", target="full")
    mean = target.convert(averaged(target, group, tensor), target="components", invalid="project")
    found = form(name, group)
    rows = np.array([[surd_to_float(Surd() + n) for n in row] for row in found.table]).reshape(
        len(mean), -1
    )
    assert np.allclose(rows @ mean[list(found.free)], mean, atol=1e-12)


# --- limiting groups --------------------------------------------------------------------------


LIMITS = {
    "elastic": (5, 5, 5, 5, 5, 2, 2),
    "piezoelectric": (4, 3, 1, 0, 0, 0, 0),
    "dielectric": (2, 2, 2, 2, 2, 1, 1),
    "third-order-elastic": (10, 9, 9, 10, 9, 3, 3),
    "polarization": (1, 1, 0, 0, 0, 0, 0),
    "gyration": (2, 0, 2, 0, 0, 1, 0),
}  # A. V. Shubnikov and others; Sirotin and Shaskolskaya 1982, Fundamentals of Crystal Physics


@pytest.mark.parametrize("name", LIMITS)
def test_limiting_groups(name: str) -> None:
    assert tuple(form(name, group).independent for group in LIMITING) == LIMITS[name]


@pytest.mark.parametrize("group", LIMITING)
def test_limiting_forms_do_not_change_under_any_turn_about_z(group: str) -> None:
    for name in ("elastic", "piezoelectric", "photoelastic"):
        found = form(name, group)
        target = found.reduction
        rows = np.array([[surd_to_float(Surd() + n) for n in row] for row in found.table])
        rows = rows.reshape(target.dimension, -1).T
        angle = 0.7
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0],
                         [0, 0, 1]])  # fmt: skip
        for row in rows:
            full = target.convert(row, source="components", target="full")
            assert np.allclose(target.rotate(full, turn), full, atol=1e-12)


def test_isotropic_tensors_of_every_order() -> None:
    for name, count in (("elastic", 2), ("third-order-elastic", 3), ("fourth-order-elastic", 4)):
        found = form(name, "∞∞m")
        assert found.independent == count == found.reduction.multiplicities[0]


# --- the forms themselves ---------------------------------------------------------------------


def matrix(text: str) -> list[list[str]]:
    return [row.split() for row in text.strip().splitlines()]


# typed from Nye 1985, tables 8 and 9
TRIGONAL_ELASTIC = matrix(
    """
    C11  C12 C13  C14 0   0
    C12  C11 C13 -C14 0   0
    C13  C13 C33  0   0   0
    C14 -C14 0    C44 0   0
    0    0   0    0   C44 C14
    0    0   0    0   C14 (C11-C12)/2
    """
)
NYE = [
    ("elastic", "32", TRIGONAL_ELASTIC),
    ("elastic", "3m", TRIGONAL_ELASTIC),
    ("elastic", "-3m", TRIGONAL_ELASTIC),
    ("piezoelectric", "32", matrix("d11 -d11 0 d14 0 0\n0 0 0 0 -d14 -2d11\n0 0 0 0 0 0")),
    ("piezoelectric", "3m", matrix("0 0 0 0 d15 -2d22\n-d22 d22 0 d15 0 0\nd31 d31 d33 0 0 0")),
    ("piezoelectric", "-42m", matrix("0 0 0 d14 0 0\n0 0 0 0 d14 0\n0 0 0 0 0 d36")),
    ("piezoelectric", "-4", matrix("0 0 0 d14 d15 0\n0 0 0 -d15 d14 0\nd31 -d31 0 0 0 d36")),
    ("piezoelectric", "-6m2", matrix("0 0 0 0 0 -2d22\n-d22 d22 0 0 0 0\n0 0 0 0 0 0")),
    ("piezoelectric", "622", matrix("0 0 0 d14 0 0\n0 0 0 0 -d14 0\n0 0 0 0 0 0")),
    ("piezoelectric", "-43m", matrix("0 0 0 d14 0 0\n0 0 0 0 d14 0\n0 0 0 0 0 d14")),
    ("piezoelectric", "m", matrix("d11 d12 d13 0 d15 0\n0 0 0 d24 0 d26\nd31 d32 d33 0 d35 0")),
    ("piezoelectric", "2", matrix("0 0 0 d14 0 d16\nd21 d22 d23 0 d25 0\n0 0 0 d34 0 d36")),
    ("compliance", "6/mmm", matrix(
        "S11 S12 S13 0 0 0\nS12 S11 S13 0 0 0\nS13 S13 S33 0 0 0\n"
        "0 0 0 S44 0 0\n0 0 0 0 S44 0\n0 0 0 0 0 2(S11-S12)")),
    ("gyration", "-4", matrix("g11 g12 0\ng12 -g11 0\n0 0 0")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "group", "expected"), NYE, ids=lambda value: str(value)[:14])
def test_forms_of_the_literature(name: str, group: str, expected: list[list[str]]) -> None:
    found = form(name, group).matrix
    assert [[text.replace(" ", "") for text in row] for row in found] == expected


def test_brugger_relations_of_the_hexagonal_third_order_constants() -> None:
    found = form("third-order-elastic", "6/mmm")
    relations = {name: text for name, text in found.relations.items() if text != "0"}
    # K. Brugger 1965, J. Appl. Phys. 36, 759, table I, written with our choice of constants
    assert relations["C122"] == "C111 + C112 - C222"
    assert relations["C166"] == "(-2 C111 - C112 + 3 C222)/4"
    assert relations["C266"] == "(2 C111 - C112 - C222)/4"
    assert relations["C366"] == "(C113 - C123)/2"
    assert relations["C456"] == "(-C144 + C155)/2"
    assert found.parameters == (
        "C111", "C112", "C113", "C123", "C133", "C144", "C155", "C222", "C333", "C344",
    )  # fmt: skip


def test_time_odd_tensors_see_the_primes() -> None:
    # Birss 1964, Symmetry and Magnetism: Cr2O3, -3'm', has two magnetoelectric constants
    assert form("magnetoelectric", "-3'm'").parameters == ("α11", "α33")
    assert form("magnetoelectric", "-3m").independent == 0
    assert form("magnetization", "4/mm'm'").parameters == ("M3",)
    assert form("magnetization", "4/mmm").independent == 0
    assert form("piezomagnetic", "4'/mmm'").independent == 2  # MnF2: Λ14 = Λ25 and Λ36
    for name in ("magnetization", "magnetoelectric", "piezomagnetic"):
        assert all(form(name, f"{group}1'").independent == 0 for group in CRYSTALLOGRAPHIC)
    assert form("elastic", "4'/mmm'").independent == form("elastic", "4/mmm").independent
    assert form("ij=ji", "m-3m1'", time_reversal=-1).independent == 0


# --- other axes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["m-3m", "6/mmm", "32", "-43m", "∞/mm"])
@pytest.mark.parametrize("name", ["elastic", "piezoelectric", "dielectric"])
def test_forms_in_other_axes(name: str, group: str) -> None:
    axes = orientation((1, 1, 1), (1, -1, 0))
    standard, turned = form(name, group), form(name, group, axes=axes)
    assert turned.independent == standard.independent
    assert turned.per_weight == standard.per_weight
    target = standard.reduction
    numbers = RANDOM.normal(size=standard.independent)
    rows = np.array([[surd_to_float(Surd() + n) for n in row] for row in standard.table])
    components = rows.reshape(target.dimension, -1) @ numbers
    full = target.convert(components, source="components", target="full")
    rotation = np.array([[surd_to_float(entry) for entry in row] for row in axes])
    seen = target.convert(target.rotate(full, rotation), target="components", invalid="project")
    rows = np.array([[surd_to_float(Surd() + n) for n in row] for row in turned.table])
    rows = rows.reshape(target.dimension, -1)
    assert np.allclose(rows @ seen[list(turned.free)], seen, atol=1e-12)


def test_the_cubic_form_along_111_is_trigonal() -> None:
    found = form("elastic", "m-3m", axes=orientation((1, 1, 1), (1, -1, 0)))
    assert found.parameters == ("C11", "C12", "C33")
    assert found.relations["C13"] == "C11 + C12 - C33"
    assert found.relations["C66"] == "(C11 - C12)/2"
    assert found.relations["C15"] == found.relations["C16"] == "0"


def test_axes_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"not perpendicular to z = \[1, 1, 1\]: .* is 1"):
        orientation((1, 1, 1), (1, 0, 0))
    with pytest.raises(ValueError, match=r"z = .* is no direction"):
        orientation((0, 0, 0), (1, 0, 0))
    with pytest.raises(TypeError, match=r"entry 0\.5 is a float; write exact numbers"):
        form("elastic", "m-3m", axes=[[0.5, 0, 0], [0, 1, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match=r"columns 0 and 0 .* product 4, not 1"):
        form("elastic", "m-3m", axes=[[2, 0, 0], [0, 1, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="three rows of three"):
        form("elastic", "m-3m", axes=[[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="time_reversal is 0"):
        form("elastic", "m-3m", time_reversal=0)


# --- in print -----------------------------------------------------------------------------------


def test_sums_in_print() -> None:
    names = ("a", "b")
    root = Surd.root(2)
    for row, text in (
        ((Fraction(1), Fraction(-1)), "a - b"),
        ((Fraction(1, 2), Fraction(-1, 2)), "(a - b)/2"),
        ((Fraction(-1), Fraction(0)), "-a"),
        ((Fraction(-2, 3), Fraction(0)), "-2 a/3"),
        ((Fraction(2), Fraction(2)), "2 (a + b)"),
        ((Fraction(2, 3), Fraction(-4, 3)), "2 (a - 2 b)/3"),
        ((Fraction(0), Fraction(0)), "0"),
        ((root, -root), "√2 (a - b)"),
        ((root / 6, Fraction(0)), "√2 a/6"),
        ((1 + root, Surd(1)), "(1 + √2) a + b"),
    ):
        assert combination(row, names) == text


def test_sympy_latex_and_repr() -> None:
    found = form("elastic", "6/mmm")
    array = found.to_sympy()
    c11, c12 = sympy.symbols("C11 C12", real=True)
    assert array[5, 5] == (c11 - c12) / 2
    assert array[0, 5] == 0
    assert found.latex().startswith(r"\left[\begin{matrix}C_{11} & C_{12} & C_{13}")
    assert repr(found).startswith("SymbolicForm(elastic under 6/mmm: 5 constants: C11, C12, C13")
    assert "·" in str(found)
    third = form("third-order-elastic", "m-3m")
    with pytest.raises(ValueError, match="is no matrix; use relations"):
        third.latex()
    assert "C456" in str(third)


def test_any_class_by_its_symmetry() -> None:
    found = form("ijk=-jik", "m-3m")
    assert found.independent == 0
    assert form("ij=-ji", "4").parameters == ("T12",)
    assert form("ijkl", "m-3m").independent == 4
    assert form("", "m-3m").parameters == ("T",)
    # the largest classes stay within seconds
    assert form("fifth-order-elastic", "m-3m").independent == 18
