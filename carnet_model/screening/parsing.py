"""Documents parsed into structures, each with its id: what the workers begin with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from natural_tensors.errors import InputError, translated

from ..prediction.result import Failure
from ..structures.conversion import geometry
from ..structures.geometry import Geometry, GeometryError, geometry_error
from ..structures.reading import read_geometries, xyz_atoms
from .cutting import NAMES
from .documents import Document


def structures(document: Document) -> Iterator[Geometry | Failure]:
    """Yield the structures of a document, or why one cannot be read, each named by its id."""
    unnamed = f"{document.origin}#{document.number}"
    try:
        with translated(lambda reason: geometry_error(unnamed, f"cannot be read: {reason}")):
            yield from _PARSERS[document.kind](document, unnamed)
    except InputError as error:
        known = error if isinstance(error, GeometryError) else GeometryError(str(error))
        yield replace(Failure.of(known, document.origin), name=unnamed)


def name_of(document: Document) -> str:
    """Return the id of a document that is not parsed: of one that no worker survives."""
    unnamed = f"{document.origin}#{document.number}"
    if document.kind != "json":
        return unnamed
    try:
        return _id_of(json.loads(document.content), unnamed)
    except (ValueError, RecursionError):
        return unnamed


def _id_of(record: object, unnamed: str) -> str:
    keys = record if isinstance(record, Mapping) else {}
    return next((str(keys[key]) for key in NAMES if keys.get(key) not in (None, "")), unnamed)


def _named(record: object, name: str) -> Geometry | Failure:
    """Return a structure under its id; what is wrong with it is a failure of this id."""
    try:
        with translated(partial(geometry_error, name)):
            return replace(geometry(record, name=name), name=name)
    except GeometryError as error:
        return replace(Failure.of(error, name), name=name)


def _of_json(document: Document, unnamed: str) -> Iterator[Geometry | Failure]:
    record = json.loads(document.content)
    if isinstance(record, dict) and "nextid" in record:  # a database of ASE in JSON
        yield from _of_bytes(document.origin, document.content)
        return
    name = _id_of(record, unnamed)
    if isinstance(record, dict):
        if isinstance(record.get("structure"), str):  # a table holds text
            record["structure"] = json.loads(record["structure"])
        elif isinstance(record.get("cif"), str) and "numbers" not in record:
            found = list(_of_bytes("entry.cif", record["cif"].encode()))
            yield from (replace(each, name=name) for each in found[:1])
            return
    yield _named(record, name)


def _of_frame(document: Document, unnamed: str) -> Iterator[Geometry | Failure]:
    atoms = xyz_atoms(document.content.decode())
    yield _named(atoms, _id_of(atoms.info, unnamed))


def _of_file(document: Document, unnamed: str) -> Iterator[Geometry | Failure]:
    yield from _of_path(document.origin, document.origin)


def _of_member(document: Document, unnamed: str) -> Iterator[Geometry | Failure]:
    yield from _of_bytes(document.origin, document.content)


def _of_bytes(origin: str, content: bytes) -> Iterator[Geometry | Failure]:
    """Read a file that is in memory only, by the last part of its name."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / Path(origin).name
        place.write_bytes(content)
        yield from _of_path(str(place), origin)


def _of_path(path: str, origin: str) -> Iterator[Geometry | Failure]:
    """Read a file; what has no name of its own is called ``origin#number``."""
    for number, entry in enumerate(read_geometries(path), start=1):
        stated = entry.name not in (path, f"{path}#{number}", "")
        name = entry.name if stated else f"{origin}#{number}"
        found = Failure.of(entry, path) if isinstance(entry, GeometryError) else entry
        yield replace(found, name=name)


def _of_error(document: Document, unnamed: str) -> Iterator[Geometry | Failure]:
    first, *advice = document.content.decode().split("\n")
    reason = first.removeprefix(f"{document.origin}: ")
    yield Failure(unnamed, reason, "; ".join(advice))


_PARSERS = {
    "json": _of_json,
    "xyz": _of_frame,
    "file": _of_file,
    "member": _of_member,
    "error": _of_error,
}
