"""The public data set: conversion of its rows, the checks on what is fetched, the real thing."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from carnet_model.data import dejong2015
from carnet_model.data.dejong2015 import convert, fetch, hill_moduli, read_table, table_of
from carnet_model.data.examples import DatasetError
from carnet_model.data.label_checks import check
from carnet_model.data.labels import LabelSource
from carnet_model.data.reading import read_examples
from carnet_model.data.text import fetch_text
from natural_tensors.arrays import Floats
from tests.helpers.paths import DATA

ARCHIVE = os.environ.get("NATURAL_TENSORS_MATMINER", "")
NETWORK = os.environ.get("NATURAL_TENSORS_NETWORK", "")


def cubic(c11: float, c12: float, c44: float) -> Floats:
    matrix = np.diag([c11 - c12] * 3 + [c44] * 3)
    matrix[:3, :3] += c12
    return matrix


def row(name: str, atoms: object, stiffness: Floats) -> dict[str, str]:
    poscar = io.StringIO()
    write(poscar, atoms, format="vasp", direct=True)
    return {
        "material_id": f"mp-{name}",
        "formula": name,
        "poscar": poscar.getvalue(),
        "elastic_tensor_original": json.dumps(stiffness.tolist()),
        "elastic_tensor": "[[1]]",
    }


@pytest.fixture
def rows() -> list[dict[str, str]]:
    noisy = cubic(170, 120, 75)
    noisy[0, 0] += 3
    noisy[0, 3] += 1
    wrong = cubic(108, 61, 28)
    wrong[0, 0] += 60
    return [
        row("Cu", bulk("Cu", cubic=True), noisy),
        row("AlN", bulk("AlN", "zincblende", a=4.4), cubic(300, 160, 190)),
        row("Al", bulk("Al"), wrong),
        row("Ag", bulk("Ag"), cubic(10, 20, 5)),
        row("Au", bulk("Au"), np.eye(3)),
    ]


@pytest.mark.slow
def test_rows_become_records_of_this_project(rows: list[dict[str, str]]) -> None:
    records, summary = convert(rows)
    (copper,) = records
    assert copper["id"] == "mp-Cu"
    assert copper["formula"] == "Cu"
    assert copper["spacegroup"] == 225
    assert copper["crystal_system"] == "cubic"
    assert copper["split"] == "train"
    assert len(copper["numbers"]) == 1  # primitive
    assert np.linalg.det(copper["lattice"]) == pytest.approx(bulk("Cu").get_volume(), rel=1e-4)
    assert copper["C"][0] == copper["C"][6] == pytest.approx(171)  # averaged
    assert copper["C"][3] == 0
    assert 0 < copper["symm_residual"] < 0.05
    assert copper["K_VRH"] == pytest.approx((171 + 2 * 120) / 3, abs=0.01)
    assert (summary.written, summary.reserved, len(summary.faults)) == (1, 1, 3)
    text = fetch_text(summary)
    for words in ("1 reserved", "mp-Al (Al): the stiffness violates", "not positive definite",
                  "no 6 x 6 matrix"):  # fmt: skip
        assert words in text
    assert "AlN" not in text


def test_moduli_are_those_of_isotropic_and_cubic_crystals() -> None:
    bulk_modulus, shear_modulus = 100.0, 40.0
    first = bulk_modulus - 2 * shear_modulus / 3
    isotropic = cubic(first + 2 * shear_modulus, first, shear_modulus)
    assert np.allclose(hill_moduli(isotropic), (bulk_modulus, shear_modulus))
    k, g = hill_moduli(cubic(170, 120, 75))
    voigt, reuss = (50 + 3 * 75) / 5, 5 * 50 * 75 / (4 * 75 + 3 * 50)
    assert np.allclose((k, g), (410 / 3, (voigt + reuss) / 2))


def packed(path: Path, content: bytes, name: str = dejong2015.TABLE) -> Path:
    with tarfile.open(path, "w:gz") as pack:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        pack.addfile(member, io.BytesIO(content))
    return path


def test_a_changed_or_foreign_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"SHA-256 [0-9a-f]{64}, expected f7a18c"):
        table_of(packed(tmp_path / "a.tar.gz", b"changed"))
    with pytest.raises(DatasetError, match="holds no matminer"):
        table_of(packed(tmp_path / "b.tar.gz", b"", "other.csv"))
    (tmp_path / "c.tar.gz").write_text("no archive")
    with pytest.raises(DatasetError, match="holds no matminer"):
        table_of(tmp_path / "c.tar.gz")
    with pytest.raises(DatasetError, match="No such file"):
        table_of(tmp_path / "d.tar.gz")


def test_the_table_may_start_with_remarks() -> None:
    assert list(read_table(b'# ref: x, y\na,b\n1,"2\n3"\n')) == [{"a": "1", "b": "2\n3"}]


def test_what_is_fetched_can_be_trained_on(
    tmp_path: Path, rows: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import csv
    import hashlib

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = ("# remark\n" + text.getvalue()).encode()
    monkeypatch.setattr(dejong2015, "TABLE_SHA256", hashlib.sha256(content).hexdigest())
    archive = packed(tmp_path / "a.tar.gz", content)
    for name in ("out.json", "out.json.gz"):
        assert fetch(tmp_path / name, archive=archive).written == 1
        (example,) = read_examples(tmp_path / name, LabelSource("elastic", "C", "upper", "GPa"))
        assert example.source == "dejong2015"
    assert b"AlN" not in gzip.decompress((tmp_path / "out.json.gz").read_bytes())
    with pytest.raises(ValueError, match="names no format"):
        fetch(tmp_path / "out.csv", archive=archive)


def test_a_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(DatasetError, match=r"download matminer-0.4.0.tar.gz yourself"):
        table_of()


@pytest.mark.skipif(
    not (ARCHIVE or NETWORK),
    reason="set NATURAL_TENSORS_NETWORK=1, or NATURAL_TENSORS_MATMINER to the source distribution",
)
def test_the_real_data_set(tmp_path: Path) -> None:
    summary = fetch(tmp_path / "all.json.gz", archive=ARCHIVE or None)
    assert (summary.written, summary.reserved, len(summary.faults)) == (1074, 100, 7)
    source = LabelSource("elastic", "C", "upper", "GPa")
    ours = read_examples(tmp_path / "all.json.gz", source)
    assert ours.reserved == 0
    assert not check(ours[::10], "elastic", symprec=0.1, tolerance=1e-3).findings
    path = DATA / "elastic.json.gz"
    if not path.exists():
        return
    theirs = {
        each.identifier: each for each in read_examples(path, source) if each.source == "dejong2015"
    }
    assert {each.identifier for each in ours} == set(theirs)
    gaps = [
        np.abs(each.labels["elastic"] - theirs[each.identifier].labels["elastic"]).max()
        for each in ours
    ]
    # the stiffness of five cubic crystals is not quite cubic in that file
    assert np.sort(gaps)[-6] < 0.1
    assert max(gaps) < 1
