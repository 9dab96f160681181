"""Generated modules imported from a cache that knows them by what generates them."""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.files.saving import FileError, cache_folder, open_cache, write_bytes

from .compiled.module import compiled_module
from .generation import as_recipe, is_intact, language_named, provenance, source
from .recipes.recipe import Recipe
from .targets.registry import Target

PACKAGE = "_natural_tensors_generated"
"""Where generated modules stand among those that are imported."""

GENERATORS = (
    "codegen",
    "natural_tensors/arrays.py",
    "natural_tensors/decomposition",
    "natural_tensors/exact",
    "natural_tensors/expressions",
    "natural_tensors/invariants",
    "natural_tensors/physical",
    "natural_tensors/so3",
)
"""Files and folders, beside each other, whose content decides what is generated."""


@cache
def generator(root: Path) -> str:
    """Return a hash of the code under a root that generates: another one finds no old file."""
    digest = hashlib.sha256(f"{__version__} {CONVENTIONS}".encode())
    for place in GENERATORS:
        path = root / place
        for file in [path] if path.suffix else sorted(path.rglob("*.py")):
            digest.update(f"{file.relative_to(root).as_posix()}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def fingerprint(recipe: Recipe, target: Target, root: Path | None = None) -> str:
    """Return a hash of recipe and generator: another one whenever the source may be another.

    Args:
        recipe: what is generated.
        target: the language.
        root: folder of the packages that generate; that of this one when omitted.
    """
    root = Path(__file__).parents[1] if root is None else root
    key = "\n".join([generator(root), *provenance(recipe, target)])
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def load(
    recipe: Recipe | str, target: Target = "torch", *, folder: Path | None = None
) -> ModuleType:
    """Return the module of a recipe, generating it when the cache does not hold it.

    The file's name holds a hash of the recipe and of the generator. A file whose content does not
    have the hash its header states, or whose header names another recipe, is written anew. Files
    are written atomically, so several processes may load at once; where the folder cannot be
    written, or there is none, the module lives in memory only. A folder that another user owns or
    may write is refused: what lies there is run.

    Args:
        recipe: what to generate; a string is the name or index symmetry of a tensor.
        target: the language: ``"torch"``, ``"numpy"``, or ``"cpp"`` for functions of both that this
            machine's compiler builds when they are called.
        folder: cache folder; the user's when omitted.

    Raises:
        ValueError: when there is no such language.
        FileError: when another user owns the folder, or may write it.

    Example:
        >>> import numpy as np
        >>> parts = load("dielectric", "numpy").decompose(np.diag([1.0, 2.0, 3.0]))
        >>> {key: part.shape for key, part in parts.items()}
        {(0, 0): (), (2, 0): (3, 3)}
    """
    recipe = as_recipe(recipe)
    language = language_named(target)
    name = f"{recipe.kind}_{target}_{fingerprint(recipe, target)}"
    qualified = f"{PACKAGE}.{name}"
    if qualified in sys.modules:
        return sys.modules[qualified]
    if not language.importable:
        return sys.modules.setdefault(qualified, compiled_module(recipe, qualified))
    path: Path | None = None
    with suppress(OSError):  # no folder: the module lives in memory
        place = open_cache(folder or cache_folder())
        path = place / f"{name}{language.suffix}"
    text = "" if path is None else _cached(path)
    if not is_intact(text) or "\n".join(provenance(recipe, target)) not in text:
        text = source(recipe, target)
        if path is not None:
            with suppress(FileError):
                write_bytes(str(path), text.encode())
    module = ModuleType(qualified, recipe.title)
    file = f"<{name}>" if path is None else str(path)
    module.__file__ = file
    exec(compile(text, file, "exec"), module.__dict__)  # the text that was checked
    return sys.modules.setdefault(qualified, module)


def forget() -> None:
    """Forget the modules that were loaded, so that they are loaded from the cache again."""
    for name in [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]


def _cached(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
