"""Another package called codegen in the same environment, in each order of installation."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from natural_tensors.installation import wrong_codegen
from tests.helpers.paths import ROOT

START = "the package codegen that belongs to natural-tensors "
GENERATE = "from natural_tensors.cli import main; main()"
NETWORK = "import carnet_model.network.kernels"
WITHOUT_WEIGHTS = shutil.ignore_patterns("__pycache__", "elastic", "*.safetensors")


def install_ours(site: Path) -> None:
    for package in ("natural_tensors", "codegen", "carnet_model"):
        shutil.copytree(ROOT / package, site / package, ignore=WITHOUT_WEIGHTS, dirs_exist_ok=True)
    entries = site / "natural_tensors-0.1.0.dist-info"
    entries.mkdir()
    (entries / "METADATA").write_text("Metadata-Version: 2.1\nName: natural-tensors\nVersion: 0\n")
    (entries / "entry_points.txt").write_text(
        "[natural_tensors.commands]\ngenerate = codegen.cli:register\n"
    )


def install_the_other(site: Path) -> None:
    """Install a package with a face, and a folder where we have a file."""
    (site / "codegen" / "cli").mkdir(parents=True, exist_ok=True)
    (site / "codegen" / "__init__.py").write_text('"""Codegen SDK."""\n')
    (site / "codegen" / "cli" / "__init__.py").write_text("")
    about = site / "codegen-0.57.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: codegen\nVersion: 0.57.0\n")


def uninstall_the_other(site: Path) -> None:
    shutil.rmtree(site / "codegen-0.57.0.dist-info")
    shutil.rmtree(site / "codegen" / "cli")
    (site / "codegen" / "__init__.py").unlink()


def the_other_last(site: Path) -> None:
    install_ours(site)
    install_the_other(site)


def ours_last(site: Path) -> None:
    install_the_other(site)
    install_ours(site)


def the_other_removed_again(site: Path) -> None:
    the_other_last(site)
    uninstall_the_other(site)


def ours_from_a_checkout(site: Path) -> None:
    """Install the other; ours is on the path behind it, as an editable installation is."""
    install_the_other(site)
    install_ours(site / "checkout")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "found"),
    [
        (the_other_last, "is mixed with another one in "),
        (ours_last, "is mixed with another one in "),
        (the_other_removed_again, "is nowhere to be found"),
        (ours_from_a_checkout, "is another one, "),
    ],
)
def test_the_other_codegen_is_named_in_one_sentence(
    prepare: Callable[[Path], None], found: str, tmp_path: Path
) -> None:
    prepare(tmp_path)

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        # without site, so that no editable installation of ours is on the path besides
        libraries = sysconfig.get_paths()["purelib"]
        path = f"{tmp_path}:{tmp_path / 'checkout'}:{libraries}"
        return subprocess.run(
            [sys.executable, "-S", "-P", "-c", *arguments], capture_output=True, text=True,
            cwd=tmp_path, env={"PYTHONPATH": path}, check=False,
        )  # fmt: skip

    said = python(GENERATE, "generate", "elastic")
    assert said.returncode == 2
    assert said.stderr.startswith(f"error: {START}{found}")
    assert "pip uninstall codegen" in said.stderr
    assert said.stderr.count("\n") == 1
    if prepare is the_other_last:  # PyTorch takes its time
        last = python(NETWORK).stderr.splitlines()[-1]
        assert last.startswith(f"natural_tensors.installation.InstallationError: {START}{found}")


def test_ours_is_right() -> None:
    assert wrong_codegen() is None
