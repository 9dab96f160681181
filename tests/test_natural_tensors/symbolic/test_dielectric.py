"""Dielectric tensors in symbols: identities of crystal optics, and the numeric functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import natural_tensors as nt
from natural_tensors import optics, symbolic
from natural_tensors.errors import SymmetryError

E1, E2, E3, E13 = sympy.symbols("ε11 ε22 ε33 ε13", real=True)
N1, N2, N3 = sympy.symbols("n1 n2 n3", real=True)
X = sympy.Symbol("x")

POINT = {"ε11": "9/4", "ε22": "12/5", "ε33": "3", "ε12": "1/7", "ε13": "1/5", "ε23": "1/9"}
GROUPS = ["m-3m", "6/mmm", "mmm", "2/m", "-1"]
DIRECTIONS = [[0, 0, 1], [1, 1, 0], [1, -2, 2], [3, 1, 4]]


def at(value: Any, point: dict[Any, Any]) -> float:
    return float(sympy.sympify(value).subs(point))


def near(group: str) -> tuple[symbolic.SymbolicDielectric, Any, dict[Any, Any]]:
    """Return a tensor in symbols, numbers of its group, and the substitution."""
    crystal = symbolic.dielectric(group)
    point = {constant: sympy.Rational(POINT[constant.name]) for constant in crystal.constants}
    return crystal, np.array(crystal.matrix.subs(point).tolist(), dtype=float), point


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_indices_are_the_numeric_ones(group: str, direction: list[int]) -> None:
    crystal, numbers, point = near(group)
    expected = optics.light_waves(numbers, direction).indices
    found = sorted(at(index, point) for index in crystal.refractive_indices(direction))
    # a difference of nearly equal squares: half the digits are left where they meet
    assert found == pytest.approx(expected, rel=1e-7)
    length = sympy.sqrt(sum(entry**2 for entry in direction))
    unit = {n: entry / length for n, entry in zip((N1, N2, N3), direction, strict=True)}
    if group in ("6/mmm", "2/m"):  # the formula in n1, n2, n3 of a unit vector
        general = [value.subs(unit) for value in crystal.index_squares()]
        for one, other in zip(general, crystal.index_squares(direction), strict=True):
            assert at(one, point) == pytest.approx(at(other, point), rel=1e-12)


@pytest.mark.parametrize("group", GROUPS)
def test_indices_solve_fresnels_equation(group: str) -> None:
    crystal, _, point = near(group)
    for value in crystal.index_squares([1, -2, 2]):
        exact = sympy.expand(crystal.fresnel([1, -2, 2]).subs(X, value).subs(point))
        assert sympy.radsimp(sympy.expand(exact)) == 0
    # det(ε + x (n n^T - 1)) vanishes for a wave: an independent derivation
    n = sympy.Matrix([1, -2, 2]) / 3
    determinant = (crystal.matrix + X * (n * n.T - sympy.eye(3))).det()
    assert sympy.expand(9 * determinant - crystal.fresnel([1, -2, 2])) == 0


@pytest.mark.parametrize("group", GROUPS)
def test_principal_values_and_optic_axes_are_the_numeric_ones(group: str) -> None:
    crystal, numbers, point = near(group)
    expected = optics.summary(numbers)
    assert crystal.optical_class == str(expected.optical_class)
    product = crystal.matrix * crystal.impermeability
    assert product.applyfunc(sympy.cancel) == sympy.eye(3)
    if group == "-1":
        assert crystal.characteristic is not None
        values = sympy.Poly(crystal.characteristic.subs(point), X).nroots()
        assert list(map(float, values)) == pytest.approx(expected.principal_values, rel=1e-12)
        return
    values = [at(value, point) for value in crystal.principal_values]
    assert sorted(values) == pytest.approx(expected.principal_values, rel=1e-12)
    axes = np.array([[at(entry, point) for entry in axis] for axis in crystal.principal_axes])
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12)
    assert axes @ numbers @ axes.T == pytest.approx(np.diag(values), abs=1e-12)
    if group == "m-3m":
        return
    order = tuple(int(place) for place in np.argsort(values))
    found = np.array([[at(e, point) for e in axis] for axis in crystal.optic_axes(order)])
    same = np.abs(found @ expected.optic_axes.T)
    assert same.max(axis=1) == pytest.approx(np.ones(len(found)), abs=1e-10)
    if group != "6/mmm":
        angle = np.degrees(np.arccos(at(crystal.cos_2v(order), point)))
        assert min(angle, 180 - angle) == pytest.approx(float(expected.angle_2v_deg), rel=1e-10)
        tangent = np.degrees(2 * np.arctan(np.sqrt(at(crystal.tan_squared(order), point))))
        assert angle == pytest.approx(tangent, rel=1e-10)
        assert int(expected.sign) == (1 if angle < 90 else -1)


def test_uniaxial_closed_forms() -> None:
    crystal = symbolic.dielectric("4/mmm")
    ordinary, extraordinary = crystal.index_squares()
    assert ordinary == E1
    # Born and Wolf: 1/n² = sin²/ε_e + cos²/ε_o
    inverse = (N1**2 + N2**2) / E3 + N3**2 / E1
    assert sympy.cancel(1 / extraordinary - inverse) == 0
    assert crystal.index_squares([0, 0, 1]) == (E1, E1)
    assert crystal.optic_axes() == ((0, 0, 1),)
    assert crystal.birefringence == sympy.sqrt(E3) - sympy.sqrt(E1)
    assert crystal.ordinary_extraordinary == (E1, E3)


def test_both_waves_have_one_index_along_an_optic_axis_of_symbols() -> None:
    crystal = symbolic.dielectric("mmm")
    for order, middle in (((0, 1, 2), E2), ((2, 0, 1), E1), ((1, 2, 0), E3)):
        for axis in crystal.optic_axes(order):
            assert crystal.index_squares(axis) == (middle, middle)
    tangent = (1 / E1 - 1 / E2) / (1 / E2 - 1 / E3)
    assert sympy.cancel(crystal.tan_squared() - tangent) == 0
    assert sympy.cancel(crystal.cos_squared() - 1 / (1 + tangent)) == 0


def test_monoclinic_principal_values() -> None:
    low, middle, high = symbolic.dielectric("2/m").principal_values
    assert middle == E2
    assert sympy.expand(low + high) == E1 + E3
    assert sympy.expand(low * high) == E1 * E3 - E13**2


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=6, max_size=6))
def test_any_matrix_of_integers(entries: list[int]) -> None:
    a, b, c, d, e, f = entries
    matrix = np.array([[a + 20, d, e], [d, b + 20, f], [e, f, c + 20]])
    crystal = symbolic.dielectric(sympy.Matrix(matrix.tolist()))
    expected = optics.summary(matrix.astype(float), tolerance=1e-9)
    assert crystal.optical_class == str(expected.optical_class)
    if crystal.characteristic is None:
        axes = np.array(crystal.principal_axes, dtype=float)
        values = np.array(crystal.principal_values, dtype=float)
        assert axes @ matrix @ axes.T == pytest.approx(np.diag(values), abs=1e-10)
        assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-10)
    else:
        with pytest.raises(ValueError, match="no closed form"):
            _ = crystal.principal_axes


def test_forms_groups_and_what_is_refused() -> None:
    turned = nt.form("dielectric", "6/mmm", axes=nt.orientation((1, 0, 0), (0, 1, 0)))
    crystal = symbolic.dielectric(turned)
    assert [abs(entry) for entry in crystal.optic_axes()[0]] in ([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert str(symbolic.dielectric([[E1, 0, 0], [0, E1, 0], [0, 0, E3]], "4/mmm").group) == "4/mmm"
    with pytest.raises(SymmetryError, match=r"m-3m does not leave the dielectric tensor alone"):
        symbolic.dielectric([[E1, 0, 0], [0, E1, 0], [0, 0, E3]], "m-3m")
    with pytest.raises(SymmetryError, match="is uniaxial"):
        symbolic.dielectric("3m").tan_squared()
    with pytest.raises(SymmetryError, match="is biaxial"):
        _ = symbolic.dielectric("222").birefringence
    with pytest.raises(SymmetryError, match="is isotropic"):
        symbolic.dielectric("23").optic_axes()
    with pytest.raises(ValueError, match="no order of three principal values"):
        symbolic.dielectric("222").tan_squared((0, 0, 1))
    with pytest.raises(ZeroDivisionError, match="singular"):
        _ = symbolic.dielectric(sympy.Matrix([[1, 1, 0], [1, 1, 0], [0, 0, 1]])).impermeability
    with pytest.raises(ValueError, match="does not propagate"):
        symbolic.dielectric(sympy.diag(1, -1, 1)).index_squares([1, 1, 0])
    assert symbolic.dielectric("23").latex().count("ε_{11}") == 3
