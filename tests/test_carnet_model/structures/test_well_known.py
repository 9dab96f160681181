"""Well-known crystals are known however they are described, and nothing else is."""

from __future__ import annotations

import pytest
from ase import Atoms
from ase.build import bulk

from carnet_model.structures.conversion import geometry
from carnet_model.structures.reading import read_geometries
from carnet_model.structures.well_known import STRUCTURE, entries, measurement_of
from natural_tensors import from_voigt
from natural_tensors.crystals.fitting import distance_to_group
from tests.helpers.paths import STRUCTURES


def name_of(atoms: Atoms) -> str | None:
    found = measurement_of(geometry(atoms))
    return None if found is None else found.name


def test_each_is_the_crystal_its_measurement_is_of() -> None:
    for entry in entries():
        crystal = geometry({key: entry[key] for key in STRUCTURE})
        found = measurement_of(crystal)
        assert found is not None, entry["name"]
        assert (found.name, found.tensor, found.unit) == (entry["name"], "elastic", "GPa")
        assert found.point_group is not None
        # constants are read off tensors that have the form of their group in standard axes
        assert distance_to_group("elastic", from_voigt(found.values), found.point_group) < 1e-3


def test_another_cell_axes_or_volume_is_the_same_crystal() -> None:
    (quartz,) = read_geometries(STRUCTURES / "quartz.cif")
    assert not isinstance(quartz, Exception)
    atoms = quartz.to_ase().repeat((1, 2, 1))
    atoms.rotate(40, (1, 2, 3), rotate_cell=True)
    atoms.set_cell(atoms.cell * 1.027, scale_atoms=True)  # as PBE has it
    assert name_of(atoms) == "quartz"
    assert name_of(bulk("Cu", cubic=True)) == name_of(bulk("Cu", a=3.5)) == "copper"


@pytest.mark.parametrize(
    "atoms",
    [
        bulk("Cu", "bcc", a=2.87),
        bulk("Cu", "hcp", a=2.55, c=4.16),  # a stacking: alike in shape, of another group
        bulk("Cu", a=3.9),
        bulk("Si", "fcc", a=3.9),
        bulk("Ni"),
        Atoms("Cu"),
        Atoms("NaCl", positions=[[0, 0, 0], [2.06] * 3], cell=[4.12] * 3, pbc=True),
    ],
    ids=["bcc", "hcp", "stretched", "fcc silicon", "nickel", "an atom", "NaCl as CsCl"],
)
def test_other_crystals_are_not_it(atoms: Atoms) -> None:
    assert name_of(atoms) is None
