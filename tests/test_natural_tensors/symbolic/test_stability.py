"""Stability conditions: the literature's for all eleven Laue classes, and what numbers say."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

import natural_tensors as nt
from natural_tensors import elasticity, plane, symbolic
from natural_tensors.plane.symbolic import SymbolicSheet
from natural_tensors.symbolic.blocks import rotations_of, strain_blocks

C11, C12, C13, C14, C15, C16 = sympy.symbols("C11 C12 C13 C14 C15 C16", real=True)
C22, C23, C33, C44, C55, C66 = sympy.symbols("C22 C23 C33 C44 C55 C66", real=True)
P = sympy.Symbol("P", real=True)

PLANE = C33 * (C11 + C12) - 2 * C13**2
LITERATURE = {
    "m-3m": (C11 - C12, C11 + 2 * C12, C44),
    "m-3": (C11 - C12, C11 + 2 * C12, C44),
    "6/mmm": (C11 - C12, C11 + C12, PLANE, C44),
    "6/m": (C11 - C12, C11 + C12, PLANE, C44),
    "-3m": (C11 - C12, C11 + C12, PLANE, C44 * (C11 - C12) - 2 * C14**2),
    "-3": (C11 - C12, C11 + C12, PLANE, C44 * (C11 - C12) - 2 * C14**2 - 2 * C15**2),
    "4/mmm": (C11 - C12, C11 + C12, PLANE, C44, C66),
    "4/m": (C11 - C12, C11 + C12, PLANE, C44, C66 * (C11 - C12) - 2 * C16**2),
    "mmm": (
        C11, C11 * C22 - C12**2,
        C11 * C22 * C33 + 2 * C12 * C13 * C23 - C11 * C23**2 - C22 * C13**2 - C33 * C12**2,
        C44, C55, C66,
    ),
}  # fmt: skip
"""Mouhat and Coudert, Phys. Rev. B 90, 224104 (2014), eqs. 7 to 15."""

LAUE = (*LITERATURE, "2/m", "-1")


@pytest.mark.parametrize("group", LITERATURE)
def test_conditions_of_the_literature(group: str) -> None:
    derived = symbolic.stiffness(group).stability().conditions
    assert set(derived) == {sympy.expand(condition) for condition in LITERATURE[group]}


@pytest.mark.parametrize("group", LAUE)
def test_blocks_hold_every_strain(group: str) -> None:
    blocks = strain_blocks(rotations_of(nt.point_group(group)))
    assert sum(block.size * block.degeneracy for block in blocks) == 6
    for block in blocks:
        matrix = block.of(symbolic.stiffness(group).matrix)
        assert matrix == matrix.H


@pytest.mark.parametrize("group", LAUE)
def test_conditions_hold_where_all_eigenvalues_are_positive(group: str) -> None:
    """Sylvester's minors against eigenvalues, on both sides of the border."""
    crystal = symbolic.stiffness(group)
    conditions = crystal.stability()
    rng = np.random.default_rng(7)
    seen = set()
    for scale in np.repeat([0.1, 0.5, 1.0, 2.0], 6):
        point = {
            constant: sympy.Rational(
                int((constant.name[1] == constant.name[2]) * 100 + scale * rng.integers(-60, 60))
            )
            for constant in crystal.constants
        }
        numbers = np.array(crystal.matrix.subs(point).tolist(), dtype=float)
        stable = bool(elasticity.is_stable(numbers))
        assert conditions.holds({str(s): value for s, value in point.items()}) == stable
        seen.add(stable)
    assert seen == {True, False}


@pytest.mark.parametrize("group", ["23", "432", "-6", "32", "mm2", "∞/mm", "∞∞m"])
def test_groups_of_one_laue_class_have_the_same_conditions(group: str) -> None:
    laue = {"∞/mm": "6/mmm", "∞∞m": None}.get(group, nt.point_group(group).laue)
    derived = symbolic.stiffness(group).stability().conditions
    if laue is None:  # isotropic: two constants, and two conditions in them
        assert set(derived) == {C11 + 2 * C12, C11 - C12}
    else:
        assert set(derived) == set(symbolic.stiffness(laue).stability().conditions)


def test_under_pressure_birch_takes_the_place_of_born() -> None:
    derived = symbolic.stiffness("m-3m").stability(pressure=P).conditions
    assert set(derived) == {C11 - C12 - 2 * P, C11 + 2 * C12 + P, C44 - P}
    zero = symbolic.stiffness("mmm").stability(pressure=0).conditions
    assert zero == symbolic.stiffness("mmm").stability().conditions
    tetragonal = symbolic.stiffness("4/mmm").stability(pressure=P).conditions
    expected = sympy.expand((C33 - P) * (C11 + C12) - 2 * (C13 + P) ** 2)
    assert expected in tetragonal


def test_a_stress_leaves_the_group_what_it_leaves_alone() -> None:
    load = sympy.Symbol("s", real=True)
    cubic = symbolic.stiffness("m-3m")
    along_z = cubic.stability(stress=sympy.diag(0, 0, load))
    assert C11 - C12 in along_z.conditions
    assert C44 * 2 + load in along_z.conditions
    assert max(block.size for block in along_z.blocks) == 2
    pressed = cubic.stability(stress=-P * sympy.eye(3))
    assert pressed.conditions == cubic.stability(pressure=P).conditions
    loaded = symbolic.under_load(cubic.matrix, sympy.diag(0, 0, load))
    assert loaded[0, 2] == C12 - load / 2
    assert loaded[2, 2] == C11 + load


def test_loads_that_are_none_are_refused() -> None:
    cubic = symbolic.stiffness("m-3m")
    with pytest.raises(ValueError, match="a pressure or a stress, not both"):
        cubic.stability(pressure=P, stress=sympy.eye(3))
    with pytest.raises(ValueError, match="symmetric matrix"):
        cubic.stability(stress=sympy.Matrix([[0, P, 0], [0, 0, 0], [0, 0, 0]]))


def test_conditions_are_readable() -> None:
    conditions = symbolic.stiffness("m-3m").stability()
    assert str(conditions) == "C11 + 2*C12 > 0\nC11 - C12 > 0\nC44 > 0"
    assert conditions.latex().splitlines()[-1] == "C_{44} > 0"
    assert conditions.to_sympy().subs({C11: 3, C12: 1, C44: 1}) == True  # noqa: E712
    assert "3 conditions" in repr(conditions)
    with pytest.raises(ValueError, match="no number was given for C44"):
        conditions.holds({"C11": 3, "C12": 1})
    triclinic = symbolic.stiffness("-1").stability().conditions
    assert isinstance(triclinic[-1], sympy.Determinant)


PAIRS = {3: ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)), 2: ((0, 0), (1, 1), (0, 1))}
Exact = np.ndarray[Any, np.dtype[Any]]


def voigt_strain(strain: Exact) -> Exact:
    pairs = PAIRS[len(strain)]
    return np.array([strain[i, j] * (1 if i == j else 2) for i, j in pairs], dtype=object)


def resistance(stiffness: Exact, stress: Exact, strain: Exact) -> Fraction:
    """The work of the change of Cauchy stress with a small strain e, from finite strain alone.

    F = 1 + t e at a stressed state: S = σ + C:E with E = (FᵀF - 1)/2, and σ' = F S Fᵀ / det F,
    whose derivative at t = 0 is that of F S Fᵀ less tr e times σ. Differences over four points are
    exact for a polynomial of degree 4.
    """
    one = np.eye(len(stress), dtype=int).astype(object)

    def numerator(t: int) -> Exact:
        deformation = one + t * strain
        green = (deformation.T @ deformation - one) * Fraction(1, 2)
        second = stress.copy()
        for (i, j), change in zip(PAIRS[len(stress)], stiffness @ voigt_strain(green), strict=True):
            second[i, j] += change
            if i != j:
                second[j, i] += change
        product: Exact = deformation @ second @ deformation.T
        return product

    slope = (numerator(-2) - numerator(2) + 8 * (numerator(1) - numerator(-1))) * Fraction(1, 12)
    slope = slope - np.trace(strain) * stress
    return Fraction((slope * strain).sum())


@pytest.mark.parametrize("size", [3, 2])
def test_the_stiffness_under_a_load_is_that_of_finite_strain(size: int) -> None:
    rng = np.random.default_rng(size)
    count = size * (size + 1) // 2

    def symmetric(n: int) -> Exact:
        matrix = rng.integers(-9, 10, (n, n))
        return (matrix + matrix.T).astype(object)

    stiffness, stress = symmetric(count), symmetric(size)
    if size == 3:
        found = symbolic.under_load(sympy.Matrix(stiffness.tolist()), stress.tolist())
    else:
        sheet = plane.sheet(sympy.Matrix(stiffness.tolist()))
        found = sheet.under_load((stress[0, 0], stress[1, 1], stress[0, 1])).matrix
    loaded = np.array([[Fraction(str(e)) for e in row] for row in found.tolist()], dtype=object)
    for _ in range(count * (count + 1) // 2):
        strain = symmetric(size)
        six = voigt_strain(strain)
        assert six @ loaded @ six == resistance(stiffness, stress, strain)


@pytest.mark.parametrize("group", ["m-3m", "-3", "mmm"])
def test_conditions_under_any_load_are_those_of_the_kelvin_moduli(group: str) -> None:
    """Maździarz, arXiv:2411.15918: stable where all Kelvin moduli under the load are positive."""
    crystal = symbolic.stiffness(group)
    rng = np.random.default_rng(0)
    xx, yy, zz, yz = sympy.symbols("s1 s2 s3 s4", real=True)
    decided = set()
    for load in (sympy.diag(0, 0, zz), sympy.Matrix([[xx, 0, 0], [0, yy, yz], [0, yz, zz]])):
        conditions = crystal.stability(stress=load)
        for _ in range(12):
            diagonal = {"C11": 9, "C22": 9, "C33": 9}
            values = {
                str(s): int(diagonal.get(str(s), 0) + rng.integers(-3, 6))
                for s in (*crystal.constants, *load.free_symbols)
            }
            at = {s: values[str(s)] for s in (*crystal.constants, *load.free_symbols)}
            loaded = np.array(
                symbolic.under_load(crystal.matrix.subs(at), load.subs(at)).tolist(), dtype=float
            )
            root = np.diag([1.0, 1, 1, 2**0.5, 2**0.5, 2**0.5])
            lowest = np.linalg.eigvalsh(root @ loaded @ root)[0]
            if abs(lowest) > 1e-9:  # integers: else it is zero
                assert conditions.holds(values) == (lowest > 0)
                decided.add(lowest > 0)
    assert decided == {True, False}


def test_hydrostatic_loads_in_space_and_in_the_plane() -> None:
    """Closed forms in bulk and shear moduli of the loaded crystal, of every cubic one and sheet."""
    three = symbolic.stiffness("m-3m").stability(stress=sympy.diag(P, P, P)).conditions
    assert set(three) == {C11 + 2 * C12 - P, C11 - C12 + 2 * P, C44 + P}
    square = plane.sheet(nt.form("elastic", "4mm", dimension=2)).under_load((P, P, 0))
    assert isinstance(square, SymbolicSheet)
    assert {each.lhs for each in square.stability} == {C11 + C12, C11 - C12 + 2 * P, C66 + P}
