"""The weights that come with the package: their names and folders."""

from __future__ import annotations

from pathlib import Path

from natural_tensors.errors import InputError

WEIGHTS = Path(__file__).parent
"""Where the weights that come with the package are, one folder for each name."""


class ModelError(InputError, ValueError):
    """Weights that do not exist or cannot be used."""


def shipped() -> tuple[str, ...]:
    """Return the names of the weights that come with the package."""
    return tuple(sorted(path.parent.name for path in WEIGHTS.glob("*/model.json")))


def folder_of(name: str | Path) -> Path:
    """Return the folder of shipped weights of this name; any other name is taken for a path."""
    return WEIGHTS / str(name) if str(name) in shipped() else Path(name)


def checkpoint_of(name: str | Path) -> Path | None:
    """Return the folder of weights of ours; None where the name says something else."""
    folder = folder_of(name)
    return folder if folder.is_dir() else None
