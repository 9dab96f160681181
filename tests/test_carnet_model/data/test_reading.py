"""Examples from every format, and what is wrong with records."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest
from ase.db import connect
from ase.io import write
from monty.serialization import dumpfn
from pymatgen.analysis.elasticity import ElasticTensor
from pymatgen.core import Composition, Lattice, Structure

from carnet_model.data.examples import DatasetError, Example
from carnet_model.data.labels import LabelSource, WeightRule
from carnet_model.data.reading import read_examples
from carnet_model.structures.conversion import geometry
from tests.helpers.copper import (
    COPPER,
    ELASTIC,
    FULL,
    STIFFNESS,
    UPPER,
    check_copper,
    record,
    saved,
)
from tests.helpers.paths import DATA


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


def test_what_pymatgen_dumps(tmp_path: Path) -> None:
    """Arrays of NumPy, which an ElasticTensor is too, and tensors by their as_dict."""
    structure = Structure(Lattice(COPPER.cell.array), ["Cu"], [[0, 0, 0]])
    tensor = ElasticTensor.from_voigt(STIFFNESS)
    dumpfn([{"structure": structure, "C": tensor}], tmp_path / "array.json")
    check_copper(read_examples(tmp_path / "array.json", LabelSource("elastic", "C", "full")))
    dumpfn([{**record(), "C": STIFFNESS}], tmp_path / "voigt.json.gz")
    check_copper(read_examples(tmp_path / "voigt.json.gz", LabelSource("elastic", "C", "voigt")))
    for voigt in (False, True):
        entry = {"structure": structure.as_dict(), "C": tensor.as_dict(voigt=voigt)}
        check_copper(read_examples(saved(tmp_path / "dict.json", [entry]), ELASTIC))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", b"[" * 900 + b"]" * 900, "nested too deeply"),
        ("a.json", b'{"numbers": [1' + b"0" * 5000 + b"]}", "an integer of thousands of digits"),
        ("a.json.gz", gzip.compress(b"[1, 2, 3]" * 50, mtime=0)[:30], "it ends early"),
        ("a.json.gz", b"[]", "Not a gzipped file"),
        ("a.xyz.gz", gzip.compress(b"1\n\nCu 0 0 0\n", mtime=0)[:-9], "it ends early"),
        ("a.csv.gz", b"?", "Not a gzipped file"),
        ("a.csv", b"file,C\n" + b"x" * 200_000 + b",1\n", "field larger than"),
        ("a.csv", b"file,C\na\0b,1\n", "there is no structure file"),
        ("a.db", b"SQLite format 3\0" + b"?" * 4096, "no database of ASE"),
        ("a.db", b"", "no database of ASE"),
        ("a.xyz", b'1\nLattice="a b"\nCu 0 0 0\n', "a.xyz#1"),
        (
            "a.json",
            b'[{"numbers": [1], "pos": [[0, 0, 0]], "periodic": "abc", "C": 1}]',
            "periodic",
        ),
        ("a.json", b'[{"numbers": null, "pos": [[0, 0, 0]], "C": {}}]', "a.json#1"),
        ("a.json", b'[{"@module": "pymatgen.core", "@class": "Structure", "C": {}}]', "as_dict"),
    ],
)
def test_a_damaged_file_is_one_error(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=words):
        read_examples(tmp_path / name, ELASTIC)


@pytest.mark.parametrize("label", [{}, {"a": 1}, "x", [[]], None, True, 10**400, [[1, 2], [3]]])
def test_a_label_that_is_no_tensor_is_an_error(tmp_path: Path, label: object) -> None:
    path = saved(tmp_path / "a.json", [record(C=UPPER), record(C=label)])
    assert len(read_examples(path, ELASTIC, on_error="skip").faults) == 1


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


def test_weights_multiply(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.json", [record(C=UPPER, suspect=["x"], source="a")])
    rules = [WeightRule({"suspect": True}, 0.5), WeightRule({"source": "a"}, 0.5)]
    assert read_examples(path, ELASTIC, weights=rules)[0].weight == 0.25
    with pytest.raises(DatasetError, match="weight is -1"):
        Example(geometry(COPPER), {}, weight=-1)


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
