"""Derivatives, averages, natural parts: each against what defines it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from natural_tensors import (
    ExpressionError,
    PointGroupError,
    UnknownPartError,
    expression,
    point_group,
)
from natural_tensors.expressions.classes import natural_class
from tests.helpers.integer_tensors import evaluated, full, plain_sum, point_for
from tests.helpers.physical_expressions import PHYSICAL, Physical

CASES = [
    (case, name)
    for case in PHYSICAL
    for name in case.tensors
    if case.name != "rotation of a stiffness"
]


@pytest.mark.parametrize(
    ("case", "name"), CASES, ids=[f"{case.name} by {name}" for case, name in CASES]
)
def test_the_derivative_gives_the_change(case: Physical, name: str) -> None:
    read = case.read()
    slope = read.diff(name)
    what = read.tensors[name]
    components, arrays = point_for(read, 5)
    change, _ = point_for(read, 6)
    step = full(what, change[name])

    def at(factor: int) -> Any:
        moved = [c + factor * d for c, d in zip(components[name], change[name], strict=True)]
        return plain_sum(read, {**arrays, name: full(what, moved)})

    # weights of a central difference that is exact to degree 4
    expected = (Fraction(2, 3) * (at(1) - at(-1))) - Fraction(1, 12) * (at(2) - at(-2))
    found = plain_sum(slope, arrays)
    found = np.tensordot(found, step, axes=what.rank) if what.rank else found * step
    assert np.array_equal(np.asarray(found), expected)
    assert slope.free == read.free + slope.free[read.rank :]
    # it has the symmetry of the tensor in its own indices
    for element in what.symmetry.generators:
        lifted = type(element)(
            (*range(read.rank), *(read.rank + slot for slot in element.slots)), element.sign
        )
        assert slope.polynomials.has(lifted)


def test_derivatives_read_as_in_a_book() -> None:
    energy = expression("1/2 C_ijkl e_ij e_kl", C="elastic", e="strain")
    assert str(energy.diff("e", "mn")) == "C_mnij e_ij"
    assert str(energy.diff("e", "mn").diff("e", "kl")) == "C_mnkl"
    assert str(energy.diff("C", "ijkl")) == "1/2 e_ij e_kl"
    assert energy.diff("e").parity == 1
    assert str(energy.diff("e").symmetry) == "mn=nm"
    second = energy.diff("e", "ij").diff("e", "kl")
    assert str(second.symmetry) == "ijkl=jikl=klij"
    vorticity = expression("eps_ijk u_i v_j w_k", u="i", v="i", w="i, axial")
    assert str(vorticity.diff("u", "a")) == "v_i w_j ε_aij"


def test_derivative_by_a_natural_tensor_is_natural() -> None:
    read = expression("Q_ij a_i b_j", Q=natural_class(2, 1, None), a="i", b="i")
    slope = read.diff("Q", "pq")
    assert slope.polynomials.has(expression("S_ij", S="ij=ji").symmetry.generators[0])
    assert expression("S_ij - 1/3 δ_ij S_kk", S="ij=ji").weights[0] == (0, 1)
    assert slope.weights[0] == (0, 1)


@pytest.mark.parametrize(
    ("tensor", "indices", "reason"),
    [("c", None, "has no tensor 'c'"), ("a", "i", "does not fit"), ("a", "pq", "does not fit")],
)
def test_derivatives_that_cannot_be(tensor: str, indices: str | None, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        expression("a_i b_j b_j", a="i", b="i").diff(tensor, indices)


# --- averages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tensors", "rotating"),
    [
        ("C_ijkl", {"C": "elastic"}, ()),
        ("C_ijkl n_j n_l", {"C": "elastic", "n": "i"}, ("C",)),
        ("C_ijkl n_j n_l", {"C": "elastic", "n": "i"}, ("n",)),
        ("1/2 C_ijkl e_ij e_kl", {"C": "elastic", "e": "strain"}, ("e",)),
        ("a_i b_j c_k", {"a": "i", "b": "i", "c": "i"}, ()),
        ("a_i b_j c_k d_l f_k", dict.fromkeys("abcdf", "i"), ("a", "b", "c")),
        ("d_ijk d_lmk", {"d": "piezoelectric"}, ()),
        ("S_ij", {"S": "ij=ji"}, ()),
        ("a_i", {"a": "i"}, ()),
        ("s a_i b_i", {"s": "scalar", "a": "i", "b": "i"}, ("a", "b")),
        ("a_i b_j - b_i a_j + 2 δ_ij s", {"s": "scalar", "a": "i", "b": "i"}, ()),
    ],
)  # fmt: skip
def test_two_ways_to_average_over_all_orientations(
    text: str, tensors: dict[str, str], rotating: tuple[str, ...]
) -> None:
    """Isotropic tensors by patterns against invariants by infinitesimal turns."""
    read = expression(text, **tensors)
    found = read.average(*rotating)
    assert found.polynomials == read.group_average("∞∞", *rotating)
    assert found.average(*rotating).equals(found)


def test_averages_known_from_books() -> None:
    stiffness = expression("C_ijkl", C="elastic").average()
    # Voigt: 15 lambda = 2 C_iijj - C_ijij, 30 mu = 3 C_ijij - C_iijj
    expected = expression(
        "1/15 (2 C_aabb - C_abab) δ_ij δ_kl + 1/30 (3 C_abab - C_aabb)(δ_ik δ_jl + δ_il δ_jk)",
        C="elastic",
    )
    assert stiffness.equals(expected)
    directions = expression("n_i n_j n_k n_l", n="i").average()
    assert str(directions).count("n_m n_m n_n n_n") == 3
    assert directions.equals(
        expression("1/15 n_a n_a n_b n_b (δ_ij δ_kl + δ_ik δ_jl + δ_il δ_jk)", n="i")
    )
    # third moment of a molecule's three axes: 1/6 times their determinant
    axes = expression("a_i b_j c_k", a="i", b="i", c="i").average()
    assert axes.equals(expression("1/6 ε_ijk ε_abc a_a b_b c_c", a="i", b="i", c="i"))


def orthogonal(group: str) -> list[Any]:
    """The operations of a group as matrices of exact numbers; cubic ones are integers."""
    return [
        np.array([[int(e.terms.get(1, 0)) for e in row] for row in operation.matrix], dtype=object)
        for operation in point_group(group).operations
    ]


@pytest.mark.parametrize("group", ["m-3m", "222", "-4", "4mm", "23"])
@pytest.mark.parametrize(
    ("text", "tensors", "rotating"),
    [
        ("d_ijk E_k", {"d": "piezoelectric", "E": "i"}, ("d",)),
        ("C_ijkl n_j n_l", {"C": "elastic", "n": "i"}, ("C",)),
        ("C_ijkl n_j n_l", {"C": "elastic", "n": "i"}, ()),
        ("g_ij n_i n_j", {"g": "ij=ji, axial", "n": "i"}, ("g",)),
    ],
)
def test_the_average_over_a_group_is_the_mean_of_its_images(
    text: str, tensors: dict[str, str], rotating: tuple[str, ...], group: str
) -> None:
    read = expression(text, **tensors)
    components, arrays = point_for(read, 3)
    total: Any = 0
    matrices = orthogonal(group)
    for matrix in matrices:
        moved = dict(arrays)
        for name in rotating or tuple(arrays):
            array = arrays[name]
            for axis in range(array.ndim):
                array = np.moveaxis(np.tensordot(array, matrix, axes=([axis], [1])), -1, axis)
            if read.tensors[name].symmetry.axial:
                array = array * round(np.linalg.det(matrix.astype(float)))
            moved[name] = array
        total = total + plain_sum(read, moved)
    found = evaluated(read.group_average(group, *rotating), components)
    assert np.array_equal(found * len(matrices), total)


def test_hexagonal_and_magnetic_groups() -> None:
    stiffness = expression("C_ijkl", C="elastic")
    averaged = stiffness.group_average("6/mmm").to_sympy()
    xxxx, xxyy, xyxy = (averaged[place] for place in ((0, 0, 0, 0), (0, 0, 1, 1), (0, 1, 0, 1)))
    assert (xxxx - xxyy - 2 * xyxy).expand() == 0
    moment = expression("m_i", m="magnetization")
    assert moment.group_average("4/mmm1'").vanishes
    assert not moment.group_average("4/mm'm'").vanishes
    with pytest.raises(PointGroupError, match="nothing says what that does to m"):
        expression("m_i", m="i, axial").group_average("4/mm'm'")


# --- natural parts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tensors", "name"),
    [
        ("1/2 C_ijkl e_ij e_kl", {"C": "elastic", "e": "strain"}, "C"),
        ("C_ijkl e_ij e_kl", {"C": "elastic", "e": "strain"}, "e"),
        ("d_ijk E_k", {"d": "piezoelectric", "E": "i"}, "d"),
        ("M_ij M_jk", {"M": "ij"}, "M"),
        ("d_iik", {"d": "piezoelectric"}, "d"),
    ],
)
def test_natural_parts_add_up(text: str, tensors: dict[str, str], name: str) -> None:
    read = expression(text, **tensors)
    taken_apart = read.substitute(name)
    target = read.tensors[name].reduction
    _, arrays = point_for(read, 11)
    parts = {}
    for weight, copy in target.copies:
        extraction, denominator, radicand = target.extraction(weight, copy).exact_array()
        assert radicand == 1
        part = np.tensordot(extraction.astype(object), arrays[name], axes=read.tensors[name].rank)
        parts[f"{name}({weight},{copy})"] = np.asarray(part * Fraction(1, denominator))
    found = plain_sum(taken_apart, {**arrays, **parts})
    assert np.array_equal(found, plain_sum(read, arrays))
    assert next(iter(taken_apart.tensors)) != name
    assert not any(factor.name == name for term in taken_apart.terms for factor in term.factors)


def test_natural_parts_read_as_in_a_book() -> None:
    energy = expression("1/2 C_ijkl e_ij e_kl", C="elastic", e="strain")
    lame = energy.substitute("C", [(0, 0), (0, 1)])
    assert str(lame) == "1/2 C(0,0) e_ii e_jj + C(0,1) e_ij e_ij"
    again = expression(str(lame), **lame.tensors)
    assert again == lame
    with pytest.raises(UnknownPartError, match="its parts"):
        energy.substitute("C", [(3, 0)])
    with pytest.raises(ExpressionError, match="is a natural tensor already"):
        energy.substitute("e").substitute("e(2,0)")
    traced = expression("Q_ii", Q=natural_class(2, 1, 1))
    assert traced.reason == "Q_ii: a natural tensor has no trace"
