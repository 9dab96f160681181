"""Bases under point groups: as many as Molien's series says, independent, unchanged, exact."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy
import torch

from natural_tensors import (
    GroupInvariantBasis,
    InvariantsError,
    PointGroup,
    count_invariants,
    form,
    invariant_basis,
    point_group,
    reduction,
    same_up_to_rotation,
)
from natural_tensors.arrays import Floats
from natural_tensors.crystals.point_groups import CRYSTALLOGRAPHIC, Operation
from natural_tensors.errors import InputError
from natural_tensors.exact.floats import surd_to_float

LIMITING = ("∞", "∞m", "∞2", "∞/m", "∞/mm")
SETTINGS = ("312", "31m", "-62m", "-4m2", "112/m", "4'/mmm'", "3m'", "6'", "∞m'")
SOME = ("-1", "mmm", "-4", "3m", "312", "6/mmm", "m-3m", "∞m", "4'/mmm'")
CASES = [
    *((name, degree, symbol) for name, degree in (("dielectric", 3), ("magnetoelectric", 2))
      for symbol in (*CRYSTALLOGRAPHIC, *LIMITING, *SETTINGS)),
    *((name, degree, symbol) for name, degree in (("piezoelectric", 2), ("elastic", 2),
                                                  ("ij=-ji", 4)) for symbol in SOME),
]  # fmt: skip


def made(name: str, degree: int, group: str, limit: int = 1000) -> GroupInvariantBasis:
    basis = invariant_basis(name, degree, group, limit=limit)
    assert isinstance(basis, GroupInvariantBasis)
    return basis


def as_floats(operation: Operation) -> Floats:
    return np.array([[surd_to_float(entry) for entry in row] for row in operation.matrix])


def operations(group: PointGroup) -> list[tuple[Floats, int]]:
    """Every operation, of a limiting group some, with its sign in time."""
    found = [(as_floats(each), each.time) for each in group.finite_part]
    if group.axes:
        c, s = np.cos(0.7), np.sin(0.7)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        found += [(matrix @ turn, time) for matrix, time in found]
    return found


@pytest.mark.parametrize(("name", "degree", "symbol"), CASES)
def test_members_are_counted_independent_and_unchanged(name: str, degree: int, symbol: str) -> None:
    group, tensors = point_group(symbol), reduction(name)
    basis = made(name, degree, symbol)
    assert basis.counts == count_invariants(name, symbol, degree).numbers
    if not len(basis):
        return
    components = np.random.default_rng(5).normal(size=(len(basis) + 3, tensors.dimension))
    batch = tensors.unpack(components)
    values = basis.evaluate(batch)
    assert np.linalg.matrix_rank(values / np.abs(values).max(axis=0)) == len(basis)
    odd = name == "magnetoelectric"
    for matrix, time in operations(group):
        image = tensors.rotate(batch, matrix) * (time if odd else 1)
        np.testing.assert_allclose(
            basis.evaluate(image), values, atol=1e-12 * np.abs(values).max(), rtol=0
        )


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("elastic", "m-3m"), ("piezoelectric", "3m"), ("compliance", "6/mmm")],
)
def test_formulas_are_what_evaluate_gives(name: str, symbol: str) -> None:
    basis, general = made(name, 2, symbol), form(name, "1")
    array = general.to_sympy()
    numbers = {
        sympy.Symbol(parameter, real=True): sympy.Rational(n, 7)
        for n, parameter in enumerate(general.parameters, -5)
    }
    given = array.subs(numbers)
    exact = basis.evaluate(given, form=general.written_as)
    for member, value in list(zip(basis, exact, strict=True))[::3]:
        assert basis.in_components(member).subs(numbers) == value
        named = {sympy.Symbol(key, real=True): at for key, at in basis.definitions.items()}
        assert member.to_sympy().subs(named).subs(numbers) == value
    floats = np.array(given.tolist(), dtype=float)
    found = basis.evaluate(floats, form=general.written_as)
    np.testing.assert_allclose(found, [float(value) for value in exact], rtol=1e-12, atol=1e-12)
    tensor = torch.tensor(np.stack([floats, 2 * floats]), requires_grad=True)
    by_torch = basis.evaluate(tensor, form=general.written_as)
    np.testing.assert_allclose(by_torch[0].detach().numpy(), found, rtol=1e-12, atol=1e-12)
    (slope,) = torch.autograd.grad(by_torch[:, 0].sum(), tensor)
    assert slope.abs().max() > 0


def test_generators_and_products_span() -> None:
    """Of a vector: under m-3m the even powers, x² + y² + z², its square and x⁴ + y⁴ + z⁴."""
    basis = made("i", 4, "m-3m")
    assert basis.counts == (0, 1, 0, 2)
    assert [member.degree for member in basis.generators] == [2, 4]
    assert made("i", 4, "∞m").formula().splitlines()[0] == "T3"
    # z and x² + y² of a polar vector; degree 2 has z² besides, a product
    assert [member.degree for member in made("i", 4, "∞m").generators] == [1, 2]
    assert [member.degree for member in made("elastic", 2, "1").generators] == [1] * 21


def test_names_belong_to_the_class_and_not_to_its_symmetry() -> None:
    assert str(made("elastic", 1, "m-3m").members[2]) == "C44 + C55 + C66"
    compliance = made("compliance", 1, "m-3m")
    assert str(compliance.members[2]) == "S44 + S55 + S66"
    soft = np.diag([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    values = compliance.evaluate(soft, form="voigt-compliance")
    np.testing.assert_allclose(sorted(values), [0.0, 6.0, 15.0])


def test_what_is_too_many_is_counted() -> None:
    with pytest.raises(InvariantsError, match="2826 invariants, more than 1000") as caught:
        invariant_basis("elastic", 4, "mmm")
    assert "orbits of 10626 products of components: pass limit=2826" in str(caught.value)
    with pytest.raises(InvariantsError, match="not made under"):
        invariant_basis("elastic", 2, "∞∞1'")


def test_operations_decide_and_invariants_tell() -> None:
    tensors = reduction("elastic")
    rng = np.random.default_rng(2)
    tensor = tensors.unpack(rng.normal(size=21))
    for symbol in ("m-3m", "-3m"):
        for operation in point_group(symbol).operations[::5]:
            turned = tensors.rotate(tensor, as_floats(operation))
            found = same_up_to_rotation("elastic", turned, tensor, group=symbol)
            assert found.same
            assert found.rotation is not None
            np.testing.assert_allclose(tensors.rotate(tensor, found.rotation), turned, atol=1e-12)
    turn = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]
    found = same_up_to_rotation("elastic", tensors.rotate(tensor, turn), tensor, group="1")
    assert found.same is False
    assert found.values is not None
    assert abs(found.values[0] - found.values[1]) > 1e-3
    assert re.search("different, .*C", repr(found))
    # inversion turns a polar tensor over, and time reversal an odd one
    polar = reduction("piezoelectric")
    odd = polar.unpack(rng.normal(size=18))
    assert same_up_to_rotation("piezoelectric", -odd, odd, group="-1").same
    assert same_up_to_rotation("piezoelectric", -odd, odd, group="222").same is False
    magnetic = rng.normal(size=(3, 3))
    assert same_up_to_rotation("magnetoelectric", -magnetic, magnetic, group="11'").same
    with pytest.raises(InputError, match="not ∞m"):
        same_up_to_rotation("elastic", tensor, tensor, group="∞m")
