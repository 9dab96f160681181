"""Forms of tensors of the plane against averages over the group and the literature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy

from natural_tensors import form, reduction
from natural_tensors.exact.floats import surd_to_float
from natural_tensors.plane.forms import PlaneForm
from natural_tensors.plane.point_groups import GROUPS, PlaneGroup, point_group

SYMBOLS = [*GROUPS, "11m", "31m"]
TENSORS = ["i", "ij", "ij=-ji", "piezoelectric", "elastic", "ijkl", "third-order-elastic"]

# Constants of a stiffness: Blinowski, Ostrowska-Maciejewska, Rychlewski, Arch. Mech. 48 (1996) 325:
# four classes of symmetry, of 6 constants (oblique), 4, 3 and 2.
ELASTIC = {"1": 6, "2": 6, "m": 4, "11m": 4, "2mm": 4, "4": 4, "4mm": 3, "3": 2, "3m": 2,
           "31m": 2, "6": 2, "6mm": 2, "∞": 2, "∞m": 2}  # fmt: skip
PIEZOELECTRIC = {"1": 6, "2": 0, "m": 3, "11m": 3, "2mm": 0, "4": 0, "4mm": 0, "3": 2, "3m": 1,
                 "31m": 1, "6": 0, "6mm": 0, "∞": 0, "∞m": 0}  # fmt: skip


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_numbers_of_constants(symbol: str) -> None:
    assert form("elastic", symbol, dimension=2).independent == ELASTIC[symbol]
    assert form("piezoelectric", symbol, dimension=2).independent == PIEZOELECTRIC[symbol]


def actions(group: PlaneGroup) -> list[Any]:
    """Float matrices of the group; of a limiting one, of rotations that suffice to rank 6."""
    if group.fold:
        return [
            np.array([[surd_to_float(entry) for entry in row] for row in operation.matrix])
            for operation in group.operations
        ]
    angles = 2 * np.pi * np.arange(16) / 16
    turns = [np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]) for t in angles]
    return turns + ([turn @ np.diag([-1, 1]) for turn in turns] if group.across else [])


@pytest.mark.parametrize("axial", [False, True])
@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("tensor", TENSORS)
def test_forms_are_what_the_average_over_the_group_leaves(
    tensor: str, symbol: str, axial: bool
) -> None:
    symmetry = reduction(tensor, dimension=2).symmetry
    chosen = reduction(symmetry, axial=axial, dimension=2)
    derived = form(chosen, symbol, dimension=2)
    unit = chosen.convert(np.eye(chosen.dimension), source="components", target="full")
    averaged = np.mean([chosen.rotate(unit, m) for m in actions(derived.group)], axis=0)
    projector = chosen.convert(averaged, target="components", invalid="project")
    assert np.linalg.matrix_rank(projector, tol=1e-9) == derived.independent
    assert sum(derived.per_weight.values()) == derived.independent
    table = np.array(derived.table, dtype=float).reshape(chosen.dimension, -1)
    np.testing.assert_allclose(projector.T @ table, table, atol=1e-12)  # invariant
    np.testing.assert_array_equal(table[list(derived.free)], np.eye(derived.independent))


def test_literature_forms() -> None:
    assert form("elastic", "4", dimension=2).parameters == ("C11", "C12", "C16", "C66")
    assert form("elastic", "4", dimension=2).relations == {"C22": "C11", "C26": "-C16"}
    isotropic = form("elastic", "6mm", dimension=2)
    assert isotropic.relations["C66"] == "(C11 - C12)/2"
    assert form("elastic", "m", dimension=2).parameters == ("C11", "C12", "C22", "C66")
    # h-BN, MoS2: e11 = -e12 = -e26 with the mirror across y, e22 = -e21 = -e16 across x
    assert form("piezoelectric-stress", "31m", dimension=2).relations == {
        "e12": "-e11", "e16": "0", "e21": "0", "e22": "0", "e26": "-e11",
    }  # fmt: skip
    assert form("piezoelectric-stress", "3m", dimension=2).parameters == ("e22",)


def test_compliances_carry_their_factors() -> None:
    soft = form("compliance", "6", dimension=2)
    assert soft.relations["S66"] == "2 (S11 - S12)"
    numbers = reduction("compliance", dimension=2)
    matrix = np.array([[3.0, -1.0, 0], [-1, 3, 0], [0, 0, 8]])
    assert numbers.decompose(matrix, form="voigt-compliance")[4, 0].max() == pytest.approx(0)


def test_sympy_latex_and_text() -> None:
    tetragonal = form("elastic", "4mm", dimension=2)
    assert isinstance(tetragonal, PlaneForm)
    c11, c12, c66 = sympy.symbols("C11 C12 C66", real=True)
    assert sympy.Matrix(tetragonal.to_sympy().tolist()) == sympy.Matrix(
        [[c11, c12, 0], [c12, c11, 0], [0, 0, c66]]
    )
    assert "C_{66}" in tetragonal.latex()
    assert str(tetragonal).splitlines()[2] == "C11  C12    ·"
    assert form("", "4mm", dimension=2).parameters == ("T",)
    assert form("i", "m", dimension=2).matrix_lines() == ["·  T2"]
    sixth = form("third-order-elastic", "4mm", dimension=2)
    assert "C222 = C111" in str(sixth)
    with pytest.raises(ValueError, match="no matrix"):
        sixth.latex()


def test_space_is_as_before_and_the_two_do_not_mix() -> None:
    assert form("elastic", "4mm").independent == 6
    with pytest.raises(TypeError):
        form(reduction("elastic", dimension=2), "4mm")  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        form(reduction("elastic"), "4mm", dimension=2)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="axes"):
        form("elastic", "4mm", axes=[[1]], dimension=2)  # type: ignore[call-overload]
    assert form("elastic", point_group("4mm"), dimension=2).independent == 3
