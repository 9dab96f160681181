"""Objects of other libraries become structures, and go back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from pymatgen.core import Lattice, Molecule, Structure

from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import GeometryError


def test_structures_of_pymatgen_keep_their_frame() -> None:
    turned = Lattice([[0, 3, 0], [0, 0, 4], [5, 0, 0]])
    structure = Structure(turned, ["Na+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    ours = geometry(structure, name="salt")
    assert ours.cell.tolist() == turned.matrix.tolist()
    assert ours.numbers.tolist() == [11, 17]
    assert ours.periodic == (True, True, True)
    assert geometry(ours) is ours
    assert np.allclose(geometry(structure.as_dict()).positions, ours.positions)
    assert np.allclose(geometry({"structure": structure.as_dict(), "x": 1}).cell, ours.cell)


def test_molecules_repeat_nowhere() -> None:
    water = molecule("H2O")
    for structure in (
        water,
        Molecule(water.get_chemical_symbols(), water.positions),
        Molecule(water.get_chemical_symbols(), water.positions).as_dict(),
        {"numbers": water.numbers, "positions": water.positions},
        {"numbers": water.numbers.tolist(), "pos": water.positions.tolist()},
    ):
        ours = geometry(structure)
        assert ours.periodic == (False, False, False)
        assert ours.formula == "H2O"
        assert ours.volume is None


@pytest.mark.parametrize("pbc", [True, (True, True, False), False])
def test_structures_go_out_as_they_came_in(pbc: Any) -> None:
    atoms = bulk("NaCl", "rocksalt", a=5.64)
    atoms.rotate(30, "x", rotate_cell=True)
    atoms.pbc = pbc
    structure = geometry(atoms)
    for back in (geometry(structure.to_ase()), geometry(structure.to_pymatgen())):
        assert back.periodic == structure.periodic
        np.testing.assert_array_equal(back.numbers, structure.numbers)
        np.testing.assert_allclose(back.positions, structure.positions, atol=1e-12)
        repeats = np.array(structure.periodic)
        np.testing.assert_allclose(back.cell[repeats], structure.cell[repeats], atol=1e-12)


def test_atoms_of_ase_with_a_cell_that_does_not_repeat_stay_so() -> None:
    water = molecule("H2O", vacuum=0.2)
    assert water.cell.volume > 0
    ours = geometry(water)
    assert ours.periodic == (False, False, False)
    assert len(ours.neighbours(1.1)[0]) == 4
    assert geometry(bulk("Cu")).periodic == (True, True, True)


def test_disorder_is_refused_by_site() -> None:
    mixed = Structure(Lattice.cubic(4), [{"Cu": 0.5, "Au": 0.5}, "Cu"], [[0, 0, 0], [0.5, 0.5, 0]])
    with pytest.raises(GeometryError, match=r"site 0 is disordered: Cu:0.5"):
        geometry(mixed)
    with pytest.raises(GeometryError, match=r"site 0 is disordered: Cu:0.9"):
        geometry(Structure(Lattice.cubic(4), [{"Cu": 0.9}], [[0, 0, 0]]))
    atoms = Atoms("Cu", cell=[4, 4, 4], pbc=True, info={"occupancy": {"0": {"Cu": 0.9}}})
    with pytest.raises(GeometryError, match=r"site 0 is disordered: Cu:0\.9"):
        geometry(atoms)
    places = [[0, 0, 0], [0, 2, 2], [2, 0, 2]]
    full = {"occupancy": {"0": {"Cu": 1.0}}}
    atoms = Atoms("Cu3", positions=places, cell=[4, 4, 4], pbc=True, info=full)
    atoms.arrays["spacegroup_kinds"] = np.array([0, 0, 1])
    assert geometry(atoms).formula == "Cu"  # stated, and full
    atoms.info["occupancy"]["1"] = {"Cu": 1.0, "Au": 0.0}
    with pytest.raises(GeometryError, match=r"site 2 is disordered: Cu:1, Au:0"):
        geometry(atoms)


def test_what_is_no_structure_is_refused_with_the_remedy() -> None:
    with pytest.raises(GeometryError, match="allowed: Geometry"):
        geometry(42)
    with pytest.raises(GeometryError, match="its keys are x"):
        geometry({"x": 1})
    with pytest.raises(GeometryError, match="frac but no lattice"):
        geometry({"numbers": [1], "frac": [[0, 0, 0]]})
    with pytest.raises(GeometryError, match="no complete Structure"):
        geometry({"@module": "pymatgen.core.structure", "@class": "Structure"})
    with pytest.raises(GeometryError, match="holds X0\\+, no element"):
        geometry(Structure(Lattice.cubic(4), ["X"], [[0, 0, 0]]))


def test_an_element_without_electronegativity_warns_of_nothing() -> None:
    from pymatgen.core import Lattice, Structure

    assert geometry(Structure(Lattice.cubic(6.2), ["Xe"], [[0, 0, 0]])).formula == "Xe"
