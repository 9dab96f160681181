"""What the training set says about a structure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.build import make_supercell
from pymatgen.core import Lattice, Structure

from carnet_model.prediction.domain import Domain
from carnet_model.prediction.predictor import load
from carnet_model.prediction.result import Prediction
from tests.helpers.predictions import as_ase, cubic, transformed
from tests.helpers.tiny_models import (
    CRYSTALS,
    RECORDS,
    seen,
)


def test_known_crystals_are_marked(folder: Path) -> None:
    model = load(folder)
    crystal = CRYSTALS["mp-804"]
    for other in (crystal, make_supercell(as_ase(crystal), np.diag([2, 1, 1]))):
        assert model.predict(other).known == "mp-804"
    stretched = transformed(crystal, 1.2 * np.eye(3))
    assert model.predict(stretched).known is None
    assert "known: mp-804" in str(model.predict(crystal))


def test_members_of_the_training_set_are_not_outside_of_it(folder: Path) -> None:
    found = load(folder).predict(list(CRYSTALS.values()))
    for one in found:
        assert isinstance(one, Prediction)
        assert all(text.startswith("few training structures hold") for text in one.warnings)


@pytest.mark.parametrize(
    ("structure", "warning"),
    [
        (cubic("Ti", 4.0), "few training structures hold Ti (3)"),
        (cubic("Si", 9.0), "volume per atom 182 Å^3 is outside"),
        (cubic("Si", 2.6), "volume per atom 4.39 Å^3 is outside"),
        (cubic("Si", 16.0), "1 of 1 atoms have no neighbour within the cutoff"),
        (
            Structure(Lattice.tetragonal(2.2, 20), ["C"] * 2, [[0, 0, 0], [0.5, 0.5, 0]]),
            "pairs of atoms at some distance than any training structure",
        ),
    ],
)
def test_what_is_outside_of_the_training_set(
    structure: Structure, warning: str, folder: Path
) -> None:
    found = load(folder).predict(structure.get_primitive_structure())
    assert any(warning in text for text in found.warnings), found.warnings


def test_a_domain_without_fingerprints_knows_elements_only() -> None:
    domain = Domain.of([6, 14], None, crystals=True)
    assert domain.known == "C Si"
    assert domain.unknown(np.array([14, 92])) == ("U",)
    assert Domain().unknown(np.array([92])) == ()
    crystal = CRYSTALS["mp-101"]
    assert domain.warnings_for(crystal, np.array([12])) == []
    assert Domain.of([6], seen(RECORDS[:3]), crystals=True).counts["Pd"] == 1
