"""Generated modules as files: bytes, provenance, independence, golden text.

When generated text is meant to change, write the golden files anew and look at the difference:

    python -m tests.test_codegen.test_generation
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import codegen
import natural_tensors as nt
from codegen import (
    ConvolutionRecipe,
    CouplingRecipe,
    ExpressionRecipe,
    HarmonicsRecipe,
    ProductRecipe,
    Program,
    Recipe,
    RotationRecipe,
    Target,
    TensorRecipe,
)
from tests.helpers.paths import ROOT

FOLDER = ROOT / "tests" / "golden"

GOLDEN = {
    "elastic_voigt": TensorRecipe("elastic", form="voigt"),
    "piezoelectric": TensorRecipe("piezoelectric"),
    "harmonics_3": HarmonicsRecipe(3),
    "coupling_1_1_2": CouplingRecipe(1, 1, 2),
    "convolution_1": ConvolutionRecipe(1),
    "expression_energy": ExpressionRecipe("1/2 C_ijkl e_ij e_kl", {"C": "elastic", "e": "strain"}),
}

GOLDEN_CPP = {"convolution_1": ConvolutionRecipe(1), "product_1": ProductRecipe(1)}

RECIPES: list[Recipe] = [
    *GOLDEN.values(),
    TensorRecipe("ijkl=-jikl=klij", basis="orthonormal"),
    TensorRecipe("elastic", form="mandel"),
    TensorRecipe("compliance", form="voigt-compliance"),
    TensorRecipe("ijk=-jik=-ikj", axial=True, form="components"),
    TensorRecipe("energy"),
    HarmonicsRecipe(4, "legendre", solid=True, cartesian=True),
    HarmonicsRecipe(0),
    CouplingRecipe(2, 2, 3, "orthonormal"),
    CouplingRecipe(0, 0, 0),
    RotationRecipe(3),
    RotationRecipe(0),
    ConvolutionRecipe(2, parity="both"),
    ConvolutionRecipe(2, 0, method="direct"),
    ConvolutionRecipe(0),
    ProductRecipe(2, "ignored"),
]

TARGETS: tuple[Target, ...] = ("torch", "numpy")


def label(recipe: Recipe) -> str:
    return "-".join([recipe.kind, *map(str, recipe.settings().values())])


each_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=label)

each_target = pytest.mark.parametrize("target", TARGETS)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_text(name: str) -> None:
    """Written by ``python -m tests.test_codegen.test_generation``."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert codegen.source(GOLDEN[name]) == text


@pytest.mark.parametrize("name", GOLDEN_CPP)
def test_golden_text_of_cpp(name: str) -> None:
    text = (FOLDER / f"{name}.cpp").read_text(encoding="utf-8")
    assert codegen.source(GOLDEN_CPP[name], "cpp") == text


def all_text() -> str:
    python = [codegen.source(r, t) for r in RECIPES for t in TARGETS]
    return "".join([*python, *(codegen.source(r, "cpp") for r in GOLDEN_CPP.values())])


@pytest.mark.slow
def test_the_bytes_depend_on_the_recipe_only() -> None:
    code = (
        "import hashlib\n"
        "from tests.test_codegen.test_generation import all_text\n"
        "print(hashlib.sha256(all_text().encode()).hexdigest())"
    )
    found = set()
    for seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        result = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(result.stdout)
    assert found == {hashlib.sha256(all_text().encode()).hexdigest() + "\n"}


@each_target
@each_recipe
def test_the_header_says_where_a_file_comes_from(recipe: Recipe, target: Any) -> None:
    text = codegen.source(recipe, target)
    assert text.isascii() or "√" in text
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines())
    head = ast.get_docstring(ast.parse(text))
    assert head is not None
    lines = head.splitlines()
    assert lines[0] == recipe.title
    assert f"natural-tensors {nt.__version__}, conventions {nt.CONVENTIONS}" in lines[2]
    stated = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[4:7]}
    arguments = ", ".join(f"{key}={value!r}" for key, value in recipe.settings().items())
    assert stated["recipe"] == f"{recipe.kind}({arguments})"
    assert stated["target"] == target
    assert codegen.is_intact(text)
    body = text.split('"""\n\n', 1)[1]
    assert stated["sha256"] == hashlib.sha256(body.encode()).hexdigest()


def test_a_changed_byte_is_noticed() -> None:
    text = codegen.source(HarmonicsRecipe(2))
    start = text.index('"""\n\n') + 5
    for place in range(start, len(text), 97):
        assert not codegen.is_intact(text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :])
    assert not codegen.is_intact(text[:-1])
    assert not codegen.is_intact(text + "\n")
    assert not codegen.is_intact(text.replace("sha256   ", "sha256   0", 1))
    assert not codegen.is_intact("")
    assert not codegen.is_intact("import torch\n")


@each_target
@each_recipe
def test_functions_say_what_they_take(recipe: Recipe, target: Any) -> None:
    tree = ast.parse(codegen.source(recipe, target))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    public = [node.name for node in functions if not node.name.startswith("_")]
    assert public == [function.name for function in recipe.functions()]
    for node in functions:
        text = ast.get_docstring(node)
        assert text is not None
        if not node.name.startswith("_"):
            assert "Args:" in text
            assert "Returns:" in text
            assert "shape" in text
    names = {node.names[0].name for node in tree.body if isinstance(node, ast.Import)}
    assert names == {target}
    assert not any(isinstance(node, (ast.For, ast.While)) for node in ast.walk(tree))
    for branch in ast.walk(tree):
        if isinstance(branch, ast.If):  # the only ones are those that refuse wrong shapes
            assert isinstance(branch.body[0], ast.Raise)
            assert re.search(r"\.(shape|ndim)\b", ast.unparse(branch.test))


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_ruff_finds_nothing(tmp_path: Path) -> None:
    for number, recipe in enumerate(RECIPES):
        for target in TARGETS:
            path = tmp_path / f"m{number}_{target}.py"
            path.write_text(codegen.source(recipe, target), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout


def test_unknown_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="target 'jax' is not one of 'torch', 'numpy'"):
        codegen.source(HarmonicsRecipe(1), "jax")  # type: ignore[arg-type]


def counted(function: ast.FunctionDef) -> tuple[int, int, int]:
    """Count the arithmetic of a function in its text; constants alone cost nothing."""
    found = {ast.Mult: 0, ast.Add: 0, ast.Div: 0}

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Subscript):
            return
        if isinstance(node, ast.BinOp):
            kind = type(node.op)
            both = isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)
            if not (kind is ast.Div and both):
                found[ast.Add if kind is ast.Sub else kind] += 1
        for child in ast.iter_child_nodes(node):
            visit(child)

    for statement in function.body[1:]:
        visit(statement)
    return found[ast.Mult], found[ast.Add], found[ast.Div]


@each_recipe
def test_the_report_counts_what_the_text_does(recipe: Recipe) -> None:
    tree = ast.parse(codegen.source(recipe))
    texts = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    lines = []
    for function in recipe.functions():
        if isinstance(function, Program):
            node = texts[function.name]
            multiplications, additions, divisions = counted(node)
            counts = function.counts()
            assert (counts.multiplications, counts.additions, counts.divisions) == (
                multiplications, additions, divisions
            )  # fmt: skip
            line = f"{multiplications} multiplications, {additions} additions"
            line += f", {divisions} divisions" if divisions else ""
            assert f"{line}." in (ast.get_docstring(node) or "")
            lines.append(f"{function.name}: {line}")
    assert codegen.report(recipe) == "\n".join(lines)


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ImportError(f"{{name}} is not there")
sys.meta_path.insert(0, Blocker())
import runpy, numpy as np
found = runpy.run_path({path!r})
out = found["unpack"](found["pack"]({tensor}))
print(abs(np.asarray(out) - np.arange(36).reshape(6, 6) - np.arange(36).reshape(6, 6).T).max())
"""


@each_target
def test_files_stand_alone(target: Any, tmp_path: Path) -> None:
    path = tmp_path / "elastic.py"
    path.write_text(codegen.source(TensorRecipe("elastic", form="voigt"), target))
    blocked = {"natural_tensors", "codegen", "carnet_model", "sympy", "flint"}
    tensor = "np.arange(36.0).reshape(6, 6) + np.arange(36.0).reshape(6, 6).T"
    if target == "numpy":
        blocked.add("torch")
    else:
        tensor = f"__import__('torch').as_tensor({tensor})"
        blocked.discard("sympy")  # torch itself may look for it
    code = BLOCKED.format(blocked=blocked, path=str(path), tensor=tensor)
    result = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False,
        cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 1e-13


def test_recipes_are_values() -> None:
    assert TensorRecipe("elastic") == TensorRecipe("elastic")
    assert hash(ConvolutionRecipe(2)) == hash(ConvolutionRecipe(2))
    assert len({json.dumps(r.settings()) + r.kind for r in RECIPES}) == len(RECIPES)


def test_golden_files_run() -> None:
    for name in GOLDEN:
        assert runpy.run_path(str(FOLDER / f"{name}.py"))


def test_a_string_is_a_tensor() -> None:
    assert codegen.source("elastic") == codegen.source(TensorRecipe("elastic"))
    assert codegen.load("ij=-ji", "numpy") is codegen.load(TensorRecipe("ij=-ji"), "numpy")
    assert codegen.report("elastic") == codegen.report(TensorRecipe("elastic"))
    with pytest.raises(TypeError, match="expected a recipe such as"):
        codegen.source(3)  # type: ignore[arg-type]


if __name__ == "__main__":
    for golden, wanted in GOLDEN.items():
        (FOLDER / f"{golden}.py").write_text(codegen.source(wanted), encoding="utf-8", newline="\n")
        print(f"wrote tests/golden/{golden}.py")
    for golden, wanted in GOLDEN_CPP.items():
        text = codegen.source(wanted, "cpp")
        (FOLDER / f"{golden}.cpp").write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote tests/golden/{golden}.cpp")
