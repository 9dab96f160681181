"""Tensors of structures: frame, group and density, and their way to pymatgen and back."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.elasticity import ElasticTensor
from pymatgen.analysis.piezo import PiezoTensor
from pymatgen.core import Lattice, Structure
from pymatgen.core.tensors import Tensor
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from carnet_model import geometry
from carnet_model.structures.measured import read_structure
from carnet_model.structures.symmetry import canonical
from carnet_model.structures.tensors import (
    crystal_tensor,
    density_kg_m3,
    from_pymatgen,
    to_pymatgen,
)
from natural_tensors import (
    Surd,
    elasticity,
    examples,
    form,
    from_voigt,
)
from natural_tensors.exact.floats import surd_to_float
from natural_tensors.pictures.directional import stiffness_of
from tests.helpers.paths import STRUCTURES
from tests.helpers.stated_tensors import ELASTIC, quartz, stated

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*OLD_ERROR_HANDLING.*:DeprecationWarning"  # spglib, as pymatgen calls it
)


def structure() -> Structure:
    """Return quartz in the axes of pymatgen."""
    thing = read_structure(str(STRUCTURES / "quartz.cif"))
    return Structure(Lattice(thing.cell), thing.numbers.tolist(), thing.fractional)


def test_a_tensor_takes_its_frame_along() -> None:
    thing = geometry(structure())
    _, frame = canonical(thing)
    one = crystal_tensor(thing, "elastic", quartz().values, unit="GPa", frame=frame)
    assert one.residual == pytest.approx(0, abs=1e-12)
    assert one.setting is not None
    assert np.allclose(one.setting, np.eye(3))
    other = one.in_frame("structure")
    assert other.frame.name == "structure"
    assert np.allclose(other.frame.rotation, np.eye(3))
    assert other.frame.lattice is not None
    assert np.allclose(other.frame.lattice, thing.cell)
    assert other.residual == pytest.approx(0, abs=1e-7)
    assert np.allclose(other.in_frame("standard").values, one.values, atol=1e-9)
    assert np.allclose(
        elasticity.kelvin_moduli(stiffness_of(other)), elasticity.kelvin_moduli(stiffness_of(one))
    )
    assert one.spacegroup == "P3_221 (154)"
    assert one.density_kg_m3 == pytest.approx(2646, rel=2e-3)  # measured: 2648 kg/m^3
    assert one.atoms_per_m3 == pytest.approx(9 / 113.13e-30, rel=1e-3)
    with pytest.raises(ValueError, match=r"'sample' is no frame .* 'structure', 'standard'"):
        one.in_frame("sample")
    with pytest.raises(ValueError, match="its point group is unknown"):
        stated(one.values, group=None).in_frame("standard")


def test_tensors_go_to_pymatgen_and_back() -> None:
    thing = structure()
    group, frame = canonical(geometry(thing))
    one = crystal_tensor(geometry(thing), "elastic", quartz().values, unit="GPa", frame=frame)
    there = to_pymatgen(one.in_frame("structure"))
    assert isinstance(there, ElasticTensor)
    ours = elasticity.moduli(stiffness_of(one))
    assert there.k_vrh == pytest.approx(ours.bulk_hill)
    assert there.y_mod / 1e9 == pytest.approx(ours.youngs_hill)  # pymatgen gives Pa
    back = from_pymatgen(there, thing)
    assert back.group == group
    assert back.frame.name == "structure"
    assert back.unit == "GPa"
    assert np.allclose(back.in_frame("standard").values, one.values, atol=1e-9)
    ieee = there.convert_to_ieee(thing)
    again = from_pymatgen(ieee, thing, frame="ieee").in_frame("standard")
    assert np.allclose(again.values, one.values, atol=1e-4 * np.abs(one.values).max())


def test_piezoelectric_tensors_go_to_pymatgen_and_back() -> None:
    thing = structure()
    _, frame = canonical(geometry(thing))
    values = from_voigt(examples.load("quartz-e").values, symmetry="piezoelectric-stress")
    one = crystal_tensor(geometry(thing), "piezoelectric-stress", values, frame=frame)
    there = to_pymatgen(one.in_frame("structure"))
    assert isinstance(there, PiezoTensor)
    back = from_pymatgen(there, thing)
    assert back.tensor == "piezoelectric-stress"
    assert back.unit == "C/m^2"
    assert np.allclose(back.in_frame("standard").values, values, atol=1e-9)
    dielectric = Tensor(np.diag([4.5, 4.5, 4.6]))
    with pytest.raises(ValueError, match="does not say which tensor it is; give kind='dielectric'"):
        from_pymatgen(dielectric, thing)
    found = from_pymatgen(dielectric, thing, kind="dielectric")
    assert isinstance(to_pymatgen(found), Tensor)
    assert found.residual == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", [n for n in examples.names() if n.startswith("mp-")])
def test_groups_and_averages_agree_with_pymatgen_and_spglib(name: str) -> None:
    (entry,) = [e for e in examples.entries("dejong2015") if e["id"] == name]
    thing = Structure(Lattice(entry["lattice"]), entry["numbers"], entry["frac"])
    analyzer = SpacegroupAnalyzer(thing, symprec=0.01)
    values = from_voigt(examples.load(name).values, symmetry="elastic")
    noise = np.random.default_rng(1).normal(size=21)
    noisy = values + ELASTIC.convert(noise, source="components", target="full")
    crystal = crystal_tensor(geometry(thing), "elastic", noisy, unit="GPa")
    assert crystal.group is not None
    assert crystal.group.symbol == analyzer.get_point_group_symbol()
    theirs = Tensor(noisy).fit_to_structure(thing, symprec=0.01)
    ours = crystal.projected().values
    assert np.allclose(ours, theirs, atol=1e-3 * np.abs(ours).max())
    found = form("elastic", crystal.group)
    standard = crystal.projected().in_frame("standard")
    components = ELASTIC.convert(standard.values, target="components", invalid="project")
    rows = np.array([[surd_to_float(Surd() + n) for n in row] for row in found.table])
    again = rows @ components[list(found.free)]
    assert np.allclose(again, components, atol=1e-9 * np.abs(components).max())


def test_densities() -> None:
    cell = 3.6149 * np.eye(3)  # copper, a in Å at 298 K
    frac = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    thing = geometry({"numbers": [29] * 4, "lattice": cell.tolist(), "frac": frac})
    assert density_kg_m3(thing) == pytest.approx(8935, rel=1e-3)
