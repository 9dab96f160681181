"""Reductions in the plane against characters, brute force and literature."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from natural_tensors import (
    IndexSymmetry,
    PlaneReduction,
    SymmetryError,
    UnknownPartError,
    reduction,
)
from natural_tensors.dimensions import DimensionError
from natural_tensors.plane.bases import QUARTER_TURN, plane_basis, plane_projector_terms

CLASSES = ["", "i", "ij", "ij=ji", "ij=-ji", "ijk", "ijk=ikj", "ijk=jik=ikj", "ijkl", "elastic",
           "ijkl=jikl=ijlk", "ijkl=jkli", "ijkl=-jilk", "third-order-elastic"]  # fmt: skip
NAMED = {
    "": "1x0e",
    "i": "1x1",
    "ij": "1x0e+1x0o+1x2",
    "ij=ji": "1x0e+1x2",
    "ij=-ji": "1x0o",
    "piezoelectric": "2x1+1x3",
    "elastic": "2x0e+1x2+1x4",  # Blinowski, Ostrowska-Maciejewska, Rychlewski (1996)
    "third-order-elastic": "2x0e+2x2+1x4+1x6",
    "ijkl": "3x0e+3x0o+4x2+1x4",
}


def turn(angle: float, *, mirrored: bool = False) -> Any:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]]) @ np.diag([1, -1 if mirrored else 1])


def rotated(tensor: Any, matrix: Any, rank: int) -> Any:
    for axis in range(tensor.ndim - rank, tensor.ndim):
        tensor = np.moveaxis(np.tensordot(tensor, matrix, axes=([axis], [1])), -1, axis)
    return tensor


def projector(symmetry: IndexSymmetry) -> Any:
    """The average over the whole signed permutation group, as a matrix on 2**rank components."""
    rank = symmetry.rank
    eye = np.eye(2**rank).reshape((2,) * rank + (-1,))
    moved = np.array([e.sign * eye.transpose([*e.slots, rank]) for e in symmetry.elements])
    return moved.mean(axis=0).reshape(2**rank, -1)


def random_tensor(chosen: PlaneReduction, batch: tuple[int, ...] = (3,)) -> Any:
    rng = np.random.default_rng(len(chosen.irreps))
    values = rng.normal(size=(*batch, 2**chosen.rank)) @ projector(chosen.symmetry).T
    return values.reshape((*batch, *(2,) * chosen.rank))


@pytest.mark.parametrize(("name", "irreps"), NAMED.items())
def test_irreps_of_known_classes(name: str, irreps: str) -> None:
    assert reduction(name, dimension=2).irreps == irreps


@pytest.mark.parametrize("rank", range(1, 8))
def test_multiplicities_of_a_general_tensor_are_binomial(rank: int) -> None:
    general = reduction(IndexSymmetry.general(rank), dimension=2)
    expected = {
        weight: int(sympy.binomial(rank, (rank - weight) // 2))
        for weight in range(rank % 2, rank + 1, 2)
    }
    assert dict(general.multiplicities) == expected
    assert general.scalars == general.pseudoscalars == expected.get(0, 0) // 2


def averaged_character(symmetry: IndexSymmetry, weight: int) -> tuple[float, float]:
    """Multiplicities from characters of O(2): over rotations, and over mirrors for weight 0."""
    rank, steps = symmetry.rank, 4 * symmetry.rank + 4  # exact for trigonometric polynomials
    symmetrizer = projector(symmetry)
    rotations, mirrors = 0.0, 0.0
    for angle in 2 * np.pi * np.arange(steps) / steps:
        for mirrored in (False, True):
            whole = np.ones((1, 1))
            for _ in range(rank):
                whole = np.kron(whole, turn(angle, mirrored=mirrored))
            character = float(np.trace(whole @ symmetrizer)) / steps
            if mirrored:
                mirrors += character * (-1 if symmetry.axial else 1)
            else:
                rotations += character * np.cos(weight * angle)
    return rotations, mirrors


@pytest.mark.parametrize("axial", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_multiplicities_are_those_of_characters(name: str, axial: bool) -> None:
    symmetry = reduction(name, dimension=2).symmetry
    chosen = reduction(symmetry, axial=axial, dimension=2)
    for weight in range(symmetry.rank + 1):
        rotations, mirrors = averaged_character(chosen.symmetry, weight)
        assert rotations == pytest.approx(chosen.multiplicities.get(weight, 0), abs=1e-9)
        if weight == 0:
            assert mirrors == pytest.approx(chosen.scalars - chosen.pseudoscalars, abs=1e-9)


def natural_projector(weight: int) -> Any:
    """The projector onto natural tensors from the orthogonal basis, in fractions."""
    basis = plane_basis(weight)
    return sum(
        np.multiply.outer(row, row) * Fraction(1, norm)
        for row, norm in zip(basis.tensors().astype(object), basis.norms, strict=True)
    )


@pytest.mark.parametrize("basis", ["dual", "orthonormal"])
@pytest.mark.parametrize("name", CLASSES)
def test_operators_are_exact_inverses(name: str, basis: Any) -> None:
    chosen = reduction(name, basis=basis, dimension=2)
    for weight, copy in chosen.copies:
        into, below, root = chosen.embedding(weight, copy).exact_array()
        for other_weight, other in chosen.copies:
            out, bottom, radicand = chosen.extraction(other_weight, other).exact_array()
            axes = list(range(chosen.rank))
            composed = np.tensordot(
                out.astype(object), into.astype(object),
                axes=([other_weight + a for a in axes], axes),
            )  # fmt: skip
            if (weight, copy) != (other_weight, other):
                assert not composed.any()
                continue
            assert root == radicand
            # extraction after embedding is the projector onto natural tensors
            factor = Fraction(root) / (below * bottom)
            assert (composed.reshape(2**weight, -1) * factor == natural_projector(weight)).all()


@pytest.mark.parametrize("weight", range(5))
def test_the_projector_is_the_one_of_the_basis(weight: int) -> None:
    total = np.zeros((2,) * (2 * weight), dtype=object)
    for coefficient, pairs in plane_projector_terms(weight):
        for digits in product(range(2), repeat=weight):
            entry = [0] * (2 * weight)
            for (a, b), digit in zip(pairs, digits, strict=True):
                entry[a] = entry[b] = digit
            total[tuple(entry)] += coefficient
    assert (total.reshape(2**weight, -1) == natural_projector(weight)).all()


@pytest.mark.parametrize("weight", range(2, 8))
def test_the_basis_is_symmetric_traceless_and_of_two_elements(weight: int) -> None:
    basis = plane_basis(weight)
    rows = basis.tensors().reshape((-1, *basis.shape))
    assert len(rows) == 2
    assert not np.trace(rows, axis1=1, axis2=2).any()
    assert (rows == rows.swapaxes(1, 2)).all()
    assert tuple(np.sum(rows.reshape(2, -1) ** 2, axis=1)) == basis.norms


@pytest.mark.parametrize("axial", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_round_trip_isometry_and_equivariance(name: str, axial: bool) -> None:
    symmetry = reduction(name, dimension=2).symmetry
    chosen = reduction(symmetry, axial=axial, basis="orthonormal", dimension=2)
    tensor = random_tensor(chosen)
    parts = chosen.decompose(tensor)
    np.testing.assert_allclose(chosen.reconstruct(parts), tensor, atol=1e-13)
    packed = chosen.pack(tensor)
    assert packed.shape == (3, chosen.dimension)
    np.testing.assert_allclose(chosen.unpack(packed), tensor, atol=1e-13)
    squares = np.sum(tensor.reshape(3, -1) ** 2, axis=1)
    np.testing.assert_allclose(np.sum(packed**2, axis=1), squares, rtol=1e-12)
    for mirrored in (False, True):
        matrix = turn(0.7, mirrored=mirrored)
        sign = -1 if mirrored and axial else 1
        moved = chosen.rotate(tensor, matrix)
        np.testing.assert_allclose(moved, sign * rotated(tensor, matrix, chosen.rank), atol=1e-13)
        for (weight, copy), part in chosen.decompose(moved).items():
            if weight:
                expected = sign * rotated(parts[weight, copy], matrix, weight)
            else:
                parity = chosen.mirror_parity(copy) if mirrored else 1
                expected = parity * parts[weight, copy]
            np.testing.assert_allclose(part, expected, atol=1e-12)


def test_the_quarter_turn_commutes_with_rotations_and_not_with_mirrors() -> None:
    """Under SO(2) copies may be mixed by J on one leg of a part, under O(2) not."""
    chosen = reduction("piezoelectric", dimension=2)
    quarter = np.array(QUARTER_TURN)

    def mixed(tensor: Any) -> Any:
        parts = chosen.decompose(tensor)
        return chosen.reconstruct({(1, 0): parts[1, 1] @ quarter.T})

    tensor = random_tensor(chosen)
    for mirrored, commutes in ((False, True), (True, False)):
        matrix = turn(1.1, mirrored=mirrored)
        same = np.allclose(
            mixed(chosen.rotate(tensor, matrix)), chosen.rotate(mixed(tensor), matrix)
        )
        assert same is commutes
    assert chosen.commutant == (5, 10)
    assert reduction("ij", dimension=2).commutant == (3, 6)


@pytest.mark.parametrize("name", ["i", "ij", "ijk=ikj", "elastic", "ijk"])
def test_the_commutant_has_its_dimension(name: str) -> None:
    chosen = reduction(name, dimension=2)
    size, full = chosen.dimension, np.eye(chosen.dimension)
    turns = [turn(0.9), turn(0.4, mirrored=True)]
    for count, matrices in ((chosen.commutant[1], turns[:1]), (chosen.commutant[0], turns)):
        rows = []
        for matrix in matrices:
            action = chosen.pack(chosen.rotate(chosen.unpack(full), matrix)).T
            rows.append(np.kron(action, full) - np.kron(full, action.T))
        singular = np.linalg.svd(np.concatenate(rows), compute_uv=False)
        assert size**2 - int(np.sum(singular > 1e-9)) == count


def test_elastic_parts_in_symbols() -> None:
    elastic = reduction("elastic", dimension=2)
    names = {(0, 0): "11", (1, 1): "22", (0, 1): "12", (0, 2): "16", (1, 2): "26", (2, 2): "66"}
    symbols = {text: sympy.Symbol("C" + text, real=True) for text in names.values()}
    matrix = sympy.Matrix(3, 3, lambda i, j: symbols[names[min(i, j), max(i, j)]])
    parts = elastic.decompose(matrix, form="voigt")
    c11, c22, c12, c66 = (symbols[text] for text in ("11", "22", "12", "66"))
    shear = parts[0, 1]
    assert sympy.expand(shear - (c11 + c22 - 2 * c12 + 4 * c66) / 8) == 0
    area = parts[0, 0] + shear
    assert sympy.expand(area - (c11 + c22 + 2 * c12) / 4) == 0
    assert sympy.expand(parts[4, 0][0, 0, 0, 0] - (c11 + c22 - 2 * c12 - 4 * c66) / 8) == 0
    assert sympy.Matrix(elastic.reconstruct(parts, form="voigt")) == matrix
    angle = sympy.Symbol("t", real=True)
    c, s = sympy.cos(angle), sympy.sin(angle)
    moved = elastic.rotate(
        elastic.convert(matrix, source="voigt", target="full"), [[c, -s], [s, c]]
    )
    again = elastic.decompose(moved)
    assert sympy.expand(again[0, 1] - shear) == 0
    point = {symbol: number for number, symbol in enumerate(symbols.values(), 2)} | {angle: 0.3}
    values = np.array(matrix.subs(point).tolist(), dtype=float)
    numeric = elastic.rotate(elastic.convert(values, source="voigt", target="full"), turn(0.3))
    exact = np.array(sympy.lambdify(list(point), moved.tolist())(*point.values()), dtype=float)
    np.testing.assert_allclose(exact, numeric, rtol=1e-12)


def test_polar_parameters_of_vannucci() -> None:
    """R0, R1, T0, T1 and their angles (Vannucci 2005, Meccanica 40, 437) rebuild the matrix."""
    t0, t1, r0, r1, phi0, phi1 = 3.0, 5.0, 0.7, 1.1, 0.2, 0.5
    c4, s4 = r0 * np.cos(4 * phi0), r0 * np.sin(4 * phi0)
    c2, s2 = r1 * np.cos(2 * phi1), r1 * np.sin(2 * phi1)
    matrix = np.array(
        [
            [t0 + 2 * t1 + c4 + 4 * c2, -t0 + 2 * t1 - c4, s4 + 2 * s2],
            [-t0 + 2 * t1 - c4, t0 + 2 * t1 + c4 - 4 * c2, -s4 + 2 * s2],
            [s4 + 2 * s2, -s4 + 2 * s2, t0 - c4],
        ]
    )
    parts = reduction("elastic", dimension=2).decompose(matrix, form="voigt")
    assert parts[0, 1] == pytest.approx(t0)
    assert parts[0, 0] == pytest.approx(2 * t1 - t0)
    np.testing.assert_allclose(parts[2, 0], 2 * np.array([[c2, s2], [s2, -c2]]), rtol=1e-12)
    assert parts[4, 0][0, 0, 0, 0] == pytest.approx(c4)
    assert parts[4, 0][0, 0, 0, 1] == pytest.approx(s4)


def test_voigt_forms_are_xx_yy_xy() -> None:
    strain = np.array([[1.0, 3.0], [3.0, 2.0]])
    symmetric = reduction("ij=ji", dimension=2)
    for form, expected in (("voigt", 3), ("voigt-compliance", 6), ("mandel", 3 * np.sqrt(2))):
        written = symmetric.convert(strain, target=form)  # type: ignore[arg-type]
        np.testing.assert_allclose(written, [1, 2, expected], rtol=1e-15)
    piezoelectric = reduction("piezoelectric", dimension=2)
    assert piezoelectric.components.layout("voigt").shape == (2, 3)
    assert piezoelectric.components.labels == ("xxx", "xyy", "xxy", "yxx", "yyy", "yxy")


def test_torch_tensors_stay_torch_tensors() -> None:
    torch = pytest.importorskip("torch")
    elastic = reduction("elastic", dimension=2)
    tensor = torch.tensor(random_tensor(elastic), requires_grad=True)
    parts = elastic.decompose(tensor)
    assert parts[4, 0].shape == (3, 2, 2, 2, 2)
    elastic.reconstruct(parts).sum().backward()
    np.testing.assert_allclose(tensor.grad.sum(), 3 * 16, rtol=1e-12)


def test_formulas_and_repr() -> None:
    chosen = reduction("ij", dimension=2)
    assert chosen.formula().splitlines() == [
        "T_ij = X(0,0) δ_ij + X(0,1) ε_ij + X(2,0)_ij",
        "X(0,0) = 1/2 T_aa",
        "X(0,1) = 1/2 ε_ab T_ab",
        "X(2,0)_ab = ⟨T_ab⟩",
    ]
    assert "weight 0o: 1 copy of 1 component" in repr(chosen)
    kernel = chosen.extraction(2).to_sympy(expand=True)
    i, j, a, b = (sympy.Symbol(x, integer=True) for x in "ijab")
    assert kernel.subs({i: 0, j: 0, a: 0, b: 0}) == sympy.Rational(1, 2)
    assert chosen.extraction(0, 1).to_sympy().subs({i: 0, j: 1}).doit() == sympy.Rational(1, 2)


def test_equality_and_pickling() -> None:
    plane = reduction("elastic", dimension=2)
    assert plane == reduction("ijkl=jikl=klij", dimension=2)
    assert plane != reduction("elastic")
    assert pickle.loads(pickle.dumps(plane)) == plane
    assert isinstance(plane, PlaneReduction)


def test_what_is_refused() -> None:
    with pytest.raises(SymmetryError, match="no component of ijk"):
        reduction("ijk=-jik=-ikj", dimension=2)
    with pytest.raises(DimensionError, match="allowed: 3"):
        reduction("elastic", dimension=4)
    with pytest.raises(UnknownPartError, match="2 of weight 0"):
        reduction("elastic", dimension=2).mirror_parity(2)
    with pytest.raises(UnknownPartError, match="its parts"):
        reduction("elastic", dimension=2).embedding(3)
    with pytest.raises(SymmetryError, match="violates"):
        reduction("ij=ji", dimension=2).decompose([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="2x2 matrix"):
        reduction("i", dimension=2).rotate([1.0, 2.0], np.eye(3))
    with pytest.raises(ValueError, match="ends in the shape 2 x 2"):
        reduction("ij", dimension=2).decompose(np.eye(3))
    with pytest.raises(ValueError, match="basis 'x'"):
        reduction("ij", basis="x", dimension=2)  # type: ignore[call-overload]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.data())
def test_random_classes_split_and_join(rank: int, data: st.DataObject) -> None:
    letters = "ijklm"[:rank]
    terms = [letters]
    for _ in range(data.draw(st.integers(0, 2))):
        sign = data.draw(st.sampled_from(["", "-"]))
        terms.append(sign + "".join(data.draw(st.permutations(letters))))
    try:
        chosen = reduction("=".join(terms), dimension=2)
    except SymmetryError:
        return
    rank_of_projector = np.linalg.matrix_rank(projector(chosen.symmetry))
    assert (
        chosen.dimension
        == rank_of_projector
        == sum(count * (2 if weight else 1) for weight, count in chosen.multiplicities.items())
    )
    tensor = random_tensor(chosen)
    np.testing.assert_allclose(chosen.reconstruct(chosen.decompose(tensor)), tensor, atol=1e-12)
