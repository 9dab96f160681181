"""A network written out: what the command says, and a program in C that uses it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import vesin
from ase.build import bulk
from safetensors.numpy import load_file
from typer.testing import CliRunner

from carnet_model import cli
from carnet_model.cpp.files import Written
from carnet_model.cpp.writing import fnv1a, write
from carnet_model.network.batch import collate
from carnet_model.network.model import CarNet
from carnet_model.network.settings import NetworkSettings
from carnet_model.network.targets import Target
from carnet_model.potentials.derivatives import energy_and_derivatives
from carnet_model.structures import graph
from carnet_model.structures.conversion import geometry
from carnet_model.weights import checkpoint
from tests.helpers.paths import ROOT

pytestmark = pytest.mark.slow

CHECKED = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
"""What makes a program end at the first access that is not allowed."""


@pytest.fixture(scope="module")
def silicon() -> CarNet:
    torch.manual_seed(0)
    settings = NetworkSettings(
        channels=8, layers=2, weight=1, message_weight=1, body_order=3, cutoff=4.0, neighbours=16
    )
    return CarNet(settings, Target("energy", pooling="sum")).double().eval()


def test_the_hash_is_fnv_1a() -> None:
    # test vectors of draft-eastlake-fnv-21, appendix: single bytes
    assert fnv1a(b"") == 0xCBF29CE484222325
    assert fnv1a(b"a") == 0xAF63DC4C8601EC8C
    assert fnv1a(b"foobar") == 0x85944171F73967E8


WARNINGS = (
    "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-unused-variable", "-Werror",
)  # fmt: skip

VESIN = Path(vesin.__file__).parent


def run(command: list[str | Path], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def check(program: Path, files: Written, network: CarNet) -> None:
    """Run an example; its energy and pressure are those of PyTorch, other weights are refused."""
    done = subprocess.run([program, files.weights], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    atoms = bulk("Si", "diamond", a=5.43, cubic=True)
    expected = energy_and_derivatives(
        network, collate([graph.build(geometry(atoms), 4.0)], torch.float64), stress=True
    )
    assert expected.stress is not None
    energy, _, pressure = map(float, re.findall(r"(-?[\d.]+(?:[eE][-+]\d+)?) eV", done.stdout))
    assert energy == pytest.approx(expected.energy.item(), rel=1e-7)  # from tables
    assert pressure == pytest.approx(
        -torch.trace(expected.stress[0]).item() / 3, rel=1e-4, abs=1e-9
    )
    refused = subprocess.run([program, files.source], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "is not the file that was written with this program" in refused.stderr + refused.stdout


@pytest.mark.skipif(not (shutil.which("g++") and shutil.which("gcc")), reason="no compiler")
def test_the_program_in_c_runs_under_sanitizers(silicon: CarNet, tmp_path: Path) -> None:
    files = write([silicon], tmp_path / "silicon", elements=[14])
    run(
        ["g++", "-std=c++17", *WARNINGS, *CHECKED, "-Dsilicon_DOUBLE", "-fopenmp", "-c",
         files.source, "-o", "silicon.o"], tmp_path,
    )  # fmt: skip
    run(
        ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", *CHECKED, "-Isilicon",
         ROOT / "docs" / "programs" / "energy.c", "silicon.o", "-lstdc++", "-lgomp", "-lm",
         "-o", "energy"], tmp_path,
    )  # fmt: skip
    check(tmp_path / "energy", files, silicon)


@pytest.mark.skipif(not (shutil.which("g++") and shutil.which("gfortran")), reason="no compiler")
def test_the_program_in_fortran_finds_neighbours(silicon: CarNet, tmp_path: Path) -> None:
    files = write([silicon], tmp_path / "silicon", elements=[14])
    run(
        ["g++", "-std=c++17", *WARNINGS, *CHECKED, "-Dsilicon_DOUBLE", "-Dsilicon_VESIN",
         f"-I{VESIN / 'include'}", "-fopenmp", "-c", files.source, "-o", "silicon.o"], tmp_path,
    )  # fmt: skip
    run(
        ["gfortran", "-std=f2018", "-Wall", "-Werror", *CHECKED,
         ROOT / "docs" / "programs" / "energy.f90", "silicon.o", VESIN / "lib" / "libvesin.so",
         f"-Wl,-rpath,{VESIN / 'lib'}", "-lstdc++", "-lgomp", "-o", "energy"], tmp_path,
    )  # fmt: skip
    check(tmp_path / "energy", files, silicon)


def test_the_command(silicon: CarNet, tmp_path: Path) -> None:
    model, folder = tmp_path / "model", tmp_path / "out"
    checkpoint.save(model, [silicon.float()], {"elements": [14]})
    runner = CliRunner()
    result = runner.invoke(
        cli.app.app,
        ["export", str(model), "--target", "cpp", "-o", str(folder), "--name", "si"],
    )
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == ["si.cpp", "si.h", "si.safetensors"]
    text = (folder / "si.cpp").read_text(encoding="utf-8")
    described = json.loads(json.loads(re.findall(r'DESCRIPTION =\s+(".*");', text)[0]))
    assert described["elements"] == [14]
    assert described["targets"][0]["unit"] == "eV"
    assert "NAME" not in text + (folder / "si.h").read_text(encoding="utf-8")
    assert load_file(folder / "si.safetensors")["0.layers.0.radial.last"].shape == (48, 16)
    again = tmp_path / "again"
    runner.invoke(
        cli.app.app, ["export", str(model), "--target", "cpp", "-o", str(again), "--name", "si"]
    )
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()
    silicon.double()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "rust", "-o", "x"], "torch, cpp"),
        (["--target", "cpp", "--aot", "-o", "x"], "--aot goes with --target torch"),
        (["--name", "x", "-o", "x.pt2"], "goes with --target cpp and kim"),
        (["--target", "cpp", "--tensor", "dipole", "-o", "x"], "it predicts elastic"),
    ],
)
def test_the_command_says_what_is_wrong(options: list[str], message: str) -> None:
    result = CliRunner().invoke(cli.app.app, ["export", "elastic", *options])
    assert result.exit_code == 2
    assert message in result.output
