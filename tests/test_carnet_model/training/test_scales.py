"""Scales: mean and size of what is learnt, energies of the elements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from carnet_model.training.label_tensors import PotentialLabels
from tests.helpers.trainings import alloy_config, crystal_config, prepared

pytestmark = pytest.mark.usefixtures("own_graph_cache")


def test_statistics_are_those_of_a_rotation_invariant_class(tmp_path: Path) -> None:
    scales = prepared(crystal_config(tmp_path)).scales["elastic"]
    assert np.count_nonzero(scales.mean) == 2  # the two scalars of an elastic tensor
    assert len(np.unique(scales.scale)) == 5  # 1 + 1 + 5 + 5 + 9
    assert scales.scale.min() > 0
    assert scales.loss["tensor"] > 1


def test_reference_energies_are_those_of_the_elements(tmp_path: Path) -> None:
    config = alloy_config(tmp_path)
    scales = prepared(config).scales["energy"]
    assert scales.reference is not None
    assert set(np.flatnonzero(scales.reference[:, 0])) == {13, 29}
    assert not scales.mean.any()
    labels = [sample.labels["energy"] for sample in prepared(config).train]
    forces = torch.cat([part.forces for part in labels if isinstance(part, PotentialLabels)])
    assert scales.loss["forces"] == pytest.approx(float(forces.norm(dim=1).mean()), rel=1e-5)
