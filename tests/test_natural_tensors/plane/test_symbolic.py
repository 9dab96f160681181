"""Elastic sheets in symbols against numbers and the literature."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from natural_tensors.plane.elasticity import NumericSheet, sheet
from natural_tensors.plane.forms import form
from natural_tensors.plane.point_groups import GROUPS
from natural_tensors.plane.symbolic import SymbolicSheet, stability_conditions

C11, C12, C16, C22, C26, C66 = sympy.symbols("C11 C12 C16 C22 C26 C66", real=True)

# Necessary and sufficient: Mazdziarz, 2D Mater. 6 (2019) 048001, without positive factors
LITERATURE = {
    "1": (C11, C11 * C22 - C12**2,
          C11 * C22 * C66 - C11 * C26**2 - C12**2 * C66 + 2 * C12 * C16 * C26 - C16**2 * C22),
    "2mm": (C11, C11 * C22 - C12**2, C66),
    "4": (C11 + C12, C11 - C12, C11 * C66 - C12 * C66 - 2 * C16**2),
    "4mm": (C11 + C12, C11 - C12, C66),
    "6mm": (C11 + C12, C11 - C12),
}  # fmt: skip
SAME = {"2": "1", "m": "2mm", "11m": "2mm", "3": "6mm", "3m": "6mm", "31m": "6mm", "6": "6mm",
        "∞": "6mm", "∞m": "6mm"}  # fmt: skip


@pytest.mark.parametrize("symbol", [*GROUPS, "11m", "31m"])
def test_conditions_of_stability_of_every_group(symbol: str) -> None:
    expected = LITERATURE[SAME.get(symbol, symbol)]
    found = [condition.lhs for condition in stability_conditions(symbol)]
    assert len(found) == len(expected)
    assert all(sympy.expand(a - b) == 0 for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("symbol", [*GROUPS, "11m", "31m"])
def test_conditions_hold_exactly_where_all_kelvin_moduli_are_positive(symbol: str) -> None:
    derived = form("elastic", symbol)
    matrix = derived.to_sympy()
    parameters = sorted(matrix.free_symbols, key=str)
    conditions = stability_conditions(symbol)
    rng = np.random.default_rng(3)
    agreed = {True: 0, False: 0}
    entries = sympy.lambdify(parameters, matrix.tolist())
    tests = sympy.lambdify(parameters, [condition.lhs for condition in conditions])
    for _ in range(300):
        point = rng.normal(size=len(parameters)) + np.array(
            [2.0 if name in ("C11", "C22", "C66") else 0.0 for name in derived.parameters]
        )
        numbers = sheet(np.array(entries(*point), dtype=float))
        assert isinstance(numbers, NumericSheet)
        assert bool(numbers.stable) == all(value > 0 for value in tests(*point))
        agreed[bool(numbers.stable)] += 1
    assert min(agreed.values()) > 10


def symbolic(values: Any) -> SymbolicSheet:
    result = sheet(values)
    assert isinstance(result, SymbolicSheet)
    return result


def test_closed_forms_of_an_isotropic_sheet() -> None:
    isotropic = symbolic(form("elastic", "6mm"))
    assert isotropic.area_modulus == (C11 + C12) / 2
    assert isotropic.shear_modulus == (C11 - C12) / 2
    assert sympy.cancel(isotropic.young_modulus - (C11**2 - C12**2) / C11) == 0
    assert sympy.cancel(isotropic.poisson_ratio - C12 / C11) == 0
    angle = sympy.Symbol("t", real=True)
    assert sympy.cancel(isotropic.young(angle) - (C11**2 - C12**2) / C11) == 0
    assert sympy.cancel(isotropic.poisson(angle) - C12 / C11) == 0
    assert isotropic.kelvin_moduli() == (C11 + C12, C11 - C12, C11 - C12)
    assert isotropic.polar_components["R0 cos 4F0"] == 0


@pytest.mark.parametrize("symbol", ["1", "2mm", "4", "4mm", "3m"])
def test_symbols_equal_numbers_at_a_point(symbol: str) -> None:
    exact = symbolic(form("elastic", symbol))
    values = {"C11": 9, "C12": 2, "C16": 1, "C22": 7, "C26": -2, "C66": 3}
    point = dict(zip(
        (C11, C12, C16, C22, C26, C66), values.values(), strict=True))  # fmt: skip
    numbers = sheet(np.array(exact.matrix.subs(point).tolist(), dtype=float))
    assert isinstance(numbers, NumericSheet)
    for name in ("area_modulus_voigt", "area_modulus_reuss", "shear_modulus_voigt", "area_modulus",
                 "shear_modulus_reuss", "young_modulus", "poisson_ratio"):  # fmt: skip
        assert float(getattr(exact, name).subs(point)) == pytest.approx(
            float(getattr(numbers, name))
        )
    angle = sympy.Symbol("t", real=True)
    for name in ("young", "poisson", "shear"):
        at = getattr(exact, name)(angle).subs(point).subs(angle, 0.7)
        assert float(at) == pytest.approx(float(getattr(numbers, name)(0.7)))
    for left, right in zip(exact.compliance, numbers.compliance, strict=True):
        assert float(left.subs(point)) == pytest.approx(float(right))
    moduli: list[float] = []
    for modulus in exact.kelvin_moduli():
        if isinstance(modulus, sympy.Poly):
            moduli += [
                float(sympy.re(x)) for x in sympy.Poly(modulus.as_expr().subs(point)).nroots()
            ]
        else:
            moduli.append(float(modulus.subs(point)))
    np.testing.assert_allclose(sorted(moduli), numbers.kelvin_moduli, rtol=1e-9)


def test_stability_under_an_isotropic_tension() -> None:
    p = sympy.Symbol("p", real=True)
    loaded = symbolic(form("elastic", "6mm")).under_load((p, p, 0))
    assert [condition.lhs for condition in loaded.stability] == [C11 + C12, C11 - C12 + 2 * p]
    assert loaded.stiffness[0] == C11 + p


def test_exact_numbers_stay_exact() -> None:
    exact = symbolic([[Fraction(3), 1, 0], [1, 2, 0], [0, 0, Fraction(1, 2)]])
    assert exact.area_modulus_reuss == sympy.Rational(5, 3)
    assert exact.stability == ()
    assert symbolic([[Fraction(1), 2, 0], [2, 1, 0], [0, 0, 1]]).stability[-1] == sympy.false
    with pytest.raises(TypeError, match="float"):
        sheet([[Fraction(1), 0.5, 0], [0.5, 1, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="batch"):
        sheet([sympy.eye(3), sympy.eye(3)])
    assert "stable where C11 + C12 > 0" in repr(symbolic(form("elastic", "4mm")))
