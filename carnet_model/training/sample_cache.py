"""Where stores of samples are kept between trainings, and when one serves again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa

import natural_tensors
from natural_tensors.errors import translated
from natural_tensors.files.saving import NoFolderError, remove_leftovers, temporary
from natural_tensors.files.saving import cache_folder as base_folder

from ..data.examples import DatasetError, Example, dataset_error
from ..data.fingerprints import fingerprint_of
from ..data.tables import structure_files
from ..network.targets import Target
from .sample_store import Store, StoreWriter

Fill: TypeAlias = Callable[[StoreWriter], Sequence[str]]
"""Adds samples to a store, at least one, and returns remarks on them."""

KEPT_STORES = 8
"""Stores that are kept on disk; the oldest go."""

LIBRARIES = ("numpy", "ase", "pymatgen", "spglib", "vesin", "pyarrow")
"""What reads structures besides our own code: another version reads anew."""


def cache_folder() -> Path:
    """Return where stores are kept: in ``NATURAL_TENSORS_CACHE``, or in the user's cache."""
    try:
        return base_folder() / "samples"
    except NoFolderError:
        return Path(os.devnull)  # where nothing can be kept


def stored(
    key: bytes, targets: Sequence[Target], cutoff: float, fill: Fill, folder: Path | None = None
) -> Store:
    """Return a store from disk, where it was written before; else write it.

    A file that cannot be read is written anew; where none can be written, memory holds the store.

    Args:
        key: names what is in it; the code that reads it, targets and cutoff are added.
        targets: whose labels it holds.
        cutoff: of the graphs, angstrom.
        fill: adds the samples.
        folder: where it is kept; in the user's cache when left out.
    """
    folder = cache_folder() if folder is None else folder
    digest = hashlib.sha256(key + code_digest() + f"{targets!r} {cutoff!r}".encode())
    path = folder / f"{digest.hexdigest()}.arrow"
    found = _opened(path, targets)
    if found is None and _written(path, cutoff, fill):
        found = _opened(path, targets)
    if found is not None:
        return found
    buffer = pa.BufferOutputStream()
    _fill(StoreWriter(buffer, cutoff), fill)
    return Store(pa.BufferReader(buffer.getvalue()), targets)


def _fill(writer: StoreWriter, fill: Fill) -> None:
    writer.finish(fill(writer))


def _written(path: Path, cutoff: float, fill: Fill) -> bool:
    """Write a store, the whole file or nothing; say whether the disk took it."""
    place = temporary(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        with pa.OSFile(str(place), "wb") as sink:
            _fill(StoreWriter(sink, cutoff), fill)
        os.replace(place, path)
        for old in sorted(path.parent.glob("*.arrow"), key=_age)[KEPT_STORES:]:
            old.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        if path.parent.is_dir():
            place.unlink(missing_ok=True)
    return True


def _opened(path: Path, targets: Sequence[Target]) -> Store | None:
    """Return the store of a file; None when it is not there, or not as written."""
    if not path.is_file():
        return None
    try:
        found = Store(pa.memory_map(str(path)), targets)
        os.utime(path)
    except Exception:  # cut short, damaged, of another version: written anew
        return None
    return found


def _age(path: Path) -> float:
    """Return a number that is the larger, the longer ago the file was used."""
    try:
        return -path.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0


@cache
def code_digest() -> bytes:
    """Return a hash of all that reads structures and labels: our code, and versions of others'."""
    digest = hashlib.sha256()
    for package in (Path(natural_tensors.__file__).parent, Path(__file__).parents[1]):
        for path in sorted(package.rglob("*.py")):
            digest.update(path.read_bytes())
    for name in LIBRARIES:
        digest.update(f"{name} {version(name)}\0".encode())
    return digest.digest()


def digest_of_files(paths: Iterable[str | Path]) -> bytes:
    """Return a hash of files, and of the structures that tables name and folders hold.

    Raises:
        DatasetError: when one cannot be read.
    """
    digest = hashlib.sha256()
    for path in map(Path, paths):
        with translated(partial(_unreadable, path), keep=DatasetError):
            for file in (path, *structure_files(path)):
                digest.update(f"{file.name}\0".encode(errors="replace"))
                if file.is_file():
                    with file.open("rb") as content:
                        digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.digest()


def _unreadable(path: Path, reason: str) -> DatasetError:
    return dataset_error(str(path), f"cannot be read: {reason}")


def digest_of_examples(examples: Iterable[Example]) -> bytes:
    """Return a hash of structures and labels, in their order."""
    digest = hashlib.sha256()
    for example in examples:
        geometry = example.geometry
        facts = (fingerprint_of(example), example.split, geometry.periodic, example.source)
        digest.update(f"{facts}".encode())
        for array, kind in (
            (geometry.numbers, "<i8"),
            (geometry.positions, "<f8"),
            (geometry.cell, "<f8"),
        ):
            digest.update(f"{array.shape}".encode())
            digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.digest()
