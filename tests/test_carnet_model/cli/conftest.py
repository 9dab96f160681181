"""A folder with a crystal, and small networks in place of the shipped weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure

from carnet_model.weights import shipped
from tests.helpers.tiny_models import saved


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as that of the shipped weights, with a model of the usual name."""
    folder = tmp_path_factory.mktemp("weights")
    saved(folder / "elastic")
    return folder


@pytest.fixture
def weights_and_silicon(own_folder: Path, monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    """Work in a folder that holds si.cif."""
    monkeypatch.setattr(shipped, "WEIGHTS", weights)
    silicon = Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.43), ["Si"], [[0, 0, 0]])
    silicon.to(str(own_folder / "si.cif"))
