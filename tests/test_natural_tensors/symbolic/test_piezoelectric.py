"""Piezoelectricity in symbols: formulas of the standard, energies, numbers, a measured ceramic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray

from natural_tensors import piezoelectricity, reduction, symbolic
from natural_tensors.errors import SymmetryError

GROUPS = ["6mm", "32", "-43m", "mm2", "-6m2", "622", "m-3m"]
DIRECTIONS = [[0, 0, 1], [1, 1, 1], [1, -2, 2], [3, 1, 4]]
EPS0 = 8.8541878128e-12

Floats = NDArray[np.float64]


def near(group: str) -> tuple[symbolic.SymbolicPiezoelectric, list[Floats], dict[Any, Any]]:
    """Return tensors in symbols, numbers of e, C and ε, and the substitution."""
    crystal = symbolic.piezoelectric(group)
    rng = np.random.default_rng(5)
    point = {}
    for constant in crystal.constants:
        name, noise = constant.name, sympy.Rational(int(rng.integers(-25, 26)), 10)
        base = {"C": 20 if name[1] == name[2] else 0, "ε": 8, "e": 0}[name[0]]
        point[constant] = base + noise
    matrices = (crystal.stress_coefficients, crystal.elastic.matrix, crystal.clamped.matrix)
    return crystal, [floats(matrix, point) for matrix in matrices], point


def floats(matrix: Any, point: dict[Any, Any]) -> Floats:
    return np.array(matrix.subs(point).tolist(), dtype=float)


def at(value: Any, point: dict[Any, Any]) -> float:
    return float(sympy.sympify(value).subs(point))


@pytest.mark.parametrize("group", GROUPS)
def test_constants_are_the_numeric_ones(group: str) -> None:
    crystal, (e, c, eps), point = near(group)
    d = e @ np.linalg.inv(c)
    assert floats(crystal.strain_coefficients, point) == pytest.approx(d, rel=1e-10, abs=1e-12)
    assert floats(crystal.free.matrix, point) == pytest.approx(eps + d @ e.T, rel=1e-10)
    stiff = c + e.T @ np.linalg.inv(eps) @ e
    assert floats(crystal.stiffened.matrix, point) == pytest.approx(stiff, rel=1e-10, abs=1e-12)
    full = reduction("piezoelectric").convert(d, source="voigt-compliance", target="full")
    pressure = [at(entry, point) for entry in crystal.hydrostatic]
    assert pressure == pytest.approx(piezoelectricity.hydrostatic(full), rel=1e-10, abs=1e-12)
    for direction in DIRECTIONS:
        expected = float(piezoelectricity.longitudinal(full, direction))
        found = at(crystal.longitudinal(direction), point)
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("direction", [[0, 0, 1], [1, 1, 0], [3, 1, 4]], ids=str)
def test_stiffened_waves_are_those_of_arrays(group: str, direction: list[int]) -> None:
    crystal, (e, c, eps), point = near(group)
    n = np.array(direction) / np.linalg.norm(direction)
    whole = reduction("elastic").convert(c, source="voigt", target="full")
    coupled = reduction("piezoelectric-stress").convert(e, source="voigt", target="full")
    vector = np.einsum("pij,p,j->i", coupled, n, n)
    expected = np.einsum("ijkl,j,l->ik", whole, n, n) + np.outer(vector, vector) / (n @ eps @ n)
    found = floats(crystal.christoffel(direction), point)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-11)
    if direction == [3, 1, 4] and group in ("6mm", "mm2", "32", "-6m2"):
        return  # cubics with thousands of terms
    modes = crystal.waves(direction)
    squares = [at(square, point) for square in modes.squares]
    if modes.polynomial is not None:
        (unknown,) = {s for s in modes.polynomial.free_symbols if s.name == "x"}
        polynomial = sympy.Poly(modes.polynomial.subs(point), unknown)
        squares += [float(sympy.re(root)) for root in polynomial.nroots()]
    assert sorted(squares) == pytest.approx(np.linalg.eigvalsh(expected), rel=1e-9)


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "m-3m"])
def test_coupling_is_a_share_of_energy(group: str) -> None:
    """From numbers alone: work done by a stress at open circuit and at short circuit."""
    crystal, (e, c, eps), point = near(group)
    assert crystal.coupling_factors
    soft = np.linalg.inv(c)
    d = e @ soft
    for name, factor in crystal.coupling_factors.items():
        if name in ("kt", "kp"):
            continue
        i, number = int(name[1]) - 1, int(name[2]) - 1
        short = soft[number, number]  # strain by unit stress without field
        field = -d[i, number] / (eps + d @ e.T)[i, i]  # what keeps the displacement field 0
        stiff = short + d[i, number] * field
        assert 0 < at(factor, point) < 1
        assert at(factor, point) == pytest.approx(1 - stiff / short, rel=1e-9)


def test_formulas_of_the_standard() -> None:
    crystal = symbolic.piezoelectric("6mm")
    k = crystal.coupling_factors
    assert list(k) == ["k15", "k24", "k31", "k32", "k33", "kp", "kt"]
    d, s, eps = crystal.strain_coefficients, crystal.elastic.compliance, crystal.free.matrix
    e, stiff = crystal.stress_coefficients, crystal.stiffened.matrix
    clamped = crystal.clamped.matrix
    expected = {
        "k33": d[2, 2] ** 2 / (eps[2, 2] * s[2, 2]),
        "k31": d[2, 0] ** 2 / (eps[2, 2] * s[0, 0]),
        "k15": d[0, 4] ** 2 / (eps[0, 0] * s[4, 4]),
        "kp": 2 * d[2, 0] ** 2 / (eps[2, 2] * (s[0, 0] + s[0, 1])),
        "kt": e[2, 2] ** 2 / (clamped[2, 2] * stiff[2, 2]),
    }
    for name, formula in expected.items():
        assert sympy.cancel(k[name] - formula) == 0, name
    # the shear of a plate and that of a bar are one, IEEE 176-1987: e15² / (ε11 c55 stiffened)
    assert crystal.thickness_coupling([1, 0, 0], [0, 0, 1]) == k["k15"]
    # the plane stays isotropic in 6mm, not in 4mm
    assert "kp" not in symbolic.piezoelectric("4mm").coupling_factors
    assert not symbolic.piezoelectric("432").coupling_factors
    assert set(symbolic.piezoelectric("-43m").coupling_factors) == {"k14", "k25", "k36"}


def test_size_of_stress_and_field_does_not_matter() -> None:
    crystal = symbolic.piezoelectric("6mm")
    scaled = crystal.coupling([0, 0, -3], sympy.diag(0, 0, sympy.Rational(2, 7)))
    assert scaled == crystal.coupling_factors["k33"]
    hydrostatic = crystal.coupling([0, 0, 1], sympy.eye(3))
    bulk = crystal.elastic.compliance[:3, :3]
    total = sum(bulk)
    charge = crystal.hydrostatic[2]
    assert sympy.cancel(hydrostatic - charge**2 / (total * crystal.free.matrix[2, 2])) == 0


def test_stiffness_at_constant_displacement_inverts_the_other_way() -> None:
    """S - dᵀ ε⁻¹ d with the free permittivity is the inverse of C + eᵀ ε⁻¹ e with the clamped."""
    crystal = symbolic.piezoelectric("6mm")
    d = crystal.strain_coefficients
    soft = crystal.elastic.compliance - d.T * crystal.free.impermeability * d
    product = sympy.Matrix(crystal.stiffened.matrix) * sympy.Matrix(soft)
    assert product.applyfunc(sympy.cancel) == sympy.eye(6)


def test_longitudinal_of_quartz_in_its_plane() -> None:
    """d11 cos 3φ about the threefold axis."""
    n1, n2, n3 = sympy.symbols("n1 n2 n3", real=True)
    crystal = symbolic.piezoelectric("32")
    d11 = crystal.strain_coefficients[0, 0]
    wanted = d11 * (n1**3 - 3 * n1 * n2**2)
    assert sympy.cancel(crystal.longitudinal() - wanted) == 0
    assert crystal.longitudinal([1, 0, 0]) == d11
    assert n3 not in crystal.longitudinal().free_symbols


def test_factors_of_a_ceramic_from_what_is_measured() -> None:
    """Constants of the size of a poled ceramic's: d, s at constant field, ε at constant stress.

    Factors are defined by these; here they come out of e, C and ε at constant strain.
    """
    s11, s12, s13, s33, s44 = 12.3e-12, -4.05e-12, -5.31e-12, 15.5e-12, 39.0e-12
    soft = np.zeros((6, 6))
    soft[:3, :3] = [[s11, s12, s13], [s12, s11, s13], [s13, s13, s33]]
    soft[3, 3] = soft[4, 4] = s44
    soft[5, 5] = 2 * (s11 - s12)
    d = np.zeros((3, 6))
    d[0, 4] = d[1, 3] = 496e-12
    d[2] = [-123e-12, -123e-12, 289e-12, 0, 0, 0]
    c = np.linalg.inv(soft)
    e = d @ c
    free = np.diag([1475 * EPS0, 1475 * EPS0, 1300 * EPS0])
    eps = free - e @ d.T
    values = {"e": e, "C": c, "ε": eps}
    crystal = symbolic.piezoelectric("6mm")
    point = {
        s: sympy.Float(values[s.name[0]][int(s.name[1]) - 1, int(s.name[2]) - 1])
        for s in crystal.constants
    }
    factors = {name: np.sqrt(at(k, point)) for name, k in crystal.coupling_factors.items()}
    measured = {
        "k33": d[2, 2] / np.sqrt(s33 * free[2, 2]),
        "k31": -d[2, 0] / np.sqrt(s11 * free[2, 2]),
        "k15": d[0, 4] / np.sqrt(s44 * free[0, 0]),
        "kp": -d[2, 0] * np.sqrt(2 / ((s11 + s12) * free[2, 2])),
        # a plate: the stiffness at constant displacement, from the compliance there
        "kt": np.sqrt(1 - c[2, 2] / np.linalg.inv(soft - d.T @ np.linalg.inv(free) @ d)[2, 2]),
    }
    for name, k in measured.items():
        assert factors[name] == pytest.approx(k, rel=1e-9), name
    assert 0.3 < factors["k31"] < factors["kt"] < factors["k33"] < 0.8


def test_matrices_of_ones_own_and_what_is_refused() -> None:
    e, c, eps = sympy.symbols("e c eps", positive=True)
    row = sympy.zeros(3, 6)
    row[2, 2] = e
    crystal = symbolic.piezoelectric(
        stress_coefficients=row, stiffness_matrix=c * sympy.eye(6), permittivity=eps * sympy.eye(3)
    )
    assert crystal.coupling_factors["k33"] == e**2 / (c * eps + e**2)
    assert crystal.waves([0, 0, 1]).squares.count(c) == 2
    with pytest.raises(ValueError, match="all three tensors are needed"):
        symbolic.piezoelectric(stress_coefficients=row)
    with pytest.raises(SymmetryError, match="622 does not leave the piezoelectric-stress tensor"):
        symbolic.piezoelectric("622", stress_coefficients=row)
    with pytest.raises(ValueError, match="symmetric 3x3 matrix, not zero"):
        crystal.coupling([0, 0, 1], sympy.zeros(3, 3))
    with pytest.raises(ValueError, match="no plane wave along"):
        symbolic.piezoelectric("mm2").thickness_coupling([1, 2, 3], [1, 2, 3])
