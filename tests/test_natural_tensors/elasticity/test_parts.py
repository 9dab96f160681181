"""Natural parts of a stiffness and Cauchy's relations."""

from __future__ import annotations

import numpy as np
import pytest

import natural_tensors as nt
from natural_tensors import elasticity, examples
from tests.helpers.stiffnesses import ALBITE, random_stable


def test_the_asymmetric_part_by_its_definition() -> None:
    matrix = np.concatenate([random_stable(5, seed=7), [ALBITE]])
    full = nt.from_voigt(matrix)
    symmetric = (full + full.swapaxes(-3, -2) + np.einsum("...iljk->...ijkl", full)) / 3
    rest, whole = (np.linalg.norm(t.reshape(6, 81), axis=1) for t in (full - symmetric, full))
    found = elasticity.decomposition(matrix)
    assert found.asymmetric_share == pytest.approx(rest**2 / whole**2, rel=1e-10)
    assert found.norm_gpa == pytest.approx(whole, rel=1e-12)


def test_norms_and_shares_of_the_weights() -> None:
    matrix = random_stable(5, seed=8)
    found = elasticity.decomposition(matrix)
    for weight, norm in found.weight_norms_gpa.items():
        part = nt.reduction("elastic").part(nt.from_voigt(matrix), weight)
        assert norm == pytest.approx(np.linalg.norm(part.reshape(5, 81), axis=1), rel=1e-10)
        assert found.weight_shares[weight] == pytest.approx((norm / found.norm_gpa) ** 2)
    assert sum(found.weight_shares.values()) == pytest.approx(1)


def test_cauchys_relations() -> None:
    halite = elasticity.decomposition(examples.load("halite").values)
    # ions of a noble gas shell at centres of inversion: nearly central forces, C12 = C44
    assert abs(halite.cauchy_differences_gpa["C12-C66"]) < 1
    assert halite.asymmetric_share < 1e-3
    copper = elasticity.decomposition(examples.load("copper").values)
    assert copper.cauchy_differences_gpa["C23-C44"] == pytest.approx(121.4 - 75.4)
    albite = elasticity.decomposition(ALBITE).cauchy_differences_gpa
    assert list(albite.values()) == pytest.approx([0.5, 4.0, -19.4, 4.6, -0.5, -7.4])
    totally = np.zeros((6, 6))
    totally[:3, :3] = 1
    totally += np.diag([2.0, 2, 2, 1, 1, 1])
    assert elasticity.decomposition(totally).asymmetric_share == 0
