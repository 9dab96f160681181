"""Whether the three packages of one distribution stand side by side, or another is in between.

`codegen` is also the name of a package that is none of ours. Installed into the same folder it
overwrites files of ours or is overwritten, depending on which came last; from another folder, one
hides the other.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from .errors import InputError

OURS = Path(__file__).resolve().parents[1] / "codegen"
"""Where our package codegen is."""


class InstallationError(InputError, ImportError):
    """A package that is not there, or not the one it should be."""


def wrong_codegen() -> str | None:
    """Say in one sentence what is wrong with the package ``codegen``; None when it is ours."""
    spec = find_spec("codegen")
    origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
    if origin is None:
        found = "is nowhere to be found"
    elif origin != OURS / "__init__.py":
        found = f"is another one, {origin}"
    elif _is_overwritten(origin) or _is_mixed():
        found = f"is mixed with another one in {OURS}"
    else:
        return None
    return (
        f"the package codegen that belongs to natural-tensors {found}: uninstall the other one "
        "(pip uninstall codegen), reinstall natural-tensors, and run Python in no folder that "
        "holds a codegen"
    )


def check_codegen() -> None:
    """Refuse to go on with another package called ``codegen``.

    Raises:
        InstallationError: when it is not ours.
    """
    if wrong := wrong_codegen():
        raise InstallationError(wrong)


def _is_overwritten(face: Path) -> bool:
    """Say whether the first line of our ``__init__`` is not ours."""
    with face.open(encoding="utf-8", errors="replace") as file:
        return "natural_tensors" not in file.readline()


def _is_mixed() -> bool:
    """Say whether a distribution called codegen is installed into our folder."""
    try:
        return Path(str(distribution("codegen").locate_file("codegen"))).resolve() == OURS
    except PackageNotFoundError:
        return False
