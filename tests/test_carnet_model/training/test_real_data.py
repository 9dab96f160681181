"""The main job on real data: thousands of DFT elastic tensors, where the data set is at hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import codegen
from carnet_model.training import graph_cache, preparation
from carnet_model.training.config_reading import read_config
from natural_tensors import reduction
from tests.helpers.paths import DATA, ROOT

RECIPES = ROOT / "carnet_model" / "recipes"


@pytest.fixture(autouse=True)
def _data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATURAL_TENSORS_DATA", str(DATA))


@pytest.fixture(scope="module")
def stiffness() -> np.ndarray:
    """Return the independent components in GPa, the upper triangle of 6x6 row by row."""
    path = DATA / "elastic.json.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not at hand; name its folder in NATURAL_TENSORS_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return np.array([entry["C"] for entry in json.load(file)], dtype=float)


def test_generated_code_takes_apart_and_rebuilds_every_tensor(stiffness: np.ndarray) -> None:
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


@pytest.mark.parametrize(
    ("recipe", "train", "val"),
    [
        ("dielectric", 862, 83), ("piezoelectric", 659, 66), ("nmr-silicon", 324, 47),
        ("silicon", 194, 20), ("ethanol", 441, 59), ("water-gamma", 212, 12),
    ],
)  # fmt: skip
def test_recipes_read_their_data(
    recipe: str, train: int, val: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every label is read, no reserved crystal is, and the network starts at the mean label."""
    config = read_config(RECIPES / f"{recipe}.yaml")
    if not all(Path(source.path).exists() for source in config.data):
        pytest.skip("the data set is not at hand; name its folder in NATURAL_TENSORS_DATA")
    monkeypatch.setattr(graph_cache, "cache_folder", lambda: tmp_path)
    short = config.network.model_copy(update={"cutoff": 2.5})  # fewer bonds, quicker graphs
    found = preparation.prepare(config.model_copy(update={"network": short}))
    assert (len(found.train), len(found.val)) == (train, val)
    assert not any(sample.example.reserved for sample in (*found.train, *found.val))
    for target in config.targets:
        assert all(sample.labels[target.key].weigh for sample in found.train)
        scales = found.scales[target.key]
        assert np.isfinite(scales.scale).all()
        assert (scales.scale > 0).all()


def test_a_class_nobody_prepared_works_likewise(stiffness: np.ndarray) -> None:
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
