"""What an entry of the catalogue says: its sign in time, and how tables and models treat it."""

from __future__ import annotations

import pytest

from natural_tensors.decomposition.reductions import reduction
from natural_tensors.physical.catalog import catalog
from natural_tensors.physical.entry import PhysicalTensor


def test_time_reversal_is_a_sign() -> None:
    with pytest.raises(ValueError, match="time_reversal of 'a' is 0; write 1"):
        PhysicalTensor("a", "T", "T", "", False, 0, "1", "1", "T", "nowhere")


def test_voigt_factors_are_stated_of_tensors_with_symmetric_pairs() -> None:
    stated = {name for name, entry in catalog.items() if entry.voigt_form != "voigt"}
    assert len(stated) == 16
    for name in stated:
        assert reduction(name).components.pairs
    assert catalog["compliance"].voigt_form == "voigt-compliance"
    assert catalog["kerr"].voigt_form is None


def test_how_a_structure_pools_its_atoms() -> None:
    pooling = {name: entry.pooling for name, entry in catalog.items()}
    assert pooling["energy"] == pooling["dipole"] == "sum"
    assert pooling["force"] == pooling["born-charge"] == "atoms"
    assert pooling["elastic"] == pooling["density"] == "mean"


def test_positive_tensors_are_symmetric_matrices_without_an_odd_part() -> None:
    positive = [entry for entry in catalog.values() if entry.positive]
    assert {entry.name for entry in positive} >= {"elastic", "dielectric"}
    for entry in positive:
        assert (entry.axial, entry.time_reversal) == (False, 1)
        assert entry.symmetry in {"ij=ji", "ijkl=jikl=klij"}


def test_working_units() -> None:
    assert catalog["elastic"].working_unit == "GPa"
    assert catalog["energy"].working_unit == "eV"
    assert catalog["born-charge"].working_unit == catalog["born-charge"].unit == "1"
