"""Bytes of a file, unpacked where it is packed, and never more than the limit."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .. import limits

UNPACKERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
"""How a file is opened, by the last suffix of its name."""

PIECE = 1 << 24
"""Bytes that are unpacked at once where only their number counts."""


def read_contents(path: Path) -> bytes:
    """Return the bytes of a file, unpacked when its name ends in .gz, .bz2 or .xz.

    Raises:
        LimitError: when they are more than the limit ``file``; no more than that is read.
        OSError, EOFError, LZMAError: when it cannot be read, or is damaged.
    """
    with _opened(path) as file:
        return read_stream(file)


def read_stream(file: IO[bytes]) -> bytes:
    """Return the bytes that are left in an open file.

    Raises:
        LimitError: when they are more than the limit ``file``; no more than that is read.
    """
    most = limits.limit("file")
    content = file.read(most + 1)
    if len(content) > most:
        raise _too_large()
    return content


def stream_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file of any size, unpacked as `read_contents` does.

    Raises:
        LimitError: when one of them is more than the limit ``file``.
        OSError, EOFError, LZMAError: when it cannot be read, or is damaged.
    """
    most = limits.limit("file")
    with UNPACKERS.get(path.suffix.lower(), open)(path, "rb") as file:
        while line := file.readline(most + 1):
            if len(line) > most:
                raise _too_large()
            yield line


def check_contents(path: Path) -> None:
    """Refuse a file that another library is to read, and that unpacks to more than the limit.

    Raises:
        LimitError: when it does.
        OSError, EOFError, LZMAError: when it cannot be read, or is damaged.
    """
    left = limits.limit("file")
    with _opened(path) as file:
        while path.suffix.lower() in UNPACKERS and (piece := file.read(PIECE)):
            left -= len(piece)
            if left < 0:
                raise _too_large()


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is not larger than the limit before it is unpacked."""
    size = path.stat().st_size
    limits.check("file", size, f"has {size:,} bytes")
    with UNPACKERS.get(path.suffix.lower(), open)(path, "rb") as file:
        yield file


def _too_large() -> limits.LimitError:
    return limits.LimitError(limits.refusal("file", math.inf, "goes on"))
