"""Predictions: the same whatever the cell, the frame and the batch; honest about what they are."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import fcc111, make_supercell, molecule
from ase.io import read as ase_read
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

import carnet_model
from carnet_model.data.label_checks import rotate, symmetry_violation
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.network.targets import Target
from carnet_model.prediction import predictor as prediction
from carnet_model.prediction.domain import Domain
from carnet_model.prediction.formats import as_csv, as_document, as_extxyz
from carnet_model.prediction.predictor import Predictor, load
from carnet_model.prediction.result import Failure, Prediction, PredictionError
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.symmetry import point_group_rotations, primitive
from carnet_model.weights import shipped
from carnet_model.weights.shipped import ModelError
from natural_tensors import elasticity, from_voigt
from natural_tensors.files.saving import to_json
from tests.helpers.paths import ROOT
from tests.helpers.tiny_models import (
    CRYSTALS,
    ELASTIC,
    RECORDS,
    SETTINGS,
    network,
    predictor,
    saved,
    seen,
)

ONE_OF_EACH = ("mp-559", "mp-804", "mp-873", "mp-2700", "mp-7857", "mp-1399")


@pytest.fixture(scope="module")
def model() -> Predictor:
    return predictor(2, precision="double")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("weights") / "tiny")


def cubic(symbol: str = "Cu", edge: float = 3.6) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(edge), [symbol], [[0, 0, 0]])


def gap(one: Any, other: Any) -> float:
    """Return the relative distance of two arrays."""
    return float(np.linalg.norm(np.subtract(one, other)) / np.linalg.norm(other))


def as_ase(thing: Geometry) -> Atoms:
    return Atoms(thing.numbers, thing.positions, cell=thing.cell, pbc=thing.periodic)


# --- one tensor for one crystal -------------------------------------------------------------------


def test_a_batch_gives_what_each_gives_alone(model: Predictor) -> None:
    things = [CRYSTALS[name] for name in ONE_OF_EACH]
    together = model.predict(things)
    for size in (1, 2):
        for one, other in zip(model.predict(things, batch=size), together, strict=True):
            assert isinstance(one, Prediction)
            assert isinstance(other, Prediction)
            assert gap(one.tensor, other.tensor) < 1e-12
    assert gap(model.predict(things[3]).tensor, together[3].tensor) < 1e-12  # type: ignore[union-attr]


def test_many_bonds_are_passed_in_pieces(model: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    things = [CRYSTALS[name] for name in ONE_OF_EACH]
    wanted = model.predict(things)
    sizes: list[int] = []
    run = Predictor._run
    monkeypatch.setattr(prediction, "EDGES", 400)
    monkeypatch.setattr(
        Predictor, "_run", lambda self, graphs: (sizes.append(len(graphs)), run(self, graphs))[1]
    )
    found = model.predict(things)
    assert sum(sizes) == len(things)
    assert len(sizes) > 2
    for one, other in zip(found, wanted, strict=True):
        assert gap(one.tensor, other.tensor) < 1e-12  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_supercells_primitive_cells_and_rotated_cells_agree(model: Predictor, name: str) -> None:
    thing = CRYSTALS[name]
    wanted = model.predict(thing).tensor
    atoms = make_supercell(as_ase(thing), [[2, 0, 0], [1, 1, 0], [0, -1, 1]])
    assert gap(model.predict(atoms).tensor, wanted) < 1e-9
    assert gap(model.predict(primitive(geometry(atoms))).tensor, wanted) < 1e-9
    generator = np.random.default_rng(3)
    rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    for turn in (rotation, -rotation):  # one of them is improper
        turned = Geometry(
            thing.numbers, thing.positions @ turn.T, thing.cell @ turn.T, thing.periodic
        )
        found = model.predict(turned)
        assert gap(found.tensor, rotate(wanted, turn[None])[0]) < 1e-9
        assert np.array_equal(found.lattice, turned.cell)
    order = generator.permutation(len(thing))
    moved = Geometry(thing.numbers[order], thing.positions[order] + 0.7, thing.cell, thing.periodic)
    assert gap(model.predict(moved).tensor, wanted) < 1e-9


@pytest.mark.parametrize("target", [Target("piezoelectric-stress"), Target("ij=ji", axial=True)])
def test_polar_and_axial_tensors_follow_their_cells(target: Target) -> None:
    model = Predictor([network(target=target)], precision="double")
    thing = CRYSTALS["mp-804"]  # wurtzite: polar, without inversion
    found = model.predict(thing)
    assert found.stiffness is None
    assert found.moduli is None
    assert found.stable is None
    turn = -np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turned = Geometry(thing.numbers, thing.positions @ turn.T, thing.cell @ turn.T, thing.periodic)
    axial = target.reduction.symmetry.axial
    wanted = rotate(found.tensor, turn[None], axial=axial)[0]
    assert np.abs(model.predict(turned).tensor - wanted).max() < 1e-9
    assert "tensor" in found.to_dict()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_point_group_of_the_crystal_is_that_of_its_tensor(name: str) -> None:
    thing = CRYSTALS[name]
    group = point_group_rotations(thing)
    assert symmetry_violation(predictor(2).predict(thing).tensor, group) < 1e-6  # single precision


@pytest.mark.parametrize("name", ["mp-804", "mp-2700", "mp-11", "mp-7857"])
def test_a_cif_of_four_digits_keeps_its_symmetry(
    name: str, model: Predictor, tmp_path: Path
) -> None:
    thing = CRYSTALS[name]
    structure = Structure(thing.cell, thing.numbers.tolist(), thing.fractional)
    file = tmp_path / f"{name}.cif"
    file.write_text(str(CifWriter(structure, significant_figures=4)))
    found = model.predict(file)
    assert symmetry_violation(found.tensor, point_group_rotations(found.structure)) < 1e-5
    exact = model.predict(thing).moduli
    assert exact is not None
    assert found.moduli is not None
    assert found.moduli.bulk_hill == pytest.approx(exact.bulk_hill, rel=1e-4)


def test_double_precision_only_adds_digits() -> None:
    thing = CRYSTALS["mp-1399"]
    single, double = predictor(1), predictor(1, precision="double")
    assert 0 < gap(single.predict(thing).tensor, double.predict(thing).tensor) < 1e-5


# --- what comes out -------------------------------------------------------------------------------


def test_the_fields_agree_with_each_other(model: Predictor) -> None:
    found = model.predict(RECORDS[0])
    assert found.name == "mp-559"
    assert found.formula == "YPd3"
    assert (found.target, found.unit) == ("elastic", "GPa")
    assert found.stiffness is not None
    assert found.moduli is not None
    assert found.stiffness.shape == (6, 6)
    assert np.array_equal(found.stiffness, found.stiffness.T)
    assert gap(from_voigt(found.stiffness), found.tensor) < 1e-12
    assert np.allclose(found.lattice, RECORDS[0]["lattice"])
    assert found.stable is True
    assert found.moduli.bulk_hill == elasticity.moduli(found.stiffness).bulk_hill
    assert repr(found) == (
        f"Prediction(mp-559: YPd3, K = {found.moduli.bulk_hill:.1f} GPa, "
        f"G = {found.moduli.shear_hill:.1f} GPa)"
    )
    text = str(found)
    for part in ("YPd3  mp-559", "Voigt order xx yy zz yz xz xy", "lattice vectors [Å]", "± "):
        assert part in text
    assert "-0.0" not in text


def test_the_mean_of_members_and_their_spread() -> None:
    members = [Predictor([network(seed)], precision="double") for seed in range(3)]
    thing = CRYSTALS["mp-804"]
    single = [member.predict(thing) for member in members]
    assert all(found.uncertainty == {} for found in single)
    found = predictor(3, precision="double").predict(thing)
    tensors = np.array([one.tensor for one in single])
    assert gap(found.tensor, tensors.mean(axis=0)) < 1e-12
    spread = found.uncertainty
    matrices = np.array([one.stiffness for one in single])
    assert np.allclose(spread["stiffness"], matrices.std(axis=0, ddof=1))
    moduli = elasticity.moduli(matrices)
    for name in ("bulk", "shear", "youngs"):
        values = getattr(moduli, f"{name}_hill")
        assert spread[name] == pytest.approx(values.std(ddof=1))
    distance = np.sqrt(
        (np.linalg.norm((tensors - found.tensor).reshape(3, -1), axis=1) ** 2).sum() / 2
    )
    assert spread["relative"] == pytest.approx(distance / np.linalg.norm(found.tensor))


def test_the_spread_is_scaled_as_the_record_says() -> None:
    thing = CRYSTALS["mp-804"]
    plain = predictor(2).predict(thing).uncertainty
    scaled = predictor(2, record={"spread_scale": {"bulk": 2.5}}).predict(thing).uncertainty
    assert scaled["bulk"] == pytest.approx(2.5 * plain["bulk"])
    assert scaled["shear"] == plain["shear"]


def test_networks_that_disagree_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "HIGH_SPREAD", 1e-9)
    (warning,) = predictor(2).predict(CRYSTALS["mp-804"]).warnings
    assert warning.startswith("the networks disagree by ")


def test_tensors_of_atoms_have_the_atoms_first() -> None:
    model = Predictor([network(target=Target("ij=ji", pooling="atoms"))], precision="double")
    things = [CRYSTALS["mp-1399"], CRYSTALS["mp-101"]]
    found = model.predict(things)
    for one, thing in zip(found, things, strict=True):
        assert isinstance(one, Prediction)
        assert one.tensor.shape == (len(thing), 3, 3)
        assert gap(one.tensor, model.predict(thing).tensor) < 1e-9
    back = list(ase_read(io.StringIO(as_extxyz(found)), index=":", format="extxyz"))
    assert np.allclose(back[0].arrays["tensor"].reshape(-1, 3, 3), found[0].tensor)  # type: ignore[union-attr]
    assert "T7_zz" in as_csv(found).splitlines()[0].split(",")


def test_molecules_have_extensive_properties() -> None:
    model = Predictor([network(target=Target("ij=ji", pooling="sum"))])
    found = model.predict(molecule("H2O"))
    assert found.warnings == ()
    assert not found.lattice.any()
    assert "lattice" not in str(found)


# --- what goes in ---------------------------------------------------------------------------------


def test_every_kind_of_structure_gives_the_same(model: Predictor, tmp_path: Path) -> None:
    thing = CRYSTALS["mp-804"]
    structure = Structure(thing.cell, thing.numbers.tolist(), thing.fractional)
    file = tmp_path / "POSCAR"
    structure.to(str(file), "poscar")
    kinds = [thing, structure, as_ase(thing), structure.as_dict(), RECORDS[9], str(file), file]
    wanted = model.predict(thing).tensor
    for kind in kinds:
        assert gap(model.predict(kind).tensor, wanted) < 1e-6
    for many in (kinds, tuple(kinds), iter(kinds)):
        found = model.predict(many)
        assert len(found) == len(kinds)
    assert model.predict([]) == []


def test_a_path_in_a_list_stands_for_all_it_holds(model: Predictor, tmp_path: Path) -> None:
    file = tmp_path / "two.json"
    file.write_text(json.dumps(RECORDS[:2]))
    found = model.predict([file, CRYSTALS["mp-804"]])
    assert [one.name for one in found] == ["mp-559", "mp-16297", "mp-804"]
    with pytest.raises(PredictionError, match="holds 2 structures\npass a list with the path"):
        model.predict(file)


def failing(structure: Any, model: Predictor) -> Failure:
    """Return the failure that a structure becomes in a list, and alone."""
    with pytest.raises(PredictionError) as caught:
        model.predict(structure)
    good = CRYSTALS["mp-101"]
    before, found, after = model.predict([good, structure, good])
    assert isinstance(before, Prediction)
    assert isinstance(after, Prediction)
    assert isinstance(found, Failure)
    assert found.reason == caught.value.failure.reason
    assert found.remedy
    assert set(found.to_dict()) == {"name", "error", "remedy"}
    return found


def test_structures_without_a_prediction(tmp_path: Path, folder: Path) -> None:
    model = load(folder)
    disordered = Structure(Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    assert "disordered" in failing(disordered, model).reason
    overlapping = Atoms("Cu2", positions=[[0, 0, 0], [0, 0, 0.1]], cell=[4] * 3, pbc=True)
    assert "0.1 Å apart" in failing(overlapping, model).reason
    assert "is no structure" in failing(5, model).reason
    missing = failing(str(tmp_path / "nothing.cif"), model)
    assert missing.name == str(tmp_path / "nothing.cif")
    assert missing.reason == "there is no such file or folder"
    (tmp_path / "bad.cif").write_text("data_x\n_cell_length_a 1\n")
    assert failing(tmp_path / "bad.cif", model).name.endswith("bad.cif")
    flat = failing(Atoms("Cu", cell=[3, 3, 0], pbc=[True, True, True]), model)
    assert "lattice vector 3" in flat.reason
    broken = failing(Atoms("Cu", [[np.nan] * 3], cell=[3] * 3, pbc=True), model)
    assert "nan" in broken.reason


def test_an_unknown_element_is_named_with_those_known(folder: Path) -> None:
    found = failing(cubic("Po", 3.4), load(folder))
    assert found.reason == "these weights do not know Po"
    assert found.remedy.startswith("they know Li B C N O Mg Al Si ")


def test_crystal_properties_need_a_crystal(model: Predictor) -> None:
    assert "repeats along no direction" in failing(molecule("H2O"), model).reason
    slab = fcc111("Cu", (1, 1, 3))
    assert "its cell has no volume" in failing(slab, model).reason
    (warning,) = model.predict(fcc111("Cu", (1, 1, 3), vacuum=4)).warnings
    assert warning == "it repeats along 2 directions only, and this is a property of crystals"


def test_a_structure_too_large_is_refused(
    model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "LARGEST", 50)
    assert "give the primitive cell" in failing(CRYSTALS["mp-1399"], model).remedy


def test_numbers_that_are_not_finite_are_no_prediction() -> None:
    model = predictor(1)
    model.models[0].outputs[0].assembly.mean.fill_(float("nan"))
    with pytest.raises(PredictionError, match="a number that is not finite"):
        model.predict(CRYSTALS["mp-101"])


# --- what the training set says -------------------------------------------------------------------


def test_known_crystals_are_marked(folder: Path) -> None:
    model = load(folder)
    thing = CRYSTALS["mp-804"]
    for other in (thing, make_supercell(as_ase(thing), np.diag([2, 1, 1]))):
        assert model.predict(other).known == "mp-804"
    stretched = Geometry(thing.numbers, thing.positions * 1.2, thing.cell * 1.2, thing.periodic)
    assert model.predict(stretched).known is None
    assert "known: mp-804" in str(model.predict(thing))


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
    thing = CRYSTALS["mp-101"]
    assert domain.warnings_for(thing, np.array([12])) == []
    assert Domain.of([6], seen(RECORDS[:3]), crystals=True).counts["Pd"] == 1


# --- models ---------------------------------------------------------------------------------------


def test_a_checkpoint_predicts_what_its_networks_do(folder: Path) -> None:
    model = load(folder)
    thing = CRYSTALS["mp-1399"]
    assert gap(model.predict(thing).tensor, predictor(2).predict(thing).tensor) < 1e-6
    count = len(model.domain.elements)
    assert (
        repr(model) == f"Predictor(elastic in GPa, 2 networks, {count} elements, single precision)"
    )


def test_shipped_names_come_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shipped, "WEIGHTS", folder.parent)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    assert carnet_model.shipped() == ("tiny",)
    assert carnet_model.load("tiny").name == "tiny"
    with pytest.raises(ModelError, match=r"no model 'tinny'; did you mean 'tiny'\?") as caught:
        carnet_model.load("tinny")
    assert "with the package come: tiny" in str(caught.value)


def test_models_that_do_not_fit_together() -> None:
    with pytest.raises(ModelError, match="at least one network"):
        Predictor([])
    with pytest.raises(ModelError, match="precision 'half' is none of single, double"):
        Predictor([network()], precision="half")  # type: ignore[arg-type]
    other = network(target=Target("elastic"))
    with pytest.raises(ModelError, match="the same targets and one cutoff"):
        Predictor([network(), other])
    with pytest.raises(ValueError, match="batch is 0; allowed: 1 and more"):
        predictor(1).predict([], batch=0)


def test_large_batches_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []
    monkeypatch.setattr(prediction, "COMPILE_FROM", 2)
    monkeypatch.setattr(
        "carnet_model.compiled.compilation.compile_kernels",
        lambda model, mode: compiled.append((model, mode)),
    )
    model = predictor(2)
    model.predict([CRYSTALS["mp-101"]])
    assert compiled == []
    model.predict([CRYSTALS["mp-101"]] * 2)
    assert compiled == [(member, "auto") for member in model.models]


def test_the_package_is_imported_without_torch() -> None:
    code = (
        "import sys, carnet_model, carnet_model.cli;"
        "heavy = ('torch', 'lightning', 'matplotlib', 'pymatgen', 'ase', 'pydantic');"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def results(model: Predictor) -> list[Prediction | Failure]:
    return model.predict([CRYSTALS["mp-804"], "nothing.cif", CRYSTALS["mp-101"]])


def test_json(model: Predictor, results: list[Prediction | Failure]) -> None:
    document = json.loads(to_json(as_document(results, model)))
    assert document["unit"] == "GPa"
    assert document["form"] == "voigt"
    first, second, third = document["predictions"]
    assert np.allclose(first["stiffness"], results[0].stiffness)  # type: ignore[union-attr]
    assert first["uncertainty"]["relative"] > 0
    assert np.shape(first["uncertainty"]["stiffness"]) == (6, 6)
    assert first["moduli"]["bulk_hill"] == pytest.approx(results[0].moduli.bulk_hill)  # type: ignore[union-attr]
    assert first["lattice"] == CRYSTALS["mp-804"].cell.tolist()
    assert second["error"] == "there is no such file or folder"
    assert third["formula"] == "Ir"


def test_csv(results: list[Prediction | Failure]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(results))))
    assert [row["name"] for row in rows] == ["mp-804", "nothing.cif", "mp-101"]
    first = results[0]
    assert isinstance(first, Prediction)
    assert first.stiffness is not None
    assert float(rows[0]["C23"]) == pytest.approx(first.stiffness[1, 2], rel=1e-6)
    assert float(rows[0]["bulk_spread"]) == pytest.approx(first.uncertainty["bulk"], rel=1e-6)
    assert rows[0]["stable"] == "true"
    assert rows[1]["error"].startswith("there is no such file or folder; check the path")
    assert rows[1]["C11"] == ""
    assert rows[0]["error"] == ""


def test_extended_xyz_is_read_back_as_labelled_structures(
    results: list[Prediction | Failure], tmp_path: Path
) -> None:
    file = tmp_path / "out.extxyz"
    file.write_text(as_extxyz(results))
    source = LabelSource("elastic", "stiffness", "voigt", "GPa")
    examples = read_examples(file, source, for_training=False)
    assert len(examples) == 2
    first = results[0]
    assert isinstance(first, Prediction)
    assert gap(examples[0].labels["elastic"], first.tensor) < 1e-6
    assert np.allclose(examples[0].geometry.cell, first.lattice)


def test_a_full_tensor_goes_into_files_too(tmp_path: Path) -> None:
    model = Predictor([network(target=Target("dielectric"))])
    found = model.predict([CRYSTALS["mp-804"]])
    assert as_csv(found).splitlines()[0].startswith("name,formula,T_xx,T_xy")
    assert as_document(found, model)["form"] == "full"
    file = tmp_path / "out.extxyz"
    file.write_text(as_extxyz(found))
    examples = read_examples(file, LabelSource("dielectric", "tensor"), for_training=False)
    assert gap(examples[0].labels["dielectric"], found[0].tensor) < 1e-6  # type: ignore[union-attr]
    assert "dielectric" in str(found[0])


def test_settings_without_volume_take_molecules() -> None:
    settings = SETTINGS.model_copy(update={"volume": False})
    model = Predictor([network(target=ELASTIC, settings=settings)])
    assert model.predict(molecule("H2O")).warnings == ()
