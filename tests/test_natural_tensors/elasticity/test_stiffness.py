"""Stiffness matrices: what is read, what is refused, forms and batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import natural_tensors as nt
from natural_tensors import elasticity, examples
from tests.helpers.stiffnesses import (
    FIELDS,
    assert_alike,
    random_stable,
)

# --- forms and shapes -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["copper", "quartz", "forsterite"])
def test_forms_agree_with_the_exact_core(name: str) -> None:
    values = examples.load(name).values
    assert np.allclose(elasticity.mandel(values), nt.to_voigt(nt.from_voigt(values), form="mandel"))
    soft = nt.from_voigt(elasticity.compliance(values), form="voigt-compliance")
    identity = np.einsum("ijkl,klmn->ijmn", nt.from_voigt(values), soft)
    delta = np.eye(3)
    expected = np.einsum("im,jn->ijmn", delta, delta) + np.einsum("in,jm->ijmn", delta, delta)
    assert np.allclose(identity, expected / 2, atol=1e-12)


@pytest.mark.parametrize("batch", [(), (0,), (1,), (4,), (2, 3)])
def test_batches(batch: tuple[int, ...]) -> None:
    stiffness = random_stable(6, seed=3)[: int(np.prod(batch))].reshape(*batch, 6, 6)
    result = elasticity.moduli(stiffness)
    assert result.shape == batch
    for name in FIELDS:
        assert np.shape(getattr(result, name)) == batch
    assert elasticity.kelvin_moduli(stiffness).shape == (*batch, 6)
    assert np.shape(elasticity.is_stable(stiffness)) == batch
    assert elasticity.compliance(stiffness).shape == (*batch, 6, 6)
    assert elasticity.isotropic(result.bulk_hill, result.shear_hill).shape == (*batch, 6, 6)
    for place in np.ndindex(*batch):
        assert_alike(result[place], elasticity.moduli(stiffness[place]), rel=1e-12)


def test_lists_integers_and_torch_are_read() -> None:
    values = examples.load("copper").values
    expected = elasticity.moduli(values)
    assert_alike(elasticity.moduli(values.tolist()), expected, rel=1e-15)
    assert_alike(elasticity.moduli(torch.tensor(values, dtype=torch.float32)), expected, rel=1e-5)
    assert elasticity.is_stable(np.eye(6, dtype=int))


def test_rounding_is_symmetrized_and_input_left_alone() -> None:
    values = examples.load("copper").values.copy()
    values[0, 1] += 1e-8
    before = values.copy()
    checked = elasticity.check_stiffness(values)
    assert (checked == checked.T).all()
    assert (values == before).all()
    exact = examples.load("quartz").values
    assert (elasticity.check_stiffness(exact) == exact).all()


def test_the_repr_explains() -> None:
    values = examples.load("copper").values
    text = repr(elasticity.moduli(values))
    assert "G = 54.6, 40.0, 47.3 GPa" in text
    assert "batch of shape (2,)" in repr(elasticity.moduli([values, values]))


# --- errors ---------------------------------------------------------------------------------------


def spoiled(place: tuple[int, ...], value: float) -> NDArray[np.float64]:
    batch = np.array([examples.load("copper").values] * 3)
    batch[place] = value
    return batch


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.eye(3), ValueError, r"ends in the shape \(6, 6\), got an array of shape \(3, 3\)"),
        (np.zeros(21), ValueError, r"the 21 components"),
        (1.0, ValueError, r"shape \(\)"),
        (spoiled((1, 2, 3), np.nan), ValueError, r"stiffness 1 .*entry \(2, 3\) is nan; remove"),
        (spoiled((0, 0, 0), np.inf)[0], ValueError, r"the stiffness .*entry \(0, 0\) is inf"),
        (spoiled((2, 0, 1), 90.0), nt.SymmetryError,
         r"stiffness 2 is not symmetric: entry \(0, 1\) is 90 but entry \(1, 0\) is 121"),
        (spoiled((2, 0, 1), 90.0)[None], nt.SymmetryError, r"stiffness \(0, 2\) is not"),
        (np.eye(6) * 1j, TypeError, "a stiffness is real, got an array of type complex128"),
        ([["a"] * 6] * 6, TypeError, "expected numbers"),
    ],
)  # fmt: skip
def test_errors_name_what_came_and_what_to_do(
    values: Any, error: type[Exception], message: str
) -> None:
    for function in (elasticity.check_stiffness, elasticity.moduli, elasticity.is_stable):
        with pytest.raises(error, match=message):
            function(values)
