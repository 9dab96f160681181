"""Predictions: the same whatever the cell, the frame and the batch."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import fcc111, make_supercell, molecule
from ase.io import read as ase_read
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from carnet_model.data.label_checks import rotate, symmetry_violation
from carnet_model.inference.networks import Response
from carnet_model.network.targets import Target
from carnet_model.prediction import predictor as prediction
from carnet_model.prediction.formats import as_csv, as_extxyz
from carnet_model.prediction.predictor import Predictor, load
from carnet_model.prediction.result import Failure, Prediction, PredictionError
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.graph import Graph
from carnet_model.structures.symmetry import point_group_rotations, primitive
from carnet_model.weights.shipped import ModelError
from natural_tensors import elasticity, limits
from tests.helpers.predictions import ONE_OF_EACH, as_ase, cubic, gap, transformed
from tests.helpers.tiny_models import (
    CRYSTALS,
    ELASTIC,
    RECORDS,
    SETTINGS,
    network,
    predictor,
)


def test_a_batch_gives_what_each_gives_alone(model: Predictor) -> None:
    crystals = [CRYSTALS[name] for name in ONE_OF_EACH]
    together = model.predict(crystals)
    for size in (1, 2):
        for one, other in zip(model.predict(crystals, batch=size), together, strict=True):
            assert isinstance(one, Prediction)
            assert isinstance(other, Prediction)
            assert gap(one.tensor, other.tensor) < 1e-12
    assert gap(model.predict(crystals[3]).tensor, together[3].tensor) < 1e-12  # type: ignore[union-attr]


def test_many_bonds_are_passed_in_pieces(model: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    crystals = [CRYSTALS[name] for name in ONE_OF_EACH]
    wanted = model.predict(crystals)
    sizes: list[int] = []
    respond = model.networks.respond

    def counted(graphs: Sequence[Graph], keys: list[str], *, derivatives: bool) -> Response:
        sizes.append(len(graphs))
        return respond(graphs, keys, derivatives=derivatives)

    monkeypatch.setattr(prediction, "EDGES", 400)
    monkeypatch.setattr(model.networks, "respond", counted)
    found = model.predict(crystals)
    assert sum(sizes) == len(crystals)
    assert len(sizes) > 2
    for one, other in zip(found, wanted, strict=True):
        assert gap(one.tensor, other.tensor) < 1e-12  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_supercells_primitive_cells_and_rotated_cells_agree(model: Predictor, name: str) -> None:
    crystal = CRYSTALS[name]
    wanted = model.predict(crystal).tensor
    atoms = make_supercell(as_ase(crystal), [[2, 0, 0], [1, 1, 0], [0, -1, 1]])
    assert gap(model.predict(atoms).tensor, wanted) < 1e-9
    assert gap(model.predict(primitive(geometry(atoms))).tensor, wanted) < 1e-9
    generator = np.random.default_rng(3)
    rotation = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    for turn in (rotation, -rotation):  # one of them is improper
        turned = transformed(crystal, turn)
        found = model.predict(turned)
        assert gap(found.tensor, rotate(wanted, turn[None])[0]) < 1e-9
        assert np.array_equal(found.lattice, turned.cell)
    order = generator.permutation(len(crystal))
    moved = replace(
        crystal, numbers=crystal.numbers[order], positions=crystal.positions[order] + 0.7
    )
    assert gap(model.predict(moved).tensor, wanted) < 1e-9


@pytest.mark.parametrize("target", [Target("piezoelectric-stress"), Target("ij=ji", axial=True)])
def test_polar_and_axial_tensors_follow_their_cells(target: Target) -> None:
    model = Predictor([network(target=target)], precision="double")
    crystal = CRYSTALS["mp-804"]  # wurtzite: polar, without inversion
    found = model.predict(crystal)
    assert found.stiffness is None
    assert found.moduli is None
    assert found.stable is None
    turn = -np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    turned = transformed(crystal, turn)
    axial = target.reduction.symmetry.axial
    wanted = rotate(found.tensor, turn[None], axial=axial)[0]
    assert np.abs(model.predict(turned).tensor - wanted).max() < 1e-9
    assert "tensor" in found.to_dict()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_point_group_of_the_crystal_is_that_of_its_tensor(name: str) -> None:
    crystal = CRYSTALS[name]
    group = point_group_rotations(crystal)
    assert (
        symmetry_violation(predictor(2).predict(crystal).tensor, group) < 1e-6
    )  # single precision


@pytest.mark.parametrize("name", ["mp-804", "mp-2700", "mp-11", "mp-7857"])
def test_a_cif_of_four_digits_keeps_its_symmetry(
    name: str, model: Predictor, tmp_path: Path
) -> None:
    crystal = CRYSTALS[name]
    structure = Structure(crystal.cell, crystal.numbers.tolist(), crystal.fractional)
    file = tmp_path / f"{name}.cif"
    file.write_text(str(CifWriter(structure, significant_figures=4)))
    found = model.predict(file)
    assert symmetry_violation(found.tensor, point_group_rotations(found.structure)) < 1e-5
    exact = model.predict(crystal).moduli
    assert exact is not None
    assert found.moduli is not None
    assert found.moduli.bulk_hill == pytest.approx(exact.bulk_hill, rel=1e-4)


def test_double_precision_only_adds_digits() -> None:
    crystal = CRYSTALS["mp-1399"]
    single, double = predictor(1), predictor(1, precision="double")
    assert 0 < gap(single.predict(crystal).tensor, double.predict(crystal).tensor) < 1e-5


def test_the_mean_of_members_and_their_spread() -> None:
    members = [Predictor([network(seed)], precision="double") for seed in range(3)]
    crystal = CRYSTALS["mp-804"]
    single = [member.predict(crystal) for member in members]
    assert all(found.uncertainty == {} for found in single)
    found = predictor(3, precision="double").predict(crystal)
    tensors = np.array([one.tensor for one in single])
    assert gap(found.tensor, tensors.mean(axis=0)) < 1e-12
    spread = found.uncertainty
    matrices = np.array([one.stiffness for one in single])
    rounding = 1e-5 * np.linalg.norm(found.tensor)  # below it a component is zero by symmetry
    assert np.allclose(spread["stiffness"], matrices.std(axis=0, ddof=1), atol=rounding)
    moduli = elasticity.moduli(matrices)
    for name in ("bulk", "shear", "youngs"):
        values = getattr(moduli, f"{name}_hill")
        assert spread[name] == pytest.approx(values.std(ddof=1))
    distance = np.sqrt(
        (np.linalg.norm((tensors - found.tensor).reshape(3, -1), axis=1) ** 2).sum() / 2
    )
    assert spread["relative"] == pytest.approx(distance / np.linalg.norm(found.tensor))


def test_intervals_are_those_of_the_record() -> None:
    crystal = CRYSTALS["mp-804"]
    plain = predictor(2).predict(crystal).uncertainty
    errors = {"constant": 0.0, "powers": [1.0, 0.0, 0.0], "likely": 2.5, "sure": 4.0}
    known = {"intervals": {"bulk": errors}, "reference": "PBE at 0 K"}
    prediction = predictor(2, record=known).predict(crystal)
    stated = prediction.uncertainty
    assert stated["bulk"] == pytest.approx(2.5 * plain["bulk"])
    assert stated["bulk_95"] == pytest.approx(4.0 * plain["bulk"])
    assert stated["shear"] == plain["shear"]
    assert "shear_95" not in stated
    assert prediction.reference == "PBE at 0 K"


def test_an_uncertain_tensor_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "HIGH_SPREAD", 1e-9)
    (warning,) = predictor(2).predict(CRYSTALS["mp-804"]).warnings
    assert warning.startswith("the tensor is uncertain by ")


def test_tensors_of_atoms_have_the_atoms_first() -> None:
    model = Predictor([network(target=Target("ij=ji", pooling="atoms"))], precision="double")
    crystals = [CRYSTALS["mp-1399"], CRYSTALS["mp-101"]]
    found = model.predict(crystals)
    for one, crystal in zip(found, crystals, strict=True):
        assert isinstance(one, Prediction)
        assert one.tensor.shape == (len(crystal), 3, 3)
        assert gap(one.tensor, model.predict(crystal).tensor) < 1e-9
    back = list(ase_read(io.StringIO(as_extxyz(found, model)), index=":", format="extxyz"))
    assert np.allclose(back[0].arrays["tensor"].reshape(-1, 3, 3), found[0].tensor)  # type: ignore[union-attr]
    assert "T7_zz" in as_csv(found, model).splitlines()[0].split(",")


def test_molecules_have_extensive_properties() -> None:
    model = Predictor([network(target=Target("ij=ji", pooling="sum"))])
    found = model.predict(molecule("H2O"))
    assert found.warnings == ()
    assert not found.lattice.any()
    assert "lattice" not in str(found)


def test_every_kind_of_structure_gives_the_same(model: Predictor, tmp_path: Path) -> None:
    crystal = CRYSTALS["mp-804"]
    structure = Structure(crystal.cell, crystal.numbers.tolist(), crystal.fractional)
    file = tmp_path / "POSCAR"
    structure.to(str(file), "poscar")
    kinds = [crystal, structure, as_ase(crystal), structure.as_dict(), RECORDS[9], str(file), file]
    wanted = model.predict(crystal).tensor
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


def test_a_structure_too_large_costs_no_other(model: Predictor) -> None:
    with limits.changed(bonds=50):
        failure = failing(CRYSTALS["mp-1399"], model)
        assert failure.reason.endswith("Å, more than the limit bonds of 50 directed bonds")
        assert "give the primitive cell" in failure.remedy
        assert "--limit bonds=" in failure.remedy
    with limits.changed(bonds=2000):
        grid = np.array(list(np.ndindex(3, 3, 3))) * 0.45
        numbers = np.ones(27, dtype=np.int64)
        dense = Geometry(numbers, grid, np.eye(3) * 1.35, (True, True, True), "dense")
        results = model.predict([dense, CRYSTALS["mp-1399"]])
    assert [type(result) for result in results] == [Failure, Prediction]


def test_numbers_that_are_not_finite_are_no_prediction() -> None:
    model = predictor(1)
    model.models[0].outputs[0].assembly.mean.fill_(float("nan"))
    with pytest.raises(PredictionError, match="a number that is not finite"):
        model.predict(CRYSTALS["mp-101"])


def test_a_checkpoint_predicts_what_its_networks_do(folder: Path) -> None:
    model = load(folder)
    crystal = CRYSTALS["mp-1399"]
    assert gap(model.predict(crystal).tensor, predictor(2).predict(crystal).tensor) < 1e-6
    count = len(model.domain.elements)
    assert (
        repr(model) == f"Predictor(elastic in GPa, 2 networks, {count} elements, single precision)"
    )


def test_models_that_do_not_fit_together() -> None:
    with pytest.raises(ModelError, match="at least one network"):
        Predictor([])
    with pytest.raises(ModelError, match="precision 'half' is none of single, double"):
        Predictor([network()], precision="half")  # type: ignore[arg-type]
    other = network(target=Target("elastic", positive=False))
    with pytest.raises(ModelError, match="the same targets and one cutoff"):
        Predictor([network(), other])
    with pytest.raises(ValueError, match="batch is 0; allowed: 1 and more"):
        predictor(1).predict([], batch=0)


def test_what_happens_to_one_costs_no_other(
    model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    crystals = [CRYSTALS[name] for name in ONE_OF_EACH]
    wanted = model.predict(crystals)
    respond = model.networks.respond

    def short_of_memory(graphs: Sequence[Graph], keys: list[str], *, derivatives: bool) -> Response:
        if any(len(each.numbers) == len(crystals[3]) for each in graphs):
            raise MemoryError
        return respond(graphs, keys, derivatives=derivatives)

    monkeypatch.setattr(model.networks, "respond", short_of_memory)
    found = model.predict(crystals)
    assert len(found) == len(crystals)
    for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
        if len(crystals[place]) == len(crystals[3]):
            assert isinstance(one, Failure)
            assert one.reason == "it could not be computed: memory is too small"
            assert one.structure is crystals[place]
        else:
            assert gap(one.tensor, other.tensor) < 1e-12  # type: ignore[union-attr]


def test_an_unforeseen_error_is_told_with_its_kind(
    model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nothing\nat all")

    monkeypatch.setattr(prediction, "frame_of", broken)
    (found,) = model.predict([CRYSTALS["mp-101"]])
    assert isinstance(found, Failure)
    assert found.name == "mp-101"
    assert found.reason == "it could not be computed: ZeroDivisionError: by nothing"


def test_results_come_as_soon_as_they_are_known(
    model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    crystals = [CRYSTALS[name] for name in ONE_OF_EACH]
    entries: list[Geometry | Failure] = [crystals[0], Failure("bad", "no file"), crystals[1]]
    stream = model.predict_each(entries, batch=1)
    assert next(stream)[0] == 1  # nothing is to be computed
    assert [place for place, _ in stream] == [0, 2]
    monkeypatch.setattr(model.networks, "respond", lambda *_: 1 / 0)
    assert [place for place, _ in model.predict_each(entries)] == [1, 0, 2]


def test_settings_without_volume_take_molecules() -> None:
    settings = SETTINGS.model_copy(update={"volume": False})
    model = Predictor([network(target=ELASTIC, settings=settings)])
    assert model.predict(molecule("H2O")).warnings == ()
