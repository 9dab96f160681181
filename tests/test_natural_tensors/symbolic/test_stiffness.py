"""Stiffness in symbols: closed forms of textbooks, and the numeric functions after substitution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray

import natural_tensors as nt
from natural_tensors import elasticity, symbolic
from tests.helpers.stiffnesses import ALBITE, DIOPSIDE, MUSCOVITE

C11, C12, C13, C33, C44 = sympy.symbols("C11 C12 C13 C33 C44", real=True)
N = sympy.symbols("n1 n2 n3", real=True)

MEASURED = {"m-3m": None, "6/mmm": None, "-3m": None, "mmm": None, "2/m": DIOPSIDE, "-1": ALBITE}


def near(group: str) -> tuple[symbolic.SymbolicStiffness, NDArray[np.float64], dict[Any, Any]]:
    """Return a stiffness in symbols, stable numbers of its group, and the substitution."""
    crystal = symbolic.stiffness(group)
    rng = np.random.default_rng(11)
    point = {
        constant: sympy.Rational(
            (200 if constant.name[1] == constant.name[2] else 0) + int(rng.integers(-25, 25))
        )
        for constant in crystal.constants
    }
    numbers = np.array(crystal.matrix.subs(point).tolist(), dtype=float)
    assert elasticity.is_stable(numbers)
    return crystal, numbers, point


def at(expression: Any, point: dict[Any, Any]) -> float:
    return float(sympy.sympify(expression).subs(point))


@pytest.mark.parametrize("group", MEASURED)
def test_moduli_are_the_numeric_ones(group: str) -> None:
    crystal, numbers, point = near(group)
    expected = elasticity.moduli(numbers)
    assert at(crystal.voigt.bulk, point) == pytest.approx(float(expected.bulk_voigt), rel=1e-12)
    assert at(crystal.voigt.shear, point) == pytest.approx(float(expected.shear_voigt), rel=1e-12)
    inverse = sympy.lambdify(crystal.constants, crystal.compliance)
    soft = np.array(inverse(*(float(point[constant]) for constant in crystal.constants)))
    assert soft == pytest.approx(elasticity.compliance(numbers), rel=1e-10, abs=1e-14)
    if group == "-1":
        return  # the moduli of Reuss are quotients of determinants of 21 constants
    assert at(crystal.reuss.bulk, point) == pytest.approx(float(expected.bulk_reuss), rel=1e-12)
    assert at(crystal.reuss.shear, point) == pytest.approx(float(expected.shear_reuss), rel=1e-12)
    if group in ("mmm", "2/m"):
        return  # quotients of long polynomials: no other formulas than those above
    assert at(crystal.hill.youngs, point) == pytest.approx(float(expected.youngs_hill), rel=1e-12)
    assert at(crystal.hill.poisson, point) == pytest.approx(float(expected.poisson_hill), rel=1e-12)
    anisotropy = float(expected.universal_anisotropy)
    assert at(crystal.universal_anisotropy, point) == pytest.approx(anisotropy, rel=1e-9, abs=1e-12)


def test_cubic_closed_forms() -> None:
    cubic = symbolic.stiffness("m-3m")
    soft = cubic.compliance
    assert sympy.cancel(soft[0, 0] - (C11 + C12) / ((C11 - C12) * (C11 + 2 * C12))) == 0
    assert cubic.zener == 2 * C44 / (C11 - C12)
    assert (
        sympy.cancel(cubic.reuss.shear - 5 * (C11 - C12) * C44 / (4 * C44 + 3 * (C11 - C12))) == 0
    )
    anisotropy = cubic.universal_anisotropy
    zener = sympy.Symbol("z")
    assert sympy.cancel(anisotropy.subs(C44, zener * (C11 - C12) / 2) - 6 * (zener - 1) ** 2
                        / (5 * zener)) == 0  # fmt: skip
    # Nye: 1/E = S11 - 2 (S11 - S12 - S44/2) (n1² n2² + n2² n3² + n3² n1²) for a unit vector
    a, b, c = N
    unit = {a: sympy.Rational(2, 7), b: sympy.Rational(3, 7), c: sympy.Rational(6, 7)}
    products = a**2 * b**2 + b**2 * c**2 + c**2 * a**2
    inverse = soft[0, 0] - 2 * (soft[0, 0] - soft[0, 1] - soft[3, 3] / 2) * products
    assert sympy.cancel((1 / cubic.youngs_modulus() - inverse).subs(unit)) == 0
    assert cubic.poisson_ratio([1, 0, 0], [0, 1, 0]) == C12 / (C11 + C12)
    assert cubic.shear_modulus([1, 0, 0], [0, 1, 0]) == C44
    assert sympy.cancel(cubic.shear_modulus([1, 1, 0], [1, -1, 0]) - (C11 - C12) / 2) == 0


@pytest.mark.parametrize("group", ["m-3m", "6/mmm", "-3m", "mmm"])
@pytest.mark.parametrize("direction", [(1, 0, 0), (1, 2, -3)])
def test_directional_properties_are_the_numeric_ones(
    group: str, direction: tuple[int, int, int]
) -> None:
    crystal, numbers, point = near(group)
    transverse = np.cross(direction, (0, 0, 1)).tolist()
    n, m = np.array(direction, dtype=float), np.array(transverse, dtype=float)
    cases = {
        "youngs_modulus": (elasticity.youngs_modulus(numbers, n), (direction,)),
        "linear_compressibility": (  # in 1/TPa there
            elasticity.linear_compressibility(numbers, n) / 1000,
            (direction,),
        ),
        "shear_modulus": (elasticity.shear_modulus(numbers, n, m), (direction, transverse)),
        "poisson_ratio": (elasticity.poisson_ratio(numbers, n, m), (direction, transverse)),
    }
    for name, (expected, arguments) in cases.items():
        value = getattr(crystal, name)(*arguments)
        assert at(value, point) == pytest.approx(float(expected), rel=1e-11), name
    matrix = np.array(crystal.christoffel(direction).subs(point).tolist(), dtype=float)
    assert matrix == pytest.approx(elasticity.christoffel(numbers, n), rel=1e-12, abs=1e-10)


def test_waves_along_axes_and_in_planes_of_symmetry() -> None:
    cubic = symbolic.stiffness("m-3m")
    assert set(cubic.waves([1, 0, 0]).squares) == {C11, C44}
    assert {sympy.expand(s) for s in cubic.waves([1, 1, 1]).squares} == {
        sympy.expand((C11 + 2 * C12 + 4 * C44) / 3), sympy.expand((C11 - C12 + C44) / 3),
    }  # fmt: skip
    density = sympy.Symbol("rho", positive=True)
    assert sympy.sqrt(C44 / density) in cubic.waves([1, 0, 0]).speeds(density)
    hexagonal, numbers, point = near("6/mmm")
    waves = hexagonal.waves([1, 0, 2])
    assert waves.closed
    roots = sorted(at(square, point) for square in waves.squares)
    expected = np.linalg.eigvalsh(elasticity.christoffel(numbers, np.array([1.0, 0, 2])))
    assert roots == pytest.approx(expected.tolist(), rel=1e-12)
    triclinic = symbolic.stiffness("-1").waves([1, 0, 0])
    assert not triclinic.closed
    assert sympy.degree(triclinic.polynomial, sympy.Symbol("x")) == 3


@pytest.mark.parametrize("group", ["m-3m", "m-3", "6/mmm", "-3m", "-3", "4/m"])
def test_kelvin_moduli_are_eigenvalues(group: str) -> None:
    crystal, numbers, point = near(group)
    moduli = crystal.kelvin_moduli()
    values = sorted(at(value, point) for value, count in moduli for _ in range(count))
    assert values == pytest.approx(np.sort(elasticity.kelvin_moduli(numbers)).tolist(), rel=1e-11)


def test_larger_blocks_give_their_polynomial() -> None:
    crystal, numbers, point = near("mmm")
    (equation, count), *others = crystal.kelvin_moduli()
    assert count == 1
    shears = [sympy.Symbol(f"C{i}{i}", real=True) for i in (4, 5, 6)]
    assert [value for value, _ in others] == [2 * shear for shear in shears]
    (unknown,) = equation.free_symbols - crystal.matrix.free_symbols
    polynomial = sympy.Poly(equation.lhs.subs(point), unknown)
    block = np.linalg.eigvalsh(numbers[:3, :3])
    assert sorted(map(float, polynomial.nroots())) == pytest.approx(block.tolist(), rel=1e-10)


def test_cauchy_relations() -> None:
    assert symbolic.stiffness("m-3m").cauchy_relations() == (C12 - C44,)
    assert len(symbolic.stiffness("-1").cauchy_relations()) == 6


def test_matrices_and_forms_are_taken() -> None:
    form = nt.form("elastic", "4/mmm")
    assert symbolic.stiffness(form).matrix == symbolic.stiffness("4/mmm").matrix
    given = symbolic.stiffness(form.to_sympy(), "4/mmm")
    assert given.stability().conditions == symbolic.stiffness("4/mmm").stability().conditions
    numbers = symbolic.stiffness(sympy.diag(3, 3, 3, 1, 1, 1))
    assert numbers.voigt.bulk == 1
    assert numbers.stability().holds({})
    with pytest.raises(ZeroDivisionError, match="singular"):
        _ = symbolic.stiffness(sympy.zeros(6, 6)).compliance


def test_fractions_of_a_measured_stiffness_stay_exact() -> None:
    exact = sympy.Matrix(6, 6, lambda i, j: sympy.Rational(str(MUSCOVITE[i][j])))
    crystal = symbolic.stiffness(exact)
    expected = elasticity.moduli(np.array(MUSCOVITE, dtype=float))
    assert isinstance(crystal.reuss.bulk, sympy.Rational)
    assert float(crystal.reuss.bulk) == pytest.approx(float(expected.bulk_reuss), rel=1e-12)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(nt.SymmetryError, match="does not leave the matrix alone: its entry"):
        symbolic.stiffness(nt.form("elastic", "mmm").to_sympy(), "m-3m")
    with pytest.raises(nt.SymmetryError, match="Zener's ratio is that of a cubic crystal"):
        _ = symbolic.stiffness("6/mmm").zener
    cubic = symbolic.stiffness("m-3m")
    with pytest.raises(ValueError, match="not provably 0; give perpendicular ones"):
        cubic.poisson_ratio([1, 0, 0], [1, 1, 0])
    with pytest.raises(ValueError, match="no direction"):
        cubic.youngs_modulus([0, 0, 0])
    with pytest.raises(nt.PointGroupError):
        symbolic.stiffness("m3x")
