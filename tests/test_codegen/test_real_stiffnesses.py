"""Generated code on real data: thousands of computed stiffnesses, where the data set is at hand."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
import torch

import codegen
from natural_tensors import reduction
from natural_tensors.arrays import Floats
from tests.helpers.paths import DATA


@pytest.fixture(scope="module")
def stiffness() -> Floats:
    """Return the independent components in GPa, the upper triangle of 6x6 row by row."""
    path = DATA / "elastic.json.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not at hand; name its folder in NATURAL_TENSORS_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return np.array([entry["C"] for entry in json.load(file)], dtype=float)


def test_generated_code_takes_apart_and_rebuilds_every_tensor(stiffness: Floats) -> None:
    assert stiffness.shape[0] > 2000
    elastic = reduction("elastic")
    module = codegen.load(codegen.TensorRecipe("elastic", form="components"))
    tensors = torch.from_numpy(stiffness)
    parts = module.decompose(tensors)
    expected = elastic.decompose(stiffness, form="components")
    size = np.linalg.norm(stiffness, axis=1)
    # sums of about twenty terms: some ten units in the last place of the largest
    tolerance = 20 * np.finfo(float).eps * size
    for key, part in expected.items():
        gap = np.abs(parts[key].numpy() - part).reshape(len(size), -1).max(axis=1)
        assert (gap <= tolerance).all()
    gap = np.abs(module.reconstruct(parts).numpy() - stiffness).max(axis=1)
    assert (gap <= tolerance).all()
    assert torch.allclose(module.unpack(module.pack(tensors)), tensors, rtol=0, atol=1e-11)


def test_a_class_nobody_prepared_works_likewise(stiffness: Floats) -> None:
    # the part of C_ijkl - C_kjil that is antisymmetric in i and k, as a class of its own
    full = reduction("elastic").convert(stiffness, source="components", target="full")
    unusual = full - full.transpose(0, 3, 2, 1, 4)
    symmetry = "ijkl=-kjil=jilk"
    module = codegen.load(codegen.TensorRecipe(symmetry))
    tensors = torch.from_numpy(unusual)
    rebuilt = module.reconstruct(module.decompose(tensors))
    size = np.abs(stiffness).max()
    assert np.abs(rebuilt.numpy() - unusual).max() <= 20 * np.finfo(float).eps * size
    assert reduction(symmetry).irreps == "1x0e+1x2e"
