"""Exact and symbolic tensors: the identities hold exactly, and numbers agree after substitution."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import natural_tensors as nt
from natural_tensors.crystals.fitting import project

THETA, PHI = sympy.symbols("theta phi", real=True)
C, S = sympy.cos, sympy.sin
ABOUT_Z = sympy.Matrix([[C(THETA), -S(THETA), 0], [S(THETA), C(THETA), 0], [0, 0, 1]])
ABOUT_X = sympy.Matrix([[1, 0, 0], [0, C(PHI), -S(PHI)], [0, S(PHI), C(PHI)]])

CLASSES = [
    ("elastic", "m-3m"), ("elastic", "-1"), ("elastic", "-3"), ("compliance", "mmm"),
    ("piezoelectric", "1"), ("dielectric", "2/m"), ("photoelastic", "4/m"), ("gyration", "222"),
    ("third-order-elastic", "m-3m"),
]  # fmt: skip


def symbolic(name: str, group: str) -> tuple[nt.Reduction, Any, nt.Form]:
    form = nt.form(name, group)
    return form.reduction, form.to_sympy(), form.written_as


def numbers(expression: Any, seed: int = 0) -> dict[sympy.Symbol, sympy.Rational]:
    """Return a rational for each symbol, and one that makes no denominator vanish."""
    generator = np.random.default_rng(seed)
    ordered = sorted(expression.free_symbols, key=str)
    return {symbol: sympy.Rational(int(generator.integers(-40, 40)), 7) for symbol in ordered}


def at(expression: Any, point: dict[sympy.Symbol, Any]) -> NDArray[np.float64]:
    value = sympy.sympify(expression).subs(point)
    return np.array(value.tolist() if getattr(value, "shape", ()) else value, dtype=np.float64)


@pytest.mark.parametrize("basis", ["dual", "orthonormal"])
@pytest.mark.parametrize(("name", "group"), CLASSES)
def test_parts_put_together_are_the_tensor_itself(name: str, group: str, basis: Any) -> None:
    _, tensor, form = symbolic(name, group)
    reduction = nt.reduction(name, basis=basis)
    parts = reduction.decompose(tensor, form=form)
    assert reduction.reconstruct(parts, form=form) == tensor
    assert reduction.unpack(reduction.pack(tensor, form=form), form=form) == tensor
    point = numbers(tensor)
    expected = reduction.decompose(at(tensor, point), form=form)
    assert parts.keys() == expected.keys()
    for key, part in parts.items():
        assert isinstance(part, sympy.Expr if key[0] == 0 else sympy.ImmutableDenseNDimArray)
        scale = max(float(np.abs(expected[key]).max()), 1.0)
        assert np.abs(at(part, point) - expected[key]).max() < 1e-12 * scale


@pytest.mark.parametrize(("name", "group"), CLASSES[:7])
def test_numbers_agree_after_substitution(name: str, group: str) -> None:
    reduction, tensor, form = symbolic(name, group)
    point = numbers(tensor, seed=1)
    values = at(tensor, point)
    near: Any = lambda wanted: pytest.approx(wanted, rel=1e-11, abs=1e-11)  # noqa: E731
    packed = reduction.pack(tensor, form=form)
    assert at(packed, point) == near(reduction.pack(values, form=form))
    full = reduction.convert(tensor, source=form, target="full")
    assert at(full, point) == near(reduction.convert(values, source=form, target="full"))
    assert at(reduction.norm(tensor, form=form), point) == near(reduction.norm(values, form=form))
    weight = max(reduction.multiplicities)
    piece = reduction.part(tensor, weight, form=form)
    assert at(piece, point) == near(reduction.part(values, weight, form=form))
    for target in ("components", "voigt", "mandel") if reduction.components.pairs else ("full",):
        there = reduction.convert(tensor, source=form, target=target)
        assert at(there, point) == near(reduction.convert(values, source=form, target=target))
        assert reduction.convert(there, source=target, target=form) == tensor


def test_a_cubic_stiffness_is_two_lame_parts_and_one_of_weight_four() -> None:
    reduction, tensor, form = symbolic("elastic", "m-3m")
    c11, c12, c44 = sympy.symbols("C11 C12 C44", real=True)
    parts = reduction.decompose(tensor, form=form)
    assert sympy.expand(parts[0, 0] - (c11 + 4 * c12 - 2 * c44) / 5) == 0
    assert sympy.expand(parts[0, 1] - (c11 - c12 + 3 * c44) / 5) == 0
    assert all(entry == 0 for key in ((2, 0), (2, 1)) for entry in sympy.flatten(parts[key]))
    anisotropy = c11 - c12 - 2 * c44
    fourth = parts[4, 0]
    assert sympy.expand(fourth[0, 0, 0, 0] - 2 * anisotropy / 5) == 0
    assert all(sympy.rem(entry, anisotropy, c11) == 0 for entry in sympy.flatten(fourth))


def test_shares_of_the_norm_sum_to_one() -> None:
    reduction, tensor, form = symbolic("elastic", "m-3m")
    shares = reduction.fractions(tensor, form=form)
    assert sympy.cancel(sum(shares.values())) == 1
    point = numbers(tensor, seed=3)
    expected = reduction.fractions(at(tensor, point), form=form)
    for weight, share in shares.items():
        assert float(share.subs(point)) == pytest.approx(float(expected[weight]), abs=1e-13)
    zero = reduction.fractions(sympy.zeros(6, 6), form="voigt")
    assert all(share is sympy.nan for share in zero.values())


@pytest.mark.parametrize(
    ("name", "group", "rotation"),
    [
        ("elastic", "-1", ABOUT_Z),
        ("elastic", "m-3m", ABOUT_Z * ABOUT_X),
        ("gyration", "1", ABOUT_Z * ABOUT_X),
    ],
)
def test_symbolic_rotations(name: str, group: str, rotation: sympy.Matrix) -> None:
    reduction, tensor, form = symbolic(name, group)
    full = reduction.convert(tensor, source=form, target="full")
    result = reduction.rotate(full, rotation)
    assert reduction.symmetrize(result) == result  # equal entries are equal expressions
    assert reduction.rotate(result, rotation.T) == full
    point = {**numbers(full), THETA: sympy.Rational(1, 3), PHI: sympy.Rational(-2, 5)}
    expected = reduction.rotate(at(full, point), at(rotation, point))
    assert at(result, point) == pytest.approx(expected, rel=1e-11, abs=1e-11)


def test_a_rotation_of_its_group_leaves_a_form_alone() -> None:
    for name, group in (("elastic", "-3"), ("piezoelectric", "3"), ("gyration", "-4")):
        form = nt.form(name, group)
        full = form.reduction.convert(form.to_sympy(), source=form.written_as, target="full")
        for operation in form.group.generators:
            matrix = [list(row) for row in operation.matrix]
            assert form.reduction.rotate(full, matrix) == full


def test_improper_rotations_and_cayley_parameters() -> None:
    a = sympy.Symbol("a", real=True)
    norm = 1 + a**2
    cayley = sympy.Matrix(
        [[(1 - a**2) / norm, -2 * a / norm, 0], [2 * a / norm, (1 - a**2) / norm, 0], [0, 0, 1]]
    )
    reduction, tensor, _ = symbolic("gyration", "1")
    result = reduction.rotate(tensor, -cayley)
    assert reduction.rotate(result, -cayley.T) == tensor
    assert result == -reduction.rotate(tensor, cayley)  # rank 2 and axial: det R stays


@pytest.mark.parametrize("group", ["m-3m", "-3m", "6/mmm", "2/m"])
def test_projection_on_a_group_is_exact(group: str) -> None:
    reduction, tensor, form = symbolic("elastic", "-1")
    full = reduction.convert(tensor, source=form, target="full")
    kept = project("elastic", full, group)
    assert project("elastic", kept, group) == kept
    point = numbers(full, seed=5)
    assert at(kept, point) == pytest.approx(project("elastic", at(full, point), group), rel=1e-11)
    left = reduction.convert(kept, target="components")
    independent = nt.form("elastic", group).independent
    assert (
        sympy.Matrix(list(left)).jacobian(sorted(full.free_symbols, key=str)).rank() == independent
    )


def test_projection_in_other_axes() -> None:
    _, tensor, form = symbolic("dielectric", "-1")
    assert form == "full"
    along = project("dielectric", tensor, "4/mmm", ABOUT_X.subs(PHI, sympy.pi / 2))
    assert along[0, 0] == along[2, 2]
    assert along[0, 1] == along[1, 2] == along[0, 2] == 0


def test_batches_of_exact_tensors() -> None:
    reduction, tensor, form = symbolic("elastic", "m-3m")
    batch = sympy.Array([tensor, 2 * tensor])
    parts = reduction.decompose(batch, form=form)
    single = reduction.decompose(tensor, form=form)
    assert parts[0, 1].shape == (2,)
    assert parts[4, 0].shape == (2, 3, 3, 3, 3)
    assert parts[4, 0][1] == 2 * single[4, 0]
    assert reduction.reconstruct(parts, form=form) == batch
    assert nt.to_voigt(nt.from_voigt(batch)) == batch


@given(st.lists(st.fractions(max_denominator=50), min_size=6, max_size=6))
def test_fractions_stay_exact(entries: list[Fraction]) -> None:
    parts = nt.reduction("dielectric").decompose(entries, form="voigt")
    assert parts[0, 0] == sympy.Rational(sum(entries[:3], Fraction(0))) / 3
    assert nt.reduction("dielectric").reconstruct(parts, form="voigt") == sympy.Array(
        [sympy.Rational(entry) for entry in entries]
    )


def test_integers_stay_floats_unless_asked() -> None:
    matrix = np.arange(36).reshape(6, 6) + np.arange(36).reshape(6, 6).T
    reduction = nt.reduction("elastic")
    assert reduction.decompose(matrix, form="voigt")[0, 0].dtype == np.float64
    exact = reduction.decompose(matrix, form="voigt", exact=True)
    assert isinstance(exact[0, 0], sympy.Rational)
    assert reduction.norm(matrix, form="voigt", exact=True).is_algebraic


def test_one_natural_tensor_packs_exactly() -> None:
    _, tensor, form = symbolic("elastic", "-1")
    fourth = nt.reduction("elastic").decompose(tensor, form=form)[4, 0]
    packed = nt.pack_natural(fourth, 4)
    assert packed.shape == (9,)
    assert nt.unpack_natural(packed, 4) == fourth
    point = numbers(fourth)
    expected = nt.pack_natural(at(fourth, point), 4)
    assert at(packed, point) == pytest.approx(expected, rel=1e-12, abs=1e-12)


A = sympy.Symbol("a", real=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r: r.decompose(sympy.ones(6, 6) * A + 0.5 * sympy.eye(6), form="voigt"),
         TypeError, "float 0.5"),
        (lambda r: r.decompose(sympy.eye(3) * A), ValueError, "ends in the shape 3 x 3 x 3 x 3"),
        (lambda r: r.decompose(sympy.Matrix(6, 6, lambda i, j: A * (i - j)), form="voigt"),
         nt.SymmetryError, r"entry \(1, 0\) of form 'voigt' is a where its symmetry makes it -a"),
        (lambda r: r.decompose([[A] * 6] * 6, form="voigt", invalid="no"), ValueError, "invalid="),
        (lambda r: r.reconstruct({(4, 0): sympy.Array([A] * 81, (3, 3, 3, 3))}),
         nt.SymmetryError, "not symmetric and traceless"),
        (lambda r: r.reconstruct({(3, 0): A}), nt.UnknownPartError, "is not a part"),
        (lambda r: r.reconstruct({(2, 0): A}), ValueError, r"ends in the shape \(3, 3\)"),
        (lambda r: r.reconstruct({}, exact=True), nt.UnknownPartError, "no part"),
        (lambda r: r.reconstruct({(0, 0): A, (0, 1): [A, A]}), ValueError, "batch shape"),
        (lambda r: r.unpack([A, A]), ValueError, r"end in the shape \(21,\)"),
        (lambda r: r.rotate(sympy.Array([A] * 81, (3, 3, 3, 3)), np.eye(3)), TypeError, "float"),
        (lambda r: r.fractions(sympy.eye(6) * A, form="voigt", per="part"), ValueError, "per="),
    ],
)  # fmt: skip
def test_bad_input_is_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(nt.reduction("elastic"))


def test_an_unsymmetric_symbolic_tensor_is_projected() -> None:
    given = sympy.Matrix(6, 6, lambda i, j: sympy.Symbol(f"x{i}{j}", real=True))
    reduction = nt.reduction("elastic")
    kept = reduction.symmetrize(given, form="voigt")
    assert sympy.expand(kept[0, 3] - (given[0, 3] + given[3, 0]) / 2) == 0
    point = numbers(given)
    assert at(kept, point) == pytest.approx(reduction.symmetrize(at(given, point), form="voigt"))
    parts = reduction.decompose(given, form="voigt", invalid="project")
    assert reduction.reconstruct(parts, form="voigt") == kept
    part = sympy.Array([given[i % 6, i // 6 % 6] for i in range(81)], (3, 3, 3, 3))
    natural = reduction.reconstruct({(4, 0): part}, invalid="project")
    assert at(natural, point) == pytest.approx(
        reduction.reconstruct({(4, 0): at(part, point)}, invalid="project")
    )


def test_integers_stay_exact_in_functions_of_bare_arrays() -> None:
    matrix = [[3, 1, 1, 0, 0, 0], [1, 3, 1, 0, 0, 0], [1, 1, 3, 0, 0, 0],
              [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]]  # fmt: skip
    full = nt.from_voigt(matrix, exact=True)
    assert isinstance(full, sympy.NDimArray)
    mandel = nt.to_voigt(full, form="mandel")
    assert (mandel[0, 0], mandel[3, 3]) == (3, 2)
    assert nt.to_voigt(full.tolist(), exact=True).tolist() == matrix
    kept = project("elastic", full.tolist(), "∞∞m", exact=True)
    assert all(entry.is_Rational for entry in kept.reshape(81))
    assert isinstance(nt.from_voigt(matrix), np.ndarray)
