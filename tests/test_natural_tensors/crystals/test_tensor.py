"""Tensors with their frame and group: turning, patterns, pymatgen, and what is doubtful."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.analysis.elasticity import ElasticTensor
from pymatgen.analysis.piezo import PiezoTensor
from pymatgen.core import Lattice, Structure
from pymatgen.core.tensors import Tensor
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer
from scipy.spatial.transform import Rotation

from carnet_model import geometry
from carnet_model.structures.geometry import GeometryError
from carnet_model.structures.measured import MisfitError, measured, read_structure
from carnet_model.structures.symmetry import canonical, frame_of
from carnet_model.structures.tensors import (
    crystal_tensor,
    density_kg_m3,
    from_pymatgen,
    to_pymatgen,
)
from natural_tensors import (
    CrystalTensor,
    Frame,
    Surd,
    elasticity,
    examples,
    form,
    from_voigt,
    point_group,
    reduction,
)
from natural_tensors.crystals.checks import in_usual_unit, misfit, warnings_for
from natural_tensors.elasticity.units import in_gpa, unit_warning
from natural_tensors.exact.floats import surd_to_float
from natural_tensors.files.saving import FileError
from natural_tensors.pictures.directional import stiffness_of
from tests.helpers.paths import STRUCTURES

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*OLD_ERROR_HANDLING.*:DeprecationWarning"  # spglib, as pymatgen calls it
)
QUARTZ = examples.load("quartz").values
ELASTIC = reduction("elastic")


def structure() -> Structure:
    """Return quartz in the axes of pymatgen."""
    thing = read_structure(str(STRUCTURES / "quartz.cif"))
    return Structure(Lattice(thing.cell), thing.numbers.tolist(), thing.fractional)


def stated(values: Any, group: str | None = "32", tensor: str = "elastic") -> CrystalTensor:
    full = np.asarray(values, dtype=np.float64)
    setting = None if group is None else np.eye(3)
    unit = "GPa" if tensor == "elastic" else ""
    return CrystalTensor(
        tensor, full, unit, Frame("given", np.eye(3)), "it",
        group=None if group is None else point_group(group), setting=setting,
    )  # fmt: skip


def quartz() -> CrystalTensor:
    return stated(from_voigt(QUARTZ, symmetry="elastic"))


# --- turning ------------------------------------------------------------------------------------


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


def test_spread_of_components_does_not_survive_a_turn() -> None:
    one = CrystalTensor(
        "elastic", quartz().values, "GPa", Frame("given", np.eye(3)), "it",
        uncertainty={"stiffness": np.ones((6, 6)), "bulk": 2.0},
    )  # fmt: skip
    turn = Rotation.random(random_state=1).as_matrix()
    assert dict(one.turned(Frame("other", turn), turn).uncertainty) == {"bulk": 2.0}


def test_matrices_of_several_tensors() -> None:
    assert quartz().voigt == pytest.approx(QUARTZ)
    piezo = reduction("piezoelectric").convert(
        examples.load("quartz-d").values, source="voigt-compliance", target="full"
    )
    assert stated(piezo, tensor="piezoelectric").voigt == pytest.approx(
        examples.load("quartz-d").values
    )
    assert stated(np.eye(3), "m-3m", "dielectric").voigt is None
    assert stated(np.zeros((3,) * 6), "m-3m", "third-order-elastic").voigt is None


# --- what is equal by symmetry --------------------------------------------------------------------


@pytest.mark.parametrize("group", ["m-3m", "32", "6/mmm", "4", "2", "-1"])
def test_patterns_are_those_of_the_form(group: str) -> None:
    found = form("elastic", group)
    crystal = stated(np.zeros((3,) * 4), group)
    assert crystal.pattern is not None
    labels, signs = crystal.pattern
    text = np.array(found.matrix)
    assert ((labels == 0) == (text == "0")).all()
    for first in np.ndindex(6, 6):
        for second in np.ndindex(6, 6):
            a, b = str(text[first]), str(text[second])
            if labels[first] > 0 and labels[second] > 0:
                same = labels[first] == labels[second]
                assert same == (a.lstrip("-") == b.lstrip("-")), (first, second)
                if same:
                    assert (signs[first] == signs[second]) == (a == b)
    combined = set(text[labels < 0].tolist())
    assert combined == ({"(C11 - C12)/2"} if group in ("32", "6/mmm") else set())


def test_patterns_in_other_axes() -> None:
    crystal = stated(np.zeros((3,) * 4), "m-3m")
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turned = crystal.turned(Frame("other", quarter), quarter)
    assert crystal.pattern is not None
    assert turned.pattern is not None
    assert np.array_equal(turned.pattern, crystal.pattern)
    eighth = Rotation.from_euler("z", 45, degrees=True).as_matrix()
    labels, _ = crystal.turned(Frame("other", eighth), eighth).pattern or (None, None)
    assert labels is not None
    assert labels[0, 0] == labels[1, 1] != labels[2, 2]
    assert stated(np.zeros((3,) * 4), None).pattern is None


# --- pymatgen and spglib --------------------------------------------------------------------------


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


# --- doubts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "factor", "expected", "says"),
    [
        ("quartz", 1, None, None),
        ("quartz", 1, 40.0, None),
        ("quartz", 10, None, None),  # 380 GPa is that of some crystals, but not of this one:
        ("quartz", 10, 40.0, "K = 380 GPa, but 40 GPa is expected; it looks like kbar: state"),
        ("copper", 10, None, r"K = 1.37e\+03 GPa is that of no crystal .* like kbar \(or MPa\)"),
        ("copper", 0.1, 130.0, "K = 13.7 GPa, but 130 GPa is expected"),
        ("copper", 1e9, None, "looks like Pa: state that unit, or multiply by 1e-09"),
        ("quartz", 1e-2, None, r"looks like eV/A\^3 \(or Mbar\)"),
    ],
)
def test_wrong_units_are_guessed(
    name: str, factor: float, expected: float | None, says: str | None
) -> None:
    doubt = unit_warning(examples.load(name).values * factor, expected_bulk_gpa=expected)
    assert (doubt is None) == (says is None)
    assert says is None or re.search(says, doubt or "")


def test_units_are_converted() -> None:
    assert in_gpa([10.0], "kbar") == pytest.approx([1.0])
    assert in_usual_unit("elastic", [1e9], "Pa")[0] == pytest.approx([1.0])
    assert in_usual_unit("dielectric", [4.0], None)[1] == ""
    with pytest.raises(ValueError, match="'psi' is no unit of a stiffness; allowed: GPa, Pa"):
        in_gpa([1.0], "psi")


def test_what_is_doubtful_is_said() -> None:
    assert warnings_for(quartz()) == ()
    soft = examples.load("copper").values.copy()
    soft[0, 1] = soft[1, 0] = soft[0, 2] = soft[2, 0] = soft[1, 2] = soft[2, 1] = 180.0
    (text,) = warnings_for(stated(from_voigt(soft, symmetry="elastic"), "m-3m"))
    assert "not positive definite" in text
    assert "-11.6 GPa" in text
    (text,) = warnings_for(stated(np.diag([0.5, 2, 2]), None, "dielectric"))
    assert "below that of the vacuum" in text
    bent = QUARTZ.copy()
    bent[0, 0] += 3
    (text,) = warnings_for(stated(from_voigt(bent, symmetry="elastic")))
    assert "violates the point group 32 by" in text


def test_a_misfit_says_by_how_much_and_which_axes_fit() -> None:
    assert misfit(quartz()) is None
    assert misfit(stated(quartz().values, None)) is None
    turn = Rotation.random(random_state=3).as_matrix()
    text = misfit(stated(ELASTIC.rotate(quartz().values, turn)))
    assert text is not None
    assert "violates the point group 32 by" in text
    assert "it is stated in other axes" in text
    text = misfit(stated(quartz().values, "m-3m"))
    assert text is not None
    assert "no axes fit it better than 12.0 %; it fits trigonal (-3m) within" in text


# --- measured tensors beside a structure ----------------------------------------------------------


def tensor_file(folder: Path, values: Any, **stated: Any) -> str:
    path = folder / "measured.json"
    document = {"tensor": np.asarray(values).tolist(), "class": "elastic", **stated}
    path.write_text(json.dumps(document))
    return str(path)


def test_a_measured_tensor_is_held_against_the_structure(tmp_path: Path) -> None:
    thing = read_structure(str(STRUCTURES / "quartz.cif"))
    _, frame = canonical(thing)
    own = ELASTIC.rotate(quartz().values, frame.rotation.T)
    found = measured(thing, tensor_file(tmp_path, own, form="full", unit="GPa"))
    assert found.frame.name == "canonical"
    assert found.voigt == pytest.approx(QUARTZ, abs=1e-6)
    kbar = tensor_file(tmp_path, own * 10, form="full", unit="kbar")
    assert measured(thing, kbar).voigt == pytest.approx(QUARTZ, abs=1e-6)
    assert found.formula == "SiO2"

    ieee = frame_of(thing, "ieee")
    there = ELASTIC.rotate(own, ieee.rotation)
    path = tensor_file(tmp_path, there, form="full", unit="GPa")
    assert measured(thing, path, axes="ieee").voigt == pytest.approx(QUARTZ, abs=1e-3)

    turned = ELASTIC.rotate(own, Rotation.random(random_state=3).as_matrix())
    path = tensor_file(tmp_path, turned, form="full", unit="GPa")
    with pytest.raises(
        MisfitError, match=r"(?s)violates the point group 32 by .* other axes"
    ) as error:
        measured(thing, path)
    assert "5 % are allowed" in str(error.value)
    assert measured(thing, path, project=True).residual == pytest.approx(0, abs=1e-9)


def test_the_axes_that_fit_are_named(tmp_path: Path) -> None:
    (entry,) = [e for e in examples.entries("dejong2015") if e["id"] == "mp-2851"]
    path = tmp_path / "VSb2.json"
    path.write_text(json.dumps({key: entry[key] for key in ("id", "lattice", "numbers", "frac")}))
    thing = read_structure(str(path))
    tensor = from_voigt(examples.load("mp-2851").values, symmetry="elastic")
    ieee = frame_of(thing, "ieee")
    turned = ELASTIC.rotate(tensor, ieee.rotation)
    with pytest.raises(MisfitError) as error:
        measured(thing, tensor_file(tmp_path, turned, form="full", unit="GPa"))
    assert "it fits when it is stated in" in str(error.value)
    assert "--axes ieee" in str(error.value)


def test_bad_files(tmp_path: Path) -> None:
    thing = read_structure(str(STRUCTURES / "quartz.cif"))
    with pytest.raises(FileError, match="there is no such file"):
        measured(thing, str(tmp_path / "none.json"))
    with pytest.raises(FileError, match="'psi' is no unit of a stiffness"):
        measured(thing, tensor_file(tmp_path, QUARTZ, unit="psi"))
    with pytest.raises(FileError, match="holds several tensors"):
        measured(thing, tensor_file(tmp_path, [QUARTZ, QUARTZ]))
    with pytest.raises(GeometryError, match="there is no such file or folder"):
        read_structure(str(tmp_path / "none.cif"))
    copper = {"numbers": [29], "lattice": (3 * np.eye(3)).tolist(), "frac": [[0, 0, 0]]}
    (tmp_path / "two.json").write_text(json.dumps([copper, copper]))
    with pytest.raises(GeometryError, match="holds 2 structures\na page shows one"):
        read_structure(str(tmp_path / "two.json"))


def test_densities() -> None:
    cell = 3.6149 * np.eye(3)  # copper, a in Å at 298 K
    frac = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    thing = geometry({"numbers": [29] * 4, "lattice": cell.tolist(), "frac": frac})
    assert density_kg_m3(thing) == pytest.approx(8935, rel=1e-3)
