"""Symmetry, content and vanishing of expressions, against sums over full integer arrays."""

from __future__ import annotations

import copy
import pickle
import time
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from natural_tensors import ExpressionError, expression
from natural_tensors.decomposition.symmetry import IndexSymmetry, SignedPermutation
from natural_tensors.expressions.symmetries import closure
from tests.helpers.integer_tensors import evaluated, plain_sum, point_for
from tests.helpers.physical_expressions import PHYSICAL, Physical

POOL = {
    "a": "i", "b": "i, axial", "S": "ij=ji", "W": "ij=-ji", "M": "ij", "d": "ijk=ikj",
    "C": "ijkl=jikl=klij", "T": "ijk=jik=kij", "P": "ijkl=jikl=ijlk", "s": "scalar",
}  # fmt: skip
RANKS = {"a": 1, "b": 1, "S": 2, "W": 2, "M": 2, "d": 3, "C": 4, "T": 3, "P": 4, "s": 0,
         "eps": 3, "delta": 2}  # fmt: skip


@st.composite
def products(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """One product of up to four factors with at most four free indices."""
    names = draw(st.lists(st.sampled_from(sorted(RANKS)), min_size=1, max_size=4))
    slots = sum(RANKS[name] for name in names)
    order = draw(st.permutations(range(slots)))
    summed = draw(st.integers(max(0, (slots - 4 + 1) // 2), slots // 2))
    letters = [""] * slots
    free = iter("ijklmnpqr")
    for pair in range(summed):
        letter = "abcdefgh"[pair]
        letters[order[2 * pair]] = letters[order[2 * pair + 1]] = letter
    for slot in sorted(order[2 * summed :]):
        letters[slot] = next(free)
    rest = iter(letters)
    factors = ["_".join(filter(None, [name, "".join(next(rest) for _ in range(RANKS[name]))]))
               for name in names]  # fmt: skip
    return " ".join(factors), {name: POOL[name] for name in names if name in POOL}


def group(symmetry: IndexSymmetry) -> set[SignedPermutation]:
    identity = SignedPermutation(tuple(range(symmetry.rank)), 1)
    return (closure(symmetry.generators) or set()) | {identity}


def symmetries_of(array: Any) -> set[SignedPermutation]:
    """All signed permutations that an array shows, one by one."""
    flat = array.reshape(-1)
    found = set()
    for slots in permutations(range(array.ndim)):
        moved = flat[SignedPermutation(slots, 1).component_map()]
        found |= {SignedPermutation(slots, s) for s in (1, -1) if (flat == s * moved).all()}
    return found


@settings(max_examples=60, deadline=None)
@given(products(), st.integers(0, 1000))
def test_products_are_what_the_sum_over_indices_says(
    product: tuple[str, dict[str, Any]], seed: int
) -> None:
    read = expression(product[0], **product[1])
    components, arrays = point_for(read, seed)
    expected = plain_sum(read, arrays)
    assert np.array_equal(evaluated(read.polynomials, components), expected)
    simple = read.simplify()
    assert simple.polynomials == read.polynomials
    assert np.array_equal(plain_sum(simple, arrays), expected)
    again = expression(str(read), **product[1])
    assert again == read


@settings(max_examples=40, deadline=None)
@given(products(), st.integers(0, 1000))
def test_the_symmetry_is_all_that_random_integers_show(
    product: tuple[str, dict[str, Any]], seed: int
) -> None:
    read = expression(product[0], **product[1])
    _, arrays = point_for(read, seed)
    _, others = point_for(read, seed + 1)
    if read.vanishes:
        assert not plain_sum(read, arrays).any()
        assert read.reason
        assert read.irreps == ""
        return
    shown = symmetries_of(plain_sum(read, arrays)) & symmetries_of(plain_sum(read, others))
    derived = group(read.symmetry)
    assert derived <= shown  # both points show every symmetry there is
    assert set(read.automorphisms) <= derived
    if len(shown) > len(derived):  # accidents of two points: a third decides
        _, third = point_for(read, seed + 2)
        assert shown & symmetries_of(plain_sum(read, third)) == derived


@pytest.mark.parametrize("case", PHYSICAL, ids=lambda case: case.name)
def test_ten_expressions_of_physics(case: Physical) -> None:
    read = case.read()
    letters = case.symmetry.split("=")[0]
    expected = IndexSymmetry.parse(case.symmetry) if case.symmetry else IndexSymmetry.general(0)
    assert read.free == letters
    assert group(read.symmetry) == group(expected)
    assert read.irreps == case.irreps
    assert read.time_reversal == case.time_reversal
    assert read.explained or len(read.terms) > 1
    components, arrays = point_for(read, 1)
    assert np.array_equal(evaluated(read.polynomials, components), plain_sum(read, arrays))


@pytest.mark.parametrize("case", PHYSICAL, ids=lambda case: case.name)
def test_ten_expressions_take_less_than_a_second(case: Physical) -> None:
    start = time.perf_counter()
    repr(case.read())
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("text", "tensors", "reason"),
    [
        ("eps_ijk S_jk", {"S": "ij=ji"}, "an exchange of the summed j and k"),
        ("a_i a_j W_ij", {"a": "i", "W": "ij=-ji"}, "an exchange of the summed i and j"),
        ("W_ii", {"W": "ij=-ji"}, "the symmetry of W"),
        ("eps_iij", {}, "the symmetry of ε"),
        ("a_i b_i - b_j a_j", {"a": "i", "b": "i"}, "the terms cancel"),
        ("eps_ijk eps_ijk - 6", {}, "every component is zero in three dimensions"),
        ("eps_ijk a_l - eps_jkl a_i + eps_kli a_j - eps_lij a_k", {"a": "i"},
         "every component is zero in three dimensions"),
        ("d_ijk W_jk a_i", {"d": "piezoelectric", "W": "ij=-ji", "a": "i"}, "an exchange"),
    ],
)  # fmt: skip
def test_why_an_expression_vanishes(text: str, tensors: dict[str, Any], reason: str) -> None:
    read = expression(text, **tensors)
    assert read.vanishes
    assert reason in read.reason
    assert f"vanishes: {read.reason}" in repr(read)
    with pytest.raises(ExpressionError, match="vanishes"):
        _ = read.reduction


def test_the_symmetry_can_be_more_than_the_contraction_shows() -> None:
    # a 2x2 minor pairs exchange for every matrix: cofactors of a symmetric one are symmetric,
    # and Sylvester's identity is no automorphism of one product
    cofactor = expression("eps_ikm eps_jln S_kl S_mn", S="ij=ji")
    assert cofactor.explained
    assert str(cofactor.symmetry) == "ij=ji"
    hidden = expression("a_i a_j a_k b_l + a_l a_j a_k b_i", a="i", b="i")
    assert len(group(hidden.symmetry)) == 4
    assert not hidden.explained  # the exchange of i and l takes one product to the other
    with_identity = expression(
        "eps_ijk a_l - eps_jkl a_i + eps_kli a_j - eps_lij a_k + S_ij S_kl", a="i, axial", S="ij=ji"
    )
    assert str(with_identity.symmetry) == "ijkl=jikl=klij"
    assert not with_identity.explained


def test_irreps_and_weights() -> None:
    traceless = expression("a_i b_j - 1/3 δ_ij a_k b_k", a="i", b="i")
    assert traceless.irreps == "1x0e+1x1e+1x2e"
    assert dict(traceless.weights) == {0: (0, 1), 1: (1, 1), 2: (1, 1)}
    twice = expression("C_ikkj", C="elastic")
    assert dict(twice.weights) == {0: (1, 1), 2: (1, 1)}
    assert dict(twice.contributions["C"]) == {0: (1, 2), 2: (1, 2), 4: (0, 1)}


@pytest.mark.parametrize(
    ("text", "tensors", "counts"),
    [
        ("C_iijj", {"C": "elastic"}, {"C": {0: (1, 2), 2: (0, 2), 4: (0, 1)}}),
        ("C_ijkl n_i n_j n_k n_l", {"C": "elastic", "n": "i"},
         {"C": {0: (1, 2), 2: (1, 2), 4: (1, 1)}, "n": {1: (1, 1)}}),
        ("d_ijj", {"d": "piezoelectric"}, {"d": {1: (1, 2), 2: (0, 1), 3: (0, 1)}}),
        ("eps_ijl d_ijk", {"d": "piezoelectric"}, {"d": {1: (1, 2), 2: (1, 1), 3: (0, 1)}}),
        ("M_ij M_ij - M_ij M_ji", {"M": "ij"}, {"M": {0: (0, 1), 1: (1, 1), 2: (0, 1)}}),
    ],
)  # fmt: skip
def test_which_weights_contribute(
    text: str, tensors: dict[str, Any], counts: dict[str, dict[int, tuple[int, int]]]
) -> None:
    read = expression(text, **tensors)
    assert {name: dict(found) for name, found in read.contributions.items()} == counts


@pytest.mark.parametrize("text", ["C_ijkl n_j n_l", "C_ijkl n_i n_j n_k n_l", "C_iijk"])
def test_a_weight_that_does_not_contribute_can_be_left_out(text: str) -> None:
    tensors = {"C": "elastic", **({"n": "i"} if "n" in text else {})}
    read = expression(text, **tensors)
    for weight, (count, of) in read.contributions["C"].items():
        alone = read.substitute("C", [(weight, copy) for copy in range(of)])
        assert alone.vanishes == (count == 0)


def test_components_in_sympy() -> None:
    force = expression("q (E_i + eps_ijk v_j B_k)", q="charge", E="i", v="i", B="i, axial")
    q, v_y, v_z, b_y, b_z, e_x = sympy.symbols("q v_y v_z B_y B_z E_x", real=True)
    assert sympy.expand(force.components()[0] - q * (e_x + v_y * b_z - v_z * b_y)) == 0
    energy = expression("1/2 C_ijkl e_ij e_kl", C="elastic", e="strain")
    assert energy.components().coeff(sympy.Symbol("C_xyxy", real=True)) == (
        2 * sympy.Symbol("e_xy", real=True) ** 2
    )


def test_sympy_sums_are_the_components() -> None:
    read = expression("a_i b_j δ_ij + eps_ijk a_i b_j c_k", a="i", b="i", c="i, axial")
    total = read.to_sympy().doit()
    values: dict[Any, Any] = {
        sympy.IndexedBase(name)[i]: 10 * number + i + i * i
        for number, name in enumerate("abc", start=1) for i in range(3)
    }  # fmt: skip
    components, arrays = point_for(read, 0)
    for number, name in enumerate("abc", start=1):
        arrays[name] = np.array([10 * number + i + i * i for i in range(3)], dtype=object)
    assert components
    assert total.subs(values) == int(plain_sum(read, arrays)[()])


def test_latex() -> None:
    tensors = {"λ": "ij", "σ": "i, axial", "ρ": "scalar", "Lag": "scalar", "X(2,0)": "ij=ji"}
    read = expression("1/2 λ_ij eps_ijk σ_k ρ^2 Lag - X(2,0)_ij λ_ij Γ'", **tensors, **{"Γ'": ""})
    assert read.latex() == (
        r"\tfrac{1}{2}\,\lambda_{ij}\,\varepsilon_{ijk}\,\sigma_{k}\,{\rho}^{2}\,\mathrm{Lag}"
        r" - X^{(2,0)}_{ij}\,\lambda_{ij}\,\Gamma'"
    )
    assert read._repr_latex_() == f"$\\displaystyle {read.latex()}$"


def test_equality() -> None:
    left = expression("(a_i + b_i)(a_j + b_j)", a="i", b="i")
    right = expression("a_p a_q + b_q a_p + a_q b_p + b_p b_q -> pq", a="i", b="i")
    assert left != right
    assert left.equals(right)
    assert not left.equals(expression("a_i a_j", a="i"))
    assert not left.equals(expression("a_i a_i", a="i"))
    assert not expression("a_i", a="i").equals(expression("a_i", a="i, axial"))
    assert hash(left) == hash(expression("(a_i + b_i)(a_j + b_j)", a="i", b="i"))


def test_coefficients_stay_exact() -> None:
    read = expression("1/3 a_i/7 - 100000000000000000000/3 a_i", a="i")
    found = evaluated(read.polynomials, {"a": [1, 2, 3]})
    number = Fraction(1, 21) - Fraction(10**20, 3)
    assert found.tolist() == [number, 2 * number, 3 * number]


def test_expressions_travel() -> None:
    read = expression("1/2 C_ijkl e_ij e_kl", C="elastic", e="strain")
    assert repr(read)  # what has been derived does not stand in the way
    again = pickle.loads(pickle.dumps(read))
    assert again == read
    assert again.tensors["C"] == read.tensors["C"]
    assert repr(copy.deepcopy(read)) == repr(read)


def test_what_is_too_large_is_refused() -> None:
    many = "abcdefghijklmno"
    with pytest.raises(ExpressionError, match="more than 2000000 products of components"):
        _ = expression(" ".join(f"v_{x}" for x in many), v="i").polynomials
    with pytest.raises(ExpressionError, match="has more than 5000 terms"):
        expression("(a + b)^13", a="scalar", b="scalar")


def test_what_is_left_of_nothing() -> None:
    nothing = expression("a_i", a="i").average()
    assert nothing.terms == ()
    assert str(nothing) == "0 -> i"
    assert nothing.reason == "no product is left"
    assert expression("3/2").components() == sympy.Rational(3, 2)
