"""The wheel holds the three packages with their data and works outside the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

PARTS = ("natural_tensors", "codegen", "carnet_model", "pyproject.toml", "README.md", "LICENSE")


@pytest.mark.slow
def test_wheel_holds_three_packages_and_runs_outside_the_checkout(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in PARTS:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet",
         "--disable-pip-version-check", "--wheel-dir", str(tmp_path), str(source)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("natural_tensors-*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for package in ("natural_tensors", "codegen", "carnet_model"):
        assert (site / package / "py.typed").exists()
    patterns = (
        "natural_tensors/**/*.json", "carnet_model/**/*.json", "carnet_model/**/*.yaml",
        "carnet_model/**/*.safetensors", "carnet_model/**/*.md", "natural_tensors/report/*.j2",
        "natural_tensors/report/*.css", "natural_tensors/report/*.js",
    )  # fmt: skip
    found = {pattern: list(ROOT.glob(pattern)) for pattern in patterns}
    assert all(found.values()), found
    expected = {path.relative_to(ROOT) for paths in found.values() for path in paths}
    assert all((site / path).exists() for path in expected)
    silicon = ROOT / "docs/structures/si.cif"
    code = (
        "import natural_tensors, codegen, carnet_model;"
        "from natural_tensors.examples import load;"
        f"assert natural_tensors.__file__.startswith({str(site)!r});"
        f"assert codegen.__file__.startswith({str(site)!r});"
        "elastic = natural_tensors.reduction('elastic');"
        "print(elastic.pack(load('copper').values, form='voigt').shape);"
        f"silicon = carnet_model.load('elastic').predict({str(silicon)!r});"
        "print(silicon.stiffness.shape, silicon.stable)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
    )  # fmt: skip
    assert result.stdout.split("\n")[:2] == ["(21,)", "(6, 6) True"]
