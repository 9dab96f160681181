"""Generated modules from the cache: used, never trusted blindly, another for another generator."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import codegen
import natural_tensors as nt
from codegen import (
    HarmonicsRecipe,
    Recipe,
    Target,
    TensorRecipe,
    loading,
)
from natural_tensors import examples
from natural_tensors.files.saving import FileError, NoFolderError
from tests.helpers.paths import ROOT


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty cache folder, with nothing loaded yet."""
    loading.forget()
    monkeypatch.setenv("NATURAL_TENSORS_CACHE", str(tmp_path))
    return tmp_path


def load_again(recipe: Recipe) -> ModuleType:
    loading.forget()
    return codegen.load(recipe, "numpy")


def test_loaded_modules_work_and_are_loaded_once(fresh: Path) -> None:
    recipe = TensorRecipe("elastic", form="voigt")
    module = codegen.load(recipe, "numpy")
    assert codegen.load(recipe, "numpy") is module
    stiffness = examples.load("copper").values
    expected = nt.reduction("elastic").decompose(stiffness, form="voigt")
    found = module.decompose(stiffness)
    assert list(found) == list(expected)
    for key, part in expected.items():
        assert np.abs(found[key] - part).max() < 1e-12
    (path,) = fresh.iterdir()
    assert path.read_text(encoding="utf-8") == codegen.source(recipe, "numpy")
    assert codegen.load(TensorRecipe("elastic"), "numpy") is not module
    assert len(list(fresh.iterdir())) == 2


def test_the_cache_is_used_and_never_trusted_blindly(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = HarmonicsRecipe(2)
    load_again(recipe)
    (path,) = fresh.iterdir()
    text = path.read_text(encoding="utf-8")
    made: list[Recipe] = []

    def counted(recipe: Recipe, target: Target) -> str:
        made.append(recipe)
        return codegen.source(recipe, target)

    monkeypatch.setattr(loading, "source", counted)
    load_again(recipe)
    assert made == []
    for wrong in (
        text.replace("x * z", "x * y").replace("z * x", "z * y"),
        text + "\nprint('hello')\n",
        text[: len(text) // 2],
        "raise SystemExit\n",
        "",
    ):
        assert wrong != text
        path.write_text(wrong, encoding="utf-8")
        made.clear()
        module = load_again(recipe)
        assert made == [recipe]
        assert path.read_text(encoding="utf-8") == text
        expected = nt.harmonic(2, "component")(np.array([0.6, 0.0, 0.8]))
        assert np.abs(module.harmonics(np.array([0.6, 0.0, 0.8]))[4:] - expected).max() < 1e-15
    path.write_bytes(b"\xff\xfe")
    load_again(recipe)
    assert path.read_text(encoding="utf-8") == text


def test_several_processes_load_at_once(fresh: Path) -> None:
    code = (
        "import sys, codegen\n"
        "sys.stdin.readline()\n"
        "m = codegen.load(codegen.TensorRecipe('elastic'), 'numpy')\n"
        "import numpy as np\n"
        "print(m.pack(np.ones((3, 3, 3, 3))).sum())"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    results = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        output, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors
        results.append(output)
    assert len(set(results)) == 1
    (path,) = [p for p in fresh.iterdir() if p.name != "__pycache__"]
    assert codegen.is_intact(path.read_text(encoding="utf-8"))


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    loading.forget()
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    module = codegen.load(HarmonicsRecipe(1), "numpy", folder=blocked / "cache")
    assert module.harmonics(np.array([0.0, 1.0, 0.0])).shape == (4,)


def test_a_file_of_another_recipe_is_not_taken(fresh: Path) -> None:
    load_again(HarmonicsRecipe(2))
    (path,) = fresh.iterdir()
    path.write_text(codegen.source(HarmonicsRecipe(3), "numpy"), encoding="utf-8")
    assert load_again(HarmonicsRecipe(2)).harmonics(np.array([0.0, 1.0, 0.0])).shape == (9,)


def test_another_generator_finds_no_file_of_this_one(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash of what generates is part of the name; the text itself does not say it."""
    recipe = HarmonicsRecipe(2)
    load_again(recipe)
    (first,) = fresh.iterdir()
    assert codegen.fingerprint(recipe, "numpy") in first.name
    first.write_text(codegen.source(recipe, "numpy"), encoding="utf-8")
    monkeypatch.setattr(loading, "generator", lambda root: "another")
    load_again(recipe)
    assert len(list(fresh.iterdir())) == 2


def test_any_change_of_what_generates_changes_the_fingerprint(tmp_path: Path) -> None:
    """An old file must never be taken for what another generator would write."""
    for package in ("codegen", "natural_tensors"):
        shutil.copytree(ROOT / package, tmp_path / package)
    before = loading.generator(ROOT)
    assert loading.generator(tmp_path) == before
    files = [
        path.relative_to(tmp_path)
        for place in loading.GENERATORS
        for path in [tmp_path / place, *(tmp_path / place).rglob("*.py")]
        if path.is_file()
    ]
    assert {path.parent.name for path in files} >= {
        "exact", "so3", "decomposition", "physical", "codegen", "pieces", "programs", "recipes",
        "targets",
    }  # fmt: skip
    recipe = codegen.ProductRecipe(1)
    seen = {before: codegen.fingerprint(recipe, "cpp", tmp_path)}
    for path in files:
        text = (tmp_path / path).read_text(encoding="utf-8")
        (tmp_path / path).write_text(text + "# another\n", encoding="utf-8")
        loading.generator.cache_clear()
        seen[loading.generator(tmp_path)] = codegen.fingerprint(recipe, "cpp", tmp_path)
        (tmp_path / path).write_text(text, encoding="utf-8")
    assert len(set(seen)) == len(set(seen.values())) == len(files) + 1
    assert Path("codegen/targets/cpp_source.py") in files
    loading.generator.cache_clear()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are elsewhere")
def test_code_is_not_run_from_a_folder_that_others_may_write(fresh: Path) -> None:
    codegen.load(HarmonicsRecipe(1), "numpy", folder=fresh)
    fresh.chmod(0o777)
    loading.forget()
    with pytest.raises(FileError, match="others may write this cache of code to run"):
        codegen.load(HarmonicsRecipe(1), "numpy", folder=fresh)


def test_without_a_folder_code_lives_in_memory(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise NoFolderError

    monkeypatch.setattr(loading, "cache_folder", homeless)
    assert str(codegen.load(HarmonicsRecipe(1), "numpy").__file__).startswith("<harmonics_numpy_")
