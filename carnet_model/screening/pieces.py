"""Documents in pieces: what is computed together, and becomes one part of the results.

A piece is known by a key: a hash of the names and contents of its documents. A run cuts its inputs
again, and does the pieces whose keys are not among the parts. Where a piece ends depends on what is
in it: an entry that is put in or taken out moves the ends near it, not those of all that follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .documents import Document

PART = 256
"""Most documents of a piece, unless it is changed: a few seconds of work."""

BYTES_EACH = 2_000
"""A piece ends when its documents have this many bytes for each that it may hold."""


@dataclass(frozen=True)
class Piece:
    """Documents that are computed together.

    Attributes:
        source: short name of the input they are from.
        number: of the piece in its input, from 0.
        documents: the documents.
    """

    source: str
    number: int
    documents: tuple[Document, ...]

    @cached_property
    def key(self) -> str:
        """Hash of what is computed, and of the names under which it is kept."""
        digest = hashlib.sha256()
        for each in self.documents:
            digest.update(f"{each.origin}\0{each.number}\0{each.kind}\0".encode(errors="replace"))
            digest.update(each.digest)
        return digest.hexdigest()[:24]

    @property
    def part(self) -> str:
        """Name of its part of the results, without an ending."""
        return f"{self.source}-{self.number:06d}-{self.key}"

    def __len__(self) -> int:
        return len(self.documents)


def source_of(place: str) -> str:
    """Return the short name of an input."""
    return hashlib.sha256(place.encode(errors="replace")).hexdigest()[:8]


def pieces(place: str, documents: Iterable[Document], most: int = PART) -> Iterator[Piece]:
    """Yield the documents of an input in pieces, in their order.

    Args:
        place: the input, as it was named.
        documents: of the input.
        most: documents of a piece.
    """
    source, number = source_of(place), 0
    held: list[Document] = []
    size = 0
    for document in documents:
        held.append(document)
        size += len(document.content)
        # a hash decides, so that the ends stay where they are when entries come or go before them
        drawn = int.from_bytes(document.digest[:4]) % max(most // 4, 1)
        early = 2 * len(held) >= most and not drawn
        if early or len(held) >= most or size >= most * BYTES_EACH:
            yield Piece(source, number, tuple(held))
            held, size, number = [], 0, number + 1
    if held:
        yield Piece(source, number, tuple(held))
