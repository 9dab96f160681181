"""Labels against point groups: groups, averages, the report, and what would mend a label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, molecule
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from carnet_model.data.examples import DatasetError, Example
from carnet_model.data.label_checks import average, check, repair, rotate, symmetry_violation
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry, GeometryError
from carnet_model.structures.symmetry import (
    known_frames,
    point_group_rotations,
    primitive,
    symmetry_of,
)
from natural_tensors import reduction
from tests.helpers.paths import DATA

QUARTZ = Structure.from_spacegroup(
    "P3_221", Lattice.hexagonal(4.913, 5.405), ["Si", "O"],
    [[0.4697, 0, 2 / 3], [0.4135, 0.2669, 0.7858]],
)  # fmt: skip


def turned(thing: Geometry, seed: int = 0) -> tuple[Geometry, np.ndarray]:
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    new = Geometry(
        thing.numbers, thing.positions @ turn.T, thing.cell @ turn.T, thing.periodic, thing.name
    )
    return new, turn


def some(name: str, seed: int = 0) -> np.ndarray:
    target = reduction(name)
    return np.asarray(
        target.symmetrize(np.random.default_rng(seed).normal(size=(3,) * target.rank))
    )


# --- groups and averages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crystal", "order", "proper"),
    [
        (geometry(bulk("Cu")), 48, 24),
        (geometry(bulk("Cu", cubic=True)), 48, 24),
        (geometry(bulk("GaAs", "zincblende", a=5.65)), 24, 12),
        (geometry(bulk("ZnO", "wurtzite", a=3.25, c=5.2)), 12, 6),
        (geometry(QUARTZ), 6, 6),
    ],
)
def test_groups_are_those_of_the_crystal_in_its_own_frame(
    crystal: Geometry, order: int, proper: int
) -> None:
    for thing in (crystal, turned(crystal)[0]):
        group = point_group_rotations(thing)
        assert group.shape == (order, 3, 3)
        assert np.allclose(group @ group.swapaxes(1, 2), np.eye(3))
        assert (np.linalg.det(group) > 0).sum() == proper
        # closed: every product is in the group
        products = (group[:, None] @ group[None]).reshape(-1, 1, 3, 3)
        assert (np.abs(products - group).max(axis=(2, 3)).min(axis=1) < 1e-6).all()


def test_a_left_handed_cell_has_the_same_group() -> None:
    crystal = geometry(QUARTZ)
    left = Geometry(
        crystal.numbers, crystal.positions, crystal.cell[[1, 0, 2]], crystal.periodic, "left"
    )
    assert np.linalg.det(left.cell) < 0
    ours, theirs = point_group_rotations(crystal), point_group_rotations(left)
    gaps = np.abs(ours[:, None] - theirs[None]).max(axis=(2, 3))
    assert (gaps.min(axis=1) < 1e-9).all()
    assert symmetry_of(left).number == symmetry_of(crystal).number == 154


@pytest.mark.parametrize(("name", "order"), [("CH4", 24), ("H2O", 4), ("NH3", 6), ("C6H6", 24)])
def test_molecules_have_groups_too(name: str, order: int) -> None:
    assert len(point_group_rotations(geometry(molecule(name)))) == order


def test_infinite_groups_and_slabs_are_refused() -> None:
    for name in ("CO2", "H2", "O"):
        with pytest.raises(GeometryError, match="infinite"):
            point_group_rotations(geometry(molecule(name)))
    slab = geometry(bulk("Cu"))
    with pytest.raises(GeometryError, match="repeats along 2 directions"):
        point_group_rotations(
            Geometry(slab.numbers, slab.positions, slab.cell, (True, True, False))
        )


@pytest.mark.parametrize(
    "name", ["dipole", "dielectric", "piezoelectric-stress", "elastic", "nmr-shielding", "gyration"]
)
def test_rotate_follows_rule_16(name: str) -> None:
    target = reduction(name)
    tensor = some(name)
    turns = np.array([Rotation.random(rng=np.random.default_rng(2)).as_matrix()])
    for operations in (turns, -turns):
        ours = rotate(tensor, operations, axial=target.symmetry.axial)[0]
        assert np.allclose(ours, target.rotate(tensor, operations[0]))


def test_averages_have_the_forms_of_the_textbooks() -> None:
    cubic = average(some("elastic"), point_group_rotations(geometry(bulk("Cu", cubic=True))))
    matrix = np.asarray(reduction("elastic").convert(cubic, target="voigt"))
    assert np.allclose(np.diag(matrix)[:3], matrix[0, 0])
    assert np.allclose(np.diag(matrix)[3:], matrix[3, 3])
    assert np.allclose(matrix[:3, 3:], 0)
    # inversion kills a polar tensor of odd rank, and leaves an axial one of even rank nothing
    centred = point_group_rotations(geometry(bulk("NaCl", "rocksalt", a=5.64)))
    assert np.allclose(average(some("piezoelectric-stress"), centred), 0)
    assert np.allclose(average(some("gyration"), centred, axial=True), 0)
    chiral = point_group_rotations(geometry(QUARTZ))
    assert not np.allclose(average(some("gyration"), chiral, axial=True), 0)
    # 32 has e11 = -e12 = -e26 and e14 = -e25 only
    piezo = average(some("piezoelectric-stress"), chiral)
    matrix = np.asarray(reduction("piezoelectric-stress").convert(piezo, target="voigt"))
    assert np.count_nonzero(np.abs(matrix) > 1e-9) == 5
    assert np.allclose([matrix[0, 1], matrix[1, 5], matrix[1, 4]],
                       [-matrix[0, 0], -matrix[0, 0], -matrix[0, 3]])  # fmt: skip


def test_an_average_is_a_projection() -> None:
    group = point_group_rotations(turned(geometry(QUARTZ))[0])
    tensor = some("elastic")
    mean = average(tensor, group)
    assert np.allclose(average(mean, group), mean)
    assert symmetry_violation(mean, group) < 1e-12
    size = np.linalg.norm(tensor)
    assert symmetry_violation(tensor, group) == pytest.approx(np.linalg.norm(tensor - mean) / size)
    assert symmetry_violation(np.zeros((3, 3)), group) == 0


def test_the_primitive_cell_keeps_the_frame() -> None:
    crystal, _ = turned(geometry(bulk("Cu", cubic=True)))
    small = primitive(crystal)
    assert len(small) == 1
    assert small.volume == pytest.approx(crystal.volume / 4)
    steps = small.cell @ np.linalg.inv(crystal.cell)
    assert np.allclose(steps * 2, np.round(steps * 2))


# --- the report -----------------------------------------------------------------------------------


def quartz_example(seed: int = 1) -> Example:
    crystal, _ = turned(geometry(QUARTZ, name="quartz"), seed)
    tensor = some("elastic") + 3 * some("elastic", 5)
    return Example(
        crystal, {"elastic": average(tensor, point_group_rotations(crystal))}, identifier=f"q{seed}"
    )


def test_the_report_names_the_worst_first() -> None:
    good = quartz_example()
    tensor = good.labels["elastic"]
    wrong, worse = (
        replace(good, labels={"elastic": tensor + size * some("elastic", 9)}, identifier=name)
        for size, name in ((1.0, "wrong"), (9.0, "worse"))
    )
    scalar = replace(good, labels={"elastic": np.array(1.0)})
    other = replace(good, labels={})
    linear = Example(geometry(molecule("CO2")), {"elastic": tensor})
    report = check([good, wrong, worse, scalar, other, linear], "elastic")
    assert [found.identifier for found in report.findings] == ["worse", "wrong"]
    assert [found.index for found in report.findings] == [2, 1]
    assert report.checked == 3
    assert report.residuals[0] < 1e-12
    assert np.isnan(report.residuals[3:]).all()
    assert sum(report.skipped.values()) == 3
    text = str(report)
    for words in ("3 labels checked", "2 violate", "worse  SiO2", "scalars", "infinite", "largest"):
        assert words in text


def test_an_empty_check_reports_nothing() -> None:
    assert "0 labels checked" in str(check([], "elastic"))


def test_improper_operations_count_for_axial_and_odd_tensors() -> None:
    zinc = geometry(bulk("GaAs", "zincblende", a=5.65))
    group = point_group_rotations(zinc)
    piezo = average(some("piezoelectric-stress"), group)
    assert np.linalg.norm(piezo) > 0.1  # Td allows e14
    assert check([Example(zinc, {"piezoelectric-stress": piezo})], "piezoelectric-stress").checked
    # an axial vector along z is allowed in 4/m, a polar one is not; the catalogue knows which
    gyration = Example(zinc, {"gyration": np.eye(3)})
    assert check([gyration], "gyration").residuals[0] == pytest.approx(1)
    assert check([gyration], "gyration", axial=False).residuals[0] < 1e-9


def test_labels_of_atoms_are_not_checked() -> None:
    crystal = geometry(bulk("ZnO", "wurtzite", a=3.25, c=5.2))
    example = Example(crystal, {"nmr-shielding": np.zeros((4, 3, 3))})
    assert check([example], "nmr-shielding").skipped == {"labels of single atoms": 1}
    three = Example(geometry(molecule("H2O")), {"nmr-shielding": np.zeros((3, 3, 3))})
    assert check([three], "nmr-shielding").skipped == {"labels of single atoms": 1}


# --- repair ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "which",
    ["the IEEE axes of pymatgen", "the standard axes of spglib", "the axes pymatgen gives a CIF",
     "the axes ASE gives a CIF"],
)  # fmt: skip
def test_a_tensor_in_other_axes_is_brought_back(which: str) -> None:
    good = quartz_example()
    axes = dict(known_frames(good.geometry))
    there = rotate(good.labels["elastic"], axes[which][None])[0]
    stated = replace(good, labels={"elastic": there, "kept": np.array(1.0)})
    offers = repair(stated, "elastic")
    found = [offer for offer in offers if offer.kind == "frame"]
    assert found
    assert any(which in offer.what for offer in found)
    offer = next(offer for offer in found if which in offer.what)
    assert offer.example is not None
    assert np.allclose(offer.example.labels["elastic"], good.labels["elastic"])
    assert "kept" in offer.example.labels
    assert [offer.kind for offer in offers][-2:] == ["average", "drop"]
    assert offers[-1].example is None


def test_noise_is_averaged_and_no_frame_is_blamed() -> None:
    good = quartz_example()
    noisy = replace(good, labels={"elastic": good.labels["elastic"] + 0.3 * some("elastic", 7)})
    offers = repair(noisy, "elastic")
    assert [offer.kind for offer in offers] == ["average", "drop"]
    assert offers[0].example is not None
    assert (
        symmetry_violation(
            offers[0].example.labels["elastic"], point_group_rotations(good.geometry)
        )
        < 1e-12
    )
    assert str(offers[0]).startswith("average: ")


def test_a_label_that_fits_needs_no_other_frame() -> None:
    assert [offer.kind for offer in repair(quartz_example(), "elastic")] == ["average", "drop"]
    with pytest.raises(DatasetError, match="has no label 'x'\nit has elastic"):
        repair(quartz_example(), "x")


# --- real labels ----------------------------------------------------------------------------------


def test_public_labels_agree_with_their_crystals() -> None:
    path = DATA / "elastic.json.gz"
    if not path.exists():
        pytest.skip("elastic.json.gz is not at hand; name its folder in NATURAL_TENSORS_DATA")
    examples = read_examples(path, LabelSource("elastic", "C", "upper", "GPa"))[::25]
    report = check(examples, "elastic")
    assert report.checked == len(examples) > 100
    assert not report.findings
    # taken for IEEE tensors and not rotated back, many fail: the check sees a wrong frame
    wrong = []
    for example in examples:
        axes = dict(known_frames(example.geometry)).get("the IEEE axes of pymatgen", np.eye(3))
        tensor = rotate(example.labels["elastic"], axes[None])[0]
        wrong.append(replace(example, labels={"elastic": tensor}))
    report = check(wrong, "elastic")
    assert len(report.findings) > 10
    mended = [repair(wrong[found.index], "elastic")[0].kind for found in report.findings]
    assert mended.count("frame") > 0.9 * len(mended)


def test_the_shipped_examples_agree_with_their_crystals() -> None:
    packs = sorted(DATA.glob("examples_dejong.json"))
    if not packs:
        pytest.skip("examples_dejong.json is not at hand; name its folder in NATURAL_TENSORS_DATA")
    examples = read_examples(packs[0], LabelSource("elastic", "C", "upper", "GPa"))
    assert not check(examples, "elastic", tolerance=0.01).findings
