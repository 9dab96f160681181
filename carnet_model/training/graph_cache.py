"""Graphs of structures, kept on disk between trainings."""

from __future__ import annotations

import hashlib
import inspect
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from natural_tensors.files.saving import FileError, NoFolderError, remove_leftovers, write_bytes
from natural_tensors.files.saving import cache_folder as base_folder

from ..structures import geometry, graph, neighbours
from ..structures.geometry import Geometry
from ..structures.graph import Graph

Numbers: TypeAlias = NDArray[Any]
"""Integers or floating-point numbers."""

KEPT_CACHES = 8
"""Sets of graphs that are kept on disk; the oldest go."""


def cache_folder() -> Path:
    """Return where graphs are kept: in ``NATURAL_TENSORS_CACHE``, or in the user's cache."""
    try:
        return base_folder() / "graphs"
    except NoFolderError:
        return Path(os.devnull)  # where nothing can be kept


def graphs(structures: Sequence[Geometry], cutoff: float, cache: Path | None = None) -> list[Graph]:
    """Return the graphs of structures, from disk when the same were built before.

    The name of the file is a hash of the structures, the cutoff and the code that builds graphs;
    a file that cannot be read is written anew, and where the folder cannot be written the graphs
    are built each time.

    Args:
        structures: in the order wanted.
        cutoff: angstrom.
        cache: the folder; that of the user when left out.
    """
    folder = cache_folder() if cache is None else cache
    path = folder / f"{_fingerprint(structures, cutoff)}.npz"
    stored = _load_graphs(path, len(structures))
    if stored is not None:
        return stored
    built = [graph.build(structure, cutoff) for structure in structures]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_leftovers(folder)
        write_bytes(str(path), _dump_graphs(built))
        for old in sorted(folder.glob("*.npz"), key=_age)[KEPT_CACHES:]:
            old.unlink(missing_ok=True)
    except (OSError, FileError):
        pass
    return built


def _age(path: Path) -> float:
    """Return a number that is the larger, the longer ago the file was used."""
    try:
        return -path.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0


def _fingerprint(structures: Iterable[Geometry], cutoff: float) -> str:
    """Return a hash of structures, cutoff and the files that build graphs."""
    digest = hashlib.sha256()
    for code in (graph, geometry, neighbours):
        digest.update(inspect.getsource(code).encode())
    digest.update(f"{cutoff!r}".encode())
    for structure in structures:
        digest.update(f"{len(structure)} {structure.periodic}".encode())
        for array, kind in (
            (structure.numbers, "<i8"),
            (structure.positions, "<f8"),
            (structure.cell, "<f8"),
        ):
            digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()


def _dump_graphs(built: Sequence[Graph]) -> bytes:
    """Return graphs as one archive: each array of all of them joined, with its rows in each."""
    arrays: dict[str, Numbers] = {}
    for part in fields(Graph):
        values = [getattr(each, part.name) for each in built]
        joined = np.concatenate(values)
        if joined.dtype.kind == "i" and joined.size:
            joined = joined.astype(np.result_type(*map(np.min_scalar_type, _ends(joined))))
        arrays[part.name] = joined
        arrays[f"{part.name}-rows"] = np.array([len(value) for value in values], dtype=np.int64)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _ends(values: Numbers) -> tuple[int, int]:
    """Return the least and the largest value."""
    return int(values.min()), int(values.max())


def _load_graphs(path: Path, count: int) -> list[Graph] | None:
    """Return so many graphs of a file; None when it is not there, or not as written."""
    if not path.is_file():
        return None
    columns: dict[str, list[Numbers]] = {}
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            for part in fields(Graph):
                joined, rows = file[part.name], file[f"{part.name}-rows"]
                if joined.dtype.kind in "iu":
                    joined = joined.astype(np.int64)
                if len(rows) != count or rows.sum() != len(joined):
                    return None
                columns[part.name] = np.split(joined, np.cumsum(rows)[:-1])
        os.utime(path)
    except Exception:  # cut short, damaged, of another version: built anew
        return None
    return [Graph(**{name: columns[name][row] for name in columns}) for row in range(count)]
