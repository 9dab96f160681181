"""What is asked of a predictor: one structure or many, objects or the paths of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..structures.conversion import geometry
from ..structures.geometry import Geometry, GeometryError
from ..structures.reading import read_geometries
from .result import Failure


def is_one(structures: object) -> bool:
    """Say whether an argument is one structure: those of pymatgen and ASE are iterable too."""
    if isinstance(structures, Geometry | Mapping | str | Path):
        return True
    libraries = {kind.__module__.partition(".")[0] for kind in type(structures).__mro__}
    return bool(libraries & {"pymatgen", "ase"}) or not isinstance(structures, Iterable)


def read(structures: Iterable[Any]) -> Iterator[Geometry | Failure]:
    """Yield structures, or why one cannot be read; a path yields all its structures.

    Args:
        structures: as in `Predictor.predict`.
    """
    for place, structure in enumerate(structures):
        if isinstance(structure, Failure):
            yield structure
            continue
        is_path = isinstance(structure, str | Path)
        label = str(structure) if is_path else f"structure {place}"
        entries: list[Geometry | GeometryError]
        try:
            entries = read_geometries(structure) if is_path else [geometry(structure)]
        except GeometryError as error:
            entries = [error]
        for entry in entries:
            yield Failure.of(entry, label) if isinstance(entry, GeometryError) else entry
