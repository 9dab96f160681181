"""Examples from every format, units and forms, splits that hold, and what was trained on."""

from __future__ import annotations

import csv
import gzip
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.db import connect
from ase.io import write
from pymatgen.core import Composition, Lattice, Structure
from scipy.spatial.transform import Rotation

from carnet_model.data.examples import DatasetError, Example, bucket, split_of, without_reserved
from carnet_model.data.fingerprints import DUPLICATE, Fingerprints, fingerprint
from carnet_model.data.labels import LabelSource, WeightRule
from carnet_model.data.reading import read_examples
from carnet_model.structures.conversion import geometry
from carnet_model.structures.geometry import Geometry
from carnet_model.structures.signature import distance, signature
from natural_tensors import from_voigt, reduction
from tests.helpers.paths import DATA

COPPER = bulk("Cu", a=3.6)
STIFFNESS = np.diag([170.0, 170, 170, 75, 75, 75])
STIFFNESS[:3, :3] += 120 * (1 - np.eye(3))
UPPER = STIFFNESS[np.triu_indices(6)].tolist()
FULL = np.asarray(from_voigt(STIFFNESS))
ELASTIC = LabelSource("elastic", "C", "upper", "GPa")


def record(**fields: Any) -> dict[str, Any]:
    return {
        "lattice": COPPER.cell.array.tolist(),
        "numbers": COPPER.numbers.tolist(),
        "frac": [[0.0, 0.0, 0.0]],
        **fields,
    }


def saved(path: Path, records: Sequence[Any]) -> Path:
    text = json.dumps(records).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


# --- splits ---------------------------------------------------------------------------------------


def test_buckets_are_those_of_the_rule() -> None:
    # computed apart from this code: sha1 of the text, as an integer, modulo 100
    wanted = {"CaF2": 9, "AlN": 3, "Al": 11, "SiO2": 11, "NaCl": 39, "Cu": 86, "MgO": 97, "Si": 37}
    assert {formula: bucket(formula) for formula in wanted} == wanted
    assert bucket("Ca2F4") == bucket("CaF2")
    assert bucket("O4Si2") == bucket("SiO2")
    assert [split_of(formula) for formula in ("AlN", "CaF2", "Al", "Cu")] == [
        "reserved", "reserved", "val", "train",
    ]  # fmt: skip


def test_reserved_crystals_are_left_out_of_training(tmp_path: Path) -> None:
    nitride = geometry(bulk("AlN", "wurtzite", a=3.1, c=4.98))
    secret = {
        "lattice": nitride.cell.tolist(),
        "numbers": nitride.numbers.tolist(),
        "positions": nitride.positions.tolist(),
        "split": "train",  # what a file says does not count
        "C": UPPER,
    }
    path = saved(tmp_path / "a.json", [record(C=UPPER), secret])
    examples = read_examples(path, ELASTIC)
    assert [example.formula for example in examples] == ["Cu"]
    assert examples.reserved == 1
    assert "1 reserved" in repr(examples)
    everything = read_examples(path, ELASTIC, for_training=False)
    assert [example.split for example in everything] == ["train", "reserved"]
    assert without_reserved(everything)[1] == 1
    # the same atoms as a molecule are no crystal of that formula
    cluster = Example(
        Geometry(nitride.numbers, nitride.positions, np.zeros((3, 3)), (False,) * 3), {}
    )
    assert without_reserved([cluster]) == ([cluster], 0)


def test_splits_follow_the_record_unless_reserved() -> None:
    crystal = geometry(COPPER)
    assert Example(crystal, {}).split == "train"
    assert Example(crystal, {}, notes={"split": "val"}).split == "val"
    assert Example(geometry(bulk("Al")), {}).split == "val"
    assert Example(geometry(bulk("Al")), {}, notes={"split": "train"}).split == "train"


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("upper", UPPER),
        ("voigt", STIFFNESS),
        ("voigt", STIFFNESS.ravel()),
        ("full", FULL),
        ("full", FULL.ravel()),
        ("components", UPPER),
        ("mandel", np.asarray(reduction("elastic").convert(FULL, target="mandel"))),
    ],
)
def test_every_form_gives_the_full_tensor(form: Any, value: Any) -> None:
    assert np.allclose(LabelSource("elastic", form=form).read(value, "x"), FULL)


def test_rank_two_and_three_have_forms_too() -> None:
    matrix = np.array([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    for form, value in (
        ("full", matrix), ("voigt", [1, 4, 6, 5, 3, 2]), ("upper", [1, 2, 3, 4, 5, 6]),
    ):  # fmt: skip
        assert np.allclose(LabelSource("dielectric", form=form).read(value, "x"), matrix)  # type: ignore[arg-type]
    piezo = np.arange(18.0).reshape(3, 6)
    read = LabelSource("piezoelectric-stress", form="voigt").read(piezo, "x")
    assert read.shape == (3, 3, 3)
    assert read[0, 1, 2] == read[0, 2, 1] == piezo[0, 3]
    with pytest.raises(DatasetError, match="square matrix"):
        LabelSource("piezoelectric-stress", form="upper")
    general = np.arange(9.0).reshape(3, 3)
    assert np.array_equal(LabelSource("mine", symmetry="ij").read(general, "x"), general)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("GPa", 1), ("Pa", 1e-9), ("kbar", 0.1), ("eV/A^3", 160.21766), ("", 1), ("Mbar", 100)],
)
def test_stiffness_is_kept_in_gpa(unit: str, factor: float) -> None:
    source = LabelSource("elastic", form="full", unit=unit)
    assert source.unit_kept == "GPa"
    assert np.allclose(source.read(FULL / factor, "x"), FULL, rtol=1e-7)


def test_units_that_cannot_be_converted_are_refused() -> None:
    with pytest.raises(DatasetError, match="unit 'psi' is unknown\nallowed: GPa, Pa"):
        LabelSource("elastic", unit="psi")
    with pytest.raises(DatasetError, match=r"allowed: C/m\^2; or leave the unit out"):
        LabelSource("piezoelectric-stress", unit="e/A^2")
    assert LabelSource("piezoelectric-stress", unit="C/m^2").factor == 1
    assert LabelSource("K_VRH", form="scalar", unit="kbar").read(1000, "x") == 100
    assert LabelSource("gap", form="scalar", unit="eV").unit_kept == "eV"


def test_bad_sources_are_refused_at_once() -> None:
    with pytest.raises(DatasetError, match="allowed: full, components"):
        LabelSource("elastic", form="lower")  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="elastik"):
        LabelSource("elastik")
    with pytest.raises(DatasetError, match="choose another form"):
        LabelSource("mine", symmetry="ij", form="voigt")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (UPPER[:-1], r"shape \(20,\); form 'upper' needs \(21,\)"),
        ([float("nan")] * 21, "not finite"),
        ("text", "no table of numbers"),
    ],
)
def test_labels_of_the_wrong_kind_are_refused(value: Any, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        ELASTIC.read(value, "x")


def test_a_tensor_must_have_its_index_symmetry() -> None:
    source = LabelSource("elastic", form="voigt")
    noisy = STIFFNESS.copy()
    noisy[0, 1] += 1
    assert np.allclose(source.read(noisy, "x")[0, 0, 1, 1], 120.5)
    noisy[0, 1] += 100
    with pytest.raises(DatasetError, match="record 7: elastic violates its index symmetry"):
        source.read(noisy, "record 7")


# --- files ----------------------------------------------------------------------------------------


def check_copper(examples: Sequence[Example], label: str = "elastic") -> Example:
    (example,) = examples
    assert example.formula == "Cu"
    assert np.allclose(example.labels[label], FULL)
    assert np.allclose(np.abs(np.linalg.det(example.geometry.cell)), 3.6**3 / 4)
    return example


def test_json_of_this_project(tmp_path: Path) -> None:
    entry = record(C=UPPER, id="cu", source="made up", suspect=["why"], K_VRH=137.0)
    labels = [ELASTIC, LabelSource("K_VRH", form="scalar", unit="GPa")]
    example = check_copper(read_examples(saved(tmp_path / "a.json.gz", [entry]), labels))
    assert example.identifier == "cu"
    assert example.source == "made up"
    assert dict(example.notes) == {"id": "cu", "source": "made up", "suspect": ["why"]}
    assert example.labels["K_VRH"].shape == ()
    assert np.array_equal(pickle.loads(pickle.dumps(example)).labels["elastic"], FULL)


def test_json_of_pymatgen(tmp_path: Path) -> None:
    structure = Structure(Lattice(COPPER.cell.array), ["Cu"], [[0, 0, 0]])
    entry = {
        "material_id": "mp-30",
        "structure": structure.as_dict(),
        "elasticity": {"tensor": (STIFFNESS * 10).tolist()},
    }
    source = LabelSource("elastic", "elasticity.tensor", "voigt", "kbar")
    example = check_copper(read_examples(saved(tmp_path / "a.json", [entry]), source))
    assert example.identifier == "mp-30"


def test_extended_xyz(tmp_path: Path) -> None:
    atoms = COPPER.copy()
    atoms.info["C"] = STIFFNESS
    atoms.info["skew"] = np.arange(9.0).reshape(3, 3)
    atoms.arrays["shielding"] = np.arange(9.0).reshape(1, 9)
    write(tmp_path / "a.extxyz", [atoms, atoms])
    labels = [
        LabelSource("elastic", "C", "voigt", "GPa"),
        LabelSource("skew", symmetry="ij"),
        LabelSource("nmr-shielding", "shielding", sites="all"),
    ]
    examples = read_examples(tmp_path / "a.extxyz", labels)
    example = check_copper(examples[:1])
    assert np.array_equal(example.labels["skew"], atoms.info["skew"])  # not transposed
    assert example.labels["nmr-shielding"].shape == (1, 3, 3)
    assert [each.identifier for each in examples] == ["a.extxyz#1", "a.extxyz#2"]


def test_database_of_ase(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db") as database:
        database.write(COPPER, key_value_pairs={"bulk": 137.0}, data={"C": STIFFNESS})
    labels = [
        LabelSource("elastic", "C", "voigt"), LabelSource("K_VRH", "bulk", "scalar", "GPa"),
    ]  # fmt: skip
    example = check_copper(read_examples(tmp_path / "a.db", labels))
    assert example.labels["K_VRH"] == 137


def table(folder: Path, columns: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    write(folder / "cu.vasp", COPPER, format="vasp")
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", *columns])
        writer.writerow(["cu.vasp", *columns.values()])
    return folder


def test_a_table_beside_structure_files(tmp_path: Path) -> None:
    names = [(i, j) for i in range(6) for j in range(6)]
    whole = {f"C{i + 1}{j + 1}": STIFFNESS[i, j] for i, j in names}
    half = {f"C_{i + 1}{j + 1}": STIFFNESS[i, j] for i, j in names if i <= j}
    for columns, form in (
        (whole, "voigt"),
        (half, "voigt"),
        (half, "upper"),
        ({"C": json.dumps(STIFFNESS.tolist())}, "voigt"),
    ):
        source = LabelSource("elastic", "C", form)  # type: ignore[arg-type]
        folder = table(tmp_path / "t", columns)
        check_copper(read_examples(folder, source))
        check_copper(read_examples(folder / "labels.csv", source))


def test_a_table_of_rank_two(tmp_path: Path) -> None:
    letters = ["xx", "yy", "zz", "yz", "xz", "xy"]
    folder = table(tmp_path / "six", {f"eps_{pair}": k + 1.0 for k, pair in enumerate(letters)})
    for form in ("voigt", "full"):
        (example,) = read_examples(folder, LabelSource("dielectric", "eps", form))  # type: ignore[arg-type]
        assert np.allclose(example.labels["dielectric"], [[1, 6, 5], [6, 2, 4], [5, 4, 3]])
    nine = {f"s{i}{j}": 3.0 * i + j for i in (1, 2, 3) for j in (1, 2, 3)}
    (example,) = read_examples(table(tmp_path / "nine", nine), LabelSource("s", symmetry="ij"))
    assert np.allclose(example.labels["s"], [[4, 5, 6], [7, 8, 9], [10, 11, 12]])


def test_a_table_with_a_gap_or_a_missing_file_says_so(tmp_path: Path) -> None:
    columns = {"eps_xx": 1.0, "eps_yy": 1.0}
    with pytest.raises(DatasetError, match=r"row 1 \(cu.vasp\).*not finite"):
        read_examples(table(tmp_path / "t", columns), LabelSource("dielectric", "eps"))
    (tmp_path / "t" / "cu.vasp").rename(tmp_path / "t" / "au.vasp")
    with pytest.raises(DatasetError, match=r"no structure file 'cu.vasp'[^\n]*\nfiles there: au"):
        read_examples(tmp_path / "t", LabelSource("dielectric", "eps"))


def test_labels_of_atoms_stand_at_their_atoms(tmp_path: Path) -> None:
    entry = {
        "numbers": [14, 8, 14],
        "positions": [[0, 0, 0], [1.6, 0, 0], [3.2, 0, 0]],
        "sites": [0, 2],
        "s": [np.eye(3).tolist(), (2 * np.eye(3)).tolist()],
    }
    source = LabelSource("nmr-shielding", "s", sites="sites")
    (example,) = read_examples(saved(tmp_path / "a.json", [entry]), source)
    label = example.labels["nmr-shielding"]
    assert np.isnan(label[1]).all()
    assert np.array_equal(label[[0, 2]], [np.eye(3), 2 * np.eye(3)])
    for sites in ([0], [0, 3], [0, 0]):
        with pytest.raises(DatasetError, match=r"needs one index, 0 .. 2, for each label"):
            read_examples(saved(tmp_path / "a.json", [{**entry, "sites": sites}]), source)


def test_bad_records_are_reported_together_or_skipped(tmp_path: Path) -> None:
    overlapping = {**record(C=UPPER, id="both"), "numbers": [29, 29], "frac": [[0, 0, 0]] * 2}
    bad = [record(), record(C=[1.0]), overlapping, "text", record(C=None)]
    path = saved(tmp_path / "a.json", [record(C=UPPER), *bad, *bad])
    with pytest.raises(DatasetError) as caught:
        read_examples(path, ELASTIC)
    message = str(caught.value)
    assert "10 of 11 records are bad" in message
    for words in ("a.json#2: has no 'C'", "a.json#3", "(both)", "'text'", "5 more", "skip"):
        assert words in message
    examples = read_examples(path, ELASTIC, on_error="skip")
    assert (len(examples), len(examples.faults)) == (1, 10)
    with pytest.raises(DatasetError, match="2 of 2"):
        read_examples(saved(path, bad[:2]), ELASTIC, on_error="skip")


def test_an_optional_label_may_be_absent(tmp_path: Path) -> None:
    optional = LabelSource("K_VRH", form="scalar", unit="GPa", optional=True)
    path = saved(tmp_path / "a.json", [record(C=UPPER), record(C=UPPER, K_VRH=1.0)])
    assert [list(e.labels) for e in read_examples(path, [ELASTIC, optional])] == [
        ["elastic"], ["elastic", "K_VRH"],
    ]  # fmt: skip
    with pytest.raises(DatasetError, match="none of the labels"):
        read_examples(path, optional)


def test_misuse_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        read_examples(tmp_path / "no.json", ELASTIC)
    with pytest.raises(DatasetError, match="0 CSV files"):
        read_examples(tmp_path, ELASTIC)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"'.txt' is no format"):
        read_examples(tmp_path / "a.txt", ELASTIC)
    with pytest.raises(DatasetError, match="no labels"):
        read_examples(tmp_path / "a.txt", [])
    with pytest.raises(DatasetError, match="called alike"):
        read_examples(tmp_path / "a.txt", [ELASTIC, ELASTIC])
    with pytest.raises(DatasetError, match="holds no records"):
        read_examples(saved(tmp_path / "a.json", []), ELASTIC)


@pytest.mark.parametrize(
    ("when", "matches"),
    [
        ({"suspect": True}, True),
        ({"suspect": False}, False),
        ({"agrees": True}, False),
        ({"agrees": False}, True),
        ({"absent": False}, True),
        ({"source": "a"}, True),
        ({"source": ["b", "a"]}, True),
        ({"source": "a", "suspect": False}, False),
        ({"n": 3}, True),
    ],
)
def test_rules_compare_with_notes(when: dict[str, Any], matches: bool) -> None:
    notes = {"suspect": ["K/G"], "agrees": False, "source": "a", "n": 3}
    assert WeightRule(when, 0.5).matches(notes) is matches


def test_weights_multiply(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", [record(C=UPPER, suspect=["x"], source="a")])
    rules = [WeightRule({"suspect": True}, 0.5), WeightRule({"source": "a"}, 0.5)]
    assert read_examples(path, ELASTIC, weights=rules)[0].weight == 0.25
    with pytest.raises(DatasetError, match="weight is -1"):
        Example(geometry(COPPER), {}, weight=-1)


# --- what was trained on --------------------------------------------------------------------------


def examples_of(*crystals: Any) -> list[Example]:
    return [
        Example(geometry(crystal), {"elastic": FULL * (k + 1)}, identifier=f"c{k}")
        for k, crystal in enumerate(crystals)
    ]


def test_the_fingerprint_knows_labels_but_no_order() -> None:
    examples = examples_of(COPPER, bulk("Au"))
    print_ = fingerprint(examples)
    assert len(print_) == 64
    assert fingerprint(reversed(examples)) == print_
    assert fingerprint(examples[:1]) != print_
    other = examples_of(COPPER, bulk("Au"))
    other[0] = Example(other[0].geometry, {"elastic": FULL + 1e-9}, identifier="c0")
    assert fingerprint(other) != print_
    zero = [Example(geometry(COPPER), {"a": sign * np.zeros(3)}) for sign in (1.0, -1.0)]
    assert fingerprint(zero[:1]) == fingerprint(zero[1:])


@pytest.mark.parametrize("crystal", [COPPER, bulk("NaCl", "rocksalt", a=5.64),
                                     bulk("ZnO", "wurtzite", a=3.25, c=5.2)])  # fmt: skip
def test_a_signature_is_that_of_the_crystal_not_of_its_description(crystal: Any) -> None:
    ours = geometry(crystal)
    first = signature(ours)
    assert first.shape == (16,)
    generator = np.random.default_rng(1)
    for matrix in ([[1, 1, 0], [0, 1, 0], [0, 0, 1]], [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]):
        structure = Structure(Lattice(ours.cell), ours.numbers, ours.fractional)
        structure.make_supercell(matrix)
        turn = Rotation.random(rng=generator).as_matrix()
        order = generator.permutation(len(structure))
        other = Geometry(
            np.array([site.specie.Z for site in structure])[order],
            structure.cart_coords[order] @ turn.T + 0.3,
            structure.lattice.matrix @ turn.T,
            (True, True, True),
        )
        assert distance(first, signature(other)) < 1e-6


def test_near_duplicates_are_near_and_other_structures_are_not() -> None:
    known = examples_of(COPPER, bulk("ZnS", "zincblende", a=5.4), bulk("Fe", "bcc", a=2.87))
    prints = Fingerprints.of(known)
    assert prints.signatures.dtype == np.float16
    assert prints.signatures.nbytes == 3 * 32

    def nearest(crystal: Any) -> tuple[str, float]:
        found = prints.nearest(geometry(crystal))
        assert found is not None
        return found

    assert nearest(COPPER.repeat(2)) == ("c0", pytest.approx(0, abs=0.002))
    assert nearest(bulk("Cu", a=3.65))[1] < DUPLICATE  # another functional
    assert nearest(bulk("Cu", "bcc", a=2.87))[1] > DUPLICATE
    assert nearest(bulk("ZnS", "rocksalt", a=5.1))[1] > DUPLICATE
    assert nearest(bulk("Fe", "fcc", a=3.6))[1] > DUPLICATE
    assert prints.nearest(geometry(bulk("Au"))) is None
    assert repr(prints) == "Fingerprints(3 structures, 3 formulas)"


# --- real files -----------------------------------------------------------------------------------

FILES = {
    "elastic.json.gz": [ELASTIC, LabelSource("K_VRH", form="scalar", unit="GPa")],
    "elastic_teacher.json.gz": [ELASTIC, LabelSource("K_VRH", "K_VRH_dft", "scalar", "GPa")],
    "binary_moduli.json.gz": [LabelSource("G_VRH", form="scalar", unit="GPa")],
    "examples_dejong.json": [ELASTIC],
    "dielectric.json.gz": [LabelSource("dielectric", "eps_total", unit="1")],
    "piezoelectric.json.gz": [
        LabelSource("piezoelectric-stress", "e_voigt_C_per_m2", "voigt", "C/m^2")
    ],
    "nmr_si.json.gz": [LabelSource("nmr-shielding", "shielding_ppm", sites="sites")],
    "polar_water_dimer.json.gz": [
        LabelSource("dipole", "mu"),
        LabelSource("polarizability", "alpha"),
        LabelSource("hyperpolarizability", "beta"),
    ],
    "gamma_water_monomer.json.gz": [LabelSource("second-hyperpolarizability", "gamma")],
    "polarizability_qm7x_100.json.gz": [LabelSource("polarizability", "alpha")],
}


@pytest.mark.parametrize("name", FILES)
def test_real_files_are_read_without_a_fault(name: str) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand; name its folder in NATURAL_TENSORS_DATA")
    examples = read_examples(path, FILES[name])
    assert len(examples) > 40
    assert not any(example.reserved for example in examples)
    reduced = {
        Composition(example.notes["formula"]).reduced_formula
        for example in examples
        if "formula" in example.notes
    }
    assert reduced <= {example.formula for example in examples}
