"""Crystals written as CIF and POSCAR are read as what they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.reading import read_geometries
from carnet_model.structures.writing import as_cif, as_poscar
from natural_tensors.arrays import Floats
from tests.helpers.paths import ROOT

HANDS = [1.0, -1.0]
COPPER, PLACE = np.array([29]), np.zeros((1, 3))


def crystal(sign: float) -> Geometry:
    """Quartz, which is no mirror image of itself, by a right- or a left-handed cell."""
    (quartz,) = read_geometries(ROOT / "docs" / "structures" / "quartz.cif")
    assert isinstance(quartz, Geometry)
    cell = quartz.cell * [[1], [1], [sign]]
    return Geometry(quartz.numbers, quartz.positions, cell, quartz.periodic, "a/quartz 1.cif")


def distances(structure: Geometry) -> Floats:
    return np.sort(structure.neighbours(4.0)[3])


def twists(structure: Geometry) -> float:
    """A sum over triples of bonds that a mirror image has with the other sign."""
    first, second, shifts, _ = structure.neighbours(3.2)
    bonds = structure.positions[second] + shifts @ structure.cell - structure.positions[first]
    total = 0.0
    for atom in range(len(structure)):
        a = bonds[first == atom]
        lengths = np.linalg.norm(a, axis=1)
        triple = np.einsum("ijk,li,mj,nk->lmn", EPSILON, a, a, a)
        weights = lengths[:, None, None] * lengths[None, :, None] ** 2
        total += float((triple * weights).sum())
    return total


EPSILON = np.zeros((3, 3, 3))
EPSILON[0, 1, 2] = EPSILON[1, 2, 0] = EPSILON[2, 0, 1] = 1
EPSILON[0, 2, 1] = EPSILON[2, 1, 0] = EPSILON[1, 0, 2] = -1


@pytest.mark.parametrize("sign", HANDS)
@pytest.mark.parametrize(("write", "file"), [(as_cif, "a.cif"), (as_poscar, "POSCAR")])
def test_what_is_written_is_read(
    write: Callable[[Geometry, str], str], file: str, sign: float, tmp_path: Path
) -> None:
    given = crystal(sign)
    (tmp_path / file).write_text(write(given, "as it was"), encoding="utf-8")
    (found,) = read_geometries(tmp_path / file)
    assert isinstance(found, Geometry)
    assert found.numbers.tolist() == given.numbers.tolist()
    np.testing.assert_allclose(distances(found), distances(given), atol=1e-6)
    assert twists(found) == pytest.approx(twists(given), rel=1e-5)
    assert abs(twists(given)) > 0.01


def test_a_poscar_keeps_axes_and_order(tmp_path: Path) -> None:
    given = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    structure = Geometry(given.numbers, given.positions, given.cell.array, (True,) * 3)
    text = as_poscar(structure)
    assert text.splitlines()[0] == "NaCl"
    assert text.splitlines()[5].split() == ["Na", "Cl"] * 4
    (tmp_path / "POSCAR").write_text(text, encoding="utf-8")
    (found,) = read_geometries(tmp_path / "POSCAR")
    assert isinstance(found, Geometry)
    np.testing.assert_allclose(found.positions, structure.positions, atol=1e-8)


def test_names_and_remarks_cannot_break_a_file() -> None:
    odd = Geometry(COPPER, PLACE, 2.5 * np.eye(3), (True,) * 3, "a b\nloop_ é")
    cif = as_cif(odd, "two\nlines")
    assert cif.startswith("# two\n# lines\ndata_a-b-nloop_\n")
    assert len(as_poscar(odd, "two\nlines").splitlines()) == 9


def test_what_is_no_crystal_is_refused() -> None:
    slab = Geometry(COPPER, PLACE, 2.5 * np.eye(3), (True, True, False), "slab")
    for write in (as_cif, as_poscar):
        with pytest.raises(GeometryError, match=r"slab: repeats along 2 directions(.|\n)*extxyz"):
            write(slab)
