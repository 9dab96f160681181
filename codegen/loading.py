"""Generated modules loaded from a cache, by the content of what generates them."""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType

from natural_tensors import CONVENTIONS, __version__
from natural_tensors.files.saving import FileError, cache_folder, write_bytes

from .generation import DIALECTS, Target, as_recipe, is_intact, provenance, source
from .recipes.recipe import Recipe

GENERATORS = ("codegen", *(
    f"natural_tensors/{room}" for room in ("exact", "so3", "decomposition", "physical", "arrays.py")
))  # fmt: skip
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


def fingerprint(recipe: Recipe, target: Target) -> str:
    """Return a hash of recipe and generator: another one whenever the source may be another."""
    key = "\n".join([generator(Path(__file__).parents[1]), *provenance(recipe, target)])
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def load(
    recipe: Recipe | str, target: Target = "torch", *, folder: Path | None = None
) -> ModuleType:
    """Return the module of a recipe, generating it when the cache does not hold it.

    The file's name holds a hash of the recipe and of the generator. A file whose content does not
    have the hash its header states, or whose header names another recipe, is written anew. Files
    are written atomically, so several processes may load at once; where the folder cannot be
    written the module lives in memory only.

    Args:
        recipe: what to generate; a string is the name or index symmetry of a tensor.
        target: ``"torch"`` or ``"numpy"``.
        folder: cache folder; :func:`cache_folder` when omitted.
    """
    recipe = as_recipe(recipe)
    if target not in DIALECTS:
        raise ValueError(
            f"target {target!r} is not one of {', '.join(map(repr, DIALECTS))}, "
            "which Python can load"
        )
    name = f"{recipe.kind}_{target}_{fingerprint(recipe, target)}"
    path = (folder or cache_folder()) / f"{name}.py"
    qualified = f"_natural_tensors_generated.{name}"
    if qualified in sys.modules:
        return sys.modules[qualified]
    text = _cached(path)
    if not is_intact(text) or "\n".join(provenance(recipe, target)) not in text:
        text = source(recipe, target)
        with suppress(OSError, FileError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(str(path), text.encode())
    module = ModuleType(qualified, recipe.title)
    module.__file__ = str(path)
    exec(compile(text, str(path), "exec"), module.__dict__)  # the text that was checked
    return sys.modules.setdefault(qualified, module)


def _cached(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
