"""The command `predict`: output, files, messages, exit codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from ase.io import read as ase_read

from natural_tensors import from_voigt, reduction
from tests.helpers.command_lines import carnet as run
from tests.helpers.command_lines import carnet_error as error_of
from tests.helpers.paths import STRUCTURES
from tests.helpers.tiny_models import write_crystals

pytestmark = pytest.mark.usefixtures("weights_and_silicon")


def test_one_crystal_is_printed_in_full() -> None:
    text = run("predict", "si.cif").stdout
    for part in (
        "si.cif, formula Si\n", "stiffness [GPa], Voigt order xx yy zz yz xz xy",
        "frame: structure axes",
        "  a    5.4300    0.0000    0.0000", "bulk modulus K [GPa]",
        "averages of Hill, from Reuss to Voigt: K ", "universal anisotropy", "mechanically stable",
        "spread of the ensemble",
    ):  # fmt: skip
        assert part in text, part


def test_many_crystals_are_a_table_unless_asked_otherwise() -> None:
    write_crystals(5)
    text = run("predict", "some.json").stdout
    assert text.splitlines()[0].split()[:3] == ["name", "formula", "K"]
    assert "mp-16297" in text
    assert "known: mp-559" in text
    assert "stiffness [GPa]" not in text
    assert run("predict", "some.json", "--full").stdout.count("stiffness [GPa]") == 5


def test_a_bad_file_is_one_row_among_good_ones() -> None:
    write_crystals(4)
    Path("bad.cif").write_text("no crystal at all")
    result = run("predict", "si.cif", "bad.cif", "missing.cif", "some.json", "-o", "out.json")
    assert "error: missing.cif: there is no such file or folder" in result.stderr
    assert "error: there is no such file or folder" in result.stdout
    assert "5 of 7 structures predicted, written to out.json" in result.stdout
    items = json.loads(Path("out.json").read_text())["predictions"]
    assert [item["name"] for item in items][:3] == ["si.cif", "bad.cif", "missing.cif"]
    assert np.shape(items[0]["stiffness"]) == (6, 6)
    assert "error" in items[1]


def test_the_exit_code_is_1_when_nothing_was_predicted() -> None:
    Path("polonium.xyz").write_text(
        '1\nLattice="3.4 0 0 0 3.4 0 0 0 3.4" Properties=species:S:1:pos:R:3\nPo 0 0 0\n'
    )
    text = error_of("predict", "polonium.xyz", code=1)
    assert "polonium.xyz: these weights do not know Po" in text
    assert "they know Li B C" in text


@pytest.mark.parametrize("suffix", ["json", "csv", "extxyz"])
def test_files_hold_what_is_printed_in_their_format(suffix: str) -> None:
    write_crystals(2)
    run("predict", "some.json", "-o", f"out.{suffix}", "--quiet")
    printed = run("predict", "some.json", "--format", suffix).stdout
    assert Path(f"out.{suffix}").read_text().strip() == printed.strip()


def test_the_formats_agree() -> None:
    write_crystals(2)
    for suffix in ("json", "csv", "extxyz"):
        assert run("predict", "some.json", "-q", "-o", f"out.{suffix}").output == ""
    item = json.loads(Path("out.json").read_text())["predictions"][1]
    with Path("out.csv").open() as file:
        row = list(csv.DictReader(file))[1]
    atoms = ase_read("out.extxyz", index=1)
    assert float(row["C11"]) == pytest.approx(item["stiffness"][0][0], rel=1e-6)
    assert np.allclose(atoms.info["stiffness"], item["stiffness"], rtol=1e-6)
    assert np.allclose(atoms.cell.array, item["lattice"])


def test_options_of_predict() -> None:
    write_crystals(3)
    single = json.loads(run("predict", "some.json", "--format", "json").stdout)
    double = json.loads(
        run(
            "predict", "some.json", "--format", "json", "--precision", "double", "--batch", "1"
        ).stdout
    )
    assert (single["precision"], double["precision"]) == ("single", "double")
    assert single["model"] == "elastic"
    for one, other in zip(single["predictions"], double["predictions"], strict=True):
        assert np.allclose(one["stiffness"], other["stiffness"], rtol=1e-4, atol=1e-3)


def test_predictions_in_the_canonical_frame() -> None:
    text = run(
        "predict", str(STRUCTURES / "quartz.cif"), "--frame", "canonical", "--format", "json"
    ).stdout
    (found,) = json.loads(text)["predictions"]
    assert found["frame"]["name"] == "canonical"
    own = run("predict", str(STRUCTURES / "quartz.cif"), "--format", "json").stdout
    (other,) = json.loads(own)["predictions"]
    assert other["frame"] == {"name": "structure", "rotation": np.eye(3).tolist()}
    rotated = reduction("elastic").rotate(
        from_voigt(other["stiffness"], symmetry="elastic", invalid="project"),
        found["frame"]["rotation"],
    )
    again = from_voigt(found["stiffness"], symmetry="elastic", invalid="project")
    assert np.allclose(rotated, again, atol=1e-3 * np.abs(again).max())
