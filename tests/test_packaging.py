"""What is installed: the wheel, a checkout as it is, and the packages of others by their hashes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from natural_tensors import __version__
from tests.helpers.paths import ROOT

PARTS = ("natural_tensors", "codegen", "carnet_model", "pyproject.toml", "README.md", "LICENSE")


REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.lock"))
BY_MACHINE = re.compile(r"(nvidia|cuda)-.*|triton|torch")
"""PyTorch and its libraries, which a machine has as its index offers them."""


def source_tree(folder: Path) -> Path:
    """Copy what is built, and nothing that an earlier build left."""
    source = folder / "source"
    source.mkdir()
    for name in PARTS:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source / name)
    return source


def built(hook: str, source: Path, folder: Path) -> tuple[Path, str]:
    """Return the wheel that setuptools makes, and all it says."""
    code = f"import sys; from setuptools import build_meta; build_meta.{hook}(sys.argv[1])"
    said = subprocess.run(
        [sys.executable, "-W", "default", "-c", code, str(folder)],
        check=True, capture_output=True, text=True, cwd=source,
    )  # fmt: skip
    (wheel,) = folder.glob("natural_tensors-*.whl")
    return wheel, said.stdout + said.stderr


@pytest.mark.slow
def test_wheel_holds_three_packages_and_runs_outside_the_checkout(tmp_path: Path) -> None:
    wheel, said = built("build_wheel", source_tree(tmp_path), tmp_path)
    assert "is absent from the `packages` configuration" not in said
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for package in ("natural_tensors", "codegen", "carnet_model"):
        assert (site / package / "py.typed").exists()
    patterns = (
        "natural_tensors/**/*.json", "carnet_model/**/*.json", "carnet_model/**/*.yaml",
        "carnet_model/**/*.safetensors", "carnet_model/**/*.md", "natural_tensors/report/*.j2",
        "natural_tensors/report/*.css", "natural_tensors/report/*.js",
        "carnet_model/app/*.j2", "carnet_model/app/static/**/*.*",
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


@pytest.mark.slow
def test_an_editable_installation_is_a_path_that_type_checkers_read(tmp_path: Path) -> None:
    source = source_tree(tmp_path)
    wheel, _ = built("build_editable", source, tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        (hook,) = [name for name in archive.namelist() if "/" not in name]
        assert hook.endswith(".pth")
        assert archive.read(hook).decode().strip() == str(source)


def pinned(path: Path) -> dict[str, list[str]]:
    """Return the versions that a file gives each package, by the name as indexes write it."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)==([\w.+]+)", path.read_text(encoding="utf-8"), re.M
    ):
        versions.setdefault(re.sub(r"[-_.]+", "-", name).lower(), []).append(version)
    return versions


def test_constraints_hold_one_version_of_a_package_and_no_hashes() -> None:
    constraints = ROOT / "constraints.txt"
    assert "--hash" not in constraints.read_text(encoding="utf-8")
    several = {name: versions for name, versions in pinned(constraints).items() if versions[1:]}
    assert not several


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_locks_have_a_hash_for_each_version_that_constraints_state(lock: Path) -> None:
    stated, locked = pinned(ROOT / "constraints.txt"), pinned(lock)
    assert locked
    for name, versions in locked.items():
        assert [version.partition("+")[0] for version in versions] == stated[name]
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", line) for line in requirements)


def test_all_that_tests_and_the_site_need_is_locked() -> None:
    """Everything that the constraints name, but for what a machine has its own build of."""
    locked = {
        name for lock in ("build", "test", "docs") for name in pinned(REQUIREMENTS / f"{lock}.lock")
    }
    needed = {name for name in pinned(ROOT / "constraints.txt") if not BY_MACHINE.fullmatch(name)}
    assert locked == needed


def test_the_makefile_installs_by_hash_first_and_checks_what_came_of_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--require-hashes --no-deps --no-build-isolation" in makefile
    for extra, lock in (("carnet", "carnet"), ("test,dev", "test"), ("docs", "docs")):
        steps = [
            f"$(HASHED) -r requirements/{lock}.lock", f'$(OURS) -e ".[{extra}]"', "$(PIP) check",
        ]  # fmt: skip
        assert "\n\t".join(steps) in makefile


def test_all_files_that_state_a_version_state_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "natural_tensors.version.__version__"
    }
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == citation["version"] == __version__


def test_the_recipe_for_conda_needs_what_the_package_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    recipe = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    plain, carnet = (output["requirements"]["run"] for output in recipe["outputs"])
    elsewhere = {"torch": "pytorch"}  # what a package is called there
    for extra, run in (
        (project["dependencies"], plain[1:]),
        (project["optional-dependencies"]["carnet"], carnet[1:]),
    ):
        named = [re.fullmatch(r"([\w-]+)(>=.+)", each) for each in extra]
        assert [f"{elsewhere.get(m[1], m[1])} {m[2]}" for m in named if m] == run


def test_everything_for_users_is_in_one_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    (everything,) = extras["all"]
    named = set(re.findall(r"[\w-]+", everything.partition("[")[2]))
    for_developers = {"test", "dev", "docs", "mutation"}
    within = {"torch", *re.findall(r"natural-tensors\[([\w-]+)\]", str([extras[n] for n in named]))}
    assert named | within == set(extras) - for_developers - {"all"}


def test_hooks_use_the_versions_of_the_set_up_commands() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (ruff,) = pinned(ROOT / "constraints.txt")["ruff"]
    assert set(re.findall(r"ruff==([\d.]+)", hooks)) == {ruff}


def test_workflows_run_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = "".join(path.read_text() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    targets = re.findall(r"run: make (\w+)", text)
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.M) for target in targets)
