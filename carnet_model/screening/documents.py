"""What a screening reads: documents, the pieces of inputs that hold a structure each, or a few.

Whoever lists documents parses none of them; the workers do (`parsing`).
"""

from __future__ import annotations

import hashlib
import os
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Literal, NamedTuple

from natural_tensors.errors import InputError, translated
from natural_tensors.files.contents import PIECE, UNPACKERS

from ..structures.geometry import GeometryError, geometry_error
from ..structures.reading import is_structure_name
from .cutting import CUTS, Cut, rows_of_database, rows_of_parquet, whole

Kind = Literal["json", "xyz", "member", "file", "error"]
"""What a document is: a record, a frame, a file of an archive, a file by its path, a message."""

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Files whose members are read."""

STREAMED = tuple(ending + packed for ending in CUTS for packed in ("", *UNPACKERS))
"""Files that are cut into documents while they are read."""


class Document(NamedTuple):
    """Part of an input that is parsed on its own.

    Attributes:
        origin: the file, and the member of an archive after a slash, as they were named.
        number: of its first structure in the file, from 1.
        kind: how `content` is read.
        content: the bytes; nothing for a file, which is read by its path.
        digest: of the content.
    """

    origin: str
    number: int
    kind: Kind
    content: bytes
    digest: bytes


class InputsError(InputError, ValueError):
    """Inputs that cannot be screened."""


def documents(place: str, leave_out: Path | None = None) -> Iterator[Document]:
    """Yield the documents of an input, in an order that is always the same.

    What cannot be read is a document in its place, and costs none of the others.

    Args:
        place: a file, or a folder, which is read with the folders in it by the names of files.
        leave_out: a folder that is not looked into.

    Raises:
        InputsError: when there is no such file or folder.
    """
    path = Path(place)
    with translated(lambda reason: InputsError(f"{place}: cannot be read: {reason}")):
        is_folder, exists = path.is_dir(), path.exists()
    if not exists:
        raise InputsError(f"{place}: there is no such file or folder\ncheck the path")
    if is_folder:
        yield from _of_folder(path, leave_out)
    else:
        yield from _of_file(path)


def _of_folder(folder: Path, leave_out: Path | None) -> Iterator[Document]:
    try:
        with translated(partial(_unreadable, str(folder))), os.scandir(folder) as entries:
            names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except GeometryError as error:
        yield _error(str(folder), 1, error)
        return
    for name, is_folder in names:
        if name.startswith("."):
            continue
        place = folder / name
        if is_folder:
            if leave_out is None or place.resolve() != leave_out:
                yield from _of_folder(place, leave_out)
        elif is_read(name) and place.is_file():
            yield from _of_file(place)


def is_read(name: str) -> bool:
    """Say whether a file of a folder or archive is read, by its name."""
    lower = name.lower()
    return is_structure_name(name) or lower.endswith((*STREAMED, *ARCHIVES))


def _unreadable(origin: str, reason: str) -> GeometryError:
    return geometry_error(origin, f"cannot be read: {reason}", "check the file and its rights")


def _error(origin: str, number: int, error: InputError) -> Document:
    content = str(error).encode()
    return _document(origin, number, "error", content)


def _document(origin: str, number: int, kind: Kind, content: bytes) -> Document:
    return Document(origin, number, kind, content, hashlib.sha256(content).digest())


def _of_file(path: Path) -> Iterator[Document]:
    origin, name = str(path), path.name.lower()
    if name.endswith(ARCHIVES):
        yield from _guarded(origin, _of_archive(path))
    elif name.endswith(".db"):
        yield from _numbered(origin, _records(rows_of_database(path)))
    elif name.endswith(".parquet"):
        yield from _numbered(origin, _records(rows_of_parquet(origin)))
    elif name.endswith(STREAMED):
        yield from _numbered(origin, _cut_file(path))
    else:
        yield from _guarded(origin, _by_path(path))


def _records(rows: Iterator[bytes]) -> Iterator[tuple[Kind, bytes]]:
    return (("json", row) for row in rows)


def _by_path(path: Path) -> Iterator[Document]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    yield Document(str(path), 1, "file", b"", digest.digest())


def _cut_file(path: Path) -> Iterator[tuple[Kind, bytes]]:
    with path.open("rb") as file:
        yield from _cut_stream(path.name, file)


def _cut_stream(name: str, stream: IO[bytes]) -> Iterator[tuple[Kind, bytes]]:
    """Yield kinds and contents of a file that is open, by its name."""
    lower = name.lower()
    packed = next((ending for ending in UNPACKERS if lower.endswith(ending)), "")
    kind, cut = _cut_of(lower.removesuffix(packed))
    if kind == "member":  # read by its whole name, packed or not
        packed = ""
    with UNPACKERS[packed](stream, "rb") if packed else _kept(stream) as opened:
        yield from ((kind, content) for content in cut(opened))


@contextmanager
def _kept(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    yield stream


def _cut_of(name: str) -> tuple[Kind, Cut]:
    for ending, (kind, cut) in CUTS.items():
        if name.endswith(ending):
            return kind, cut
    return "member", whole


def _numbered(origin: str, contents: Iterator[tuple[Kind, bytes]]) -> Iterator[Document]:
    """Number the documents of a file; an error ends it, in place of what was to come."""
    number = 0
    try:
        with translated(partial(_unreadable, origin)):
            for number, (kind, content) in enumerate(contents, start=1):
                yield _document(origin, number, kind, content)
    except InputError as error:
        yield _error(origin, number + 1, error)
    else:
        if not number:
            yield _error(origin, 1, geometry_error(origin, "holds no structure"))


def _guarded(origin: str, found: Iterator[Document]) -> Iterator[Document]:
    try:
        with translated(partial(_unreadable, origin)):
            yield from found
    except InputError as error:
        yield _error(origin, 1, error)


def _of_archive(path: Path) -> Iterator[Document]:
    """Yield the documents of the members, in the order they are packed."""
    if path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and _is_member(info.filename):
                    with archive.open(info) as stream:
                        yield from _of_member(path, info.filename, stream)
        return
    with tarfile.open(path, "r|*") as packed:  # as a stream: nothing is kept
        for member in packed:
            if member.isfile() and _is_member(member.name):
                content = packed.extractfile(member)
                if content is not None:
                    yield from _of_member(path, member.name, content)
            packed.members = []  # type: ignore[attr-defined]  # would grow with the archive


def _is_member(name: str) -> bool:
    parts = Path(name).parts
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return not hidden and is_read(name) and not name.lower().endswith(ARCHIVES)


def _of_member(path: Path, name: str, stream: IO[bytes]) -> Iterator[Document]:
    yield from _numbered(f"{path}/{name}", _cut_stream(Path(name).name, stream))
