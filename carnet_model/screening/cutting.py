"""Streams of bytes cut into documents, without parsing the structures in them.

Only the ends of documents are looked for: of lines, of frames by their counts, of values of JSON.
No more than one document is held at a time.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

from natural_tensors import limits
from natural_tensors.errors import translated
from natural_tensors.files.contents import read_stream

from ..data.reading import IDENTIFIERS
from ..structures.geometry import GeometryError
from ..structures.reading import stream_rows

LARGEST = 64_000_000
"""Bytes of one document; a million atoms of JSON have about as many."""

PIECE = 1 << 20
"""Bytes that are read at once."""

SPACE = " \t\r\n"

NAMES = (*IDENTIFIERS, "name")
"""Keys of a record that may name it, the first one that does."""


def lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines that hold something.

    Raises:
        GeometryError: at a line longer than `LARGEST`.
    """
    while line := stream.readline(LARGEST + 1):
        if len(line) > LARGEST:
            raise _too_long("a line")
        if line.strip():
            yield line.strip()


def frames(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the frames of an XYZ file; what begins with no count ends it, as one last frame.

    Raises:
        GeometryError: at a frame longer than `LARGEST`, or of more atoms than the limit.
    """
    while first := stream.readline(LARGEST):
        if not (word := first.strip()):
            continue
        if not word.isdigit():
            yield first[:200]  # the one who parses it says what is wrong
            return
        most = limits.limit("atoms")
        if len(word) > len(str(most)) or int(word) > most:
            raise GeometryError(
                f"a frame states {word[:20].decode()} atoms, more than the limit of {most:,}\n"
                "raise it by --limit atoms=NUMBER before the command, or check the file"
            )
        held, size = [first], len(first)
        for _ in range(int(word) + 1):
            line = stream.readline(LARGEST)
            size += len(line)
            if size > LARGEST:
                raise _too_long("a frame")
            held.append(line)
        yield b"".join(held)


def json_values(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the entries of a list, or of the list ``data`` of an object; else the whole object.

    Raises:
        GeometryError: when it is no JSON; the entries before are yielded.
    """
    text = _Scanner(stream)
    if text.peek() == "[":
        yield from _entries(text)
    elif text.peek() == "{":
        yield from _of_object(text)
    elif text.peek():
        yield text.take()[0].encode()
    else:
        raise GeometryError("the file is empty")


def _entries(text: _Scanner) -> Iterator[bytes]:
    text.skip("[")
    while text.peek() != "]":
        yield text.take()[0].encode()
        if text.peek() == "]":
            break
        text.skip(",")
    text.skip("]")


def _of_object(text: _Scanner) -> Iterator[bytes]:
    members: list[str] = []
    listed = False
    text.skip("{")
    while text.peek() != "}":
        written, key = text.take()
        text.skip(":")
        if key == "data" and text.peek() == "[":  # an answer of OPTIMADE
            listed = True
            yield from _entries(text)
        else:
            members.append(f"{written}: {text.take()[0]}")
            text.check(sum(map(len, members)))
        if text.peek() == "}":
            break
        text.skip(",")
    if not listed:
        yield ("{" + ", ".join(members) + "}").encode()


class _Scanner:
    """Values of JSON one after another, from a stream that is read piece by piece."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._text = codecs.getincrementaldecoder("utf-8-sig")()
        self._held, self._at = "", 0
        self._decode = json.JSONDecoder().raw_decode

    def _fill(self) -> bool:
        """Read on, as much as is held; say whether there was more."""
        left = self._held[self._at :]
        raw = self._stream.read(max(PIECE, len(left)))
        with translated(_damaged):
            self._held, self._at = left + self._text.decode(raw, final=not raw), 0
        self.check(len(left))
        return bool(raw)

    def check(self, length: int) -> None:
        """Refuse what is longer than a document may be."""
        if length > LARGEST:
            raise _too_long("an entry")

    def peek(self) -> str:
        """Return the next character that is no space; nothing at the end."""
        while True:
            while self._at < len(self._held):
                if self._held[self._at] not in SPACE:
                    return self._held[self._at]
                self._at += 1
            if not self._fill():
                return ""

    def skip(self, character: str) -> None:
        """Pass the character that must come next."""
        if self.peek() != character:
            there = f"{self.peek()!r}" if self.peek() else "the end"
            raise _damaged(f"{there} stands where {character!r} must")
        self._at += 1

    def take(self) -> tuple[str, Any]:
        """Return the next value as it is written, and decoded."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._held, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if isinstance(error, RecursionError) or not self._fill():
                    raise _damaged(str(error)) from None
                continue
            if end == len(self._held) and self._fill():
                continue  # a number may go on
            written = self._held[self._at : end]
            self._at = end
            return written, value


def rows_of_parquet(file: IO[bytes] | str) -> Iterator[bytes]:
    """Yield the rows of a Parquet file as JSON objects; few row groups' pages are held at a time.

    Raises:
        GeometryError: when it cannot be read.
    """
    import pyarrow.parquet as pq

    with translated(_damaged):
        if not isinstance(file, str):  # the columns lie all over it
            file = io.BytesIO(read_stream(file))
        table = pq.ParquetFile(file, buffer_size=PIECE)
        batches = iter(table.iter_batches(batch_size=256))
    while True:
        with translated(_damaged):
            batch = next(batches, None)
        if batch is None:
            return
        for row in batch.to_pylist():
            yield json.dumps(row, default=_as_json).encode()


def _as_json(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else str(value)


def rows_of_database(path: Path) -> Iterator[bytes]:
    """Yield the rows of a database of ASE as JSON objects.

    Raises:
        GeometryError: when it cannot be read.
    """
    for row in stream_rows(path):
        pairs = row.key_value_pairs
        named = {key: str(pairs[key]) for key in NAMES if key in pairs}
        record = {
            "numbers": row.numbers.tolist(),
            "positions": row.positions.tolist(),
            "lattice": row.cell.tolist(),
            "periodic": [bool(flag) for flag in row.pbc],
            **(named or {"id": f"{path}#{row.id}"}),
        }
        yield json.dumps(record).encode()


def whole(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield all that a stream holds, no more than the limit ``file``."""
    yield read_stream(stream)


Cut = Callable[[IO[bytes]], Iterator[bytes]]
"""How a stream becomes documents."""

CUTS: dict[str, tuple[Literal["json", "xyz"], Cut]] = {
    ".jsonl": ("json", lines),
    ".ndjson": ("json", lines),
    ".json": ("json", json_values),
    ".xyz": ("xyz", frames),
    ".extxyz": ("xyz", frames),
    ".parquet": ("json", rows_of_parquet),
}
"""By the ending of a file's name: the kind of its documents, and how they are found."""


def _damaged(reason: str) -> GeometryError:
    return GeometryError(f"cannot be read: {reason}; what comes before was read")


def _too_long(what: str) -> GeometryError:
    return GeometryError(
        f"{what} has more than {LARGEST:,} bytes\nsplit it; what comes before was read"
    )
