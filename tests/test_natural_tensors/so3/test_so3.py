"""The pieces of a network: harmonics, couplings, rotations, packed coordinates; against e3nn."""

from fractions import Fraction
from functools import cache
from itertools import product
from math import factorial, sqrt

import numpy as np
import pytest
import sympy
import torch
from e3nn import o3
from e3nn.io import CartesianTensor
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from natural_tensors import (
    coupling,
    from_spherical,
    harmonic,
    pack_natural,
    reduction,
    rotation,
    to_spherical,
    unpack_natural,
)
from tests.helpers.oracles import exact_root, natural_projector, random_natural, rotated

EPS = np.finfo(np.float64).eps
NORMALIZATIONS = ("legendre", "orthonormal", "component")
each_normalization = pytest.mark.parametrize("normalization", NORMALIZATIONS)

TRIPLES = [
    (a, b, c)
    for a, b, c in product(range(7), repeat=3)
    if abs(a - b) <= c <= a + b
]  # fmt: skip


def rng(seed=0):
    return np.random.default_rng(seed)


def directions(count, seed=0):
    n = rng(seed).standard_normal((count, 3))
    return n / np.linalg.norm(n, axis=1, keepdims=True)


@pytest.fixture
def double():
    """Make e3nn compute in float64, and put the default back."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def legendre_scale(weight):
    """Return (2l-1)!!/l!, the scale of the legendre harmonic."""
    return Fraction(factorial(2 * weight), 2**weight * factorial(weight) ** 2)


# --- harmonics ------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", range(9))
def test_harmonics_are_those_of_e3nn_up_to_the_stated_factor(weight):
    n = directions(50)
    theirs = o3.spherical_harmonics(
        weight, torch.from_numpy(n), normalize=True, normalization="norm"
    ).numpy()
    factor = sqrt(legendre_scale(weight))
    # polynomials of degree 8 with some ten terms that cancel, and theirs by recursion: 50 eps
    assert np.abs(harmonic(weight)(n) - factor * theirs).max() <= 50 * EPS * factor
    # theirs has unit norm, as the orthonormal one
    assert np.abs(harmonic(weight, "orthonormal")(n) - theirs).max() <= 50 * EPS
    component = harmonic(weight, "component")(n)
    assert np.abs(component - sqrt(2 * weight + 1) * theirs).max() <= 50 * EPS * sqrt(
        2 * weight + 1
    )


@pytest.mark.parametrize("weight", range(9))
def test_legendre_harmonic_contracted_with_a_direction_is_the_legendre_polynomial(weight):
    n, other = directions(20, 1), directions(20, 2)
    tensor = harmonic(weight)(n, packed=False)
    assert tensor.shape == (20,) + (3,) * weight
    for _ in range(weight):
        tensor = np.einsum("bi...,bi->b...", tensor, other)
    expected = eval_legendre(weight, (n * other).sum(1))
    assert np.abs(tensor - expected).max() <= 1000 * EPS * legendre_scale(weight)


@pytest.mark.parametrize("weight", range(7))
def test_harmonic_is_the_traceless_part_of_the_power_of_the_direction(weight):
    [n] = directions(1, 5)
    power = np.ones(())
    for _ in range(weight):
        power = np.multiply.outer(power, n)
    numbers, denominator = natural_projector(weight)
    expected = float(legendre_scale(weight)) * (numbers @ power.reshape(-1)) / denominator
    found = harmonic(weight)(n, packed=False).reshape(-1)
    assert np.abs(found - expected).max() <= 500 * EPS * legendre_scale(weight)


@pytest.mark.parametrize("weight", range(9))
def test_addition_theorem_exactly(weight):
    """H(r) . H(r') = (2l-1)!!/l! (r r')^l P_l, as polynomials: here r' = r, and rational r, r'."""
    x, y, z = sympy.symbols("x y z")
    for normalization in NORMALIZATIONS:
        piece = harmonic(weight, normalization)
        points = [(Fraction(1), Fraction(2), Fraction(2)), (Fraction(2), Fraction(-3), Fraction(6))]
        lengths = [3, 7]
        values = [evaluated(piece, point) for point in points]
        inner = sum(
            radicand * p * q
            for (p, radicand), (q, _) in zip(values[0], values[1], strict=True)
        )  # fmt: skip
        cosine = Fraction(sum(a * b for a, b in zip(*points, strict=True)), 21)
        polynomial = sympy.legendre(weight, sympy.Rational(cosine.numerator, cosine.denominator))
        expected = Fraction(int(polynomial.p), int(polynomial.q)) * piece.squared_norm
        assert inner == expected * (lengths[0] * lengths[1]) ** weight
    solid = harmonic(weight, "orthonormal").to_sympy().subs(
        dict(zip(sympy.symbols("x y z", real=True), (x, y, z), strict=True))
    )  # fmt: skip
    norm = sympy.expand(sum(entry**2 for entry in solid))
    assert norm == sympy.expand((x**2 + y**2 + z**2) ** weight)


def evaluated(piece, point):
    """Return the exact polynomials of a harmonic at a rational point, with their radicands."""
    x, y, z = point
    return [
        (
            sum((k * x**a * y**b * z**c for (a, b, c), k in polynomial.items()), Fraction(0)),
            radicand,
        )
        for polynomial, radicand in piece.exact()
    ]


@pytest.mark.parametrize("weight", range(9))
def test_solid_harmonics_are_harmonic_and_homogeneous(weight):
    for polynomial, radicand in harmonic(weight).exact():
        assert radicand > 0
        laplacian = {}
        for (a, b, c), k in polynomial.items():
            assert isinstance(k, int)
            assert a + b + c == weight
            for power, place in ((a, (a - 2, b, c)), (b, (a, b - 2, c)), (c, (a, b, c - 2))):
                laplacian[place] = laplacian.get(place, 0) + k * power * (power - 1)
        assert not any(laplacian.values())


@each_normalization
@pytest.mark.parametrize("weight", range(7))
def test_norms_of_the_harmonics(weight, normalization):
    piece = harmonic(weight, normalization)
    norm = {"legendre": legendre_scale(weight), "orthonormal": 1, "component": 2 * weight + 1}
    assert piece.squared_norm == norm[normalization]
    found = piece(directions(5))
    assert np.abs((found**2).sum(1) / float(piece.squared_norm) - 1).max() <= 1000 * EPS


@each_normalization
@pytest.mark.parametrize("weight", [0, 1, 2, 3, 5])
def test_numeric_exact_and_symbolic_harmonics_agree(weight, normalization):
    piece = harmonic(weight, normalization)
    point = np.array([0.3, -0.7, 0.4])
    solid = piece(point, solid=True)
    exact = evaluated(piece, [Fraction(3, 10), Fraction(-7, 10), Fraction(2, 5)])
    expected = [float(value) * sqrt(radicand) for value, radicand in exact]
    assert np.abs(solid - expected).max() <= 500 * EPS
    column = piece.to_sympy()
    x, y, z = sympy.symbols("x y z", real=True)
    values = column.subs({x: sympy.Rational(3, 10), y: sympy.Rational(-7, 10), z: sympy.S(2) / 5})
    assert not column.has(sympy.Float)
    for entry, (value, radicand) in zip(values, exact, strict=True):
        assert sympy.expand(entry**2) == sympy.Rational(
            (value**2 * radicand).numerator, (value**2 * radicand).denominator
        )
        assert sympy.sign(entry) == (value > 0) - (value < 0)


def test_solid_harmonics_scale_with_the_length_and_others_do_not():
    n = directions(4)
    for weight in range(5):
        piece = harmonic(weight)
        assert np.allclose(piece(3 * n), piece(n), rtol=0, atol=200 * EPS)
        assert np.allclose(piece(2 * n, solid=True), 2**weight * piece(n), rtol=0, atol=5000 * EPS)
        # of odd weight odd, of even weight even
        assert np.allclose(piece(-n), (-1) ** weight * piece(n), rtol=0, atol=200 * EPS)


def test_harmonic_of_weight_one_is_the_direction_and_of_weight_zero_one():
    n = directions(3)
    assert np.abs(harmonic(1)(5 * n) - n).max() <= 4 * EPS
    assert harmonic(0)(n).tolist() == [[1.0]] * 3


def test_harmonics_of_torch_tensors_and_their_gradients():
    n = torch.from_numpy(directions(4) * 1.7)
    for weight in range(5):
        piece = harmonic(weight)
        found = piece(n)
        assert isinstance(found, torch.Tensor)
        assert found.dtype == torch.float64
        assert np.abs(found.numpy() - piece(n.numpy())).max() <= 500 * EPS
        assert piece(n.float()).dtype == torch.float32
        assert piece(n, packed=False).shape == (4,) + (3,) * weight
        if weight:
            assert torch.autograd.gradcheck(piece, n.clone().requires_grad_())
    solid = harmonic(2)
    at_zero = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda r: solid(r, solid=True), at_zero)
    assert torch.autograd.gradgradcheck(lambda r: solid(r, solid=True), at_zero)


def test_batch_shapes_and_types_of_harmonics():
    piece = harmonic(2)
    assert piece([1, 2, 3]).dtype == np.float64
    assert piece(np.ones((4, 5, 3), np.float32)).dtype == np.float32
    assert piece(np.ones((4, 5, 3))).shape == (4, 5, 5)
    assert piece(np.ones((4, 5, 3)), packed=False).shape == (4, 5, 3, 3)
    assert piece(np.zeros((0, 3))).shape == (0, 5)


def test_vectors_without_direction_are_refused():
    with pytest.raises(ValueError, match="vector 1 has no direction"):
        harmonic(2)([[1.0, 0, 0], [0, 0, 0]])
    with pytest.raises(ValueError, match="vector 0 has no direction"):
        harmonic(1)([np.nan, 0, 0])
    with pytest.raises(ValueError, match=r"vectors end in the shape \(3,\), got \(2,\)"):
        harmonic(1)([1.0, 2.0])
    assert harmonic(2)([0.0, 0, 0], solid=True).tolist() == [0] * 5


def test_infinite_vectors_are_refused():
    with pytest.raises(ValueError, match="vector 0"):
        harmonic(1)([np.inf, 0, 0])


def test_impossible_harmonics_are_errors():
    with pytest.raises(ValueError, match="weight -1 is negative"):
        harmonic(-1)
    with pytest.raises(ValueError, match="normalization 'norm' is not one of 'legendre'"):
        harmonic(1, "norm")
    assert harmonic(3) is harmonic(3)


@pytest.mark.parametrize("weight", [True, 1.0, "1", None])
def test_weights_are_integers(weight):
    for call in (
        lambda: harmonic(weight),
        lambda: coupling(weight, 1, 1),
        lambda: rotation(weight, np.eye(3)),
        lambda: pack_natural(np.zeros(3), weight),
        lambda: reduction("elastic").embedding(2, weight),
    ):
        with pytest.raises(TypeError, match=r"give an integer"):
            call()


def test_numpy_integers_become_plain_ones():
    assert type(coupling(np.int64(1), np.int64(2), np.int64(3)).weights[0]) is int
    assert type(harmonic(np.int32(2)).weight) is int


# --- couplings --------------------------------------------------------------------------------


def test_orthonormal_couplings_are_the_wigner_3j_of_e3nn_with_their_sign():
    for triple in TRIPLES:
        theirs = o3.wigner_3j(*triple, dtype=torch.float64).numpy()
        ours = coupling(*triple, "orthonormal").to_array()
        assert np.linalg.norm(theirs) == pytest.approx(1, abs=1e-12)
        # entries below 1: three roundings of ours, and those of the float64 table e3nn ships
        assert np.abs(ours - theirs).max() <= 8 * EPS, triple


def test_couplings_have_the_stated_norms_exactly():
    for triple in TRIPLES:
        entries = coupling(*triple, "orthonormal").exact().values()
        assert sum(number**2 * radicand for number, radicand in entries) == 1
        size = 2 * triple[2] + 1
        shares = [Fraction(0)] * size
        for (_, _, k), (number, radicand) in coupling(*triple, "component").exact().items():
            shares[k] += number**2 * radicand
        # independent inputs of unit variance: every output has the variance sum_ij C_ijk^2 = 1
        assert shares == [1] * size


def test_normalizations_differ_by_a_positive_factor():
    for triple in TRIPLES:
        reference = coupling(*triple, "orthonormal").exact()
        for normalization in NORMALIZATIONS:
            piece = coupling(*triple, normalization)
            assert piece.squared_scale > 0
            found = piece.exact()
            assert found.keys() == reference.keys()
            ratios = {radicand / reference[place][1] for place, (_, radicand) in found.items()}
            assert len(ratios) == 1
            assert all(number == reference[place][0] for place, (number, _) in found.items())


# rational unit vectors, and for each a vector at right angles to it
UNIT = [
    ((Fraction(1, 3), Fraction(2, 3), Fraction(2, 3)), (Fraction(2), Fraction(1), Fraction(-2))),
    ((Fraction(2, 7), Fraction(-3, 7), Fraction(6, 7)), (Fraction(3), Fraction(4), Fraction(1))),
]


@cache
def derivative(weight, point, step):
    """Return the exact change of the legendre solid harmonic's polynomials along a step."""
    values = []
    for polynomial, radicand in harmonic(weight).exact():
        total = Fraction(0)
        for powers, k in polynomial.items():
            for axis in range(3):
                if powers[axis]:
                    factor = Fraction(k * powers[axis]) * step[axis]
                    for other in range(3):
                        factor *= point[other] ** (powers[other] - (other == axis))
                    total += factor
        values.append((total, radicand))
    return values


@cache
def harmonic_at(weight, point):
    return evaluated(harmonic(weight), point)


def coupled(triple, first, second, third_radicands):
    """Couple exact packed values; each result divided by the root of its stated radicand."""
    result = [Fraction(0)] * (2 * triple[2] + 1)
    for (i, j, k), (number, radicand) in coupling(*triple).exact().items():
        (x, rx), (y, ry) = first[i], second[j]
        if x and y:
            root = exact_root(radicand * rx * ry / third_radicands[k])
            result[k] += number * root * x * y
    return result


@pytest.mark.parametrize("pair", UNIT, ids=["122", "236"])
def test_legendre_couplings_take_harmonics_of_one_direction_to_the_harmonic_exactly(pair):
    n, _ = pair
    for triple in TRIPLES:
        if sum(triple) % 2 == 0:
            third = harmonic_at(triple[2], n)
            found = coupled(
                triple, harmonic_at(triple[0], n), harmonic_at(triple[1], n), [r for _, r in third]
            )
            assert found == [value for value, _ in third], triple


@pytest.mark.parametrize("pair", UNIT, ids=["122", "236"])
def test_odd_legendre_couplings_take_a_moved_direction_to_the_rotated_harmonic_exactly(pair):
    n, delta = pair
    assert sum(a * b for a, b in zip(n, delta, strict=True)) == 0
    cross = (
        n[1] * delta[2] - n[2] * delta[1],
        n[2] * delta[0] - n[0] * delta[2],
        n[0] * delta[1] - n[1] * delta[0],
    )
    for triple in TRIPLES:
        if sum(triple) % 2:
            third = derivative(triple[2], n, cross)
            radicands = [r for _, r in third]
            first, second = harmonic_at(triple[0], n), harmonic_at(triple[1], n)
            assert not any(coupled(triple, first, second, radicands))
            moved = derivative(triple[1], n, delta)
            assert coupled(triple, first, moved, radicands) == [v for v, _ in third], triple
            assert any(v for v, _ in third)


def test_the_coupling_of_three_vectors_is_the_cross_product():
    x, y = rng().standard_normal((2, 7, 3))
    assert np.abs(coupling(1, 1, 1)(x, y) - np.cross(x, y)).max() <= 20 * EPS
    assert np.abs(coupling(1, 1, 0)(x, y)[:, 0] - (x * y).sum(1)).max() <= 20 * EPS
    a = rng(1).standard_normal((3, 3))
    symmetric = (a + a.T) / 2 - np.trace(a) * np.eye(3) / 3
    found = coupling(2, 1, 1)(pack_natural(symmetric, 2), x[0])
    expected = symmetric @ x[0]
    ratio = found @ expected / (expected @ expected)
    assert ratio > 0
    assert np.abs(found - ratio * expected).max() <= 50 * EPS


@pytest.mark.parametrize(
    "triple", [(3, 1, 1), (0, 0, 1), (1, 1, 3), (2, 0, 1), (0, 2, 0), (6, 2, 3)]
)
def test_impossible_triples_are_errors(triple):
    low, high = abs(triple[0] - triple[1]), triple[0] + triple[1]
    with pytest.raises(
        ValueError, match=f"do not couple to {triple[2]}: they reach {low} to {high}"
    ):
        coupling(*triple)


def test_negative_weights_and_unknown_normalizations_are_errors():
    with pytest.raises(ValueError, match="l2 -1 is negative"):
        coupling(1, -1, 1)
    with pytest.raises(ValueError, match="normalization 'unit' is not one of"):
        coupling(1, 1, 1, "unit")


def test_exactly_the_triples_of_the_triangle_rule_couple():
    for triple in product(range(4), repeat=3):
        if triple in TRIPLES:
            assert coupling(*triple).exact()
        else:
            with pytest.raises(ValueError, match="do not couple"):
                coupling(*triple)


@each_normalization
@pytest.mark.parametrize("triple", [(0, 0, 0), (1, 1, 1), (2, 1, 1), (2, 2, 3), (3, 2, 2)])
def test_exact_float_and_symbolic_couplings_agree(triple, normalization):
    piece = coupling(*triple, normalization)
    array, symbolic = piece.to_array(), piece.to_sympy()
    assert array.dtype == np.float64
    assert array.shape == symbolic.shape == tuple(2 * weight + 1 for weight in triple)
    exact = piece.exact()
    for place in product(*map(range, array.shape)):
        number, radicand = exact.get(place, (Fraction(0), Fraction(1)))
        assert abs(array[place] - float(number) * sqrt(radicand)) <= 4 * EPS * abs(array[place])
        square = number**2 * radicand
        entry = symbolic[place]
        assert entry**2 == sympy.Rational(square.numerator, square.denominator)
        assert sympy.sign(entry) == (number > 0) - (number < 0)
        assert not entry.has(sympy.Float)


def test_coupling_is_the_contraction_it_states():
    """Z = scale * natural part of X_ac Y_cb, or eps_dpq X_pac Y_qcb, by full arrays."""
    epsilon = np.array(
        [[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)]
    )
    for triple in [t for t in TRIPLES if max(t) <= 3]:
        piece = coupling(*triple)
        l1, l2, l3 = triple
        x = random_natural(l1, rng(l1)).astype(float)
        y = random_natural(l2, rng(l2 + 10)).astype(float)
        shared = piece.contractions
        assert shared == (l1 + l2 - l3 - piece.odd) // 2
        if piece.odd:  # first index of each to the epsilon, last of X with those after it of Y
            found = np.tensordot(epsilon, x, axes=([1], [0]))  # d q, rest of x
            right = np.moveaxis(y, 0, -1) if shared == 0 else y
            if shared == 0:
                found = np.tensordot(found, right, axes=([1], [l2 - 1]))
            else:
                last = list(range(found.ndim - shared, found.ndim))
                found = np.tensordot(found, y, axes=([1, *last], list(range(shared + 1))))
        else:
            found = np.tensordot(x, y, axes=(list(range(l1 - shared, l1)), list(range(shared))))
        assert found.ndim == l3
        numbers, denominator = natural_projector(l3)
        natural = numbers @ found.reshape(-1) / denominator * sqrt(piece.squared_scale)
        z = unpack_natural(piece(pack_natural(x, l1), pack_natural(y, l2)), l3).reshape(-1)
        size = np.linalg.norm(x) * np.linalg.norm(y) * sqrt(piece.squared_scale)
        assert np.abs(z - natural).max() <= 300 * EPS * size, triple


def test_couplings_of_arrays_broadcast_and_keep_their_type():
    piece = coupling(1, 2, 2)
    x, y = rng().standard_normal((4, 1, 3)), rng().standard_normal((6, 5))
    assert piece(x, y).shape == (4, 6, 5)
    assert piece(x.astype(np.float32), y.astype(np.float32)).dtype == np.float32
    tensor = piece(torch.from_numpy(x), torch.from_numpy(y))
    assert isinstance(tensor, torch.Tensor)
    assert np.abs(tensor.numpy() - piece(x, y)).max() <= 50 * EPS
    assert piece(np.zeros((0, 3)), np.zeros((0, 5))).shape == (0, 5)
    a, b = (torch.from_numpy(v[:2, 0] if v.ndim > 2 else v[:2]).requires_grad_() for v in (x, y))
    assert torch.autograd.gradcheck(piece, (a, b))
    with pytest.raises(ValueError, match=r"packed coordinates of weight 2 end in the shape \(5,\)"):
        piece(x, x)


@pytest.mark.parametrize("improper", [False, True])
def test_couplings_are_equivariant(improper):
    matrix = Rotation.random(rng=6).as_matrix() * (-1 if improper else 1)
    turn = [rotation(weight, matrix) for weight in range(5)]
    for triple in [t for t in TRIPLES if max(t) <= 4]:
        l1, l2, l3 = triple
        piece = coupling(*triple, "component")
        x, y = rng(1).standard_normal(2 * l1 + 1), rng(2).standard_normal(2 * l2 + 1)
        sign = -1 if improper and piece.odd else 1
        gap = piece(turn[l1] @ x, turn[l2] @ y) - sign * turn[l3] @ piece(x, y)
        # each entry is a sum of at most 81 products of numbers near 1
        assert np.abs(gap).max() <= 300 * EPS * np.linalg.norm(x) * np.linalg.norm(y)


# --- rotations -----------------------------------------------------------------------------------

# the recursion makes at most 7 steps, each two sums of some ten products of orthonormal rows
ROTATION = 100 * EPS


@pytest.mark.parametrize("weight", range(9))
def test_rotation_matrices_are_orthogonal_and_a_homomorphism(weight):
    a, b = Rotation.random(2, rng=1).as_matrix()
    b = -b
    first, second = rotation(weight, a), rotation(weight, b)
    assert first.shape == (2 * weight + 1, 2 * weight + 1)
    for matrix in (first, second):
        assert np.abs(matrix @ matrix.T - np.eye(2 * weight + 1)).max() <= ROTATION
    assert np.abs(rotation(weight, a @ b) - first @ second).max() <= ROTATION
    assert np.abs(rotation(weight, a.T) - first.T).max() <= ROTATION
    assert np.linalg.det(first) == pytest.approx(1, abs=20 * ROTATION)


@pytest.mark.parametrize("weight", range(9))
def test_identity_and_inversion(weight):
    identity = np.eye(2 * weight + 1)
    assert np.abs(rotation(weight, np.eye(3)) - identity).max() <= ROTATION
    assert np.abs(rotation(weight, -np.eye(3)) - (-1) ** weight * identity).max() <= ROTATION


def test_rotation_of_weight_one_is_the_matrix_itself():
    matrix = Rotation.random(rng=2).as_matrix()
    assert np.array_equal(rotation(1, matrix), matrix)
    assert rotation(0, matrix).tolist() == [[1.0]]


@pytest.mark.parametrize("improper", [False, True])
@pytest.mark.parametrize("weight", range(9))
def test_harmonics_of_rotated_directions_are_rotated(weight, improper):
    matrix = Rotation.random(rng=5).as_matrix() * (-1 if improper else 1)
    n = directions(20)
    piece = harmonic(weight, "orthonormal")
    gap = piece(n @ matrix.T) - piece(n) @ rotation(weight, matrix).T
    # both evaluations and the rotation: no angles, no loss of digits
    assert np.abs(gap).max() <= 2 * ROTATION


@pytest.mark.parametrize("weight", range(6))
def test_natural_tensors_rotate_index_by_index(weight):
    matrix = -Rotation.random(rng=8).as_matrix()
    tensor = random_natural(weight, rng()).astype(float)
    turned = pack_natural(rotated(tensor, matrix, weight), weight)
    expected = rotation(weight, matrix) @ pack_natural(tensor, weight)
    assert np.abs(turned - expected).max() <= ROTATION * np.linalg.norm(tensor)


@pytest.mark.parametrize("weight", range(7))
def test_rotation_matrices_are_the_wigner_d_of_e3nn(weight, double):
    for seed in range(3):
        matrix = Rotation.random(rng=seed).as_matrix()
        theirs = o3.Irrep(weight, 1).D_from_matrix(torch.from_numpy(matrix)).numpy()
        # e3nn goes through angles: acos of a cosine c loses sqrt(eps) where c is near 1, and
        # eps / sin(beta) elsewhere, here below 10 eps; the matrix multiplies an angle's error by l
        beta = np.arccos(matrix[1, 1])
        assert np.sin(beta) > 0.1
        tolerance = 100 * EPS * (weight + 1)
        assert np.abs(rotation(weight, matrix) - theirs).max() <= tolerance
        improper = o3.Irrep(weight, (-1) ** weight).D_from_matrix(torch.from_numpy(-matrix)).numpy()
        found = rotation(weight, -matrix)  # natural parity
        assert np.abs(found - improper).max() <= tolerance


def cayley(a, b, c):
    """Return an exact rational rotation."""
    skew = sympy.Matrix([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    identity = sympy.eye(3)
    return (identity - skew).inv() * (identity + skew)


@pytest.mark.parametrize("weight", range(5))
@pytest.mark.parametrize("sign", [1, -1])
def test_exact_rotations_agree_with_numeric_ones_and_are_exactly_orthogonal(weight, sign):
    matrix = sign * cayley(sympy.Rational(1, 2), sympy.Rational(-1, 3), 2)
    exact = rotation(weight, matrix)
    assert exact.shape == (2 * weight + 1, 2 * weight + 1)
    assert not exact.has(sympy.Float)
    product_ = (exact * exact.T).applyfunc(lambda entry: sympy.nsimplify(sympy.expand(entry)))
    assert product_ == sympy.eye(2 * weight + 1)
    numeric = rotation(weight, np.array(matrix.tolist(), dtype=float))
    assert np.abs(np.array(exact.tolist(), dtype=float) - numeric).max() <= ROTATION


@pytest.mark.parametrize("weight", range(4))
def test_exact_rotations_are_a_homomorphism(weight):
    a, b = cayley(1, 2, 0), -cayley(sympy.Rational(1, 3), 0, 1)
    gap = rotation(weight, a * b) - rotation(weight, a) * rotation(weight, b)
    assert gap.applyfunc(sympy.expand) == sympy.zeros(2 * weight + 1)


def test_rotation_about_an_axis_stays_symbolic():
    angle = sympy.Symbol("t", real=True)
    matrix = sympy.Matrix(
        [
            [sympy.cos(angle), 0, sympy.sin(angle)],
            [0, 1, 0],
            [-sympy.sin(angle), 0, sympy.cos(angle)],
        ]
    )
    found = rotation(2, matrix)
    # about the polar axis y: the component m = 0 stays, m = 2 turns with twice the angle
    assert sympy.simplify(found[2, 2]) == 1
    assert sympy.simplify(found[4, 4] - sympy.cos(2 * angle)) == 0


def test_rotations_take_a_batch():
    matrices = Rotation.random(6, rng=1).as_matrix().reshape(2, 3, 3, 3)
    for weight in range(4):
        found = rotation(weight, matrices)
        assert found.shape == (2, 3, 2 * weight + 1, 2 * weight + 1)
        for place in product(range(2), range(3)):
            single = rotation(weight, matrices[place])
            assert np.abs(found[place] - single).max() <= 20 * EPS
        assert rotation(weight, np.zeros((0, 3, 3))).shape == (0, 2 * weight + 1, 2 * weight + 1)


def test_rotations_of_torch_tensors_and_their_gradients():
    vector = torch.tensor([0.3, -0.8, 0.5], dtype=torch.float64, requires_grad=True)

    def matrix(v):
        zero = torch.zeros((), dtype=v.dtype)
        rows = [zero, -v[2], v[1], v[2], zero, -v[0], -v[1], v[0], zero]
        return torch.matrix_exp(torch.stack(rows).reshape(3, 3))

    for weight in range(1, 4):
        found = rotation(weight, matrix(vector))
        assert isinstance(found, torch.Tensor)
        expected = rotation(weight, matrix(vector).detach().numpy())
        assert np.abs(found.detach().numpy() - expected).max() <= ROTATION
        assert torch.autograd.gradcheck(lambda v, w=weight: rotation(w, matrix(v)), vector)
    single = rotation(2, torch.eye(3))
    assert single.dtype == torch.float32


@pytest.mark.parametrize(
    ("weight", "matrix", "message"),
    [
        (2, np.ones((3, 3)), "not a rotation"),
        (2, np.eye(4), r"3x3 matrix, got shape \(4, 4\)"),
        (2, np.ones(3), r"3x3 matrix, got shape \(3,\)"),
        (-1, np.eye(3), "weight -1 is negative"),
        (2, 2 * sympy.eye(3), "not a rotation"),
        (2, sympy.eye(2), "not a rotation"),
        (2, np.full((3, 3), np.nan), "not a rotation"),
    ],
    ids=["not-orthogonal", "4x4", "vector", "negative", "exact", "exact-2x2", "nan"],
)
def test_what_is_no_rotation_is_refused(weight, matrix, message):
    with pytest.raises(ValueError, match=message):
        rotation(weight, matrix)


# --- packed coordinates -----------------------------------------------------------------------


@pytest.mark.parametrize("weight", range(8))
def test_packing_natural_tensors_is_an_isometry_both_ways(weight):
    tensors = np.stack([random_natural(weight, rng(seed)) for seed in range(3)]).astype(float)
    packed = pack_natural(tensors, weight)
    assert packed.shape == (3, 2 * weight + 1)
    flat = tensors.reshape(3, -1)
    size = np.linalg.norm(flat)
    # sums of 3^l products; their errors grow like the root of that number, below 50
    assert np.abs(packed @ packed.T - flat @ flat.T).max() <= 200 * EPS * size**2
    assert np.abs(unpack_natural(packed, weight) - tensors).max() <= 200 * EPS * size
    x = rng().standard_normal(2 * weight + 1)
    assert np.abs(pack_natural(unpack_natural(x, weight), weight) - x).max() <= 200 * EPS * 3


def test_packing_any_tensor_packs_its_natural_part():
    tensor = rng().standard_normal((3, 3, 3))
    numbers, denominator = natural_projector(3)
    natural = (numbers @ tensor.reshape(-1) / denominator).reshape(3, 3, 3)
    gap = pack_natural(tensor, 3) - pack_natural(natural, 3)
    assert np.abs(gap).max() <= 50 * EPS * np.linalg.norm(tensor)


def test_vectors_pack_to_themselves_and_the_order_is_that_of_rule_11():
    vectors = rng().standard_normal((4, 3))
    assert np.array_equal(pack_natural(vectors, 1), vectors)
    # weight 2: xz, xy, the polar axis y, yz, zz - xx, leading coefficients positive
    root = sqrt(0.5)
    expected = {
        0: {(0, 2): root}, 1: {(0, 1): root}, 3: {(1, 2): root},
        2: {(0, 0): -1 / sqrt(6), (1, 1): 2 / sqrt(6), (2, 2): -1 / sqrt(6)},
        4: {(0, 0): -root, (2, 2): root},
    }  # fmt: skip
    for m, entries in expected.items():
        tensor = np.zeros((3, 3))
        for (i, j), value in entries.items():
            tensor[i, j] = tensor[j, i] = value
        assert np.abs(unpack_natural(np.eye(5)[m], 2) - tensor).max() <= 4 * EPS


@pytest.mark.parametrize("normalization", ["norm", "component", "integral"])
@pytest.mark.parametrize("weight", range(7))
def test_spherical_coefficients_expand_the_surface_in_the_harmonics_of_e3nn(weight, normalization):
    n = directions(10, weight)
    tensor = unpack_natural(rng(weight).standard_normal((2, 2 * weight + 1)), weight)
    surface = np.repeat(tensor[:, None], 10, axis=1)
    for _ in range(weight):
        surface = np.einsum("abi...,bi->ab...", surface, n)
    coefficients = to_spherical(pack_natural(tensor, weight), weight, normalization)
    y = o3.spherical_harmonics(
        weight, torch.from_numpy(n), normalize=True, normalization=normalization
    ).numpy()
    assert np.abs(coefficients @ y.T - surface).max() <= 1000 * EPS * np.abs(coefficients).max()
    back = from_spherical(coefficients, weight, normalization)
    assert np.abs(back - pack_natural(tensor, weight)).max() <= 50 * EPS * np.abs(back).max()


def test_packed_functions_take_both_libraries_and_any_batch():
    x = rng().standard_normal((2, 3, 5))
    array = torch.from_numpy(x)
    for function in (
        lambda v: unpack_natural(v, 2),
        lambda v: pack_natural(unpack_natural(v, 2), 2),
        lambda v: to_spherical(v, 2),
        lambda v: from_spherical(v, 2, "norm"),
    ):
        expected, found = function(x), function(array)
        assert isinstance(found, torch.Tensor)
        assert found.shape == expected.shape
        assert np.abs(found.numpy() - expected).max() <= 20 * EPS
        assert function(array.float()).dtype == torch.float32
        assert torch.autograd.gradcheck(function, array.clone().requires_grad_())


def test_wrong_shapes_and_normalizations_of_packed_coordinates_are_refused():
    with pytest.raises(ValueError, match=r"weight 2 ends in the shape \(3, 3\), got \(3, 2\)"):
        pack_natural(np.zeros((3, 2)), 2)
    with pytest.raises(ValueError, match=r"weight 2 end in the shape \(5,\), got \(4,\)"):
        unpack_natural(np.zeros(4), 2)
    with pytest.raises(ValueError, match=r"weight 1 end in the shape \(3,\), got \(\)"):
        to_spherical(1.0, 1)
    with pytest.raises(ValueError, match="normalization 'legendre' is not one of 'norm'"):
        from_spherical(np.zeros(3), 1, "legendre")
    with pytest.raises(ValueError, match="weight -1"):
        unpack_natural(np.zeros(3), -1)


# --- whole tensors, against e3nn ------------------------------------------------------------------


@pytest.mark.parametrize("symmetry", ["ijkl=jikl=klij", "ijk=ikj", "ij", "ij=ji", "ij=-ji"])
def test_weights_of_a_class_are_the_subspaces_of_e3nn(symmetry, double):
    theirs = CartesianTensor(symmetry)
    table = theirs.reduced_tensor_products().change_of_basis.numpy()
    ours = reduction(symmetry)
    rank = ours.rank
    flat = table.reshape(ours.dimension, -1)
    counts, at = {}, 0
    for number, (weight, parity) in theirs:
        counts[weight] = counts.get(weight, 0) + number
        assert parity == ours.parity
    assert counts == dict(ours.multiplicities)
    projectors = dict.fromkeys(counts, 0)
    for number, (weight, _) in theirs:
        rows = flat[at : at + number * (2 * weight + 1)]
        at += len(rows)
        projectors[weight] = projectors[weight] + np.linalg.pinv(rows) @ rows
    units = np.eye(3**rank).reshape((-1, *(3,) * rank))
    for weight, projector in projectors.items():
        mine = ours.part(units, weight, invalid="project").reshape(projector.shape)
        # e3nn finds its basis by Gram-Schmidt of float64 vectors of at most 81 entries, and its
        # rows are orthonormal to a few eps
        assert np.abs(mine - projector).max() <= 200 * EPS


@pytest.mark.parametrize("symmetry", ["ij=ji", "ijk=ikj", "ijkl=jikl=klij"])
def test_packed_coordinates_rotate_by_the_irreps_they_name(symmetry, double):
    ours = reduction(symmetry)
    matrix = Rotation.random(rng=2).as_matrix()
    d = o3.Irreps(ours.irreps).D_from_matrix(torch.from_numpy(matrix)).numpy()
    tensor = ours.unpack(rng().standard_normal(ours.dimension))
    turned = ours.pack(ours.rotate(tensor, matrix))
    # the angles of e3nn, as above
    assert np.abs(turned - d @ ours.pack(tensor)).max() <= 500 * EPS * np.linalg.norm(tensor)
